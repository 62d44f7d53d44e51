"""What was acknowledged is there after a kill -9, and the database is whole."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

# Says a key's id once its row is committed.
WRITER = """
import sys, time
from pathlib import Path
from dovetail.access.keys import NewKey, made
from dovetail.storage import keys
from dovetail.storage.database import Database

database = Database.open(Path(sys.argv[1]))
while True:
    row, _ = made(NewKey("k", None, "member"), time.time())
    database.now(lambda c: keys.add_key(c, row))
    print(row.id, flush=True)
"""


@pytest.mark.parametrize("writes", [1, 7, 40, 100])
def test_every_acknowledged_key_outlives_a_kill(tmp_path: Path, writes: int) -> None:
    path = tmp_path / "dovetail.db"
    acknowledged: list[str] = []
    for _ in range(2):  # the second one begins with what the first left behind
        with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            acknowledged += [child.stdout.readline().strip() for _ in range(writes)]
            child.kill()
            acknowledged += child.stdout.read().splitlines()
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            stored = {row[0] for row in connection.execute("SELECT id FROM key")}
        assert len(acknowledged) >= writes
        assert set(acknowledged) <= stored
