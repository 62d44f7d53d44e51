"""Pools of real processes, and the animals of the zoo as models."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from dovetail.core.errors import WorkerCrashed
from dovetail.core.events import Event, TextDelta
from dovetail.core.model import LoadOptions, Model, ModelState
from dovetail.core.observe import Observer
from dovetail.core.request import ChatPrompt, GenerateRequest, Message, Sampling, TextPart
from dovetail.demo import models_dir
from dovetail.engines import wire
from dovetail.engines.base import Command, Decoder, Endpoint, Engine, Machine, WorkerCall
from dovetail.engines.gguf import GgufEngine
from dovetail.fleet.launch import LocalLauncher
from dovetail.fleet.pool import Pool
from dovetail.fleet.seats import Making
from dovetail.settings import FleetSettings

ZOO = Path(__file__).parent.parent / "zoo"
TINY = models_dir() / "tiny-gguf" / "tiny-gguf-f16.gguf"
TINY_Q8 = models_dir() / "tiny-gguf-q8" / "tiny-gguf-q8_0.gguf"


class ZooEngine:
    """Starts scripted workers."""

    name = "zoo"
    embeds_apart = False
    adapters_apart = False
    numbered_slots = False

    def resolve(self, model: Model, options: LoadOptions, machine: Machine) -> LoadOptions:
        del model, machine
        return options

    def cache_key(self, options: LoadOptions) -> str:
        del options
        return ""

    def command(self, model: Model, options: LoadOptions, endpoint: Endpoint) -> Command:
        del options
        argv = (sys.executable, "-m", "dovetail.workers.scripted", "--model", str(model.path))
        return Command((*argv, "--socket", str(endpoint.socket)))

    def encode(self, request: GenerateRequest, index: int = 0) -> WorkerCall:
        return wire.encode(request, index)

    def decoder(self, request: GenerateRequest, index: int = 0) -> Decoder:
        return wire.decoder(request, index)


@dataclass
class Recorder(Observer):
    """An observer that remembers."""

    states: list[tuple[str, ModelState]] = field(default_factory=list[tuple[str, ModelState]])
    lines: int = 0

    def model_state(self, model: str, state: ModelState, reason: str | None = None) -> None:
        del reason
        self.states.append((model, state))

    def worker_line(self, model: str, line: str) -> None:
        del model, line
        self.lines += 1


def animal(behaviour: str) -> Model:
    return Model(behaviour, "gguf", ZOO / f"{behaviour}.json")


def gguf(path: Path, name: str | None = None) -> Model:
    return Model(name or path.stem, "gguf", path, (path,))


@asynccontextmanager
async def pool_of(
    engine: Engine,
    run_dir: Path,
    *,
    options: LoadOptions | None = None,
    recorder: Recorder | None = None,
    unix: bool = True,
    **settings: Any,
) -> AsyncGenerator[Pool]:
    """A pool on this machine; closed, and with no process left, when the context ends."""
    fleet = FleetSettings.model_validate({"stop_timeout": 2, "load_timeout": 60, "token_timeout": 20, **settings})
    chosen = options or LoadOptions(context=4096, parallel=4)
    launcher = LocalLauncher(run_dir, unix=unix)
    pool = Pool(Making({"gguf": engine}, lambda _: chosen, Machine(2)), launcher, fleet, recorder or Recorder())
    try:
        yield pool
    finally:
        await pool.aclose()


def zoo(run_dir: Path, *, recorder: Recorder | None = None, **settings: Any):  # noqa: ANN201  as pool_of
    options = LoadOptions(parallel=64)
    return pool_of(ZooEngine(), run_dir, options=options, recorder=recorder, **settings)


def real(run_dir: Path, *, recorder: Recorder | None = None, unix: bool = True, **settings: Any):  # noqa: ANN201  as pool_of
    return pool_of(GgufEngine(), run_dir, recorder=recorder, unix=unix, **settings)


def ask(text: str, *, max_tokens: int | None = None, endless: bool = False) -> GenerateRequest:
    """A greedy question; `endless` goes on to `max_tokens` or the end of the context."""
    prompt = ChatPrompt((Message("user", (TextPart(text),)),), template_options={"enable_thinking": False})
    return GenerateRequest("r", "m", prompt, Sampling(temperature=0, ignore_eos=endless), max_tokens)


async def answer(pool: Pool, model: Model, request: GenerateRequest) -> list[Event]:
    events: list[Event] = []
    async with pool.lease(model) as lease:
        events += [progress async for progress in lease.ready()]
        events += [event async for event in lease.generate(request)]
    return events


def text(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


async def crashes(pool: Pool, model: Model, request: GenerateRequest) -> WorkerCrashed:
    """The crash that ends the answer, whose text may have begun."""
    try:
        await answer(pool, model, request)
    except WorkerCrashed as error:
        return error
    raise AssertionError("the answer came to its end")


def alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:  # between the two questions
        return False


def descendants() -> list[psutil.Process]:
    """Every process below this one, except Python's own helpers."""
    children = psutil.Process(os.getpid()).children(recursive=True)
    return [child for child in children if alive(child)]
