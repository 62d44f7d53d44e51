from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from dovetail.cli.quick_imports import quick_imports

PROGRAM = """
import gc, sys
from dovetail.cli.quick_imports import quick_imports
with quick_imports():
    import structlog
    assert not gc.isenabled()
assert gc.isenabled()
assert "rich" not in sys.modules
import rich.console
"""


def test_rich_is_hidden_for_a_while() -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], timeout=60, check=True)


def test_a_rich_that_is_there_stays() -> None:
    rich = pytest.importorskip("rich")
    with quick_imports():
        assert sys.modules["rich"] is rich
    assert sys.modules["rich"] is rich
    assert gc.isenabled()
