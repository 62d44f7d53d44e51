"""The command and the server, in processes of their own."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def command(*words: str, typed: str = "") -> "subprocess.CompletedProcess[str]":
        argv = [sys.executable, "-m", "dovetail", *words, "--home", str(tmp_path)]
        return subprocess.run(argv, input=typed, capture_output=True, text=True, timeout=60, check=False)

    return command
