from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dovetail.cli.exits import Exit, Failure
from dovetail.cli.home import LOCK_NAME, HomeLock, Occupant, occupant

HOLDER = """
import sys
from pathlib import Path
from dovetail.cli.home import HomeLock
with HomeLock(Path(sys.argv[1])) as lock:
    if len(sys.argv) > 2:
        lock.announce(sys.argv[2])
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_process(home: Path, *url: str) -> Generator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLDER, str(home), *url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.stdin.close()
            process.wait(10)


def test_nobody_holds_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert occupant(tmp_path / "none") is None


def test_the_folder_is_made_private(tmp_path: Path) -> None:
    home = tmp_path / "a" / "home"
    with HomeLock(home):
        if os.name == "posix":
            assert home.stat().st_mode & 0o777 == 0o700
            assert (home / LOCK_NAME).stat().st_mode & 0o777 == 0o600


def test_the_holder_is_found_while_it_holds(tmp_path: Path) -> None:
    with another_process(tmp_path, "http://127.0.0.1:1") as process:
        assert occupant(tmp_path) == Occupant(process.pid, "http://127.0.0.1:1")
    assert occupant(tmp_path) is None


def test_a_second_process_is_refused_and_told_who_holds(tmp_path: Path) -> None:
    with another_process(tmp_path, "http://127.0.0.1:1") as process:
        with (
            pytest.raises(Failure, match=rf"process {process.pid} \(http://127\.0\.0\.1:1\)") as raised,
            HomeLock(tmp_path),
        ):
            pass
        assert raised.value.code is Exit.LOCKED
    with HomeLock(tmp_path):
        assert occupant(tmp_path) == Occupant(os.getpid(), None)


def test_a_killed_holder_holds_no_more(tmp_path: Path) -> None:
    with another_process(tmp_path) as process:
        assert occupant(tmp_path) == Occupant(process.pid, None)
        process.kill()
        process.wait(10)
        assert occupant(tmp_path) is None
        with HomeLock(tmp_path):
            pass


def test_nonsense_in_the_lock_file_is_no_address(tmp_path: Path) -> None:
    with another_process(tmp_path):
        for text in ("", "{", '{"pid": "x"}', "[]", '{"pid": 1, "url": 2}'):
            (tmp_path / LOCK_NAME).write_text(text)
            assert occupant(tmp_path) == Occupant(0, None)
            with pytest.raises(Failure, match="another process"), HomeLock(tmp_path):
                pass


def test_a_home_that_cannot_be_made_is_a_matter_of_configuration(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Failure, match="cannot be used") as raised, HomeLock(tmp_path / "file" / "home"):
        pass
    assert raised.value.code is Exit.CONFIG
