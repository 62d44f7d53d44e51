"""What every test may count on: asyncio under anyio, and `accept` marks that name rows which exist."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

ROWS = Path(__file__).parents[1] / "docs" / "acceptance.toml"


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    sections = tomllib.loads(ROWS.read_text("utf-8"))
    known = {row for rows in sections.values() for row in rows}
    for item in items:
        for mark in item.iter_markers("accept"):
            if not mark.args or not known.issuperset(mark.args):
                raise pytest.UsageError(f"{item.nodeid}: accept{mark.args}: not all of these are in {ROWS.name}")
