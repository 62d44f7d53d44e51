"""The guide: collapsed at first, filled in with this server's address, a model and a key; what can run is run."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from .. import canaries  # noqa: TID252
from ..process.serving.running import Running, running  # noqa: TID252
from .browser import LOOKS, Look, all_korean, audit, opened, photograph
from .conftest import Open, found

pytestmark = pytest.mark.anyio

LANGUAGES = ("curl", "JavaScript", "React", "Python", "Java", "C#", "C++")
TASKS = ("Chat", "Stream", "Tools", "Embeddings")
TASKS_THAT_SAY_IT = ("Chat", "Stream")  # the tiny model knows capitals
_WITHIN = 90.0


async def copied(page: Page, language: str) -> str:
    """What the copy button of that example puts into the clipboard."""
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.get_by_role("region", name=language, exact=True).locator("[data-copy-code]").click()
    code: str = await page.evaluate("navigator.clipboard.readText()")
    return code


async def ran(code: str, language: str, folder: Path) -> str:
    """What the example prints; it has to end well."""
    if language == "curl":
        argv = ["sh", "-c", code.replace("curl ", "curl -sS --fail-with-body ", 1)]
    else:
        file = folder / ("example.py" if language == "Python" else "example.mjs")
        file.write_text(code, "utf-8")
        argv = [sys.executable if language == "Python" else "node", str(file)]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8", "NO_PROXY": "127.0.0.1"}
    process = await asyncio.create_subprocess_exec(
        *argv, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=environment
    )
    out, err = await asyncio.wait_for(process.communicate(), _WITHIN)
    assert process.returncode == 0, f"{code}\n{err.decode()}\n{out.decode()}"
    return out.decode()


@pytest.mark.accept("C8")
async def test_all_languages_are_collapsed_until_they_are_asked_for(visit: Open, server: Running) -> None:
    page = (await visit("/guide")).page
    for language in LANGUAGES:
        head = page.get_by_role("button", name=language, exact=True)
        await expect(head).to_have_attribute("aria-expanded", "false")
    await expect(page.locator("figure.code-block")).to_have_count(0)
    for language in LANGUAGES:
        await page.get_by_role("button", name=language, exact=True).focus()
        await page.keyboard.press("Enter")
    await expect(page.locator("figure.code-block")).to_have_count(len(LANGUAGES))
    codes: list[str] = []
    for task in TASKS:
        await page.get_by_role("button", name=task, exact=True).click()
        for language in LANGUAGES:
            codes.append(await copied(page, language))
            assert f"{server.url}/v1" in codes[-1], (language, task)
            assert "tiny-gguf" in codes[-1], (language, task)
    assert len(set(codes)) == len(codes), "each is another program"


async def test_an_address_names_an_example_and_another_model_is_filled_in(visit: Open) -> None:
    page = (await visit("/guide#python-stream")).page
    await expect(page.get_by_role("button", name="Python", exact=True)).to_have_attribute("aria-expanded", "true")
    await expect(page.get_by_role("button", name="Java", exact=True)).to_have_attribute("aria-expanded", "false")
    assert "stream=True" in await copied(page, "Python")
    await page.get_by_role("combobox", name="Model").click()
    await page.get_by_role("option", name="tiny-mlx").click()
    assert 'model="tiny-mlx"' in await copied(page, "Python")
    await page.get_by_role("button", name="Tools", exact=True).click()
    assert page.url.endswith("#python-tools")
    assert "get_weather" in await copied(page, "Python")


@pytest.mark.accept("C8", "A36", "A37")
@pytest.mark.parametrize("language", ["curl", "JavaScript", "Python"])
async def test_the_examples_run(visit: Open, language: str, tmp_path: Path) -> None:
    if language == "JavaScript" and shutil.which("node") is None:
        pytest.skip("no Node here")
    page = (await visit("/guide")).page
    await page.get_by_role("button", name=language, exact=True).click()
    for task in TASKS:
        await page.get_by_role("button", name=task, exact=True).click()
        said = await ran(await copied(page, language), language, tmp_path)
        if task == "Embeddings":
            assert ('"embedding"' in said) if language == "curl" else said.startswith("0 ")
        elif task == "Stream" and language == "curl":
            assert "data: [DONE]" in said
        else:
            assert said.strip()
            assert "Paris" in said or task not in TASKS_THAT_SAY_IT


@pytest.fixture
async def own(interface: None, tmp_path: Path) -> AsyncGenerator[Running]:
    """A server whose keys are this test's: the first one that is made is asked of everybody."""
    del interface
    async with running(tmp_path) as server:
        yield server


async def test_a_key_is_shown_masked_and_copied_whole(own: Running, browser: Browser, tmp_path: Path) -> None:
    cookie = await found(own)
    async with opened(browser, own.url, cookie=cookie) as (page, watch):
        await page.goto("/ui/guide#curl-chat")
        await expect(page.get_by_text("none needed")).to_be_visible()
        assert "authorization" not in await copied(page, "curl")
        await page.get_by_role("button", name="Use a key").click()
        await expect(page.get_by_text("every program has to send one")).to_be_visible()
        await audit(page)
        watch.expect("401")  # the page asks as a client without a key would
        await page.get_by_role("button", name="Make a new key").click()
        shown = page.get_by_test_id("guide-key")
        await expect(shown).to_contain_text("••••")
        code = await copied(page, "curl")
        key = code.split("Bearer ")[1].split("'")[0]
        canaries.plant(own.home, key)
        assert key.startswith("sk-dvt-")
        assert await shown.inner_text() == f"••••{key[-4:]}"
        assert key not in await page.content()
        assert "Paris" in await ran(code, "curl", tmp_path)
        await page.get_by_role("button", name="Copy the whole key").click()
        assert await page.evaluate("navigator.clipboard.readText()") == key


@pytest.mark.parametrize("look", LOOKS, ids=str)
async def test_nothing_serious_is_wrong_with_it(visit: Open, look: Look) -> None:
    page = (await visit("/guide#react-stream", look)).page
    await expect(page.locator("figure.code-block")).to_have_count(1)
    await audit(page)
    await photograph(page, f"guide-{look}")
    if look.language == "ko":
        await all_korean(page)
    await page.get_by_role("combobox").first.click()
    await expect(page.get_by_role("listbox")).to_be_visible()
    await audit(page)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
