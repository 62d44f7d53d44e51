"""Downloads from the hub, and what there is to download."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from dovetail.catalog import hub
from dovetail.catalog.delivery import order
from dovetail.catalog.downloads import Download, Downloads
from dovetail.catalog.hub import Variant
from dovetail.core.caller import Caller
from dovetail.core.errors import InvalidRequest
from dovetail.core.model import LoadOptions, Model
from dovetail.core.request import Json, JsonObject
from dovetail.gateway import guard
from dovetail.gateway.admin.answers import Done
from dovetail.gateway.answers import Answer
from dovetail.gateway.deliveries import downloads_of
from dovetail.gateway.deps import CallerDep, ServicesDep, receive_body
from dovetail.gateway.json_answer import json_answer
from dovetail.gateway.openapi import answers, reads
from dovetail.gateway.services import Services
from dovetail.gateway.wire import Wire

router = APIRouter(tags=["downloads"])

_ID: JsonObject = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
_OWNER: JsonObject = {"name": "owner", "in": "path", "required": True, "schema": {"type": "string"}}
_NAME: JsonObject = {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}
_QUERY: JsonObject = {"name": "q", "in": "query", "required": True, "schema": {"type": "string", "maxLength": 256}}
_FORMAT: JsonObject = {
    "name": "format", "in": "query", "required": False, "schema": {"type": "string", "enum": ["gguf", "mlx"]},
}  # fmt: skip
_Text = Annotated[str, Field(min_length=1, max_length=256)]


class HubFile(Answer):
    """One file of a repository."""

    name: str
    bytes: int


class Failure(Answer):
    """Why the last try failed."""

    code: str
    message: str


class DownloadAnswer(Answer):
    """A download: bytes, bytes a second, seconds; `eta` is null while nothing moves."""

    id: str
    repo: str
    choice: str | None
    revision: str
    files: list[HubFile]
    total: int
    done: int
    speed: int
    eta: float | None
    state: Literal["queued", "running", "retrying", "paused", "done", "failed", "cancelled"]
    attempt: int
    retry_in: float | None
    error: Failure | None
    created: float
    path: str | None


class DownloadList(Answer):
    """The newest first; `free` bytes on the disk, the hub's address, and whether there is a token for it."""

    data: list[DownloadAnswer]
    free: int
    endpoint: str
    token: bool


class NewDownload(Wire):
    """What to download: `repo` as `owner/name`, with `choice` a quantisation or a file of it."""

    repo: _Text
    choice: _Text | None = Field(default=None, description="Empty for an MLX folder, or the only GGUF model there.")


class HubVariant(Answer):
    """What can be downloaded by itself; `fit` is null where memory is not counted. `projector`: of no use alone."""

    choice: str | None
    quantisation: str
    files: list[str]
    bytes: int
    fit: Literal["fits", "tight", "too_large"] | None
    recommended: bool
    projector: bool


class HubRepository(Answer):
    """A repository; `room` is the memory that models may take, `free` that of the disk, in bytes."""

    repo: str
    revision: str
    gated: bool
    room: int | None
    free: int
    variants: list[HubVariant]


class HubHit(Answer):
    """A repository that was found."""

    repo: str
    downloads: int
    likes: int
    updated: str | None
    gated: bool
    formats: list[str]


class HubHits(Answer):
    """What is downloaded most comes first."""

    data: list[HubHit]


@router.get("/api/v1/downloads", operation_id="listDownloads", response_model=None)
@answers(DownloadList)
async def list_downloads(services: ServicesDep, _caller: CallerDep) -> Response:
    """All downloads; the topic `downloads` of the events tells of their progress."""
    downloads = downloads_of(services)
    data: list[Json] = [downloads.shown(each) for each in downloads.list()]
    free = await asyncio.to_thread(_free, services)
    token = await asyncio.to_thread(hub.has_token)
    return json_answer({"data": data, "free": free, "endpoint": hub.endpoint_in_force(None), "token": token})


@router.post("/api/v1/downloads", operation_id="startDownload", response_model=None)
@reads(NewDownload)
@answers(DownloadAnswer)
async def start_download(request: Request, services: ServicesDep, _caller: CallerDep) -> Response:
    """Begins a download, once there is room for it on the disk."""
    body = await receive_body(request, services, NewDownload)
    spec = hub.parse_spec(body.repo if body.choice is None else f"{body.repo}:{body.choice}")
    guard.detail(request.scope, repo=spec.repo, choice=spec.choice or "")
    downloads = downloads_of(services)
    wanted = await downloads.errands.ask(lambda: order(spec))
    return _shown(downloads, await downloads.start(wanted))


@router.post(
    "/api/v1/downloads/{id}/pause",  # noqa: FAST003  read from the path
    operation_id="pauseDownload",
    response_model=None,
    openapi_extra={"parameters": [_ID]},
)
@answers(DownloadAnswer)
async def pause_download(request: Request, services: ServicesDep, _caller: CallerDep) -> Response:
    """Stops it where it is, also over a restart."""
    downloads = downloads_of(services)
    return _shown(downloads, await downloads.pause(request.path_params["id"]))


