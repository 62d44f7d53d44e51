"""Downloads as the gateway runs them: into the home folder's models, told by the event hub."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from dovetail.catalog.downloads import Around, Downloads
from dovetail.core.errors import InvalidRequest
from dovetail.core.request import Json
from dovetail.telemetry.hub import Listening

if TYPE_CHECKING:
    from dovetail.gateway.services import Services

RECORD = "downloads.json"


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
