"""Changes of the configuration that come over HTTP: what may be changed there, and how it is written."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

from pydantic import ValidationError

from dovetail.core.errors import DovetailError, Forbidden, InvalidRequest
from dovetail.gateway import hearing
from dovetail.gateway.roots import admitted, roots
from dovetail.gateway.services import Services
from dovetail.settings import ConfigError, Settings
from dovetail.settings.document import Edit, Reading, Value
from dovetail.settings.sections import ModelSettings

# Who can change these can run a program, open the server to others, or send a secret somewhere: the file alone.
FILE_ONLY = ("home", "server", "access", "engines", "traces")
FILE_ONLY_OF_MODELS = ("url", "key_env", "remote_model", "trust_remote_code")
# The format is chosen at the start; the others are what the machine's owner forbids or allows to admins and to workers.
FILE_ONLY_KEYS = (("log", "format"), ("log", "capture_minutes"), ("log", "capture_bytes"), ("fleet", "worker_network"))
_PATHS = {"folders", "adapter_folders", "path", "mmproj", "chat_template", "draft"}


class ConfigurationRefused(InvalidRequest):
    """What was to be set cannot be; a line for each mistake. Nothing was changed."""

    status = 422
    code = "invalid_configuration"


def edits_of(patch: Mapping[str, object], above: tuple[str, ...] = ()) -> Iterator[Edit]:
    """A merge patch (RFC 7396) as edits: null takes a key out."""
    for name, value in patch.items():
        key = (*above, name)
        if isinstance(value, dict):
            yield from edits_of(cast("dict[str, object]", value), key)
        else:
            yield Edit(key, cast("Value | None", value))


async def write(services: Services, edits: Sequence[Edit], version: str | None = None) -> Reading:
    """Checks, writes and applies `edits`. Raises ConfigurationRefused, Forbidden, Conflict, DiskFull."""
    await asyncio.to_thread(check, services, edits)
    try:
        return await services.live.change(edits, version)
    except ConfigError as error:
        raise ConfigurationRefused(str(error)) from error
    except OSError as error:
        raise DovetailError(f"the configuration cannot be written: {error.strerror or error}") from error


def check(services: Services, edits: Sequence[Edit]) -> None:
    """Refuses what is for the file alone, and paths outside of the folders of models. Blocks on the disk."""
    allowed: list[Path] | None = None
    for edit in edits:
        name = ".".join(edit.key)
        closed = edit.key[0] in FILE_ONLY or (edit.key[0] == "models" and set(edit.key[2:]) & {*FILE_ONLY_OF_MODELS})
        closed = closed or any(key[: len(edit.key)] == edit.key for key in FILE_ONLY_KEYS)
        if closed or _moves_trust(services, edit):
            raise Forbidden(f"{name} is changed in dovetail.toml, not over HTTP", code="file_only", param=name[:128])
        _check_speech(edit)
        if (edit.key[-1] in _PATHS or _is_folder(edit)) and edit.value is not None:
            allowed = allowed or reachable(services)
            for text in edit.value if isinstance(edit.value, list) else [edit.value]:
                if isinstance(text, str) and not _is_id(edit.key, text):
                    admitted(text, allowed, name)


def supposed(settings: Settings, model_id: str, patch: Mapping[str, object]) -> Settings:
    """`settings` as they would be with `patch` over `[models.ID]`. Raises ConfigurationRefused."""
    own = settings.models.get(model_id)
    said: dict[str, object] = {} if own is None else own.model_dump(mode="json", exclude_unset=True)
    try:
        new = ModelSettings.model_validate(_patched(said, patch))
    except ValidationError as error:
        lines = (
            f"models.{model_id}.{'.'.join(map(str, each['loc']))}: {each['msg'].removeprefix('Value error, ')}"
            for each in error.errors(include_url=False, include_input=False)
        )
        raise ConfigurationRefused("\n".join(lines)) from None
    return settings.model_copy(update={"models": {**settings.models, model_id: new}})


def reachable(services: Services) -> list[Path]:
    """Where a model may be added from: the model folders, and those of other programs."""
    settings = services.settings
    others = [path for _, path in services.other_programs()]
    return [*roots(settings), settings.home / "adapters", *settings.catalog.adapter_folders, *others]


def _patched(said: dict[str, object], patch: Mapping[str, object]) -> dict[str, object]:
    """RFC 7396."""
    whole = dict(said)
    for name, value in patch.items():
        if value is None:
            whole.pop(name, None)
        elif isinstance(value, dict):
            below = whole.get(name)
            inner = cast("dict[str, object]", below) if isinstance(below, dict) else {}
            whole[name] = _patched(inner, cast("dict[str, object]", value))
        else:
            whole[name] = value
    return whole


def _moves_trust(services: Services, edit: Edit) -> bool:
    """Whether code of another folder would be run: whose is trusted, the file says of what is at the path."""
    if edit.key[0] != "models" or edit.key[2:] != ("path",):
        return False
    own = services.settings.models.get(edit.key[1])
    return own is not None and own.trust_remote_code


def _check_speech(edit: Edit) -> None:
    """A server whose settings ask for what is not installed does not start."""
    if edit.key == ("speech", "enabled") and edit.value is True and not hearing.installed():
        raise ConfigurationRefused(f"speech.enabled: {hearing.NOT_INSTALLED}")


def _is_folder(edit: Edit) -> bool:
    """Whether it says that the model that hears is a folder, and no id."""
    return edit.key == ("speech", "model") and isinstance(edit.value, str) and hearing.is_folder(edit.value)


def _is_id(key: tuple[str, ...], text: str) -> bool:
    """A draft is a model's id, or a path."""
    return key[-1] == "draft" and not text.endswith(".gguf")
