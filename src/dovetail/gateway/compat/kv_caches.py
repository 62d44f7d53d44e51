"""mlx_gguf_server's prompt caches over HTTP: which there are, one taken out as a file, one taken in.

A file is what `dovetail kv export` writes: the engine's own cache (safetensors of an MLX model, a slot of a GGUF model)
behind a header that says what it fits.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import shutil
import tempfile
import time
import zlib
from collections.abc import AsyncGenerator
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import Response

from dovetail.core.errors import InvalidRequest
from dovetail.core.request import Json, JsonObject
from dovetail.fleet.bundle import BundleError
from dovetail.gateway import guard
from dovetail.gateway.answers import Answer
from dovetail.gateway.deps import CallerDep, ServicesDep
from dovetail.gateway.json_answer import json_answer
from dovetail.gateway.one_file import received
from dovetail.gateway.openapi import answers
from dovetail.gateway.services import Services
from dovetail.gateway.shelves import Shelves, bundle_name
from dovetail.gateway.streams import Download

router = APIRouter(tags=["configuration"])

_PIECE = 1 << 20
_STALE = 3600.0  # seconds
_ID: JsonObject = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
_FILE: JsonObject = {
    "required": True,
    "content": {
        "application/octet-stream": {"schema": {"type": "string", "contentMediaType": "application/octet-stream"}}
    },
}


class KvCacheEntry(Answer):
    """A conversation on disk: tokens of it, bytes, and when it was last used, in seconds since 1970."""

    id: str
    model: str | None
    tokens: int
    size: int
    used: float


class KvCacheList(Answer):
    """The last used comes first."""

    caches: list[KvCacheEntry]


class KvCacheImported(Answer):
    """It is there now."""

    status: str
    message: str
    cache_id: str


@router.get("/v1/internal/model/kv_cache/info", operation_id="listKvCaches", response_model=None)
@answers(KvCacheList)
async def list_caches(services: ServicesDep, _caller: CallerDep) -> Response:
    """The prompt caches on disk; what a loaded model has in memory comes there when it is unloaded."""
    found = await asyncio.to_thread(lambda: Shelves(services.settings).conversations())
    caches: list[Json] = [
        {"id": c.name, "model": c.model, "tokens": c.card.tokens, "size": c.card.size, "used": c.used} for c in found
    ]
    return json_answer({"caches": caches})


@router.get(
    "/v1/internal/model/kv_cache/export/{id}",  # noqa: FAST003  read from the path
    operation_id="exportKvCache",
    response_class=Response,
    response_model=None,
    openapi_extra={"parameters": [_ID]},
)
async def export_cache(request: Request, services: ServicesDep, _caller: CallerDep) -> Response:
    """One of them as a file. It holds the conversation."""
    name = request.path_params["id"].removesuffix(".safetensors")
    guard.detail(request.scope, cache=name)
    file, size, called = await asyncio.to_thread(_exported, services, name)
    headers = {
        "content-type": "application/octet-stream",
        "content-length": str(size),
        "content-disposition": f'attachment; filename="{called}"',
        "cache-control": "no-store",
    }
    return Download(_sent(file), services.streams, services.timing.stall, headers)


@router.post(
    "/v1/internal/model/kv_cache/import",
    operation_id="importKvCache",
    response_model=None,
    openapi_extra={"requestBody": _FILE},
)
@answers(KvCacheImported)
async def import_cache(request: Request, services: ServicesDep, _caller: CallerDep) -> Response:
    """Takes in a file that was exported, as it is or gzipped, by itself or in a form, where it fits the model here."""
    most = services.settings.kv.max_bytes
    folder = Path(await asyncio.to_thread(lambda: tempfile.mkdtemp(dir=_room(services.settings.home))))
    try:
        await received(request, folder / "file", limit=most, within=services.settings.server.body_timeout)
        if services.guard is not None:  # it may have come for hours
            await services.guard.check_still(request.scope)
        model, tokens, name = await asyncio.to_thread(_imported, services, folder / "file", most)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    guard.detail(request.scope, model=model)
    return json_answer({"status": "success", "message": f"{tokens} tokens of {model} are imported", "cache_id": name})


def _exported(services: Services, name: str) -> tuple[Path, int, str]:
    """The file, which is its sender's to remove, its size, and what it is called. Blocks. Raises InvalidRequest."""
    shelves = Shelves(services.settings)
    found = next((each for each in shelves.conversations() if each.name == name), None)
    if found is None:
        raise InvalidRequest(f"there is no prompt cache {name[:128]}", code="not_found", status=404)
    handle, path = tempfile.mkstemp(dir=_room(services.settings.home))
    file = Path(path)
    try:
        with open(handle, "wb") as out:  # noqa: PTH123  a handle
            shelves.export_to(out, found)
    except BundleError as error:
        file.unlink()
        raise InvalidRequest(f"it cannot be exported: {error}") from error
    except BaseException:
        file.unlink()
        raise
    return file, file.stat().st_size, bundle_name(found).name


async def _sent(file: Path) -> AsyncGenerator[bytes]:
    try:
        source = await asyncio.to_thread(file.open, "rb")
        try:
            while piece := await asyncio.to_thread(source.read, _PIECE):
                yield piece
        finally:
            source.close()
    finally:
        await asyncio.to_thread(file.unlink, missing_ok=True)


def _imported(services: Services, file: Path, most: int) -> tuple[str, int, str]:
    """Blocks. Raises InvalidRequest."""
    with file.open("rb") as source:
        start = source.read(9)
    if start[:2] == b"\x1f\x8b":
        file = _unpacked(file, most)
    elif start[8:] == b"{":
        raise InvalidRequest(
            "a bare safetensors file does not say which model and engine it fits: import what was exported here",
            param="file",
        )
    shelves = Shelves(services.settings)
    before = {each.name for each in shelves.conversations()}
    try:
        with file.open("rb") as source:
            model, card = shelves.import_from(source, None)
    except BundleError as error:
        raise InvalidRequest(f"it cannot be imported: {error}", param="file") from error
    there = [each for each in shelves.conversations() if each.card.chain == card.chain and each.model == model]
    named = next((each.name for each in there if each.name not in before), there[0].name if there else "")
    return model, card.tokens, named


def _unpacked(file: Path, most: int) -> Path:
    """What is packed in it, `most` bytes at most. Raises InvalidRequest."""
    target = file.with_name("unpacked")
    try:
        with gzip.open(file) as source, target.open("xb") as out:
            while piece := source.read(_PIECE):
                if out.tell() + len(piece) > most:
                    raise InvalidRequest(
                        f"unpacked it has more than {most} bytes", code="request_too_large", status=413, param="file"
                    )
                out.write(piece)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InvalidRequest(f"it cannot be unpacked: {error}", param="file") from error
    return target


def _room(home: Path) -> Path:
    """Where files pass through: on the disk that they come from, where nobody looks for caches. Blocks."""
    folder = home / "kv-passing"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left in folder.iterdir():  # of a client that left before its answer began, or of a server that was killed
        with contextlib.suppress(OSError):  # another request's, which has just gone
            written = max(path.stat().st_mtime for path in (left, *left.glob("*")))
            if time.time() - written > _STALE:
                shutil.rmtree(left) if left.is_dir() else left.unlink()
    return folder
