"""What is read of this machine's memory to place models, and what is told of a placed one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from dovetail.hardware.devices import Device
from dovetail.hardware.usage import Usage


class Placement(TypedDict, total=False):
    """As `WorkerStatus` has it."""

    memory: int | None
    reserved: int
    device_memory: int
    gpu_layers: int
    layers: int
    progress: float | None


@dataclass(frozen=True, slots=True)
class Reading:
    """This machine's memory and that of every worker that may run, at one moment."""

    total: int = 0
    available: int = 0
    devices: tuple[Device, ...] = ()
    usages: tuple[Usage, ...] = ()

    def private(self) -> int:
        return sum(usage.private or usage.memory or 0 for usage in self.usages)


def free_on(devices: Sequence[Device]) -> int:
    return sum(device.free for device in devices)
