from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dovetail.core.errors import Conflict, DiskFull
from dovetail.core.file_lock import try_lock
from dovetail.settings import document as document_module
from dovetail.settings.document import Document, Edit, edited

OLD = """\
# my server
[server]
port = 1  # a good port

[models.qwen]
context = 4096
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "dovetail.toml"
    path.write_text(OLD)
    return path


def leftovers(path: Path) -> list[str]:
    return sorted(p.name for p in path.parent.iterdir() if p.name not in {path.name, f".{path.name}.lock"})


def test_comments_and_order_stay() -> None:
    text = edited(OLD, [Edit(("server", "port"), 2), Edit(("models", "qwen", "pin"), value=True)])
    assert text == OLD.replace("port = 1", "port = 2") + "pin = true\n"


def test_a_new_model_gets_a_table_of_its_own() -> None:
    text = edited("", [Edit(("models", "a.b", "context"), 10), Edit(("models", "a.b", "sampling", "top_p"), 0.5)])
    assert text.startswith('[models."a.b"]\ncontext = 10\n')
    assert tomllib.loads(text) == {"models": {"a.b": {"context": 10, "sampling": {"top_p": 0.5}}}}


def test_what_is_not_there_can_be_taken_out() -> None:
    assert edited(OLD, [Edit(("models", "none", "context"), None), Edit(("server", "host"), None)]) == OLD
    assert "context" not in edited(OLD, [Edit(("models", "qwen", "context"), None)])


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=8)
VALUES = st.one_of(st.integers(-(2**40), 2**40), st.booleans(), NAMES, st.lists(NAMES, max_size=3))


@given(st.lists(st.tuples(NAMES, st.sampled_from(["context", "aliases", "ttl"]), VALUES), max_size=6))
def test_whatever_is_set_is_read_back(said: list[tuple[str, str, int | str | list[str]]]) -> None:
    text = OLD
    expected: dict[str, dict[str, object]] = {"qwen": {"context": 4096}}
    for model, key, value in said:
        text = edited(text, [Edit(("models", model, key), value)])
        expected.setdefault(model, {})[key] = value
    assert tomllib.loads(text)["models"] == expected


def test_what_is_no_toml_is_not_written_over(path: Path) -> None:
    path.write_text("[server\n")
    with pytest.raises(ValueError, match="line 1"):
        Document(path).write([Edit(("server", "port"), 2)])
    assert path.read_text() == "[server\n"


@pytest.mark.bad_input("61")
def test_the_second_writer_loses(path: Path) -> None:
    first, second = Document(path), Document(path)
    version = second.read().version
    first.write([Edit(("server", "port"), 2)], version)
    with pytest.raises(Conflict) as raised:
        second.write([Edit(("server", "port"), 3)], version)
    assert (raised.value.status, raised.value.code) == (409, "config_conflict")
    assert tomllib.loads(path.read_text())["server"]["port"] == 2


@pytest.mark.bad_input("61")
def test_an_editor_that_saves_meanwhile_is_not_overwritten(path: Path) -> None:
    def save(_text: str) -> None:
        path.write_text("strict = true\n")

    with pytest.raises(Conflict):
        Document(path).write([Edit(("server", "port"), 2)], check=save)
    assert path.read_text() == "strict = true\n"


def test_many_writers_lose_nothing(path: Path) -> None:
    def write(number: int) -> None:
        Document(path).write([Edit(("models", f"m{number}", "context"), 64 + number)])

    threads = [threading.Thread(target=write, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    models = tomllib.loads(path.read_text())["models"]
    assert {models[f"m{number}"]["context"] for number in range(20)} == set(range(64, 84))
    assert leftovers(path) == []


def test_a_writer_that_never_ends_is_not_waited_for(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document_module, "LOCK_WITHIN", 0.05)
    lock = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT)
    try:
        assert try_lock(lock)
        with pytest.raises(Conflict, match="another process"):
            Document(path).write([Edit(("server", "port"), 2)])
    finally:
        os.close(lock)


def test_what_the_check_refuses_is_not_written(path: Path) -> None:
    def refuse(text: str) -> None:
        raise ValueError(text)

    with pytest.raises(ValueError, match="port = 2"):
        Document(path).write([Edit(("server", "port"), 2)], check=refuse)
    assert path.read_text() == OLD
    assert leftovers(path) == []


@pytest.mark.bad_input("60")
def test_a_full_disk_leaves_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_file: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskFull) as raised:
        Document(path).write([Edit(("server", "port"), 2)])
    assert (raised.value.status, path.read_text(), leftovers(path)) == (507, OLD, [])


@pytest.mark.skipif(os.name != "posix", reason="links and modes of POSIX")
def test_a_link_stays_one_and_the_mode_too(tmp_path: Path) -> None:
    real = tmp_path / "real.toml"
    real.write_text(OLD)
    real.chmod(0o640)
    link = tmp_path / "dovetail.toml"
    link.symlink_to(real)
    Document(link).write([Edit(("server", "port"), 2)])
    assert link.is_symlink()
    assert "port = 2" in real.read_text()
    assert real.stat().st_mode & 0o777 == 0o640


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_writer_killed_at_any_call_leaves_the_old_or_the_new_file(path: Path, when: str) -> None:
    crasher = Path(__file__).with_name("crasher.py")
    new = edited(OLD, [Edit(("server", "port"), 2)])
    seen: set[str] = set()
    killed = 0
    for number in range(1, 60):
        path.write_text(OLD)
        command = [sys.executable, str(crasher), str(path), str(number), when]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        seen.add(path.read_text())
        assert seen <= {OLD, new}
        if done.returncode == 0:
            assert {"fsync", "replace", "chmod"} <= set(done.stdout.split()), "killed at each of these too"
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
        killed += 1
    assert seen == {OLD, new}
    assert killed > 5
