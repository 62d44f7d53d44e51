"""What stands in for processes and for time: a launcher whose workers live in the test's own loop."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from dovetail.core.caller import Caller
from dovetail.core.errors import LoadFailed
from dovetail.core.model import LoadOptions, Model, ModelState
from dovetail.core.observe import Observer
from dovetail.core.request import ChatPrompt, GenerateRequest, Message, TextPart
from dovetail.engines import wire
from dovetail.engines.base import Command, Decoder, Endpoint, Machine, WorkerCall
from dovetail.fleet.launch import Launched
from dovetail.workers.scripted import Connection, Frames, Metronome, Script, Worker

HELLO = GenerateRequest("r1", "m", ChatPrompt((Message("user", (TextPart("hello"),)),)))
CALLER = Caller("test")


def model(name: str) -> Model:
    return Model(name, "gguf", Path(f"/models/{name}.gguf"))


@dataclass
class Clock:
    """Seconds that pass when the test says so."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Recorder(Observer):
    """An observer that remembers."""

    states: list[tuple[str, ModelState]] = field(default_factory=list[tuple[str, ModelState]])
    lines: list[str] = field(default_factory=list[str])
    loads: list[str] = field(default_factory=list[str])
    restarts: list[str | None] = field(default_factory=list[str | None])

    def model_state(self, model: str, state: ModelState, reason: str | None = None) -> None:
        del reason
        self.states.append((model, state))

    def worker_line(self, model: str, line: str) -> None:
        del model
        self.lines.append(line)

    def model_loaded(self, model: str, seconds: float) -> None:
        assert seconds >= 0
        self.loads.append(model)

    def worker_restarted(self, model: str, reason: str | None) -> None:
        del model
        self.restarts.append(reason)


class FakeEngine:
    name = "gguf"
    embeds_apart = True
    adapters_apart = True
    numbered_slots = False

    def resolve(self, model: Model, options: LoadOptions, machine: Machine) -> LoadOptions:
        del model, machine
        return options

    def cache_key(self, options: LoadOptions) -> str:
        del options
        return ""

    def command(self, model: Model, options: LoadOptions, endpoint: Endpoint) -> Command:
        del options, endpoint
        return Command((str(model.path),))

    def encode(self, request: GenerateRequest, index: int = 0) -> WorkerCall:
        return wire.encode(request, index)

    def decoder(self, request: GenerateRequest, index: int = 0) -> Decoder:
        return wire.decoder(request, index)


@dataclass(frozen=True)
class Plan:
    """How the fake workers of one model behave."""

    script: Script = field(default_factory=partial(Script, tokens=3, interval_ms=0.1, slots=2))
    last_words: str | None = None
    listens: bool = True
    heeds_sigterm: bool = True
    leaves_after: float = 0.0  # seconds that it takes to heed it
    cannot_start: bool = False


class FakeProcess:
    pid = 4242

    def __init__(self, heeds_sigterm: bool, leaves_after: float = 0.0) -> None:
        self.signals: list[str] = []
        self.status: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.server: asyncio.Server | None = None
        self.transports: list[asyncio.BaseTransport] = []
        self._heeds_sigterm = heeds_sigterm
        self._leaves_after = leaves_after

    async def wait(self) -> int:
        return await asyncio.shield(self.status)

    def terminate(self) -> None:
        self.signals.append("TERM")
        if self._heeds_sigterm and self._leaves_after:
            asyncio.get_running_loop().call_later(self._leaves_after, self.exit, 0)
        elif self._heeds_sigterm:
            self.exit(0)

    def kill(self) -> None:
        self.signals.append("KILL")
        self.exit(-9)

    def exit(self, status: int) -> None:
        if not self.status.done():
            self.status.set_result(status)
            if self.server is not None:
                self.server.close()
            for transport in self.transports:
                transport.close()


class FakeLauncher:
    """Its workers are scripted ones, served by the loop of the test."""

    def __init__(self) -> None:
        self.plans: dict[str, Plan] = {}
        self.launched: list[tuple[str, FakeProcess]] = []
        self._folder = tempfile.TemporaryDirectory(prefix="dovetail-test-")

    async def aclose(self) -> None:
        for _, process in self.launched:
            process.exit(0)
        for _ in range(5):  # a connection that was accepted just now is made, and closed, in the loop's next rounds
            await asyncio.sleep(0)
        self._folder.cleanup()

    def process(self, name: str) -> FakeProcess:
        """The newest process of a model."""
        return [process for launched, process in self.launched if launched == name][-1]

    def starts(self, name: str) -> int:
        return sum(launched == name for launched, _ in self.launched)

    async def launch(
        self, name: str, command_for: Callable[[Endpoint], Command], on_line: Callable[[str], None]
    ) -> Launched:
        endpoint = Endpoint(socket=Path(self._folder.name) / f"{len(self.launched)}.sock")
        command_for(endpoint)
        plan = self.plans.get(name, Plan())
        if plan.cannot_start:
            raise LoadFailed(f"{name} could not be loaded: no such engine")
        process = FakeProcess(plan.heeds_sigterm, plan.leaves_after)
        self.launched.append((name, process))
        if plan.last_words is not None:
            on_line(plan.last_words)
            process.exit(1)
        elif plan.listens:
            worker = Worker(plan.script, Frames(plan.script), Metronome(plan.script.interval_ms / 1000), 0.0)
            # Not served before it is kept: cancelled in between, nobody would close it.
            process.server = await asyncio.get_running_loop().create_unix_server(
                partial(_Connection, worker, process), str(endpoint.socket), start_serving=False
            )
            await process.server.start_serving()
        return Launched(endpoint, process)


class _Connection(Connection):
    def __init__(self, worker: Worker, process: FakeProcess) -> None:
        super().__init__(worker)
        self._process = process

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._process.transports.append(transport)
        if self._process.status.done():  # it was accepted before the end, and made after it
            transport.close()


async def until(condition: Callable[[], bool], within: float = 5.0) -> None:
    """Lets the loop run until `condition` holds."""
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.001)
