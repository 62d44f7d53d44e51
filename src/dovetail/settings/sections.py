"""The sections of the configuration. The tables of docs/configuration.md are generated from the descriptions."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Literal, Self, TypeAlias, cast
from urllib.parse import urlsplit

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from dovetail.core.fields import SAMPLING
from dovetail.core.model import MODEL_ID, CacheType, ChatFormat, Ngram
from dovetail.settings.amount import Layers, Memory

Tree: TypeAlias = dict[str, object]
_SHORTEST_KEY = 8
Seconds = Annotated[float, Field(gt=0, le=86_400)]


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
    request_timeout: Seconds = Field(
        default=3600.0, description="Time a request may take in all, from its body to the end of its answer."
    )
    drain_timeout: Seconds = Field(default=30.0, description="Time running requests have to finish at shutdown.")
    max_body: int = Field(default=16 << 20, gt=0, description="Largest request body in bytes.")
    max_connections: int = Field(default=2048, gt=0, description="Connections served at once.")
    insecure: bool = Field(
        default=False, description="Beyond loopback too, ask nobody who they are where loopback would not."
    )
    allowed_hosts: tuple[str, ...] = Field(
        default=(), description="Names this server is reached by, beside `localhost` and addresses; others get a 421."
    )
    cors_origins: tuple[str, ...] = Field(
        default=(),
        description="Web pages of other origins that may call this server (`https://chat.example`), each exactly.",
    )

    tls_cert: Path | None = Field(
        default=None, description="Certificate (PEM) to speak TLS with; a renewed file is taken in by itself."
    )
    tls_key: Path | None = Field(default=None, description="Its private key; empty: it is in the same file.")
    trusted_proxies: tuple[str, ...] = Field(
        default=(),
        description="Addresses of proxies whose `X-Forwarded-For` and `-Proto` are believed; then everybody is asked.",
    )

    @model_validator(mode="after")
    def _key_of_a_certificate(self) -> Self:
        if self.tls_key is not None and self.tls_cert is None:
            raise ValueError("tls_key without tls_cert")
        return self

    @property
    def exposed(self) -> bool:
        """Whether others than this machine's users reach it."""
        return not self.on_loopback or bool(self.trusted_proxies)

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine reaches `host`; of names, `localhost` alone is known to be."""
        try:
            return ipaddress.ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return self.host.lower() == "localhost"


class AccessSettings(_Section):
    """Who has to say who they are: see security.md."""

    require_key: bool = Field(default=False, description="Ask for a key or a login on loopback too, from the start.")
    api_key: SecretStr | None = Field(
        default=None,
        description="One key that is good for everything, beside those that are made; better in the environment.",
    )
    address_requests: int | None = Field(
        default=None,
        ge=1,
        description="Requests for answers a minute from one address; empty: any number on loopback, 600 beyond it.",
    )
    account_requests: int | None = Field(
        default=None, ge=1, description="The same of one account, by whichever key or login; empty: any number."
    )
    session_idle: Annotated[float, Field(ge=60, le=31_536_000)] = Field(
        default=43_200.0, description="Seconds without a request after which a login has ended."
    )
    session_longest: Annotated[float, Field(ge=60, le=31_536_000)] = Field(
        default=604_800.0, description="Seconds after which a login has ended in any case."
    )
    sessions: int = Field(default=10, ge=1, le=1000, description="Logins of one account at once; the oldest goes.")

    @field_validator("api_key")
    @classmethod
    def _long_enough(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and len(key.get_secret_value()) < _SHORTEST_KEY:
            raise ValueError(f"a key has at least {_SHORTEST_KEY} characters")
        return key


class FleetSettings(_Section):
    """Which models run, and how long."""

    memory: Memory = None
    max_models: int = Field(default=16, ge=1, le=64, description="Models resident at once, whatever memory allows.")
    idle_ttl: float = Field(
        default=600.0, ge=0, description="Seconds without a request before a model is unloaded; 0 never."
    )
    load_timeout: Seconds = Field(default=600.0, description="Time a model has to load.")
    stop_timeout: Seconds = Field(default=5.0, description="Time a worker has to leave before it is killed.")
    first_token_timeout: Seconds = Field(
        default=300.0, description="Time a worker has to show the first sign of an answer."
    )
    token_timeout: Seconds = Field(default=60.0, description="Longest silence between two tokens.")
    max_waiting: int = Field(
        default=64,
        ge=0,
        le=4096,
        description="Requests that may wait for one model; as many again of callers that have none waiting there.",
    )
    queue_timeout: Seconds = Field(default=600.0, description="Time a request may wait for its turn.")
    max_hold: float = Field(
        default=5.0,
        ge=0,
        le=86_400,
        description="Longest time a free slot is kept from a waiting request because fewer at once are faster.",
    )
    caller_concurrency: int | None = Field(
        default=None,
        ge=1,
        description="Answers computed at once for one caller, over all models; its other requests wait. Empty: no cap.",
    )
    good_service: Seconds = Field(
        default=60.0,
        description="Time a worker must serve before its earlier failures are forgotten; after some in a row it is not "
        "started again for ten minutes.",
    )
    heartbeat: Seconds = Field(
        default=5.0, description="Time between two looks at a worker; one that misses three in a row is replaced."
    )
    max_growth: int = Field(
        default=4 << 30,
        ge=0,
        description="Bytes a worker may grow beyond its size after loading, weights and prompt caches aside; then "
        "it is started anew as soon as it is idle. 0: never.",
    )
    replay_limit: int = Field(
        default=8192,
        ge=0,
        description="Tokens up to which a stream is computed again and gone on with when its worker dies.",
    )
    preload: tuple[str, ...] = Field(default=(), description="Models loaded at start.")
    calibrate: bool = Field(
        default=True,
        description="Measure once for each model, while it is idle, how many requests at once it answers fastest.",
    )


class LoadSettings(_Section):
    """Load options; empty means that Dovetail chooses. Used for all models and, under `[models.ID]`, for one."""

    context: int | None = Field(default=None, ge=64, le=1 << 24, description="Tokens for each slot.")
    parallel: int | None = Field(default=None, ge=1, le=256, description="Slots: requests decoded in one batch.")
    gpu_layers: Layers = Field(default=None, description='Layers on the GPU; "auto" as many as fit, 0 none (GGUF).')
    batch: int | None = Field(default=None, ge=1, le=1 << 16, description="Prefill chunk in tokens.")
    ubatch: int | None = Field(
        default=None, ge=1, le=1 << 16, description="llama.cpp's physical batch in tokens (GGUF)."
    )
    gpu_only: bool | None = Field(default=None, description="Fail rather than compute a layer on the CPU.")
    flash_attention: bool | None = Field(default=None, description="Flash attention on or off (GGUF).")
    cache_type_k: CacheType | None = Field(default=None, description="Type of the KV cache's keys (GGUF).")
    cache_type_v: CacheType | None = Field(default=None, description="Type of the KV cache's values (GGUF).")
    threads: int | None = Field(default=None, ge=1, le=1024, description="CPU threads while decoding (GGUF).")
    mmproj: Path | None = Field(default=None, description="Projector file for images and sound (GGUF).")
    cache_ram: int | None = Field(default=None, ge=0, description="Bytes of RAM a worker may keep prompt caches in.")
    warmup: bool | None = Field(
        default=None, description="Run an empty batch at load, so that the first request is not slow."
    )


def _sampling(name: str) -> object:
    spec = SAMPLING[name]
    return Field(default=None, ge=spec.low, le=spec.high, description=spec.meaning)


class SamplingSettings(_Section):
    """What holds where a request says nothing, over what the model's makers advise."""

    temperature: float | None = cast("None", _sampling("temperature"))
    top_k: int | None = cast("None", _sampling("top_k"))
    top_p: float | None = cast("None", _sampling("top_p"))
    min_p: float | None = cast("None", _sampling("min_p"))
    typical_p: float | None = cast("None", _sampling("typical_p"))
    repeat_penalty: float | None = cast("None", _sampling("repeat_penalty"))
    repeat_last_n: int | None = cast("None", _sampling("repeat_last_n"))
    frequency_penalty: float | None = cast("None", _sampling("frequency_penalty"))
    presence_penalty: float | None = cast("None", _sampling("presence_penalty"))

    def said(self) -> tuple[tuple[str, int | float], ...]:
        """Names and values, of those that are set."""
        values = ((name, cast("int | float | None", getattr(self, name))) for name in type(self).model_fields)
        return tuple((name, value) for name, value in values if value is not None)


