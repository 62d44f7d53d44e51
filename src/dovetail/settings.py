"""Dovetail's configuration: one tree of values from `dovetail.toml`, `DOVETAIL_*` and flags, built once in `cli`.

Precedence: flags, then environment (`DOVETAIL_SERVER__PORT`), then the file, then the defaults here.
Unknown keys are errors, wherever they stand. The tables of docs/configuration.md are generated from the descriptions.
"""

from __future__ import annotations

import difflib
import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self, TypeAlias, cast, get_args

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from dovetail.core.model import CacheType, ChatFormat

ENV_PREFIX = "DOVETAIL_"
FILE_NAME = "dovetail.toml"

Tree: TypeAlias = dict[str, object]
Seconds = Annotated[float, Field(gt=0, le=86_400)]


class ConfigError(Exception):
    """The configuration cannot be used; the message names the key and where it was written."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ServerSettings(_Section):
    """The address and the edge of the gateway."""

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8080, ge=0, le=65_535, description="Port to listen on; 0 takes a free one.")
    stream_header_after: Seconds = Field(
        default=5.0,
        description="Longest time a stream's headers wait for the first output, so that a quick failure has a status.",
    )
    keep_alive_every: Seconds = Field(default=5.0, description="Time between keep-alive comments on a silent stream.")
    head_timeout: Seconds = Field(default=20.0, description="Time a client has to send a request's head.")
    body_timeout: Seconds = Field(default=60.0, description="Time a client has to send a request's body.")
    idle_timeout: Seconds = Field(default=15.0, description="Time an idle connection is kept.")
    stall_timeout: Seconds = Field(
        default=60.0, description="Time a client may take no bytes of a stream before it is cut."
    )
    drain_timeout: Seconds = Field(default=30.0, description="Time running requests have to finish at shutdown.")
    max_body: int = Field(default=16 << 20, gt=0, description="Largest request body in bytes.")
    max_connections: int = Field(default=2048, gt=0, description="Connections served at once.")
    insecure: bool = Field(default=False, description="Allow an address beyond loopback although nobody has to log in.")


class FleetSettings(_Section):
    """Which models run, and how long."""

    max_models: int = Field(default=4, ge=1, le=64, description="Models resident at once.")
    idle_ttl: float = Field(
        default=600.0, ge=0, description="Seconds without a request before a model is unloaded; 0 never."
    )
    load_timeout: Seconds = Field(default=600.0, description="Time a model has to load.")
    stop_timeout: Seconds = Field(default=5.0, description="Time a worker has to leave before it is killed.")
    first_token_timeout: Seconds = Field(
        default=300.0, description="Time a worker has to show the first sign of an answer."
    )
    token_timeout: Seconds = Field(default=60.0, description="Longest silence between two tokens.")
    preload: tuple[str, ...] = Field(default=(), description="Models loaded at start.")


class LoadSettings(_Section):
    """Load options; empty means that Dovetail chooses. Used for all models and, under `[models.ID]`, for one."""

    context: int | None = Field(default=None, ge=64, le=1 << 24, description="Tokens for each slot.")
    parallel: int | None = Field(default=None, ge=1, le=256, description="Slots: requests decoded in one batch.")
    gpu_layers: int | None = Field(
        default=None, ge=-1, le=10_000, description="Layers on the GPU; -1 as many as fit, 0 none (GGUF)."
    )
    batch: int | None = Field(default=None, ge=1, le=1 << 16, description="Prefill chunk in tokens.")
    ubatch: int | None = Field(
        default=None, ge=1, le=1 << 16, description="llama.cpp's physical batch in tokens (GGUF)."
    )
    flash_attention: bool | None = Field(default=None, description="Flash attention on or off (GGUF).")
    cache_type_k: CacheType | None = Field(default=None, description="Type of the KV cache's keys (GGUF).")
    cache_type_v: CacheType | None = Field(default=None, description="Type of the KV cache's values (GGUF).")
    threads: int | None = Field(default=None, ge=1, le=1024, description="CPU threads while decoding (GGUF).")
    mmproj: Path | None = Field(default=None, description="Projector file for images and sound (GGUF).")
    cache_ram: int | None = Field(default=None, ge=0, description="Bytes of RAM a worker may keep prompt caches in.")
    warmup: bool | None = Field(
        default=None, description="Run an empty batch at load, so that the first request is not slow."
    )


class ModelSettings(LoadSettings):
    """Settings of one model, `[models.ID]`."""

    aliases: tuple[str, ...] = Field(default=(), description="Other names the model answers to.")
    adapter: str | None = Field(default=None, description="The LoRA of requests that name none; scale 0 undoes it.")
    chat_template: Path | None = Field(default=None, description="A Jinja file in place of the model's own template.")
    chat_format: ChatFormat | None = Field(default=None, description="The same, by the name of a well-known format.")

    @model_validator(mode="after")
    def _one_template(self) -> Self:
        if self.chat_template is not None and self.chat_format is not None:
            raise ValueError("chat_template and chat_format cannot be had at once")
        return self


class GgufSettings(_Section):
    """The GGUF engine."""

    binary: str | None = Field(
        default=None,
        description='An external llama-server: its path, or "auto" for the one on the PATH. Empty: xllamacpp.',
    )


class EngineSettings(_Section):
    """Engine settings."""

    gguf: GgufSettings = GgufSettings()


class CatalogSettings(_Section):
    """Where models are looked for."""

    folders: tuple[Path, ...] = Field(
        default=(), description="Folders with models, or single models, beside `models/` in the home folder."
    )
    adapter_folders: tuple[Path, ...] = Field(
        default=(), description="Folders with LoRA adapters, beside `adapters/` in the home folder."
    )
    demo: bool = Field(default=True, description="Offer the tiny models that come with the package.")


class KvSettings(_Section):
    """Prompt caches on disk, in `kv/` in the home folder: a conversation goes on after an unload or a restart."""

    enabled: bool = Field(default=True, description="Keep prompt caches on disk.")
    max_bytes: int = Field(
        default=10_000_000_000, ge=0, description="Bytes they may take; what was used longest ago goes first."
    )
    share: bool = Field(
        default=True,
        description="Let every caller reuse what another's prompt has computed; requests without a key always share.",
    )


class MediaSettings(_Section):
    """Images and sounds in messages, for models that take them."""

    remote: bool = Field(
        default=False,
        description="Fetch images that a message links to (http, https); never from a private or local address.",
    )
    max_files: int = Field(default=20, ge=1, le=1000, description="Images and sounds in one request.")
    fetch_bytes: int = Field(default=16 << 20, gt=0, description="Bytes fetched for one request.")
    fetch_timeout: Seconds = Field(default=10.0, description="Time for all that is fetched for one request.")


class LogSettings(_Section):
    """Logging."""

    format: Literal["text", "json"] = Field(default="text", description="Log lines as text or as JSON.")
    level: Literal["debug", "info", "warning", "error", "off"] = Field(
        default="info", description="Lowest level that is logged."
    )


def default_home() -> Path:
    """The platform's data folder for Dovetail."""
    return Path(platformdirs.user_data_dir("dovetail", appauthor=False))


