"""Dialogs that no other test has a reason to open, audited open."""

from __future__ import annotations

import re

import aiohttp
import pytest
from playwright.async_api import expect

from .. import canaries  # noqa: TID252
from ..process.serving.running import Running  # noqa: TID252
from .browser import Look, audit, entered, photograph, settled
from .conftest import NAME, PASSWORD, Open

pytestmark = pytest.mark.anyio

# Where each is, and the name of the button that opens it, in both languages.
DIALOGS = [
    ("/settings/data", re.compile(r"Record for|분 동안 기록")),
    ("/settings/security", re.compile(r"^(End|종료)$")),
]


@pytest.fixture
async def elsewhere(server: Running, cookie: str) -> None:
    """The same account is logged in elsewhere too."""
    del cookie
    body = {"name": NAME, "password": PASSWORD}
    async with aiohttp.ClientSession(server.url) as http, http.post("/auth/login", json=body) as answer:
        canaries.plant(server.home, answer.cookies["dovetail"].value)


@pytest.mark.accept("C5")
@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("look", [Look(), Look("dark", "ko", 390)], ids=str)
@pytest.mark.parametrize(("path", "name"), DIALOGS, ids=["capture", "session"])
async def test_a_dialog_that_asks_first(visit: Open, path: str, name: re.Pattern[str], look: Look) -> None:
    page = (await visit(path, look)).page
    await page.get_by_role("button", name=name).first.click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    await entered(page)
    await settled(page)
    await audit(page)
    await photograph(page, f"dialog{path.replace('/', '-')}-{look}")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
