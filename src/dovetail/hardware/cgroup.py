"""The limits a container or service manager puts on this process: Linux control groups, versions 1 and 2."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dovetail.hardware.tree import number, text

# Version 1 writes "no limit" as a number near 2^63.
_UNLIMITED = 1 << 60


@dataclass(frozen=True, slots=True)
class Limits:
    """CPUs' worth of time, and bytes of memory with what is used of them; None where there is no limit."""

    cpus: float | None = None
    memory: int | None = None
    memory_free: int | None = None


def limits(proc: Path, sys: Path) -> Limits:
    """The tightest limits on the way from this process's group to the top."""
    mount = sys / "fs" / "cgroup"
    cpus = [quota for folder in _folders(proc, mount, "cpu") if (quota := _cpus(folder)) is not None]
    memories = [found for folder in _folders(proc, mount, "memory") if (found := _memory(folder)) is not None]
    return Limits(
        cpus=min(cpus, default=None),
        memory=min((limit for limit, _ in memories), default=None),
        memory_free=min((max(limit - used, 0) for limit, used in memories), default=None),
    )


def cpu_seconds(proc: Path, sys: Path) -> tuple[float, float] | None:
    """CPUs' worth of the tightest quota, and the seconds of CPU time spent in its group. None without a quota."""
    quotas = [(quota, folder) for folder in _folders(proc, sys / "fs" / "cgroup", "cpu") if (quota := _cpus(folder))]
    if not quotas:
        return None
    quota, folder = min(quotas)
    for line in text(folder / "cpu.stat").splitlines():
        name, _, value = line.partition(" ")
        if name == "usage_usec" and value.isdecimal():
            return quota, int(value) / 1e6
    nanoseconds = number(folder / "cpuacct.usage")  # version 1, where cpu and cpuacct are mounted together
    return None if nanoseconds is None else (quota, nanoseconds / 1e9)


def out_of_memory_kills(proc: Path = Path("/proc"), sys: Path = Path("/sys")) -> int:
    """How many processes of this group, and of those above it that can be seen, were killed for want of memory."""
    kills = 0
    for folder in _folders(proc, sys / "fs" / "cgroup", "memory"):
        for line in (text(folder / "memory.events") or text(folder / "memory.oom_control")).splitlines():
            name, _, value = line.partition(" ")
            kills += int(value) if name == "oom_kill" and value.isdecimal() else 0
    return kills


def _folders(proc: Path, mount: Path, controller: str) -> Iterator[Path]:
    """The group's folder and those above it. Inside a container the path may not exist and the mount is the group."""
    for line in text(proc / "self" / "cgroup").splitlines():
        controllers, _, path = line.partition(":")[2].partition(":")
        if controllers and controller not in controllers.split(","):
            continue
        top = mount / controller if controllers else mount
        group = top.joinpath(*(part for part in path.split("/") if part not in ("", "..")))
        while group != top:
            yield group
            group = group.parent
        yield top


def _cpus(folder: Path) -> float | None:
    quota, _, period = text(folder / "cpu.max").partition(" ")
    if not quota:
        quota, period = text(folder / "cpu.cfs_quota_us"), text(folder / "cpu.cfs_period_us")
    return int(quota) / int(period) if quota.isdecimal() and period.isdecimal() and int(period) else None


def _memory(folder: Path) -> tuple[int, int] | None:
    """The limit and what counts against it; the kernel gives cached files back before it refuses memory."""
    read: Callable[[str], int | None] = lambda name: number(folder / name)  # noqa: E731
    limit, used, cached = read("memory.max"), read("memory.current"), "inactive_file"
    if limit is None:
        limit, used, cached = read("memory.limit_in_bytes"), read("memory.usage_in_bytes"), "total_inactive_file"
    if limit is None or limit >= _UNLIMITED:
        return None
    reclaimable = 0
    for line in text(folder / "memory.stat").splitlines():
        name, _, value = line.partition(" ")
        if name == cached and value.isdecimal():
            reclaimable = int(value)
    return limit, max((used or 0) - reclaimable, 0)
