"""What every test may count on: asyncio under anyio, and `accept` marks that name rows which exist."""

from __future__ import annotations

import logging
import tomllib
from collections.abc import Generator
from pathlib import Path

import pytest
import structlog

ROWS = Path(__file__).parents[1] / "docs" / "acceptance.toml"


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Generator[None]:
    """A test that sets up logging, as commands do, leaves no handler to the next, whose streams are others."""
    root = logging.getLogger()
    handlers, level, configuration = list(root.handlers), root.level, structlog.get_config()
    yield
    root.handlers = handlers
    root.setLevel(level)
    structlog.configure(**configuration)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    sections = tomllib.loads(ROWS.read_text("utf-8"))
    known = {row for rows in sections.values() for row in rows}
    for item in items:
        for mark in item.iter_markers("accept"):
            if not mark.args or not known.issuperset(mark.args):
                raise pytest.UsageError(f"{item.nodeid}: accept{mark.args}: not all of these are in {ROWS.name}")
