"""What brings models and takes them away: `/api/pull` by the downloads there are, `/api/delete`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, nullcontext
from typing import Annotated

import orjson
from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from dovetail.catalog.downloads import Download
from dovetail.catalog.hub import parse_spec
from dovetail.core.caller import Caller
from dovetail.core.errors import DovetailError, InvalidRequest, ModelNotFound
from dovetail.core.request import JsonObject
from dovetail.gateway import disposal, errors, guard, wire
from dovetail.gateway.answers import Answer
from dovetail.gateway.deliveries import ENDED, attended, begun
from dovetail.gateway.deps import CallerDep, ServicesDep, receive_body
from dovetail.gateway.dialects.ollama.keeping import find, hub_name
from dovetail.gateway.json_answer import json_answer
from dovetail.gateway.openapi import answers, lines, reads
from dovetail.gateway.request_body import ClientLeft
from dovetail.gateway.sampling import ModelName
from dovetail.gateway.services import Services
from dovetail.gateway.streams import Download as Stream
from dovetail.gateway.wire import Inert, Named, Refused, also

router = APIRouter(tags=["ollama", "downloads"])

LOOK_EVERY = 0.25  # seconds between two lines of progress


class OllamaPull(Named):
    """The body of `/api/pull`."""

    model: Annotated[
        ModelName,
        Field(validation_alias=also("model", "name"), description="`hf.co/OWNER/NAME:QUANT`, or a model that is here."),
    ]
    stream: Annotated[bool | None, Field(description="False: one answer, once it is there.")] = None
    insecure: Annotated[object, Inert("It permits what is never made use of: connections to the hub are verified.")] = (
        None
    )
    username: Annotated[object, Refused("")] = None
    password: Annotated[object, Refused("")] = None


class OllamaDelete(Named):
    """The body of `/api/delete`."""

    model: Annotated[ModelName, Field(validation_alias=also("model", "name"))]


class OllamaProgress(Answer):
    """A line of progress, in bytes; the last one says `success`. `digest` names the download, nothing is hashed."""

    status: str
    digest: str | None = None
    total: int | None = None
    completed: int | None = None


class Removed(Answer):
    """Done."""

    status: str


@router.post("/api/pull", operation_id="ollamaPull", response_model=None)
@reads(OllamaPull)
@answers(OllamaProgress)
@lines(OllamaProgress)
async def pull(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """Fetches a model of the Hugging Face hub. The last client to leave pauses it; who asks again goes on with it."""
    body = await receive_body(request, services, OllamaPull)
    headers = wire.warnings(body, strict=services.settings.strict)
    guard.detail(request.scope, repo=body.model)
    download = await _wanted(services, caller, body.model)
    progress = _progress(services, download)
    if body.stream is not False:
        headers |= {"content-type": "application/x-ndjson"}
        return Stream(_lines(progress), services.streams, services.timing.stall, headers)
    async with aclosing(progress):
        async for _ in progress:
            if await request.is_disconnected():
                raise ClientLeft
    return json_answer({"status": "success"}, headers=headers)


@router.delete("/api/delete", operation_id="ollamaDelete", response_model=None)
@reads(OllamaDelete)
@answers(Removed)
async def delete(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """Removes a model: its entry and its files."""
    body = await receive_body(request, services, OllamaDelete)
    headers = wire.warnings(body, strict=services.settings.strict)
    model = await find(services, caller, body.model)
    guard.detail(request.scope, model=model.id, files="true")
    await disposal.dispose(services, model)
    return json_answer({"status": "success"}, headers=headers)


async def _wanted(services: Services, caller: Caller, name: str) -> Download | None:
    """What is to be fetched; None where the model is here. Raises InvalidRequest for a name of no hub's."""
    try:
        await find(services, caller, name)
    except ModelNotFound:
        pass
    else:
        return None
    if (hub := hub_name(name)) is None:
        raise InvalidRequest(
            f"{name[:256]} is not here, and Ollama's own library is not fetched from: name a model of the Hugging Face "
            f"hub, as hf.co/OWNER/NAME:QUANT",
            param="model",
        )
    return await begun(services, parse_spec(hub), tied=True)


async def _progress(services: Services, download: Download | None) -> AsyncGenerator[JsonObject]:
    """Its state, now and then, while somebody listens. Raises the download's failure."""
    # From the first line on: a client may have left before it.
    async with nullcontext() if download is None else attended(services, download):
        yield {"status": "pulling manifest"}
        while download is not None and download.state not in ENDED:
            if download.state == "paused":
                raise DovetailError(f"the download of {download.order.repo} was paused")
            yield _moved(download)
            await asyncio.sleep(LOOK_EVERY)
    if download is not None:
        if download.state != "done":
            raise download.error or DovetailError(f"the download of {download.order.repo} is {download.state}")
        yield _moved(download)
    yield {"status": "success"}


async def _lines(progress: AsyncGenerator[JsonObject]) -> AsyncGenerator[bytes]:
    try:
        async for told in progress:
            yield orjson.dumps(told) + b"\n"
    except DovetailError as error:
        yield errors.ollama_body(error) + b"\n"
    finally:
        await progress.aclose()


def _moved(download: Download) -> JsonObject:
    digest = download.order.digest
    return {
        "status": f"pulling {digest[:12]}",
        "digest": digest,
        "total": download.order.total,
        "completed": download.done,
    }
