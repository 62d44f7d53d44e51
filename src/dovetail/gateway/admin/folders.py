"""The folders that a model may be added from, one level at a time."""

from __future__ import annotations

import asyncio
import os
from itertools import islice
from pathlib import Path
from typing import Literal

from fastapi import APIRouter, Request
from starlette.responses import Response

from dovetail.catalog.invalid import InvalidModelFile
from dovetail.core.request import JsonObject
from dovetail.gateway import change
from dovetail.gateway.answers import Answer
from dovetail.gateway.deps import CallerDep, ServicesDep
from dovetail.gateway.json_answer import json_answer
from dovetail.gateway.openapi import answers
from dovetail.gateway.roots import admitted
from dovetail.gateway.services import Services

router = APIRouter(tags=["models"])

MOST = 2000
_PATH: JsonObject = {
    "name": "path", "in": "query", "required": False, "schema": {"type": "string", "maxLength": 4096},
    "description": "A folder; without one, those that there are to begin with.",
}  # fmt: skip


class FolderEntry(Answer):
    """A folder, or what can be added: a GGUF file, an MLX folder."""

    name: str
    path: str
    kind: Literal["folder", "gguf", "mlx"]
    bytes: int | None


class FolderAnswer(Answer):
    """What is in a folder, folders first; `parent` is null where no way leads further up."""

    path: str | None
    parent: str | None
    entries: list[FolderEntry]
    complete: bool


@router.get("/api/v1/folders", operation_id="listFolder", response_model=None, openapi_extra={"parameters": [_PATH]})
@answers(FolderAnswer)
async def list_folder(request: Request, services: ServicesDep, _caller: CallerDep) -> Response:
    """The folders and models in a folder of models, or of another program's."""
    found = await asyncio.to_thread(_listed, services, request.query_params.get("path"))
    return json_answer(found.model_dump())


def _listed(services: Services, text: str | None) -> FolderAnswer:
    allowed = change.reachable(services)
    if text is None:
        there = dict.fromkeys(path.resolve() for path in allowed if path.is_dir())
        entries = [FolderEntry(name=path.name, path=str(path), kind=_kind(path), bytes=None) for path in there]
        return FolderAnswer(path=None, parent=None, entries=entries, complete=True)
    path = admitted(text, allowed)
    try:
        with os.scandir(path) as listing:
            found = list(islice(listing, MOST + 1))
    except OSError as error:
        raise InvalidModelFile(f"{path.name} is no folder that can be read: {error.strerror}") from None
    entries = [entry for each in found[:MOST] if not each.name.startswith(".") and (entry := _entry(each)) is not None]
    entries.sort(key=lambda entry: (entry.kind == "gguf", entry.name.lower()))
    further = any(path.parent.is_relative_to(root.resolve()) for root in allowed)
    parent = str(path.parent) if further else None
    return FolderAnswer(path=str(path), parent=parent, entries=entries, complete=len(found) <= MOST)


def _entry(found: os.DirEntry[str]) -> FolderEntry | None:
    try:
        if found.is_dir():
            return FolderEntry(name=found.name, path=found.path, kind=_kind(Path(found.path)), bytes=None)
        if found.is_file() and found.name.lower().endswith(".gguf"):
            return FolderEntry(name=found.name, path=found.path, kind="gguf", bytes=found.stat().st_size)
    except OSError:
        pass
    return None


def _kind(folder: Path) -> Literal["folder", "mlx"]:
    """Whether a folder is an MLX model itself."""
    try:
        is_mlx = (folder / "config.json").is_file() and next(folder.glob("model*.safetensors"), None) is not None
    except OSError:
        is_mlx = False
    return "mlx" if is_mlx else "folder"
