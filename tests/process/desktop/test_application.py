"""The packed application's entry: it is the command, and each worker. Packing takes minutes and is done by hand."""

import subprocess
import sys
from pathlib import Path

import pytest

from dovetail import __version__

ENTRY = Path(__file__).parents[3] / "application" / "entry.py"


def entry(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, ENTRY, *words], capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.accept("D1")
def test_it_is_the_command_and_its_workers() -> None:
    assert __version__ in entry("version").stdout
    worker = entry("-m", "dovetail.workers.gguf", "--help")
    assert (worker.returncode, "--model" in worker.stdout) == (0, True), worker.stderr


def test_it_is_nothing_else() -> None:
    assert entry("-m", "json.tool", "--help").returncode == 2
