"""Memory and CPU of a process and of everything it started."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import psutil

from dovetail.hardware.tree import children, text

_Number = TypeVar("_Number", int, float)


@dataclass(frozen=True, slots=True)
class Usage:
    """A process and its descendants at one moment; None is what could not be read of any of them.

    memory   bytes resident, a page that several processes map divided among them (PSS) where the platform can say so
    cpu      seconds of CPU time since they started, user and system
    private  bytes of `memory` that no file stands behind: they come back to the system only when the process ends
    """

    memory: int | None = None
    cpu: float | None = None
    private: int | None = None

    def percent(self, before: Usage, seconds: float) -> float | None:
        """The share of one CPU used since `before`, `seconds` ago: 200.0 is two CPUs. None where unknown."""
        if self.cpu is None or before.cpu is None or seconds <= 0:
            return None
        return max(0.0, 100 * (self.cpu - before.cpu) / seconds)


def usage(pid: int) -> Usage:
    """Of the process `pid` and its descendants. Blocks for milliseconds: every process is looked at."""
    return linux(pid) if sys.platform == "linux" else other(pid)


def families(pids: Collection[int]) -> dict[int, list[int]]:
    """Each of `pids` with all below it, but for others of `pids` and what is below them. Blocks like `usage`."""
    if sys.platform == "linux":
        return linux_families(pids, Path("/proc"))
    return {pid: [pid, *(child for child in _below(pid) if child not in pids)] for pid in pids}


def usage_of(members: Collection[int]) -> Usage:
    """Of these processes alone. Blocks for a millisecond each."""
    return linux_of(members, Path("/proc")) if sys.platform == "linux" else other_of(members)


def stopped(pid: int) -> bool:
    """Whether the process was stopped by a signal and is to go on by another (SIGSTOP, SIGCONT); not where unknown."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_STOPPED
    except psutil.Error:
        return False


def linux(pid: int, proc: Path = Path("/proc"), ticks: int | None = None) -> Usage:
    """From `/proc`, with `ticks` of the clock a second (default: this machine's)."""
    return linux_of(linux_families([pid], proc)[pid], proc, ticks)


def linux_of(members: Collection[int], proc: Path, ticks: int | None = None) -> Usage:
    rate = ticks or os.sysconf("SC_CLK_TCK")
    folders = [proc / str(member) for member in members]
    rollups = [_rollup(folder) for folder in folders]
    return Usage(
        memory=_sum(sizes.get("Pss", _resident(folder)) for folder, sizes in zip(folders, rollups, strict=True)),
        cpu=_sum(_cpu(folder, rate) for folder in folders),
        private=_sum(sizes.get("Pss_Anon") for sizes in rollups),
    )


def other(pid: int) -> Usage:
    """By psutil: resident memory, in which pages that are shared count in full."""
    return other_of([pid, *_below(pid)])


def other_of(members: Collection[int]) -> Usage:
    return Usage(_sum(map(_rss, members)), _sum(map(_seconds, members)))


def _rollup(folder: Path) -> dict[str, int]:
    """Bytes by name; empty where the kernel does not say it, or not to us."""
    sizes: dict[str, int] = {}
    for line in text(folder / "smaps_rollup").splitlines():
        name, _, rest = line.partition(":")
        value = rest.split()
        if value and value[0].isdecimal():
            sizes[name] = int(value[0]) * 1024
    return sizes


def _resident(folder: Path) -> int | None:
    pages = text(folder / "statm").split()
    return int(pages[1]) * os.sysconf("SC_PAGE_SIZE") if len(pages) > 1 and pages[1].isdecimal() else None


def _cpu(folder: Path, ticks: int) -> float | None:
    fields = _stat(folder)
    if len(fields) < 13 or not (fields[11].isdecimal() and fields[12].isdecimal()):
        return None
    return (int(fields[11]) + int(fields[12])) / ticks


def _stat(folder: Path) -> list[str]:
    """The fields of `stat` behind the command's name, which may hold anything: state, parent, ..."""
    return text(folder / "stat").rpartition(")")[2].split()


def linux_families(pids: Collection[int], proc: Path) -> dict[int, list[int]]:
    """By the kernel's lists of children; where it has none, by everybody's parent, which takes a look at all."""
    listed = any((proc / str(pid) / "task" / str(pid) / "children").exists() for pid in pids)
    started: dict[int, list[int]] = {} if listed else _started(proc)
    found: dict[int, list[int]] = {}
    for pid in pids:
        family = found[pid] = [pid]
        for member in family:
            born = _listed(proc / str(member)) if listed else started.get(member, [])
            family += [child for child in born if child not in family and child not in pids]
    return found


def _listed(folder: Path) -> list[int]:
    """A process's children: each thread has those that it started (the kernel's Documentation/filesystems/proc.rst)."""
    lists = [text(task / "children") for task in children(folder / "task", "[0-9]*")]
    return [int(child) for listed in lists for child in listed.split() if child.isdecimal()]


def _started(proc: Path) -> dict[int, list[int]]:
    """Every process that has children, with them."""
    started: dict[int, list[int]] = {}
    for folder in children(proc, "[0-9]*"):
        for parent in _stat(folder)[1:2]:
            if parent.isdecimal():
                started.setdefault(int(parent), []).append(int(folder.name))
    return started


def _below(pid: int) -> list[int]:
    try:
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    except psutil.Error:
        return []


def _sum(values: Iterable[_Number | None]) -> _Number | None:
    """Of what could be read; None where nothing could: a process may end while it is looked at."""
    known = [value for value in values if value is not None]
    return sum(known[1:], known[0]) if known else None


def _rss(pid: int) -> int | None:
    try:
        return psutil.Process(pid).memory_info().rss
    except psutil.Error:
        return None


def _seconds(pid: int) -> float | None:
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return None
    return times.user + times.system
