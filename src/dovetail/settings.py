"""Dovetail's configuration: one tree of values from `dovetail.toml`, `DOVETAIL_*` and flags, built once in `cli`.

Precedence: flags, then environment (`DOVETAIL_SERVER__PORT`), then the file, then the defaults here.
Unknown keys are errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from dovetail.core.model import CacheType

Seconds = Annotated[float, Field(gt=0, le=86_400)]


class ConfigError(Exception):
    """The configuration cannot be used; the message names the key and the file."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ServerSettings(_Section):
    """The address and the edge of the gateway."""

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8080, ge=0, le=65_535, description="Port to listen on; 0 takes a free one.")
    stream_header_after: Seconds = Field(
        5.0, description="Longest time a stream's headers wait for the first output, so that a quick failure has a status."
    )
    keep_alive_every: Seconds = Field(5.0, description="Time between keep-alive comments on a silent stream.")
    head_timeout: Seconds = Field(20.0, description="Time a client has to send a request's head.")
    body_timeout: Seconds = Field(60.0, description="Time a client has to send a request's body.")
    idle_timeout: Seconds = Field(15.0, description="Time an idle connection is kept.")
    stall_timeout: Seconds = Field(60.0, description="Time a client may take no bytes of a stream before it is cut.")
    drain_timeout: Seconds = Field(30.0, description="Time running requests have to finish at shutdown.")
    max_body: int = Field(16 << 20, gt=0, description="Largest request body in bytes.")
    max_connections: int = Field(2048, gt=0, description="Connections served at once.")


class FleetSettings(_Section):
    """Which models run, and how long."""

    max_models: int = Field(4, ge=1, le=64, description="Models resident at once.")
    idle_ttl: float = Field(600.0, ge=0, description="Seconds without a request before a model is unloaded; 0 never.")
    load_timeout: Seconds = Field(600.0, description="Time a model has to load.")
    stop_timeout: Seconds = Field(5.0, description="Time a worker has to leave before it is killed.")
    first_token_timeout: Seconds = Field(300.0, description="Time a worker has to show the first sign of an answer.")
    token_timeout: Seconds = Field(60.0, description="Longest silence between two tokens.")
    preload: tuple[str, ...] = Field((), description="Models loaded at start.")


class LoadSettings(_Section):
    """Load options; empty means that Dovetail chooses. Used for all models and, under `[models.ID]`, for one."""

    context: int | None = Field(None, ge=64, le=1 << 24, description="Tokens for each slot.")
    parallel: int | None = Field(None, ge=1, le=256, description="Slots: requests decoded in one batch.")
    gpu_layers: int | None = Field(None, ge=-1, le=10_000, description="Layers on the GPU; -1 all, 0 none.")
    batch: int | None = Field(None, ge=1, le=1 << 16, description="Prefill chunk in tokens.")
    ubatch: int | None = Field(None, ge=1, le=1 << 16, description="llama.cpp's physical batch in tokens.")
    flash_attention: bool | None = Field(None, description="Flash attention on or off.")
    cache_type_k: CacheType | None = Field(None, description="Type of the KV cache's keys (GGUF).")
    cache_type_v: CacheType | None = Field(None, description="Type of the KV cache's values (GGUF).")
    threads: int | None = Field(None, ge=1, le=1024, description="CPU threads while decoding (GGUF).")
    mmproj: Path | None = Field(None, description="Projector file for images and sound (GGUF).")
    cache_ram: int | None = Field(None, ge=0, description="Bytes of RAM a worker may keep prompt caches in.")
    warmup: bool | None = Field(None, description="Run an empty batch at load, so that the first request is not slow.")


class ModelSettings(LoadSettings):
    """Settings of one model, `[models.ID]`."""

    aliases: tuple[str, ...] = Field((), description="Other names the model answers to.")


class GgufSettings(_Section):
    """The GGUF engine."""

    binary: str | None = Field(
        None, description='An external llama-server: its path, or "auto" for the one on the PATH. Empty: xllamacpp.'
    )


class EngineSettings(_Section):
    """Engine settings."""

    gguf: GgufSettings = GgufSettings()


class CatalogSettings(_Section):
    """Where models are looked for."""

    folders: tuple[Path, ...] = Field((), description="Folders with models, beside `models/` in the home folder.")
    demo: bool = Field(True, description="Offer the tiny models that come with the package.")


class LogSettings(_Section):
    """Logging."""

    format: Literal["text", "json"] = Field("text", description="Log lines as text or as JSON.")
    level: Literal["debug", "info", "warning", "error"] = Field("info", description="Lowest level that is logged.")


def default_home() -> Path:
    """The platform's data folder for Dovetail."""
    return Path(platformdirs.user_data_dir("dovetail", appauthor=False))


class Settings(BaseSettings):
    """The whole configuration. Build it with `load_settings`."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix="DOVETAIL_", env_nested_delimiter="__", env_ignore_empty=True
    )

    home: Path = Field(default_factory=default_home, description="The home folder.")
    strict: bool = Field(False, description="Refuse request fields that no published API knows.")
    server: ServerSettings = ServerSettings()
    fleet: FleetSettings = FleetSettings()
    load: LoadSettings = LoadSettings()
    engines: EngineSettings = EngineSettings()
    catalog: CatalogSettings = CatalogSettings()
    log: LogSettings = LogSettings()
    models: dict[str, ModelSettings] = Field(default_factory=dict, description="Settings by model id.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load_settings(config: Path | None, flags: Mapping[str, Any], home: Path | None = None) -> Settings:
    """Settings from `config` (default: `dovetail.toml` in the home folder, which may be missing), environment, flags.

    `flags` is nested as the tree is: `{"server": {"port": 8081}}`. Raises ConfigError.
    """
    raise NotImplementedError
