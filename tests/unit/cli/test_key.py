"""`dovetail key`: what a key is made with."""

from __future__ import annotations

from pathlib import Path

import pytest

from dovetail.cli.app import run
from dovetail.cli.exits import Exit
from dovetail.core.caller import Limits
from dovetail.storage import database, keys


@pytest.mark.usefixtures("capsys")
def test_every_limit_may_be_said(tmp_path: Path) -> None:
    said = ("requests-a-minute", "requests-a-day", "tokens-a-minute", "tokens-a-day", "at-once")
    flags = [word for number, name in enumerate(said, 1) for word in (f"--{name}", str(number))]
    assert run(["key", "create", "k", "--home", str(tmp_path), *flags]) == Exit.OK
    (made,) = database.present(tmp_path / database.FILE_NAME, keys.keys) or []
    assert made.limits == Limits(1, 2, 3, 4, 5)
