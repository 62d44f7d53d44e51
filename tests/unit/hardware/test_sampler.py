"""Readings of the machine: shared, not too often, and without waiting for a driver that hangs."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Sequence
from pathlib import Path

import pytest

from dovetail.hardware import sampler as module
from dovetail.hardware.devices import Devices, Site
from dovetail.hardware.nvidia import Nvidia
from dovetail.hardware.reading import MachineReading, Unknown
from dovetail.hardware.sampler import Instruments, Sampler
from dovetail.hardware.sampler import Process as Sampled

from .nvml import FakeNvml, Process

pytestmark = pytest.mark.anyio


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Fake(Instruments):
    """Counts, and hangs while `hangs` is set."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.asked: list[Sequence[Sampled]] = []
        self.free = threading.Event()
        self.free.set()
        self.closed = False

    def read(self, processes: Sequence[Sampled]) -> MachineReading:
        self.asked.append(processes)
        assert self.free.wait(30)
        return MachineReading(self.clock.now, 50.0, 2, 100, 40)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def fake(clock: Clock) -> Generator[Fake]:
    made = Fake(clock)
    yield made
    made.free.set()


async def test_all_who_ask_at_once_share_one_reading(fake: Fake, clock: Clock) -> None:
    fake.free.clear()
    sampler = Sampler(fake, lambda: [Sampled("gateway", 1)], clock)
    asked = [asyncio.create_task(sampler.read()) for _ in range(20)]
    while not fake.asked:
        await asyncio.sleep(0)
    fake.free.set()
    assert len({id(reading) for reading in await asyncio.gather(*asked)}) == 1
    assert fake.asked == [(Sampled("gateway", 1),)]
    await sampler.aclose()
    assert fake.closed


async def test_at_most_one_a_second(fake: Fake, clock: Clock) -> None:
    sampler = Sampler(fake, list, clock)
    for tenth in range(31):
        clock.now = tenth / 10
        reading = await sampler.read()
        assert clock.now - reading.at < 1
    assert len(fake.asked) == 4
    await sampler.aclose()


async def test_who_leaves_takes_nothing_from_the_others(fake: Fake, clock: Clock) -> None:
    fake.free.clear()
    sampler = Sampler(fake, list, clock)
    leaves, stays = asyncio.create_task(sampler.read()), asyncio.create_task(sampler.read())
    while not fake.asked:
        await asyncio.sleep(0)
    leaves.cancel()
    fake.free.set()
    assert (await stays).cpu == 50.0
    assert len(fake.asked) == 1
    await sampler.aclose()


async def test_a_driver_that_hangs_is_waited_for_once(
    fake: Fake, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sampler = Sampler(fake, list, clock)
    assert (await sampler.read()).cpu == 50.0
    monkeypatch.setattr(module, "WITHIN", 0.01)
    fake.free.clear()
    clock.now = 10
    for _ in range(3):
        reading = await sampler.read()
        assert isinstance(reading.cpu, Unknown)
        assert "may hang" in reading.cpu.reason
    assert len(fake.asked) == 2, "no thread is added to the one that hangs"
    await sampler.aclose()
    assert not fake.closed, "it would hang as well"


async def test_after_it_hung_it_answers_again(fake: Fake, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    sampler = Sampler(fake, list, clock)
    fake.free.clear()
    with monkeypatch.context() as patch:
        patch.setattr(module, "WITHIN", 0.01)
        assert isinstance((await sampler.read()).memory_used, Unknown)
    fake.free.set()
    clock.now = 10
    while isinstance((reading := await sampler.read()).cpu, Unknown):
        await asyncio.sleep(0)
    assert reading.at == 10, "not the one that took so long"
    await sampler.aclose()


async def test_a_fault_reaches_who_asked_and_the_next_reading_is_another(
    fake: Fake, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> MachineReading:
        raise ValueError("odd")

    sampler = Sampler(fake, list, clock)
    with monkeypatch.context() as patch:
        patch.setattr(fake, "read", broken)
        with pytest.raises(ValueError, match="odd"):
            await sampler.read()
    assert (await sampler.read()).cpu == 50.0
    await sampler.aclose()


class Gpu(FakeNvml):
    """The process `pid` has a gibibyte on it."""

    pid = 0

    def nvmlDeviceGetComputeRunningProcesses(self, handle: object) -> list[Process]:  # noqa: ARG002, N802
        return [Process(self.pid, 1 << 30)]


def test_processes_are_told_apart(tmp_path: Path) -> None:
    nvml = Gpu()
    devices = Devices(Site("Linux", tmp_path, tmp_path, tmp_path), Nvidia(lambda: nvml))
    instruments = Instruments(devices)
    busy = "held = bytearray(64 << 20)\nprint('ready', flush=True)\nfor line in iter(input, ''): pass"
    with subprocess.Popen([sys.executable, "-c", busy], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        nvml.pid = child.pid
        asked = [Sampled("gateway", os.getpid()), Sampled("tiny", child.pid, 7), Sampled("gone", 2**22 - 3)]
        instruments.read(asked)
        deadline = time.monotonic() + 0.2
        while time.monotonic() < deadline:
            sum(range(10_000))
        reading = instruments.read(asked)
        child.communicate(b"\n")
    gateway, tiny, gone = reading.processes
    assert not isinstance(gateway.memory, Unknown)
    assert not isinstance(tiny.memory, Unknown)
    assert tiny.memory > 60 << 20
    assert not isinstance(gateway.cpu, Unknown)
    assert not isinstance(tiny.cpu, Unknown)
    assert gateway.cpu > tiny.cpu, "the worker's time is not the gateway's"
    assert tiny.vram == 2 << 30
    assert gateway.vram == Unknown("no GPU's driver lists this process")
    assert isinstance(gone.memory, Unknown)
    assert isinstance(gone.cpu, Unknown)
    assert not isinstance(reading.memory_total, Unknown)
    assert not isinstance(reading.memory_used, Unknown)
    assert 0 < reading.memory_used < reading.memory_total
    instruments.close()
    assert nvml.started == 0


def test_a_process_on_a_machine_without_a_gpu(tmp_path: Path) -> None:
    devices = Devices(Site("Linux", tmp_path, tmp_path, tmp_path), Nvidia(lambda: Unknown("none")))
    (process,) = Instruments(devices).read([Sampled("gateway", os.getpid(), 7)]).processes
    assert process.vram == Unknown("no GPU is here")
    assert isinstance(process.cpu, Unknown)


@pytest.mark.accept("V1")
def test_on_apples_gpus_mlx_says_what_it_holds() -> None:
    registry = (Path(__file__).parent / "trees" / "apple-m.plist").read_bytes
    devices = Devices(Site("Darwin", sysctl=lambda _: "", registry=registry))
    asked = [Sampled("tiny-mlx", os.getpid(), 5 << 30), Sampled("tiny-gguf", os.getppid())]
    mlx, gguf = Instruments(devices).read(asked).processes
    assert mlx.vram == 5 << 30
    assert gguf.vram == Unknown("no GPU's driver lists this process")
