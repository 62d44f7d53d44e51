"""How busy the CPUs are that this process may use."""

from __future__ import annotations

import os
import sys as system
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import psutil

from dovetail.hardware import cgroup
from dovetail.hardware.reading import Figure, Unknown
from dovetail.hardware.tree import text


@dataclass(frozen=True, slots=True)
class CpuTime:
    """Seconds of CPU time on `cpus` CPUs: those `spent`, and all there were until now."""

    cpus: float
    spent: float
    there: float

    def percent(self, before: CpuTime | None) -> Figure:
        """Of the time since `before`."""
        if before is None:
            return Unknown("told from the second reading on")
        if self.there <= before.there or self.cpus != before.cpus:
            return Unknown("no CPU time was counted since the last reading")
        return min(100.0, max(0.0, 100 * (self.spent - before.spent) / (self.there - before.there)))


def cpu_time(now: float) -> CpuTime:
    """At `now` on the monotonic clock. Blocks for a small file or two."""
    if system.platform == "linux":
        return linux(Path("/proc"), Path("/sys"), os.sched_getaffinity(0), now)
    times = psutil.cpu_times()
    cpus = os.cpu_count() or 1
    return CpuTime(cpus, sum(times) - times.idle, sum(times))


def linux(proc: Path, sys: Path, allowed: Collection[int], now: float) -> CpuTime:
    """A container's own time where it has a quota, else that of the CPUs `allowed`, by `/proc/stat`."""
    bounded = cgroup.cpu_seconds(proc, sys)
    if bounded is not None and bounded[0] < len(allowed):
        quota, spent = bounded
        return CpuTime(quota, spent, quota * now)
    spent = there = 0
    for line in text(proc / "stat").splitlines():
        name, *fields = line.split()
        if name.startswith("cpu") and name[3:].isdecimal() and int(name[3:]) in allowed:
            # user nice system idle iowait irq softirq steal; what guests use is in user and nice.
            ticks = [int(field) for field in fields[:8]]
            there += sum(ticks)
            spent += sum(ticks) - sum(ticks[3:5])
    rate = os.sysconf("SC_CLK_TCK")
    return CpuTime(len(allowed), spent / rate, there / rate)
