"""What `check audit` makes of pip-audit's words: a stand-in says them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FINE: dict[str, object] = {"name": "a", "version": "1", "vulns": []}
BAD: dict[str, object] = {"name": "b", "version": "2", "vulns": [{"id": "X-1", "fix_versions": ["3"]}]}
UNKNOWN: dict[str, object] = {"name": "c", "skip_reason": "not found"}


@pytest.mark.accept("H14")
@pytest.mark.parametrize(
    ("found", "code", "said"),
    [
        ([FINE, BAD], 1, "b 2: X-1, mended in 3"),
        ([FINE, UNKNOWN], 0, "1 of 2 packages looked up"),
        ([UNKNOWN], 0, "skipped: the index knows none"),
        (None, 0, "skipped: no route to the index"),
    ],
)
def test_only_what_is_known_fails(tmp_path: Path, found: list[dict[str, object]] | None, code: int, said: str) -> None:
    stand_in = tmp_path / "pip_audit"
    stand_in.mkdir()
    (stand_in / "__init__.py").touch()
    if found is None:
        (stand_in / "__main__.py").write_text("raise SystemExit('no route to the index')")
    else:
        (stand_in / "__main__.py").write_text(f"print({json.dumps({'dependencies': found})!r})")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    argv = [sys.executable, str(ROOT / "check"), "audit"]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, said in done.stdout) == (code, True), done.stdout
