"""The only place where the parts of the gateway are built and wired together."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypedDict, Unpack

import structlog

from dovetail import local_key
from dovetail.access.access import Access, opened
from dovetail.access.people import Lifetime
from dovetail.bench.lab import Lab
from dovetail.catalog.catalog import Catalog
from dovetail.catalog.downloads import Downloads
from dovetail.catalog.found import Tool, here
from dovetail.core.model import LoadOptions, Model, ModelFormat
from dovetail.core.observe import Observer
from dovetail.engines.base import Engine, Machine
from dovetail.fleet.budget import limit
from dovetail.fleet.launch import Launcher, LocalLauncher
from dovetail.fleet.measured import FILE as MEASURED
from dovetail.fleet.measured import Measured
from dovetail.fleet.pool import Pool, WorkerStatus
from dovetail.fleet.prompt_store import PromptStore
from dovetail.fleet.props import Props
from dovetail.fleet.seats import Making
from dovetail.gateway import hearing, log_feed, revocation
from dovetail.gateway.browsers import Browsers
from dovetail.gateway.chats import archive
from dovetail.gateway.chats.archive import Archive
from dovetail.gateway.chats.runs import Runs
from dovetail.gateway.configuration import Live
from dovetail.gateway.deliveries import with_downloads
from dovetail.gateway.door import Door
from dovetail.gateway.feeds import Feeds
from dovetail.gateway.guard import Guard
from dovetail.gateway.insight import Insight, insight
from dovetail.gateway.instances import Instances
from dovetail.gateway.lab import lab_of
from dovetail.gateway.loads import Loads
from dovetail.gateway.model_settings import (
    catalog_of,
    catalog_scope,
    checked_options,
    engines_of,
    load_options,
    policy,
)
from dovetail.gateway.panel import GATEWAY, Panel
from dovetail.gateway.preload import Preloader, preloads
from dovetail.gateway.spool import Spool
from dovetail.gateway.sse import Timing
from dovetail.gateway.streams import Streams
from dovetail.hardware.devices import Devices
from dovetail.hardware.gauge import Gauge, LocalGauge
from dovetail.hardware.machine import MachineFacts, machine
from dovetail.hardware.sampler import Process, Sampler, sampler
from dovetail.serving.embed import Embedder
from dovetail.serving.generate import Generator
from dovetail.serving.media import Gate
from dovetail.serving.requests import Requests
from dovetail.serving.transcribe import Transcriber
from dovetail.settings import Settings, Sources
from dovetail.telemetry.capture import Capture
from dovetail.telemetry.hub import Hub

log = structlog.stdlib.get_logger(__name__)

# Requests for answers a minute from one address, where others than this machine's users reach the server.
EXPOSED_REQUESTS = 600
# And answers to one caller under way at once: each holds a connection, of which `server.max_connections` are all.
EXPOSED_ANSWERS = 256


@dataclass(frozen=True, slots=True)
class Services:
    """What routes work with. `preloaded` is set once every model to be loaded at start is loaded or has failed."""

    live: Live
    catalog: Catalog
    pool: Pool
    generator: Generator
    embedder: Embedder
    transcriber: Transcriber
    engines: dict[ModelFormat, Engine]
    machine: Machine
    panel: Panel
    loads: Loads
    sampler: Sampler = field(default_factory=sampler)
    door: Door = field(default_factory=Door)
    spool: Spool = field(default_factory=Spool)
    requests: Requests = field(default_factory=Requests)
    streams: Streams = field(default_factory=Streams)
    instances: Instances = field(default_factory=Instances)
    insight: Insight = field(default_factory=Insight)
    preloaded: asyncio.Event = field(default_factory=asyncio.Event)
    # None where nothing is downloaded.
    downloads: Downloads | None = None
    # Where other programs of this machine keep models.
    other_programs: Callable[[], list[tuple[Tool, Path]]] = here
    # Without it nobody is asked who they are: parts of the gateway under test, and the document of its routes.
    access: Access | None = None
    capture: Capture | None = None
    lab: Lab | None = None
    runs: Runs = field(default_factory=lambda: Runs(Archive(), Requests()))

    @property
    def hub(self) -> Hub:
        """Where what happens is told."""
        return self.insight.hub

    @property
    def archive(self) -> Archive:
        """Where conversations are kept."""
        return self.runs.archive

    @property
    def is_ready(self) -> bool:
        """Whether requests should come here: preloads are done and the server is not shutting down."""
        return self.preloaded.is_set() and not self.door.shut

    @property
    def guard(self) -> Guard | None:
        """What stands before every route."""
        if self.access is None:
            return None
        server = self.settings.server
        said, exposed = self.settings.access, server.exposed and not server.insecure
        often = said.address_requests or (EXPOSED_REQUESTS if server.exposed else None)
        answers = said.caller_answers or (EXPOSED_ANSWERS if server.exposed else None)
        asks = Guard(self.access, exposed, said.require_key, server.insecure, often, said.account_requests, answers)
        return replace(asks, capture=self.capture)

    @property
    def browsers(self) -> Browsers:
        """Which names and pages are let in."""
        server = self.settings.server
        return Browsers(address=server.host, hosts=server.allowed_hosts, origins=server.cors_origins)

    @property
    def settings(self) -> Settings:
        """Those in force now."""
        return self.live.current

    @property
    def timing(self) -> Timing:
        """The deadlines of answers."""
        server = self.settings.server
        return Timing(server.stream_header_after, server.keep_alive_every, server.stall_timeout, server.request_timeout)

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
    """What a caller may bring instead of the usual part; without `sources` settings never change.

    `observers` are told what happens beside the usual ones.
    """

    observers: Sequence[Observer]
    launcher: Launcher
    sources: Sources
    gauge: Gauge


@asynccontextmanager
async def services(settings: Settings, **parts: Unpack[Parts]) -> AsyncGenerator[Services, None]:
    """Builds everything, preloads in the background, and stops every worker when left."""
    facts, access = await asyncio.gather(asyncio.to_thread(machine), asyncio.to_thread(access_of, settings))
    catalog = catalog_of(settings)
    async with (
        insight(settings, access, catalog.has, parts.get("observers", ())) as told,
        _running(settings, facts, access, told, parts, catalog=catalog) as built,
    ):
        yield built


@asynccontextmanager
async def _running(
    settings: Settings, facts: MachineFacts, access: Access, told: Insight, parts: Parts, *, catalog: Catalog
) -> AsyncGenerator[Services, None]:
    observer = told.observer
    live = Live(settings, parts.get("sources"), observer)
    here = _here(settings, facts)
    engines = engines_of(settings, facts.processor.simd)
    measured = await asyncio.to_thread(Measured, settings.home / MEASURED, _hardware(facts))
    store = await _prompt_store(settings)
    making = Making(engines, lambda model: checked_options(live.current, model), here, store, measured)
    pool, readings = _pool(live, making, observer, parts)
    generator = _tell(Generator(catalog, pool, observer), settings)
    preloader = Preloader(catalog, pool)
    preloader.want(preloads(settings))
    embedder, transcriber = Embedder(catalog, pool, observer), Transcriber(catalog, pool, observer)
    capture = Capture(settings.home / "capture", partial(_note, access, "capture ended", "reason"))
    requests, streams = Requests(), Streams()
    panel = Panel(
        pool, requests, streams, told.metrics, readings, lambda: live.current, capturing=lambda: capture.now is not None
    )
    built = Services(
        live, catalog, pool, generator, embedder, transcriber, engines, here, panel, Loads(pool, requests), readings,
        requests=requests, streams=streams, insight=told, preloaded=preloader.done, access=access, capture=capture,
    )  # fmt: skip
    runs = await asyncio.to_thread(_runs, live, requests)
    built = replace(with_downloads(built), lab=(lab := lab_of(built, facts, access.database)), runs=runs)

    async def apply(before: Settings) -> None:
        nonlocal making
        told.reconfigure(live.current)
        making = await _remade(making, built, before, facts.processor.simd)
        pool.reconfigure(making, live.current.fleet)
        preloader.want(sorted(set(preloads(live.current)) - set(preloads(before))))

    live.on_change(apply, partial(_note, access, "configuration applied", "changed"))
    await _introduced(settings, access)
    running = _at_work(built, access, preloader, lab)
    try:
        yield built
    finally:
        await built.loads.aclose()
        await _stopped(running, pool, readings, runs)
        capture.end("the server stops")
        await access.aclose()
        await asyncio.to_thread(local_key.remove, settings.home)


def _at_work(built: Services, access: Access, preloader: Preloader, lab: Lab) -> list[asyncio.Task[None]]:
    """What goes on beside requests until it is cancelled."""
    work = {
        "preload": preloader.run(),
        "watch": built.live.watch(),
        "usage": access.meter.run(),
        "insight": built.insight.run(),
        "log feed": log_feed.published(built.insight.lines, built.hub),
        "lab": lab.run(),
        "chats": built.archive.run_sweeps(),
        "runs": built.runs.keep(),
        "speech": hearing.run(built),
        "revocation": revocation.watch(access, built.requests, built.streams),
        "feeds": Feeds(built.hub, built.panel, lambda: built.is_ready, built.insight.nudge).run(),
    }
    if built.downloads is not None:
        work["downloads"] = built.downloads.run()
    return [asyncio.create_task(task, name=name) for name, task in work.items()]


async def _stopped(running: list[asyncio.Task[None]], pool: Pool, readings: Sampler, runs: Runs) -> None:
    await runs.aclose()
    for task in running:
        task.cancel()
    await asyncio.wait(running)
    await pool.aclose()
    await readings.aclose()
    await runs.archive.aclose()


def _runs(live: Live, requests: Requests) -> Runs:
    """Answers written into the conversations of the home folder. Blocks."""
    return Runs(archive.opened(live.current.home), requests, lambda: live.current.server.request_timeout)


async def _introduced(settings: Settings, access: Access) -> None:
    """How the commands of this machine, and whoever sets the server up, say who they are."""
    await asyncio.to_thread(local_key.write, settings.home, access.local_key)
    if access.people.chief is None and settings.server.exposed:
        log.warning("to make the first account over the network, give this code", code=access.setup_code)


def _note(access: Access, what: str, name: str, value: str) -> None:
    """A line of the audit log on what the server did by itself. Blocks."""
    access.audit.write(what, who="server", address="local", **{name: value})


def access_of(settings: Settings) -> Access:
    """Accounts, keys and the record of the home folder. Blocks; raises DatabaseUnusable or RecordUnusable."""
    said = settings.access
    lifetime = Lifetime(said.session_idle, said.session_longest, said.sessions)
    key = None if said.api_key is None else said.api_key.get_secret_value()
    return opened(settings.home, key=key, lifetime=lifetime, most_keys=said.keys)


async def _remade(making: Making, built: Services, before: Settings, simd: Collection[str]) -> Making:
    """What `built` is told of other settings than those `before`; what models are loaded by from now on."""
    now = built.settings
    if (now.catalog, now.models, now.load, now.speech) != (before.catalog, before.models, before.load, before.speech):
        roots, scope = catalog_scope(now)
        await asyncio.to_thread(lambda: built.catalog.reconfigure(roots, **scope))
        built.hub.publish("models", "listed", {})
    if now.engines != before.engines:  # other engines are other objects: workers of the old ones leave
        built.engines.update(engines_of(now, simd))
    _tell(built.generator, now)
    if built.capture is not None and not now.log.capture_minutes:
        built.capture.end("log.capture_minutes is 0 now")
    if (now.kv.enabled, now.kv.max_bytes) != (before.kv.enabled, before.kv.max_bytes):
        return replace(making, store=await _prompt_store(now))
    return making


def _tell(generator: Generator, settings: Settings) -> Generator:
    generator.reconfigure(share=settings.kv.share, media=Gate(settings.media), replay_limit=settings.fleet.replay_limit)
    return generator


def _processes(pool: Pool) -> list[Process]:
    """This one, and every worker that lives, by names."""
    workers = [Process(one.model, one.pid, one.allocated) for one in pool.states() if one.pid is not None]
    return [Process(GATEWAY, os.getpid()), *workers]


def _pool(live: Live, making: Making, observer: Observer, parts: Parts) -> tuple[Pool, Sampler]:
    """What runs models, and what reads the machine: both look at GPUs by the same readers."""
    settings, devices = live.current, Devices()
    pool = Pool(
        making,
        parts.get("launcher")
        or LocalLauncher(settings.home / "run", network=lambda: live.current.fleet.worker_network),
        settings.fleet,
        observer,
        policy_for=lambda model: policy(live.current, model),
        gauge=parts.get("gauge") or LocalGauge(devices),
    )
    return pool, sampler(devices, lambda: _processes(pool))


def _here(settings: Settings, facts: MachineFacts) -> Machine:
    return Machine(
        cores=facts.processor.cores,
        gpu=bool(facts.gpus),
        vram=any(gpu.vendor != "apple" for gpu in facts.gpus),
        memory=limit(settings.fleet.memory, facts.memory, facts.available),
        arch=facts.arch,
    )


def _hardware(facts: MachineFacts) -> str:
    """What was measured on a machine does not hold on one that differs in this."""
    gpus = [(gpu.name, gpu.memory) for gpu in facts.gpus]
    return repr((facts.processor, facts.memory, gpus))


async def _prompt_store(settings: Settings) -> PromptStore | None:
    if not settings.kv.enabled or not settings.kv.max_bytes:
        return None
    return await asyncio.to_thread(PromptStore, settings.home / "kv", settings.kv.max_bytes)
