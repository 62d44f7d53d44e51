"""One server, one browser and one account for the tests of the pages.

A test asks for `visit` and opens `await visit("/models")`, or with a `Look`; it is logged in. What the browser logs as
an error and every request to another host fails it.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import aiohttp
import pytest
from playwright.async_api import Browser, Page

from .. import canaries  # noqa: TID252
from ..process.serving.running import Running, running  # noqa: TID252
from .browser import UI, Look, Profiles, Watch, chromium, launched

NAME = "admin"
PASSWORD = canaries.PASSWORD
_BUILD_WITHIN = 300


@dataclass(frozen=True, slots=True)
class Visit:
    """A page that was opened, and what is watched in it."""

    page: Page
    watch: Watch


Open = Callable[..., Awaitable[Visit]]


@pytest.fixture(scope="session")
def interface() -> None:
    """The web interface as its sources are, built by the code that the package build runs."""
    if chromium() is None:
        pytest.skip("no Chromium here")
    for what in (["modules"], []):
        argv = [sys.executable, str(UI / "build.py"), *what]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=_BUILD_WITHIN)
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
async def server(interface: None, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Running]:
    """A real server with the tiny models, on a fresh home folder."""
    del interface
    async with running(tmp_path_factory.mktemp("home")) as process:
        yield process


@pytest.fixture(scope="session")
async def browser(interface: None) -> AsyncGenerator[Browser]:
    del interface
    async with launched() as browser:
        yield browser


@pytest.fixture(scope="session")
async def cookie(server: Running) -> str:
    """The session of the super-admin, made by setup."""
    return await found(server)


async def found(server: Running) -> str:
    """Makes the super-admin; its session."""
    body = {"name": NAME, "password": PASSWORD}
    async with aiohttp.ClientSession(server.url) as http, http.post("/auth/setup", json=body) as answer:
        assert answer.status == 200, await answer.text()
        token = answer.cookies["dovetail"].value
    canaries.plant(server.home, token)
    return token


@pytest.fixture(scope="session")
def profiles(browser: Browser, server: Running) -> Profiles:
    return Profiles(browser, server.url)


@pytest.fixture
async def visit(profiles: Profiles, cookie: str) -> AsyncGenerator[Open]:
    """Opens a page below `/ui`, logged in unless `cookie=None`; what went wrong in one fails the test at its end."""
    async with AsyncExitStack() as stack:

        async def go(path: str = "/", look: Look | None = None, cookie: str | None = cookie) -> Visit:
            page, watch = await stack.enter_async_context(profiles.opened(look or Look(), cookie))
            await page.goto(f"/ui{path}")
            return Visit(page, watch)

        yield go
