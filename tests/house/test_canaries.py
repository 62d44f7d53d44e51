"""The grep for secrets finds what it is to find, and a run that has left one in a log fails."""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import pytest

from .. import canaries  # noqa: TID252

ROOT = Path(__file__).parents[2]
KOREAN = "대한민국의 수도"
MADE = "dug-up-by-a-test"
# A folder of their own: what is planted under the run's would be found at its end.
LINES = [
    f"x {canaries.PASSWORD} y", json.dumps({"prompt": KOREAN}), f"GET /?q={quote(KOREAN)}", ascii(KOREAN),
    "key=sk-dvt-" + "A" * 43, "cookie: __Host-dovetail=" + "a" * 43, f"told {MADE}",
]  # fmt: skip


@pytest.mark.parametrize("line", LINES)
def test_a_secret_is_found_in_every_log(line: str) -> None:
    with TemporaryDirectory() as name:
        home = Path(name)
        canaries.plant(home, MADE)
        (home / "logs").mkdir()
        for path in ("serve.log", "stderr", "logs/audit.jsonl", "kept.txt"):
            (home / path).write_text(f"well\n{line}\n")
        assert [one.rpartition("/")[2].split(":")[:2] for one in canaries.found(home)] == [
            ["audit.jsonl", "2"], ["serve.log", "2"], ["stderr", "2"],
        ]  # fmt: skip


def test_what_goes_while_it_is_looked_through_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.scandir

    def scandir(path: str | Path) -> object:
        """The folder goes between its being seen and its being opened, a file between that and its being read."""
        if Path(path).name == "going":
            (Path(path) / "serve.log").unlink()
            Path(path).rmdir()
            (Path(name) / canaries.PLANTED).unlink()  # what is read by the walk that sees this
        return real(path)

    with TemporaryDirectory() as name:
        for path in (canaries.PLANTED, "going/serve.log", "stays/serve.log"):
            (Path(name) / path).parent.mkdir(exist_ok=True)
            (Path(name) / path).write_text(canaries.PASSWORD)
        with monkeypatch.context() as patch:
            patch.setattr(os, "scandir", scandir)
            left = canaries.found(Path(name))
        assert [one.partition(name)[2] for one in left] == ["/stays/serve.log:1: a password"]


@pytest.mark.accept("H8")
@pytest.mark.parametrize(("said", "status"), [(canaries.PASSWORD, canaries.FOUND), ("sk-dvt-Abc123... is masked", 0)])
def test_a_run_that_leaves_a_secret_in_a_log_fails(said: str, status: int) -> None:
    with TemporaryDirectory() as name:
        one = Path(name) / "test_one.py"
        one.write_text(f"def test_one(tmp_path):\n    (tmp_path / 'serve.log').write_text({said!r})\n")
        argv = [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "-p", "no:cacheprovider"]
        argv += ["--rootdir", str(ROOT), "--basetemp", str(Path(name) / "left"), str(one)]
        done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == status, done.stdout
    assert ("serve.log:1: a password" in done.stdout) is bool(status)
