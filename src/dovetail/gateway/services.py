"""The only place where the parts of the gateway are built and wired together."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypedDict, Unpack

import structlog

from dovetail import chat_formats, demo
from dovetail.catalog.adapters import Adapters
from dovetail.catalog.catalog import Catalog
from dovetail.catalog.mlx import MAX_TEMPLATE
from dovetail.core.errors import DovetailError, LoadFailed
from dovetail.core.model import LoadOptions, Model, ModelFormat, Policy
from dovetail.core.observe import Observer
from dovetail.engines import native
from dovetail.engines.base import Engine, Machine, installed
from dovetail.engines.gguf import GgufEngine
from dovetail.engines.mlx import MlxEngine
from dovetail.fleet.launch import Launcher, LocalLauncher
from dovetail.fleet.pool import Pool, WorkerStatus
from dovetail.fleet.process import Props
from dovetail.fleet.prompt_store import PromptStore
from dovetail.fleet.seats import Making
from dovetail.gateway.door import Door
from dovetail.gateway.sse import Replies, Timing
from dovetail.hardware.machine import machine
from dovetail.serving.embed import Embedder
from dovetail.serving.generate import Generator
from dovetail.serving.media import Gate
from dovetail.settings import Settings
from dovetail.telemetry import LogObserver

log = structlog.stdlib.get_logger(__name__)


GGUF_ONLY = ("gpu_layers", "ubatch", "flash_attention", "cache_type_k", "cache_type_v", "threads", "mmproj")


@dataclass(frozen=True, slots=True)
class Services:
    """What routes work with. `preloaded` is set once every model of `fleet.preload` is loaded or has failed."""

    settings: Settings
    catalog: Catalog
    pool: Pool
    generator: Generator
    embedder: Embedder
    engines: dict[ModelFormat, Engine]
    machine: Machine
    timing: Timing
    door: Door = field(default_factory=Door)
    replies: Replies = field(default_factory=Replies)
    preloaded: asyncio.Event = field(default_factory=asyncio.Event)

    def context(self, model: Model) -> int:
        """Tokens of one slot: the loaded worker's, else what a load would give."""
        return self.status(model).context or self.options(model).context or 0

    def status(self, model: Model) -> WorkerStatus:
        """What became of the worker that requests for `model`, with the adapter it names, get."""
        return self.pool.status(model.id, model.adapter.name if model.adapter else None)

    def props(self, model: Model) -> Props | None:
        """What that worker says of itself, once it is ready."""
        return self.pool.props(model.id, model.adapter.name if model.adapter else None)

    def options(self, model: Model) -> LoadOptions:
        """The options a load of `model` would use."""
        wanted = replace(load_options(self.settings, model), pooling=model.pooling)
        return self.engines[model.format].resolve(model, wanted, self.machine)


class Parts(TypedDict, total=False):
    """What a caller may bring instead of the usual part."""

    observer: Observer
    launcher: Launcher


@asynccontextmanager
async def services(settings: Settings, **parts: Unpack[Parts]) -> AsyncGenerator[Services, None]:
    """Builds everything, preloads in the background, and stops every worker when left."""
    observer = parts.get("observer") or LogObserver()
    facts = await asyncio.to_thread(machine)
    here = Machine(cores=facts.processor.cores, gpu=bool(facts.gpus))
    catalog = catalog_of(settings)
    engines = engines_of(settings, facts.processor.simd)
    making = Making(engines, lambda model: checked_options(settings, model), here, await _prompt_store(settings))
    pool = Pool(
        making,
        parts.get("launcher") or LocalLauncher(settings.home / "run"),
        settings.fleet,
        observer,
        policy_for=lambda model: policy(settings, model),
    )
    generator = Generator(
        catalog,
        pool,
        observer,
        share=settings.kv.share,
        media=Gate(settings.media),
        replay_limit=settings.fleet.replay_limit,
    )
    embedder = Embedder(catalog, pool, observer)
    built = Services(settings, catalog, pool, generator, embedder, engines, here, timing(settings))
    preloading = asyncio.create_task(_preload(built), name="preload")
    try:
        yield built
    finally:
        preloading.cancel()
        await asyncio.wait([preloading])
        await pool.aclose()