class Settings(_Section):
    """The whole configuration. Building it directly reads neither file nor environment."""

    home: Path = Field(default_factory=default_home, description="The home folder: configuration, models, lock.")
    strict: bool = Field(default=False, description="Refuse request fields that no published API knows.")
    server: ServerSettings = ServerSettings()
    fleet: FleetSettings = FleetSettings()
    load: LoadSettings = LoadSettings()
    engines: EngineSettings = EngineSettings()
    catalog: CatalogSettings = CatalogSettings()
    kv: KvSettings = KvSettings()
    media: MediaSettings = MediaSettings()
    log: LogSettings = LogSettings()
    models: dict[str, ModelSettings] = Field(default_factory=dict, description="Settings by model id.")

    def load_for(self, model_id: str) -> LoadSettings:
        """`[load]` with what `[models.ID]` says over it."""
        own = self.models.get(model_id)
        if own is None:
            return self.load
        said = own.model_dump(include=own.model_fields_set & LoadSettings.model_fields.keys())
        return self.load.model_copy(update=said)


def load_settings(
    config: Path | None,
    flags: Mapping[str, object],
    home: Path | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Settings:
    """Settings from `config` (default: `dovetail.toml` in the home folder, which may be missing), environment, flags.

    `flags` is nested as the file is and holds only what was said. The home folder is chosen first, by `home`, then
    `DOVETAIL_HOME`, because the file lives there; a file elsewhere may name it. Relative paths are taken from the
    file's folder, or from the working folder. Raises ConfigError.
    """
    environment = _environment(environ)
    if home is not None:
        flags = {**flags, "home": str(home)}
    if config is None and ENV_PREFIX + "CONFIG" in environ:
        config = Path(environ[ENV_PREFIX + "CONFIG"])
    first_home = Path(str(flags.get("home", environment.get("home", default_home())))).expanduser()
    path = first_home / FILE_NAME if config is None else config.expanduser()
    file = _read(path, required=config is not None)
    if config is None and "home" in file:
        raise ConfigError(f"{path}: home: this file is found through the home folder and cannot move it; use --home")
    here = Path.cwd()
    sources = (
        _Source(str(path), _anchored(file, path.parent.absolute())),
        _Source("environment", _anchored(environment, here), environ=True),
        _Source("command line", _anchored(flags, here)),
    )
    merged: Tree = {}
    for source in sources:
        _merge(merged, source.values)
    try:
        return Settings.model_validate(merged)
    except ValidationError as error:
        raise ConfigError(_explain(error, sources)) from None


def schema() -> Tree:
    """The JSON schema of `dovetail.toml`."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Settings.model_json_schema()}


@dataclass(frozen=True, slots=True)
class _Source:
    name: str
    values: Tree
    environ: bool = False

    def key(self, location: tuple[str | int, ...]) -> str:
        """How `location` is written here."""
        if self.environ:
            return ENV_PREFIX + "__".join(str(step).upper() for step in location if isinstance(step, str))
        return ".".join(str(step) for step in location)


def _holds(values: object, location: tuple[str | int, ...]) -> bool:
    """Whether `values` says something at `location`; which item of a list is not asked."""
    if not location or isinstance(location[0], int):
        return True
    if not isinstance(values, dict) or location[0] not in values:
        return False
    return _holds(cast("Tree", values)[location[0]], location[1:])


def _read(path: Path, *, required: bool) -> Tree:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        if required:
            raise ConfigError(f"{path}: no such file") from None
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigError(f"{path}: {reason}") from None


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
            except json.JSONDecodeError as error:
                raise ConfigError(f"environment: {name}: not valid JSON: {error}") from None
        steps = name.removeprefix(ENV_PREFIX).split("__")
        # Model ids keep their case, keys have none.
        steps = [step if at == 1 and steps[0] == "MODELS" else step.lower() for at, step in enumerate(steps)]
        nested: Tree = {steps[-1]: value}
        for step in reversed(steps[:-1]):
            nested = {step: nested}
        _merge(values, nested)
    return values


_NOT_SETTINGS = frozenset(ENV_PREFIX + name for name in ("CONFIG", "WORKER_SECRET", "TRACEBACK"))


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
    """`value` with each string that `annotation` reads as a path made absolute, from `base` if it is relative."""
    inner = get_args(annotation)
    if isinstance(value, str):
        wanted = annotation is Path or Path in inner
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


def _explain(error: ValidationError, sources: tuple[_Source, ...]) -> str:
    """One line for each mistake: where, which key, what is wrong."""
    lines: list[str] = []
    for mistake in error.errors(include_url=False, include_input=False):
        location = mistake["loc"]
        source = next((source for source in reversed(sources) if _holds(source.values, location)), sources[0])
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
