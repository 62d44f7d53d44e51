"""A restore that is killed, at each of its steps."""

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dovetail.gateway.chats.blobs import Blobs
from dovetail.storage import chats
from dovetail.storage.database import Database

from ... import canaries  # noqa: TID252

Run = Callable[..., "subprocess.CompletedProcess[str]"]
SCRIPT = Path(__file__).with_name("killed_restore.py")


def talk(home: Path, said: bytes) -> None:
    """A file of a conversation, and the database it is kept beside."""
    with closing(Database.open(home / chats.FILE_NAME, chats.CHATS)):
        Blobs(home / chats.FILE_NAME.removesuffix(".db")).put(said)


@pytest.fixture
def tried(tmp_path: Path, run: Run, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """A backup without a configuration is put in the place of a home folder without an account."""
    work = tmp_path_factory.mktemp("work")
    assert run("admin", "create", "--password-stdin", typed=f"{canaries.PASSWORD}\n").returncode == 0
    talk(tmp_path, b"before")
    assert run("admin", "backup", str(work / "backup")).returncode == 0
    assert run("admin", "reset").returncode == 0
    assert run("key", "create", "later").returncode == 0
    talk(tmp_path, b"after")
    (tmp_path / "dovetail.toml").write_text("strict = true\n")
    argv = [sys.executable, str(SCRIPT), str(tmp_path), str(work / "backup"), str(work)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
@pytest.mark.accept("H7")
def test_all_of_it_is_there_or_nothing(tried: list[dict[str, Any]]) -> None:
    assert len(tried) > 20
    *killed, last = tried
    assert all(each["killed"] for each in killed)
    assert not last["killed"]
    assert last["after"] == "new"
    for each in tried:
        planned = each["planned"] or not each["killed"]
        # Where a plan was written the next command goes on with it, and what was there is kept; else all is as it was.
        assert each["planned"] or each["before"] in {"old", "new"}, each
        assert each["after"] == ("new" if planned or each["before"] == "new" else "old"), each
        assert not each["left"], each
        whole = {"dovetail.db", "dovetail.toml", "chats", "chats.db"}
        kept = set(each["kept"]) - {"dovetail.db-wal", "dovetail.db-shm"}
        assert kept == (whole if each["after"] == "new" else set()), each
    assert "mixed" in {each["before"] for each in killed}  # or no kill has met the exchange
    assert any(each["again"] for each in killed)