async def _prompt_store(settings: Settings) -> PromptStore | None:
    if not settings.kv.enabled or not settings.kv.max_bytes:
        return None
    return await asyncio.to_thread(PromptStore, settings.home / "kv", settings.kv.max_bytes)


def model_folders(settings: Settings) -> list[Path]:
    """The roots models are looked for in, in order of precedence."""
    folders = [settings.home / "models", *settings.catalog.folders]
    return [*folders, demo.models_dir()] if settings.catalog.demo else folders


def catalog_of(settings: Settings) -> Catalog:
    """The models and adapters that the settings lead to."""
    folders = [settings.home / "adapters", *settings.catalog.adapter_folders]
    return Catalog(
        model_folders(settings),
        aliases={model_id: own.aliases for model_id, own in settings.models.items() if own.aliases},
        adapters=Adapters([*folders, demo.adapters_dir()] if settings.catalog.demo else folders),
        default_adapters={model_id: own.adapter for model_id, own in settings.models.items() if own.adapter},
        projector=lambda name: settings.load_for(name).mmproj,
        template=lambda name: chat_template(settings, name),
    )


def engines_of(settings: Settings, simd: Collection[str]) -> dict[ModelFormat, Engine]:
    """An engine for each format; `simd` are the vector instructions of this processor."""
    gguf = GgufEngine(
        llama_server(settings.engines.gguf.binary),
        lambda: native.in_force(settings.home, installed("xllamacpp"), simd),
    )
    return {"gguf": gguf, "mlx": MlxEngine()}


def llama_server(binary: str | None) -> Path | None:
    """The external llama-server the settings name, "auto" being the one on the PATH."""
    if not binary:
        return None
    found = shutil.which("llama-server" if binary == "auto" else binary)
    return Path(found) if found else None if binary == "auto" else Path(binary)


def load_options(settings: Settings, model: Model) -> LoadOptions:
    """What the settings say of loading `model`."""
    said = settings.load_for(model.id).model_dump()
    warmup = said.pop("warmup")
    return LoadOptions(
        **said, warmup=True if warmup is None else warmup, chat_template=chat_template(settings, model.id)
    )


def policy(settings: Settings, model: Model) -> Policy:
    """How the fleet treats `model`, by its settings."""
    own = settings.models.get(model.id)
    return Policy() if own is None else Policy(own.pin, own.priority, own.ttl)


def chat_template(settings: Settings, model_id: str) -> Path | None:
    """The template that takes the place of the model's own, if one does."""
    own = settings.models.get(model_id)
    if own is None or own.chat_format is None:
        return own.chat_template if own is not None else None
    return chat_formats.template(own.chat_format)


def checked_options(settings: Settings, model: Model) -> LoadOptions:
    """The same. Raises LoadFailed for what `[models.ID]` says and the model cannot have."""
    own = settings.models.get(model.id)
    if model.format == "mlx" and own is not None:
        said = [name for name in GGUF_ONLY if getattr(own, name) is not None]
        if said:
            names = ", ".join(f"models.{model.id}.{name}" for name in said)
            raise LoadFailed(f"{model.id} cannot be loaded: {names}: for GGUF models only, remove it", status=422)
    options = load_options(settings, model)
    template = options.chat_template
    if template is not None and not (template.is_file() and template.stat().st_size <= MAX_TEMPLATE):
        what = f"models.{model.id}.chat_template: {template} is no file of at most {MAX_TEMPLATE >> 10} KiB"
        raise LoadFailed(f"{model.id} cannot be loaded: {what}", status=422)
    return options


def timing(settings: Settings) -> Timing:
    """The deadlines of answers."""
    server = settings.server
    return Timing(server.stream_header_after, server.keep_alive_every, server.stall_timeout)


async def _preload(built: Services) -> None:
    # Headers are read in a thread once, so that the first request finds a warm catalog.
    await asyncio.to_thread(built.catalog.refresh)
    for name in built.settings.fleet.preload:
        try:
            await built.pool.load(built.catalog.find(name))
        except DovetailError as failure:
            log.warning("preload_failed", model=name, reason=failure.message)
    built.preloaded.set()
