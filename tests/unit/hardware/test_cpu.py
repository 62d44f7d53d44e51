"""How busy the CPUs are, from recorded `/proc/stat` and control groups."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from dovetail.hardware import cpu
from dovetail.hardware.cpu import CpuTime
from dovetail.hardware.reading import Unknown

TICK = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100

STAT = """cpu  300 0 0 300 0 0 0 0 0 0
cpu0 {busy} 10 20 {idle} 40 5 5 10 7 0
cpu1 999 0 0 1 0 0 0 0 0 0
intr 5
"""


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_of_the_cpus_that_may_be_used(tmp_path: Path) -> None:
    write(tmp_path / "proc/stat", STAT.format(busy=50, idle=60))
    before = cpu.linux(tmp_path / "proc", tmp_path / "sys", {0}, 0)
    assert before == CpuTime(1, 100 / TICK, 200 / TICK), "waiting for a disk is idle, what a hypervisor took is not"
    write(tmp_path / "proc/stat", STAT.format(busy=80, idle=130))
    assert cpu.linux(tmp_path / "proc", tmp_path / "sys", {0}, 0).percent(before) == pytest.approx(30.0)


@pytest.mark.parametrize("version", [1, 2])
def test_a_container_counts_against_its_quota(tmp_path: Path, version: int) -> None:
    proc, sys = tmp_path / "proc", tmp_path / "sys"
    group = sys / "fs/cgroup" / ("box" if version == 2 else "cpu/box")

    def spend(seconds: int) -> None:
        if version == 2:
            write(group / "cpu.stat", f"usage_usec {seconds * 1_000_000}\nuser_usec 1\n")
        else:
            write(group / "cpuacct.usage", f"{seconds * 1_000_000_000}\n")

    write(proc / "self/cgroup", "0::/box\n" if version == 2 else "5:cpu,cpuacct:/box\n")
    if version == 2:
        write(group / "cpu.max", "200000 100000\n")
    else:
        write(group / "cpu.cfs_quota_us", "200000")
        write(group / "cpu.cfs_period_us", "100000")
    spend(100)
    before = cpu.linux(proc, sys, {0, 1, 2, 3}, 50.0)
    spend(103)
    assert cpu.linux(proc, sys, {0, 1, 2, 3}, 52.0).percent(before) == pytest.approx(75.0), "3 s of 2 CPUs' 2 s"


def test_a_quota_without_a_count_and_one_that_bounds_nothing(tmp_path: Path) -> None:
    proc, sys = tmp_path / "proc", tmp_path / "sys"
    write(proc / "self/cgroup", "0::/\n")
    write(proc / "stat", STAT.format(busy=1, idle=1))
    write(sys / "fs/cgroup/cpu.max", "400000 100000\n")
    assert cpu.linux(proc, sys, {0, 1}, 0).cpus == 2
    write(sys / "fs/cgroup/cpu.stat", "usage_usec 5\n")
    assert cpu.linux(proc, sys, {0, 1}, 0).cpus == 2, "four CPUs of two"


def test_no_time_is_no_figure(tmp_path: Path) -> None:
    nothing = cpu.linux(tmp_path, tmp_path, {0}, 0)
    assert isinstance(nothing.percent(nothing), Unknown)
    assert isinstance(nothing.percent(None), Unknown)
    assert isinstance(CpuTime(2, 1, 9).percent(CpuTime(1, 0, 8)), Unknown), "the quota was changed meanwhile"


def test_this_machine() -> None:
    before = cpu.cpu_time(time.monotonic())
    sum(range(3_000_000))
    after = cpu.cpu_time(time.monotonic())
    assert after.cpus >= 1
    assert after.spent >= before.spent


def test_elsewhere_by_psutil(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu.system, "platform", "darwin")
    found = cpu.cpu_time(0)
    assert 0 < found.spent <= found.there
