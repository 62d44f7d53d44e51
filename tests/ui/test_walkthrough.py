"""The way that users of the first of the earlier servers go, step by step, on a server where nothing is yet."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from dovetail import demo

from .. import canaries  # noqa: TID252
from ..process.serving.running import Running, running  # noqa: TID252
from .browser import opened
from .chatting import answered, chat_of, choose, messages_of, say, text_of
from .conftest import NAME, PASSWORD

pytestmark = pytest.mark.anyio
GGUF = next((demo.models_dir() / "tiny-gguf-q8").glob("*.gguf"))


@pytest.fixture
async def bare(interface: None, tmp_path: Path) -> AsyncGenerator[Running]:
    """A server without an account and without a model, with one file and one folder among which to choose."""
    del interface
    models = tmp_path / "models"
    models.mkdir()
    shutil.copy(GGUF, models / "capitals.gguf")
    shutil.copytree(demo.models_dir() / "tiny-mlx", models / "capitals-mlx")
    environment = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    async with running(tmp_path, ["--no-demo"], environment) as server:
        yield server


@pytest.mark.accept("C1", "C2", "C4", "C7", "C8", "E4", "M1", "U1")
async def test_from_an_account_over_two_models_to_the_guide(bare: Running, browser: Browser) -> None:
    async with opened(browser, bare.url) as (page, _):
        await page.goto("/")
        await account(page, bare)
        for name, path in (("by-file", "capitals.gguf"), ("by-folder", "capitals-mlx")):
            await added(page, name, str(bare.home / "models" / path))
        cookie = next(str(one.get("value")) for one in await page.context.cookies() if one.get("name") == "dovetail")
        canaries.plant(bare.home, cookie)

        # One after the other answers, and the server is the one that it was.
        process = bare.process.pid
        await page.get_by_role("navigation").get_by_role("link", name="Chat").click()
        for count, model in enumerate(("by-file", "by-folder", "by-file"), 1):
            await choose(page, model)
            await say(page, "What is the capital of France?")
            await answered(page, count)
        answers = [one for one in messages_of(await chat_of(bare, page, cookie)) if one["role"] == "assistant"]
        assert [one["model"] for one in answers] == ["by-file", "by-folder", "by-file"]
        assert all("Paris" in text_of(one) for one in answers)
        assert bare.process.is_running()
        assert bare.process.pid == process

        await figures_and_log(page)
        await guide(page, bare)


async def account(page: Page, server: Running) -> None:
    """Made, left and entered again."""
    await expect(page).to_have_url(f"{server.url}/ui/setup")
    await page.get_by_label("Name", exact=True).fill(NAME)
    for label in ("Password", "Password again"):
        await page.get_by_label(label, exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Create the account").click()
    await page.get_by_role("button", name="Go to models").click()
    await page.get_by_role("button", name=f"Account: {NAME}").click()
    await page.get_by_role("menuitem", name="Log out").click()
    await expect(page).to_have_url(re.compile("/ui/login"))
    await page.get_by_label("Name", exact=True).fill(NAME)
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Log in").click()
    await expect(page).to_have_url(re.compile("/ui/chat"))


async def added(page: Page, name: str, path: str) -> None:
    """By its path, under an id that is typed."""
    await page.get_by_role("navigation").get_by_role("link", name="Models").click()
    await page.get_by_role("button", name="Add model").first.click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Path", exact=True).fill(path)
    await dialog.get_by_label("Model id", exact=True).fill(name)
    await expect(dialog.get_by_text("It can be added")).to_be_visible()
    await dialog.get_by_role("button", name="Add model", exact=True).click()
    await expect(page.locator(f'[data-model="{name}"]')).to_be_visible()


async def figures_and_log(page: Page) -> None:
    """They move while a model answers, and the log has what was asked."""
    await page.get_by_role("navigation").get_by_role("link", name="Monitor").click()
    total = page.get_by_text(re.compile(r"\d+ requests, "))
    await expect(total).to_be_visible()
    before = int(re.findall(r"\d+", await total.inner_text())[0])
    asked = await page.evaluate(
        """async () => {
          const messages = [{ role: 'user', content: 'Hi.' }]
          const body = JSON.stringify({ model: 'by-folder', messages, max_tokens: 8 })
          const headers = { 'content-type': 'application/json', 'x-request-id': 'walked-by' }
          return (await fetch('/v1/chat/completions', { method: 'POST', headers, body })).status
        }"""
    )
    assert asked == 200
    await expect(total).to_contain_text(re.compile(rf"^\s*{before + 1} requests, "))
    await expect(page.get_by_label("Figures of now")).to_contain_text("CPU")
    await expect(page.get_by_role("region", name="Models in memory")).to_contain_text("by-folder")
    await page.get_by_label("Find in the log").fill("walked-by")
    await expect(page.get_by_test_id("log-rows")).to_contain_text("walked-by")


async def guide(page: Page, server: Running) -> None:
    """Nothing is open, and what is opened is of this server and a model of it."""
    await page.get_by_role("navigation").get_by_role("link", name="Guide").click()
    await expect(page.get_by_role("button", name="curl", exact=True)).to_have_attribute("aria-expanded", "false")
    await expect(page.locator("figure.code-block")).to_have_count(0)
    await page.get_by_role("button", name="curl", exact=True).click()
    example = page.locator("figure.code-block code")
    await expect(example).to_contain_text(f"{server.url}/v1/chat/completions")
    await expect(example).to_contain_text(re.compile("by-file|by-folder"))
