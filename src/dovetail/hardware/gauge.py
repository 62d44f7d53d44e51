"""What is free and what is used now, on this machine."""

from __future__ import annotations

from typing import Protocol

from dovetail.hardware import devices, machine, usage
from dovetail.hardware.devices import Device
from dovetail.hardware.usage import Usage


class Gauge(Protocol):
    """Read anew at each call; each blocks for milliseconds."""

    def memory(self) -> tuple[int, int]:
        """Bytes there are, and bytes that can be had without swapping; zeros where that is not known."""
        ...

    def usage(self, pid: int) -> Usage: ...

    def devices(self) -> tuple[Device, ...]:
        """GPUs whose own memory can be read."""
        ...


class LocalGauge:
    """This machine's."""

    def __init__(self) -> None:
        self._nvml = devices.nvml()

    def memory(self) -> tuple[int, int]:
        return machine.memory()

    def usage(self, pid: int) -> Usage:
        return usage.usage(pid)

    def devices(self) -> tuple[Device, ...]:
        found = () if self._nvml is None else devices.nvidia(self._nvml)
        return (*found, *devices.amd())