# What can be said of a model that another server has.
_REMOTE = frozenset(
    (
        "url",
        "key_env",
        "remote_model",
        "aliases",
        "context",
        "parallel",
        "sampling",
        "preload",
        "ttl",
        "pin",
        "priority",
    )
)


class ModelSettings(LoadSettings):
    """Settings of one model, `[models.ID]`."""

    path: Path | None = Field(
        default=None,
        description="A model outside of the folders: a .gguf file, a folder that holds one, an MLX folder.",
    )
    url: str | None = Field(
        default=None, description="An OpenAI-compatible server that has the model, such as `http://host:8080/v1`."
    )
    key_env: str | None = Field(default=None, description="The environment variable with the key of that server.")
    remote_model: str | None = Field(default=None, description="The model's name there; empty: the same.")
    aliases: tuple[str, ...] = Field(default=(), description="Other names the model answers to.")
    pin: bool = Field(default=False, description="Never stop it to make room for another, nor for being idle.")
    priority: int = Field(
        default=0, ge=-1000, le=1000, description="When room is wanted, idle models with a lower number go first."
    )
    ttl: float | None = Field(
        default=None, ge=0, description="Seconds without a request before it is unloaded; empty: `fleet.idle_ttl`."
    )
    preload: bool = Field(default=False, description="Load it at start, or as soon as this is set.")
    adapter: str | None = Field(default=None, description="The LoRA of requests that name none; scale 0 undoes it.")
    chat_template: Path | None = Field(default=None, description="A Jinja file in place of the model's own template.")
    chat_format: ChatFormat | None = Field(default=None, description="The same, by the name of a well-known format.")
    draft: Path | str | None = Field(
        default=None,
        description="A small model of the same vocabulary that guesses ahead: its id or path to a .gguf file (GGUF).",
    )
    ngram: Ngram | None = Field(
        default=None, description="Guess ahead by what the text has said before, in one of llama.cpp's ways (GGUF)."
    )
    sampling: SamplingSettings = SamplingSettings()

    @model_validator(mode="after")
    def _one_template(self) -> Self:
        if self.chat_template is not None and self.chat_format is not None:
            raise ValueError("chat_template and chat_format cannot be had at once")
        return self

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.url is None:
            if self.key_env is not None or self.remote_model is not None:
                raise ValueError("key_env and remote_model are of a url, which is not there")
            return self
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("url must be an address such as http://host:8080/v1")
        if parts.username is not None:
            raise ValueError("url must not hold a key: name a variable in key_env")
        apart = self.model_fields_set - _REMOTE
        if apart:
            raise ValueError(f"{', '.join(sorted(apart))}: not of a model that another server loads")
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
    access: AccessSettings = AccessSettings()
    fleet: FleetSettings = FleetSettings()
    load: LoadSettings = LoadSettings()
    engines: EngineSettings = EngineSettings()
    catalog: CatalogSettings = CatalogSettings()
    kv: KvSettings = KvSettings()
    media: MediaSettings = MediaSettings()
    log: LogSettings = LogSettings()
    models: dict[str, ModelSettings] = Field(default_factory=dict, description="Settings by model id.")

    @field_validator("models")
    @classmethod
    def _names(cls, models: dict[str, ModelSettings]) -> dict[str, ModelSettings]:
        for name, own in models.items():
            if (own.path is not None or own.url is not None) and not MODEL_ID.match(name):
                raise ValueError(f"{name!r} cannot be a model's id: letters, digits, '.', '_' and '-', at most 128")
        return models

    def load_for(self, model_id: str) -> LoadSettings:
        """`[load]` with what `[models.ID]` says over it."""
        own = self.models.get(model_id)
        if own is None:
            return self.load
        said = own.model_dump(include=own.model_fields_set & LoadSettings.model_fields.keys())
        return self.load.model_copy(update=said)


def schema() -> Tree:
    """The JSON schema of `dovetail.toml`."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Settings.model_json_schema()}
