"""Where settings come from: `dovetail.toml`, `DOVETAIL_*` and flags, merged into one tree; every mistake is named."""

from __future__ import annotations

import difflib
import json
import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast, get_args

from pydantic import BaseModel, ValidationError

from dovetail.settings import legacy
from dovetail.settings.sections import Settings, Tree, default_home

ENV_PREFIX = "DOVETAIL_"
FILE_NAME = "dovetail.toml"


class ConfigError(Exception):
    """The configuration cannot be used; the message has a line for each mistake: where it was written, and the key."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a server's settings come from, so that they can be read again.

    config   the file; None: `dovetail.toml` in the home folder, which may be missing
    flags    nested as the file is, and only what was said
    home     as a flag gave it; else `DOVETAIL_HOME`, else the platform's. It is chosen before the file is read
    folders  models named on the command line, beside those of the settings
    models_config  the earlier server's `models-config.json`, None: where it lies in the home folder
    """

    config: Path | None = None
    flags: Mapping[str, object] = field(default_factory=dict[str, object])
    home: Path | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    folders: tuple[Path, ...] = ()
    models_config: Path | None = None

    @property
    def path(self) -> Path:
        """The file, absolute. Raises ConfigError for an environment that cannot be read."""
        return self._file(_environment(self.environ)).absolute()

    def files(self) -> tuple[Path, ...]:
        """Every file that `load` reads, there or not: the configuration, and those of the earlier server."""
        return (self.path, *self.legacy_files())

    def legacy_files(self) -> tuple[Path, ...]:
        """The earlier server's, in the home folder that is chosen before a file is read."""
        return legacy.files(self._home(_environment(self.environ)), self.models_config)

    def load(self, text: str | None = None) -> Settings:
        """The settings as they are now, or as they would be with `text` in the file. Blocks; raises ConfigError."""
        return self.read(text)[0]

    def read(self, text: str | None = None) -> tuple[Settings, tuple[Source, ...]]:
        """The same, with what each source says; a later one wins.

        Relative paths are taken from the file's folder, or from the working folder.
        """
        environment = _environment(self.environ)
        path = self._file(environment)
        required = self.config is not None or "config" in environment
        file = _parsed(path, _text(path, required=required) if text is None else text)
        if not required and "home" in file:
            what = "this file is found through the home folder and cannot move it; use --home"
            raise ConfigError(f"{path}: home: {what}")
        flags = self.flags if self.home is None else {**self.flags, "home": str(self.home)}
        environment.pop("config", None)
        here = Path.cwd()
        sources = (
            *self._legacy(),
            Source(str(path), _anchored(file, path.parent.absolute())),
            Source("environment", _anchored(environment, here), environ=True, is_file=False),
            Source("command line", _anchored(flags, here), is_file=False),
        )
        merged: Tree = {}
        for source in sources:
            _merge(merged, source.values)
        try:
            settings = Settings.model_validate(merged)
        except ValidationError as error:
            raise ConfigError(_explain(error, sources)) from None
        if self.folders:
            folders = (*settings.catalog.folders, *self.folders)
            settings = settings.model_copy(update={"catalog": settings.catalog.model_copy(update={"folders": folders})})
        return settings, sources

    def _file(self, environment: Tree) -> Path:
        config = self.config
        if config is None and "config" in environment:
            config = Path(str(environment["config"]))
        if config is not None:
            return config.expanduser()
        return self._home(environment) / FILE_NAME

    def _home(self, environment: Tree) -> Path:
        home = self.home or self.flags.get("home", environment.get("home", default_home()))
        return Path(str(home)).expanduser().absolute()

    def _legacy(self) -> Iterator[Source]:
        """What the earlier server's files say; paths there belong to their folders."""
        paths = self.legacy_files()
        texts = [_text(path, required=False) for path in paths]
        for path, text in zip(paths, texts, strict=True):
            try:
                legacy.said([text])
            except (ValueError, RecursionError) as error:
                raise ConfigError(f"{path}: {error}") from None
        for path, values in zip(paths, legacy.said(texts), strict=True):
            yield Source(str(path), _anchored(values, path.parent))


