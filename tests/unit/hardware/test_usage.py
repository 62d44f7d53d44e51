"""Memory and CPU of a family of processes, from recorded `/proc` trees and of this process itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dovetail.hardware import usage
from dovetail.hardware.usage import Usage, stopped

TICKS = 100


class Recorded:
    """Processes as files."""

    def __init__(self, proc: Path) -> None:
        self.proc = proc

    def process(
        self, pid: int, parent: int, *, pss: int | None = None, user: int = 0, system: int = 0, name: str = "worker"
    ) -> None:
        folder = self.proc / str(pid)
        folder.mkdir(parents=True)
        fields = " ".join(["S", str(parent), *["0"] * 9, str(user), str(system), "0"])
        (folder / "stat").write_text(f"{pid} ({name}) {fields}\n")
        if pss is not None:
            (folder / "smaps_rollup").write_text(
                f"56-7f ---p 0 00:00 0 [rollup]\nRss: 9999 kB\nPss: {pss} kB\nPss_Anon: {pss // 2} kB\n"
            )

    def read(self, pid: int) -> Usage:
        return usage.linux(pid, self.proc, TICKS)


@pytest.fixture
def recorded(tmp_path: Path) -> Recorded:
    return Recorded(tmp_path)


def test_a_process_alone(recorded: Recorded) -> None:
    recorded.process(7, 1, pss=100, user=150, system=50)
    assert recorded.read(7) == Usage(100 * 1024, 2.0, 50 * 1024)


def test_a_name_with_spaces_and_parentheses(recorded: Recorded) -> None:
    recorded.process(7, 1, pss=1, user=100, name="a ) (b) 9 9 9")
    assert recorded.read(7).cpu == 1.0


def test_children_of_children_count_and_others_do_not(recorded: Recorded) -> None:
    recorded.process(7, 1, pss=1, user=100)
    recorded.process(8, 7, pss=2, user=200)
    recorded.process(9, 8, pss=4, user=400)
    recorded.process(10, 1, pss=8, user=800)
    assert recorded.read(7) == Usage(7 * 1024, 7.0, 3 * 1024)


def test_a_kernel_that_lists_children_is_asked_for_those_alone(recorded: Recorded) -> None:
    recorded.process(7, 1, pss=1, user=100)
    recorded.process(8, 7, pss=2, user=200)
    recorded.process(9, 8, pss=4, user=400)
    recorded.process(10, 7, pss=8, user=800)
    for task, listed in (("7/task/7", "8 "), ("7/task/71", "10 11 "), ("8/task/8", "9 "), ("9/task/9", "")):
        folder = recorded.proc / task
        folder.mkdir(parents=True)
        (folder / "children").write_text(listed)
    assert usage.linux_families([7], recorded.proc) == {7: [7, 8, 10, 11, 9]}, "11 has ended meanwhile"
    assert recorded.read(7) == Usage(15 * 1024, 15.0, 7 * 1024)
    assert usage.linux_families([7, 8], recorded.proc) == {7: [7, 10, 11], 8: [8, 9]}


def test_without_pss_it_is_rss(recorded: Recorded) -> None:
    recorded.process(7, 1)
    (recorded.proc / "7" / "statm").write_text("500 30 20 1 0 60 0\n")
    assert recorded.read(7).memory == 30 * os.sysconf("SC_PAGE_SIZE")


def test_what_cannot_be_read_is_none_not_zero(recorded: Recorded) -> None:
    assert recorded.read(7) == Usage(None, None)
    recorded.process(8, 1)
    assert recorded.read(8).memory is None
    (recorded.proc / "8" / "stat").write_text("8 (worker) S 1 0")
    assert recorded.read(8).cpu is None


def test_percent_is_of_one_cpu() -> None:
    assert Usage(cpu=5.0).percent(Usage(cpu=3.0), 1.0) == 200.0
    assert Usage(cpu=1.0).percent(Usage(cpu=3.0), 1.0) == 0.0, "a child has ended"
    assert Usage(cpu=None).percent(Usage(cpu=3.0), 1.0) is None
    assert Usage(cpu=1.0).percent(Usage(), 1.0) is None
    assert Usage(cpu=1.0).percent(Usage(cpu=1.0), 0.0) is None


@pytest.mark.parametrize("read", [usage.usage, usage.other])
def test_this_process_and_a_child_that_holds_memory(read: Callable[[int], Usage]) -> None:
    before = read(os.getpid())
    held = "held = bytearray(64 << 20); print('ready', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", held], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        after, alone = read(os.getpid()), read(child.pid)
        child.communicate()
    assert (after.memory or 0) - (before.memory or 0) > 60 << 20
    assert (alone.memory or 0) > 60 << 20
    assert (after.cpu or 0) > (before.cpu or 0) > 0


def test_a_process_that_is_not_there() -> None:
    assert usage.other(2**22 - 3) == Usage()


def test_a_process_that_was_stopped_is_told_from_one_that_runs() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert not stopped(child.pid)
        os.kill(child.pid, signal.SIGSTOP)
        os.waitpid(child.pid, os.WUNTRACED)
        assert stopped(child.pid)
        child.kill()
    assert not stopped(child.pid), "it is gone"
