"""The sections of the configuration. The tables of docs/configuration.md are generated from the descriptions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, Self, TypeAlias, cast
from urllib.parse import urlsplit

import platformdirs
from pydantic import Field, field_validator, model_validator

from dovetail.core.fields import SAMPLING
from dovetail.core.model import MODEL_ID, CacheType, ChatFormat, Ngram
from dovetail.settings.amount import Layers, Memory
from dovetail.settings.edge import AccessSettings, Seconds, Section, ServerSettings
from dovetail.settings.sent import MediaSettings, SpeechSettings

Tree: TypeAlias = dict[str, object]


class FleetSettings(Section):
    """Which models run, and how long."""

    memory: Memory = None
    max_models: int = Field(default=16, ge=1, le=64, description="Models resident at once, whatever memory allows.")
    evict: Literal["reload", "size"] = Field(
        default="reload",
        description="Which idle model of one priority goes first: the one that is quick to load again, or the one with "
        "the largest file in whole GB; then the one that was used longest ago.",
    )
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
        description="Longest time a free slot is kept from a waiting request because fewer at once are faster; after "
        "as long a wait for room, a model of equal or lower priority takes no new request and goes. With 0 none has a "
        "turn of its own: under steady load on more models than there is room for, one may wait up to queue_timeout.",
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
        "it is started anew as soon as it is idle. And what it may take while it loads beside twice what was reckoned, "
        "or the load fails. 0: never.",
    )
    replay_limit: int = Field(
        default=8192,
        ge=0,
        description="Tokens up to which a stream is computed again and gone on with when its worker dies.",
    )
    worker_network: bool = Field(
        default=False,
        description="Leave the network to workers that start from now on; several GPUs may talk through it (NCCL).",
    )
    preload: tuple[str, ...] = Field(default=(), description="Models loaded at start.")
    calibrate: bool = Field(
        default=True,
        description="Measure once for each model, while it is idle, how many requests at once it answers fastest, "
        "and with how many threads where it loads in under 3 s.",
    )


class LoadSettings(Section):
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


class SamplingSettings(Section):
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
    "url key_env remote_model aliases context parallel sampling max_tokens preload ttl pin priority".split()  # noqa: SIM905
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
    max_tokens: int | None = Field(
        default=None, ge=1, lt=1 << 31, description="Tokens of an answer at most, where a request says nothing."
    )
    logit_bias: dict[str, Annotated[float, Field(ge=-100, le=100)]] = Field(
        default={},
        max_length=1024,
        description="The same of biases, by token id or text: a request that has any has those alone.",
    )
    preload: bool = Field(default=False, description="Load it at start, or as soon as this is set.")
    replicas: int = Field(
        default=1, ge=1, le=64, description="Workers of this model, started as they are wanted; each takes its memory."
    )
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
    trust_remote_code: bool = Field(
        default=False,
        description="Run the Python code that the folder brings, as you would run any program of its makers; never "
        "a pickle (MLX).",
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
        plain = re.fullmatch(r"[!-~]+", self.url) is not None and "\\" not in self.url and parts.port != 0
        if not plain or parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("url must be an address such as http://host:8080/v1")
        if parts.username is not None:
            raise ValueError("url must not hold a key: name a variable in key_env")
        apart = self.model_fields_set - _REMOTE
        if apart:
            raise ValueError(f"{', '.join(sorted(apart))}: not of a model that another server loads")
        return self


class GgufSettings(Section):
    """The GGUF engine."""

    binary: str | None = Field(
        default=None,
        description='An external llama-server: its path, or "auto" for the one on the PATH. Empty: xllamacpp.',
    )


class EngineSettings(Section):
    """Engine settings."""

    gguf: GgufSettings = GgufSettings()


class CatalogSettings(Section):
    """Where models are looked for."""

    folders: tuple[Path, ...] = Field(
        default=(), description="Folders with models, or single models, beside `models/` in the home folder."
    )
    adapter_folders: tuple[Path, ...] = Field(
        default=(), description="Folders with LoRA adapters, beside `adapters/` in the home folder."
    )
    demo: bool = Field(default=True, description="Offer the tiny models that come with the package.")


class KvSettings(Section):
    """Prompt caches on disk, in `kv/` in the home folder: a conversation goes on after an unload or a restart."""

    enabled: bool = Field(default=True, description="Keep prompt caches on disk.")
    max_bytes: int = Field(
        default=10_000_000_000, ge=0, description="Bytes they may take; what was used longest ago goes first."
    )
    share: bool = Field(
        default=True,
        description="Let every caller reuse what another's prompt has computed; requests without a key always share.",
    )


class HubSettings(Section):
    """Downloads from the Hugging Face hub; `HF_ENDPOINT` names a mirror, `HF_TOKEN` a token."""

    parallel: int = Field(default=2, ge=1, le=16, description="Downloads that move at once; more wait.")
    bandwidth: int | None = Field(
        default=None, ge=1024, description="Bytes a second for all downloads together; empty: no bound."
    )


class JournalSettings(Section):
    """The journal of requests, `journal.db` in the home folder: who asked which model, when, for how long. No texts."""

    days: float = Field(default=30.0, gt=0, le=36_500, description="Days a request is kept.")
    requests: int = Field(
        default=100_000, ge=0, le=1_000_000, description="Requests that are kept at most, the newest; 0 keeps none."
    )


class ResponseSettings(Section):
    """Responses and chat completions that are kept with their texts, in `dovetail.db` in the home folder."""

    keep: int = Field(default=1000, ge=0, le=1_000_000, description="Of one caller at most, the newest; 0 keeps none.")
    days: float = Field(default=30.0, gt=0, le=36_500, description="Days one is kept.")
    max_bytes: int = Field(default=256 << 20, ge=1 << 20, description="Bytes of all together; the oldest go.")


class ChatSettings(Section):
    """Conversations of the web interface, in `chats.db` and `chats/` in the home folder, each of one account."""

    quota: int = Field(
        default=1 << 30, ge=1 << 20, description="Bytes that one account keeps at most, files of conversations too."
    )
    file_bytes: int = Field(default=20 << 20, ge=1 << 10, le=1 << 30, description="Bytes of one file.")
    import_bytes: int = Field(default=128 << 20, ge=1 << 20, description="Bytes of a file with conversations.")


class TraceSettings(Section):
    """Traces: one span for each request, to an OpenTelemetry collector; with the extra `otel`."""

    endpoint: str | None = Field(
        default=None,
        pattern="^https?://",
        description="The collector's address for OTLP over HTTP, as `http://127.0.0.1:4318`. Empty: the one that "
        "`OTEL_EXPORTER_OTLP_ENDPOINT` names, if it does.",
    )


class LogSettings(Section):
    """Logging."""

    format: Literal["text", "json"] = Field(default="text", description="Log lines as text or as JSON.")
    level: Literal["debug", "info", "warning", "error", "off"] = Field(
        default="info", description="Lowest level that is logged."
    )
    capture_minutes: float = Field(
        default=60.0,
        ge=0,
        le=1440,
        description="Longest time for which an admin may have prompts and replies written to a file "
        "(`POST /api/v1/capture`); 0: never.",
    )
    capture_bytes: int = Field(default=64 << 20, gt=0, description="Bytes of that file.")
    file: bool = Field(default=True, description="Log lines as JSON to `logs/dovetail.jsonl` in the home folder too.")
    file_bytes: int = Field(
        default=10 << 20, ge=4096, le=1 << 40, description="Size in bytes at which that file is begun anew."
    )
    files: int = Field(default=5, ge=0, le=100, description="Old ones that are kept: `dovetail.1.jsonl` and so on.")


def default_home() -> Path:
    """The platform's data folder for Dovetail."""
    return Path(platformdirs.user_data_dir("dovetail", appauthor=False))


class Settings(Section):
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
    speech: SpeechSettings = SpeechSettings()
    hub: HubSettings = HubSettings()
    journal: JournalSettings = JournalSettings()
    responses: ResponseSettings = ResponseSettings()
    chats: ChatSettings = ChatSettings()
    log: LogSettings = LogSettings()
    traces: TraceSettings = TraceSettings()
    models: dict[str, ModelSettings] = Field(default_factory=dict, description="Settings by model id.")

    @field_validator("models")
    @classmethod
    def _names(cls, models: dict[str, ModelSettings]) -> dict[str, ModelSettings]:
        for name, own in models.items():
            if (own.path is not None or own.url is not None) and not MODEL_ID.match(name):
                raise ValueError(f"{name!r} cannot be a model's id: letters, digits, '.', '_' and '-', at most 128")
        return models

    @model_validator(mode="after")
    def _places(self) -> Self:
        for name, own in self.models.items():
            if own.replicas > self.fleet.max_models:
                raise ValueError(f"models.{name}.replicas: {own.replicas}, and fleet.max_models is less")
        return self

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
