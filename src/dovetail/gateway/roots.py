"""Which files of this machine a request may name: those in folders that the settings name already."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dovetail.core.errors import Forbidden, InvalidRequest
from dovetail.gateway.model_settings import model_folders
from dovetail.settings import Settings

_LONGEST = 4096


def roots(settings: Settings) -> list[Path]:
    """The model folders, and the places of models that are named one by one."""
    named = [own.path for own in settings.models.values() if own.path is not None]
    return [*model_folders(settings), *named]


def admitted(text: str, allowed: Sequence[Path], param: str = "path") -> Path:
    """The path that `text` names, absolute and without links in it, inside one of `allowed`. Blocks on the disk.

    Raises InvalidRequest for what is no absolute path, Forbidden for one outside, whether or not anything is there.
    """
    path = Path(text)
    if len(text) > _LONGEST or not text.isprintable() or not path.is_absolute() or ".." in path.parts:
        raise InvalidRequest(f"{param}: give an absolute path, without '..'", param=param)
    try:
        real = path.resolve()
        inside = any(real.is_relative_to(root.resolve()) for root in allowed)
    except (OSError, RuntimeError):  # a loop of links, a name that is too long
        inside = False
        real = path
    if not inside:
        raise Forbidden(
            f"{path} lies in no folder of models: put it into models/ in the home folder, or add its folder to "
            f"catalog.folders in dovetail.toml",
            code="path_not_allowed",
            param=param,
        )
    return real
