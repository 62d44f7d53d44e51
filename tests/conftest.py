"""What every test may count on: asyncio under anyio, marks that name rows that exist, no secret in a log."""

from __future__ import annotations

import logging
import tomllib
from collections.abc import Generator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

from . import canaries

# How long an example takes says how busy the machine is.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")
LEFT_BEHIND = pytest.StashKey[Path]()
DOCS = Path(__file__).parents[1] / "docs"
ROWS = {"accept": DOCS / "acceptance.toml", "bad_input": DOCS / "bad-input.toml"}


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def left_behind(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Where the homes of all servers are, to be looked through at the end."""
    request.config.stash[LEFT_BEHIND] = tmp_path_factory.getbasetemp()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fails a run that has left a secret in a log."""
    folder = session.config.stash.get(LEFT_BEHIND, None)
    if folder is not None and (found := canaries.found(folder)):
        session.exitstatus = canaries.FOUND
        print("\nsecrets in logs:", *found, sep="\n")


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
    for mark, rows in ROWS.items():
        sections = tomllib.loads(rows.read_text("utf-8"))
        known = {row for section in sections.values() for row in section}
        for item in items:
            for found in item.iter_markers(mark):
                if not found.args or not known.issuperset(found.args):
                    raise pytest.UsageError(f"{item.nodeid}: {mark}{found.args}: not all of these are in {rows.name}")