def load_settings(
    config: Path | None,
    flags: Mapping[str, object],
    home: Path | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Settings:
    """The settings of these sources, once. Raises ConfigError."""
    return Sources(config, flags, home, environ).load()


@dataclass(frozen=True, slots=True)
class Source:
    """What one place says, nested as the file is."""

    name: str
    values: Tree
    environ: bool = False
    is_file: bool = True

    def names(self) -> Iterator[str]:
        """Everything it says, as dotted keys."""
        return _dotted(self.values, "")

    def key(self, location: Sequence[str | int]) -> str:
        """How `location` is written here."""
        if self.environ:
            return ENV_PREFIX + "__".join(str(step).upper() for step in location if isinstance(step, str))
        return ".".join(str(step) for step in location)

    def says(self, location: tuple[str | int, ...]) -> bool:
        return _holds(self.values, location)


def _dotted(values: Tree, above: str) -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _dotted(cast("Tree", value), f"{above}{key}.")
        else:
            yield f"{above}{key}"


def _holds(values: object, location: tuple[str | int, ...]) -> bool:
    """Whether `values` says something at `location`; which item of a list is not asked."""
    if not location or isinstance(location[0], int):
        return True
    if not isinstance(values, dict) or location[0] not in values:
        return False
    return _holds(cast("Tree", values)[location[0]], location[1:])


def _text(path: Path, *, required: bool) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        if required:
            raise ConfigError(f"{path}: no such file") from None
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error.strerror if isinstance(error, OSError) else error}") from None


def _parsed(path: Path, text: str) -> Tree:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a number of thousands of digits is no TOMLDecodeError
        raise ConfigError(f"{path}: {error}") from None


def _environment(environ: Mapping[str, str]) -> Tree:
    """`DOVETAIL_SERVER__PORT=1` as {"server": {"port": "1"}}; lists and tables are written as JSON; empty is unset."""
    values: Tree = {}
    for name, text in environ.items():
        if not name.startswith(ENV_PREFIX) or not text or name in _NOT_SETTINGS:
            continue
        value: object = text
        if text.startswith(("[", "{")):
            try:
                value = json.loads(text)
            except (ValueError, RecursionError) as error:
                raise ConfigError(f"environment: {name}: not valid JSON: {error}") from None
        steps = name.removeprefix(ENV_PREFIX).split("__")
        # Model ids keep their case, keys have none.
        steps = [step if at == 1 and steps[0] == "MODELS" else step.lower() for at, step in enumerate(steps)]
        nested: Tree = {steps[-1]: value}
        for step in reversed(steps[:-1]):
            nested = {step: nested}
        _merge(values, nested)
    return values


_NOT_SETTINGS = frozenset(ENV_PREFIX + name for name in ("WORKER_SECRET", "TRACEBACK", "API_KEY", "SKIP_UI"))


def _merge(into: Tree, values: Mapping[str, object]) -> None:
    for key, value in values.items():
        old = into.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            _merge(cast("Tree", old), cast("Tree", value))
        elif isinstance(value, dict):
            copied: Tree = {}
            _merge(copied, cast("Tree", value))
            into[key] = copied
        else:
            into[key] = value


def _anchored(values: Mapping[str, object], base: Path) -> Tree:
    return cast("Tree", _anchor(dict(values), Settings, base))


def _anchor(value: object, annotation: object, base: Path) -> object:
    """`value` with each string that `annotation` reads as a path made absolute, from `base` if it is relative.

    Where it may be a name as well, a path is what ends in `.gguf`.
    """
    inner = get_args(annotation)
    if isinstance(value, str):
        wanted = annotation is Path or (Path in inner and (str not in inner or value.endswith(".gguf")))
        return str(base / Path(os.path.expanduser(value))) if wanted else value  # noqa: PTH111 - never raises
    if isinstance(value, list):
        return [_anchor(item, inner[0] if inner else None, base) for item in cast("list[object]", value)]
    if not isinstance(value, dict):
        return value
    table = cast("Tree", value)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = annotation.model_fields
        return {
            key: _anchor(item, fields[key].annotation if key in fields else None, base) for key, item in table.items()
        }
    return {key: _anchor(item, inner[-1] if inner else None, base) for key, item in table.items()}


def _explain(error: ValidationError, sources: tuple[Source, ...]) -> str:
    """One line for each mistake: where, which key, what is wrong."""
    lines: list[str] = []
    for mistake in error.errors(include_url=False, include_input=False):
        location = mistake["loc"]
        source = next((source for source in reversed(sources) if source.says(location)), sources[0])
        what = mistake["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
        if mistake["type"] == "extra_forbidden":
            near = difflib.get_close_matches(str(location[-1]), _siblings(location), n=1)
            what = f"unknown key; did you mean {near[0]}?" if near else "unknown key"
        elif mistake["msg"].startswith("Input should be "):
            what = f"must be {what}"
        lines.append(f"{source.name}: {source.key(location)}: {what}")
    return "\n".join(lines)


def _siblings(location: tuple[str | int, ...]) -> list[str]:
    """The keys known at the level of `location`'s last step."""
    at: object = Settings
    for step in location[:-1]:
        if isinstance(at, type) and issubclass(at, BaseModel):
            field = at.model_fields.get(str(step))
            at = field.annotation if field else None
        else:
            at = get_args(at)[-1] if get_args(at) else None
    return list(at.model_fields) if isinstance(at, type) and issubclass(at, BaseModel) else []
