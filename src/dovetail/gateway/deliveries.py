"""Downloads as the gateway runs them: into the home folder's models, told by the event hub."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from dovetail.catalog.delivery import order
from dovetail.catalog.downloads import Around, Download, Downloads
from dovetail.catalog.hub import HubSpec
from dovetail.core.errors import Conflict, InvalidRequest
from dovetail.core.request import Json
from dovetail.telemetry.hub import Listening

if TYPE_CHECKING:
    from dovetail.gateway.services import Services

RECORD = "downloads.json"
ENDED = frozenset({"done", "failed", "cancelled"})


def with_downloads(services: Services) -> Services:
    """The same services, with what downloads for them."""
    hub, home = services.hub, services.settings.home

    async def arrived() -> None:
        await asyncio.to_thread(services.catalog.refresh)
        hub.publish("models", "listed", {})

    downloads = Downloads(
        Around(
            models=home / "models",
            record=home / RECORD,
            settings=lambda: services.settings.hub,
            tell=lambda kind, data: hub.publish("downloads", kind, data),
            arrived=arrived,
        )
    )

    async def standing(_wanted: Listening) -> Json:
        return {"downloads": [downloads.shown(each) for each in downloads.list()]}

    hub.offer("downloads", standing)
    return replace(services, downloads=downloads)


def downloads_of(services: Services) -> Downloads:
    """Raises InvalidRequest (404) where there are none."""
    if services.downloads is None:
        raise InvalidRequest("this server downloads nothing", code="not_found", status=404)
    return services.downloads


async def begun(services: Services, spec: HubSpec, *, tied: bool = False) -> Download:
    """The download of `spec`, which may be under way already or paused. Raises what `Downloads.start` does.

    `tied`: where this sets it going, it is to stop with the last of those who wait for it (`attended`).
    """
    downloads = downloads_of(services)
    wanted = await downloads.errands.ask(lambda: order(spec))
    try:
        download = await downloads.start(wanted)
    except Conflict:
        same = (each for each in downloads.list() if each.order.repo == wanted.repo and each.state not in ENDED)
        download = next((each for each in same if each.order.files == wanted.files), None)
        if download is None:
            raise
        if download.state == "retrying":
            return await downloads.resume(download.id)
        if download.state != "paused":
            return download
        await downloads.resume(download.id)
    download.tied = tied
    return download


@asynccontextmanager
async def attended(services: Services, download: Download) -> AsyncGenerator[None]:
    """While somebody waits for it: where it is tied to them, it is paused when the last one leaves before its end."""
    download.waiting += 1
    try:
        yield
    finally:
        download.waiting -= 1
        going = download.state not in {*ENDED, "paused"}
        if going and download.tied and not download.waiting and not services.door.shut:
            await downloads_of(services).pause(download.id)
