"""What is free and what is used now, on this machine."""

from __future__ import annotations

from typing import Protocol

from dovetail.hardware import machine, usage
from dovetail.hardware.devices import Device, Devices
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
    """This machine's, whose GPUs `devices` owns."""

    def __init__(self, devices: Devices | None = None) -> None:
        self._devices = devices or Devices()

    def memory(self) -> tuple[int, int]:
        return machine.memory()

    def usage(self, pid: int) -> Usage:
        return usage.usage(pid)

    def devices(self) -> tuple[Device, ...]:
        return self._devices.memory()
