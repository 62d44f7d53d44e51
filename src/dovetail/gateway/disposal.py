"""The end of a model: its entry in the settings and its files, for every route that removes one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from dovetail import demo
from dovetail.catalog.found import Tool
from dovetail.catalog.removal import Removal, removal
from dovetail.core.errors import InvalidRequest
from dovetail.core.model import Model
from dovetail.gateway import change
from dovetail.gateway.roots import roots
from dovetail.gateway.services import Services
from dovetail.settings import Settings
from dovetail.settings.document import Edit


async def dispose(services: Services, model: Model) -> Removal:
    """Takes the model's entry out of the settings, unloads it, removes its files.

    Raises InvalidRequest, Conflict.
    """
    files = await asyncio.to_thread(goes, services, model)
    if model.id in services.settings.models:
        await change.write(services, [Edit(("models", model.id), None)])
    await remove(services, model, files)
    return files


async def remove(services: Services, model: Model, files: Removal) -> None:
    """Unloads the model, then removes what `goes` has said."""
    await services.pool.unload(model.id)
    await asyncio.to_thread(files.run, roots(services.settings))
    await asyncio.to_thread(services.catalog.refresh)
    await services.pool.unload(model.id)  # from here on nobody finds it; until here somebody may have had it loaded
    services.hub.publish("models", "listed", {})


def goes(services: Services, model: Model) -> Removal:
    """The files of `model`. Blocks on the disk. Raises InvalidRequest for those that are not the server's to remove."""
    return going(services.settings, model, services.other_programs())


def going(settings: Settings, model: Model, programs: Sequence[tuple[Tool, Path]]) -> Removal:
    """The same, by the settings and the folders of other programs."""
    if model.remote is not None:
        raise InvalidRequest(f"another server has {model.id}: there are no files of it here")
    for tool, folder in programs:
        if model.path.is_relative_to(folder):
            raise InvalidRequest(f"the files of {model.id} belong to {tool}: remove them there")
    if model.path.is_relative_to(demo.models_dir()):
        raise InvalidRequest(f"{model.id} comes with the package: set catalog.demo = false")
    own = settings.models.get(model.id)
    named = [own.path.parent] if own is not None and own.path is not None else []
    return removal(model, [*roots(settings), *named])
