from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

TREES = Path(__file__).parent / "trees"
Machine: TypeAlias = Callable[[str], Path]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Makes the files of a recorded tree, and says where: its `proc` and `sys` are in there."""

    def make(name: str) -> Path:
        parts = re.split(r"^== (.+)\n", (TREES / f"{name}.txt").read_text(), flags=re.MULTILINE)
        for head, content in zip(parts[1::2], parts[2::2], strict=True):
            path, _, target = head.partition(" -> ")
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            if target:
                file.symlink_to(target)
            else:
                file.write_text(content)
        return tmp_path

    return make