@router.post(
    "/api/v1/downloads/{id}/resume",  # noqa: FAST003  read from the path
    operation_id="resumeDownload",
    response_model=None,
    openapi_extra={"parameters": [_ID]},
)
@answers(DownloadAnswer)
async def resume_download(request: Request, services: ServicesDep, _caller: CallerDep) -> Response:
    """Goes on with one that is paused."""
    downloads = downloads_of(services)
    return _shown(downloads, await downloads.resume(request.path_params["id"]))


@router.post(
    "/api/v1/downloads/{id}/retry",  # noqa: FAST003  read from the path
    operation_id="retryDownload",
    response_model=None,
    openapi_extra={"parameters": [_ID]},
)
@answers(DownloadAnswer)
async def retry_download(request: Request, services: ServicesDep, _caller: CallerDep) -> Response:
    """Tries one again that has failed, or that waits to be tried again."""
    downloads = downloads_of(services)
    return _shown(downloads, await downloads.resume(request.path_params["id"]))


@router.post(
    "/api/v1/downloads/{id}/cancel",  # noqa: FAST003  read from the path
    operation_id="cancelDownload",
    response_model=None,
    openapi_extra={"parameters": [_ID]},
)
@answers(DownloadAnswer)
async def cancel_download(request: Request, services: ServicesDep, _caller: CallerDep) -> Response:
    """Stops it and throws away what has come."""
    downloads = downloads_of(services)
    return _shown(downloads, await downloads.cancel(request.path_params["id"]))


@router.delete(
    "/api/v1/downloads/{id}",  # noqa: FAST003  read from the path
    operation_id="forgetDownload",
    response_model=None,
    openapi_extra={"parameters": [_ID]},
)
@answers(Done)
async def forget_download(request: Request, services: ServicesDep, _caller: CallerDep) -> Response:
    """Takes one that has ended off the list; the model stays."""
    await downloads_of(services).forget(request.path_params["id"])
    return json_answer({"ok": True})


@router.get(
    "/api/v1/hub/search", operation_id="searchHub", response_model=None, openapi_extra={"parameters": [_QUERY, _FORMAT]}
)
@answers(HubHits)
async def search_hub(request: Request, services: ServicesDep, _caller: CallerDep) -> Response:
    """Repositories of the hub by words."""
    text, form = request.query_params.get("q", ""), request.query_params.get("format")
    if not 0 < len(text) <= 256:
        raise InvalidRequest("q: 1 to 256 characters", param="q")
    if form not in {None, "gguf", "mlx"}:
        raise InvalidRequest("format: gguf or mlx", param="format")
    wanted: Literal["gguf", "mlx"] | None = "gguf" if form == "gguf" else "mlx" if form else None
    found = await downloads_of(services).errands.ask(lambda: hub.search(text, wanted))
    data: list[Json] = [
        {
            "repo": hit.repo,
            "downloads": hit.downloads,
            "likes": hit.likes,
            "updated": hit.updated,
            "gated": hit.gated,
            "formats": [*hit.formats],
        }
        for hit in found
    ]
    return json_answer({"data": data})


@router.get(
    "/api/v1/hub/{owner}/{name}/files",  # noqa: FAST003  read from the path
    operation_id="listHubFiles",
    response_model=None,
    openapi_extra={"parameters": [_OWNER, _NAME]},
)
@answers(HubRepository)
async def list_files(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """What a repository has to download, with sizes, and what of it fits here; not a byte of it moves."""
    spec = hub.parse_spec(f"{request.path_params['owner']}/{request.path_params['name']}")
    found = await downloads_of(services).errands.ask(lambda: hub.repository(spec.repo))
    there = hub.variants(found)
    room = await _room(services, caller)
    best = hub.recommended(there, room)
    return json_answer(
        {
            "repo": found.repo,
            "revision": found.revision,
            "gated": found.gated,
            "room": room,
            "free": await asyncio.to_thread(_free, services),
            "variants": [_variant(each, room, best) for each in there],
        }
    )


def _variant(variant: Variant, room: int | None, best: Variant | None) -> JsonObject:
    return {
        "choice": variant.choice,
        "quantisation": variant.quantisation,
        "files": [*variant.files],
        "bytes": variant.bytes,
        "fit": hub.fit(variant.bytes, room),
        "recommended": variant is best,
        "projector": variant.projector,
    }


async def _room(services: Services, caller: Caller) -> int | None:
    """What models may take now, in memory of this machine and of its GPUs; those that are loaded could go."""
    nothing = Model("", "gguf", Path())
    told = await services.pool.estimate(nothing, LoadOptions(context=512, parallel=1, gpu_layers=0), "", caller)
    return None if told.room.memory is None else told.room.memory + (told.room.device or 0)


def _free(services: Services) -> int:
    home = services.settings.home
    return shutil.disk_usage(next(path for path in (home / "models", *home.parents) if path.exists())).free


def _shown(downloads: Downloads, download: Download) -> Response:
    return json_answer(downloads.shown(download))
