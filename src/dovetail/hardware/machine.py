"""The facts of this machine, as this process may use it."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psutil

from dovetail.hardware import cgroup, gpus, processor
from dovetail.hardware.gpus import Gpu
from dovetail.hardware.processor import Processor, Sysctl
from dovetail.hardware.tree import text

SYSCTL_TIMEOUT = 2.0


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """Memory in bytes: `memory` is the machine's or the container's, `available` what can be had without swapping."""

    system: str
    arch: str
    processor: Processor
    memory: int
    available: int
    gpus: tuple[Gpu, ...]


def machine() -> MachineFacts:
    """This machine, now. Blocks for milliseconds (on macOS for some `sysctl` calls)."""
    system, arch = platform.system(), platform.machine()
    if system == "Linux":
        return linux(arch, os.sched_getaffinity(0))
    if system == "Darwin":
        return macos(arch, psutil.virtual_memory().available)
    return other(system, arch)


def memory() -> tuple[int, int]:
    """Bytes that this machine or container has, and those that can be had now without swapping. Blocks briefly."""
    if platform.system() != "Linux":
        found = psutil.virtual_memory()
        return found.total, found.available
    return _within(Path("/proc"), cgroup.limits(Path("/proc"), Path("/sys")))


def linux(
    arch: str,
    allowed: set[int],
    *,
    proc: Path = Path("/proc"),
    sys: Path = Path("/sys"),
    usr: Path = Path("/usr"),
) -> MachineFacts:
    """A Linux machine by its `/proc`, `/sys` and `/usr`, for a process that may run on the CPUs `allowed`."""
    limits = cgroup.limits(proc, sys)
    total, available = _within(proc, limits)
    return MachineFacts(
        system="Linux",
        arch=arch,
        processor=processor.linux(proc, sys, allowed, limits.cpus),
        memory=total,
        available=available,
        gpus=gpus.linux(proc, sys, usr),
    )


def macos(arch: str, available: int, ask: Sysctl | None = None) -> MachineFacts:
    ask = ask or sysctl
    found = processor.macos(ask)
    size = ask("hw.memsize")
    memory = int(size) if size.isdecimal() else 0
    return MachineFacts("Darwin", arch, found, memory, available, gpus.macos(arch, found.name, memory))


def other(system: str, arch: str, system_root: Path | None = None) -> MachineFacts:
    """Windows and the rest, by psutil."""
    memory = psutil.virtual_memory()
    found = Processor(
        name=platform.processor(),
        cores=psutil.cpu_count(logical=False) or os.cpu_count() or 1,
        threads=os.cpu_count() or 1,
        simd=(),
    )
    root = system_root or Path(os.environ.get("SYSTEMROOT", r"C:\Windows"))
    return MachineFacts(system, arch, found, memory.total, memory.available, gpus.windows(root))


def _within(proc: Path, limits: cgroup.Limits) -> tuple[int, int]:
    total, available = _meminfo(proc)
    return (
        total if limits.memory is None else min(total, limits.memory),
        available if limits.memory_free is None else min(available, limits.memory_free),
    )


def _meminfo(proc: Path) -> tuple[int, int]:
    """Total and available bytes; the file counts in KiB."""
    sizes: dict[str, int] = {}
    for line in text(proc / "meminfo").splitlines():
        name, _, rest = line.partition(":")
        value = rest.split()
        if value and value[0].isdecimal():
            sizes[name] = int(value[0]) * 1024
    total = sizes.get("MemTotal", 0)
    return total, sizes.get("MemAvailable", sizes.get("MemFree", 0))


def sysctl(name: str) -> str:
    """The value's text, empty where there is none. Blocks, 2 s at most."""
    try:
        done = subprocess.run(
            ["/usr/sbin/sysctl", "-n", name], capture_output=True, text=True, timeout=SYSCTL_TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
