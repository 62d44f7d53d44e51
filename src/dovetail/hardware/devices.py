"""All GPUs of this machine, whoever made them."""

from __future__ import annotations

import platform
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

import psutil

from dovetail.hardware import amd, apple, gpus, machine
from dovetail.hardware.intel import Intel
from dovetail.hardware.nvidia import Nvidia
from dovetail.hardware.processor import Sysctl
from dovetail.hardware.reading import GpuReading, Unknown, Vendor


@dataclass(frozen=True, slots=True)
class Device:
    """One GPU: `total` bytes of its own memory, of which `free` are."""

    name: str
    total: int
    free: int


@dataclass(frozen=True, slots=True)
class Site:
    """Where a machine is looked at: its own folders, or those of a recorded one."""

    system: str = platform.system()
    proc: Path = Path("/proc")
    sys: Path = Path("/sys")
    usr: Path = Path("/usr")
    sysctl: Sysctl = machine.sysctl
    registry: Callable[[], bytes] = apple.registry


class Devices:
    """Owns what the readers hold open and remember, until `close`. `read` is for one thread at a time."""

    def __init__(self, site: Site | None = None, nvidia: Nvidia | None = None) -> None:
        self._site = site or Site()
        self._nvidia = nvidia or Nvidia()
        self._intel = Intel(self._site.proc, self._site.sys)

    def read(self, pids: Collection[int] = ()) -> tuple[GpuReading, ...]:
        """Every GPU; where drivers tell only what is asked, memory by process of `pids`. Blocks for milliseconds."""
        where = self._site
        match where.system:
            case "Linux":
                others = (*amd.read(where.proc, where.sys, pids), *self._intel.read(pids))
                return (*self._of_nvidia(gpus.linux(where.proc, where.sys, where.usr)), *others)
            case "Darwin":
                return self._of_apple()
            case _:
                return self._of_nvidia(())

    def memory(self) -> tuple[Device, ...]:
        """Those whose own memory can be read. Blocks for milliseconds; from any thread."""
        where = self._site
        found = () if where.system == "Darwin" else self._nvidia.memory()
        if where.system == "Linux":
            found = (*found, *amd.memory(where.sys))
        return tuple(
            Device(name, total, max(total - used, 0))
            for name, total, used in found
            if not isinstance(total, Unknown) and not isinstance(used, Unknown) and total
        )

    def close(self) -> None:
        self._nvidia.close()

    def _of_nvidia(self, seen: tuple[gpus.Gpu, ...]) -> tuple[GpuReading, ...]:
        """By the library; where it shows none, those that are seen without it, of which nothing else is known."""
        found = self._nvidia.read()
        if isinstance(found, Unknown):
            return tuple(_unread("nvidia", gpu.name, found) for gpu in seen if gpu.vendor == "nvidia")
        return found

    def _of_apple(self) -> tuple[GpuReading, ...]:
        where = self._site
        limit = where.sysctl("iogpu.wired_limit_mb")
        found = apple.read(psutil.virtual_memory().total, int(limit) << 20 if limit.isdecimal() else 0, where.registry)
        return (_unread("apple", "Apple GPU", found),) if isinstance(found, Unknown) else found


def _unread(vendor: Vendor, name: str, why: Unknown) -> GpuReading:
    return GpuReading(
        vendor=vendor,
        name=name,
        id="",
        source="none",
        busy=why,
        vram_used=why,
        vram_total=why,
        power=why,
        temperature=why,
    )
