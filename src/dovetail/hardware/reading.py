"""What is read of this machine at one moment. Every figure is a number, or says why it is none; nothing unread is 0."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

Vendor: TypeAlias = Literal["nvidia", "amd", "intel", "apple"]


@dataclass(frozen=True, slots=True)
class Unknown:
    """Stands where a number would."""

    reason: str


Figure: TypeAlias = float | Unknown
Bytes: TypeAlias = int | Unknown


@dataclass(frozen=True, slots=True)
class GpuReading:
    """One GPU. That it computes and that its memory is full are two figures.

    id           NVIDIA's UUID, else the PCI address; the same after a restart
    source       where the figures come from, and of whom they are where that is not everybody
    busy         percent of the time in which something ran on it
    vram_total   bytes of its own memory, or of the machine's that it may use where it `shares` that
    power        watts
    temperature  degrees Celsius
    processes    bytes of its memory by process id, of those that can be told apart
    """

    vendor: Vendor
    name: str
    id: str
    source: str
    busy: Figure
    vram_used: Bytes
    vram_total: Bytes
    power: Figure
    temperature: Figure
    shares: bool = False
    processes: Mapping[int, int] = field(default_factory=dict[int, int])

    def without_figures(self, why: Unknown) -> GpuReading:
        """The same GPU, of which nothing could be read."""
        return replace(self, busy=why, vram_used=why, vram_total=why, power=why, temperature=why, processes={})


@dataclass(frozen=True, slots=True)
class ProcessReading:
    """A process with everything it started, but what stands in a line of its own.

    memory  bytes resident (on Linux PSS: a page that several map is divided among them)
    cpu     percent of one CPU: 200 is two
    vram    bytes of GPUs' memory
    """

    name: str
    pid: int
    memory: Bytes
    cpu: Figure
    vram: Bytes


@dataclass(frozen=True, slots=True)
class MachineReading:
    """`at` is on the monotonic clock.

    cpu           percent of all CPUs that may be used: the container's quota where there is one
    cpus          how many those are
    memory_total  bytes of the machine, or of the container where it has a limit
    memory_used   what of them cannot be had without swapping
    """

    at: float
    cpu: Figure
    cpus: float
    memory_total: Bytes
    memory_used: Bytes
    processes: tuple[ProcessReading, ...] = ()
    devices: tuple[GpuReading, ...] = ()
