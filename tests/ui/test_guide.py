"""The guide: collapsed at first, filled in with this server's address, a model and a key; what can run is run."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from .. import canaries  # noqa: TID252
from ..process.serving.running import Running, running  # noqa: TID252
from . import programs
from .browser import LOOKS, Look, all_korean, audit, entered, opened, photograph
from .component import bundled, served
from .conftest import Open, found

pytestmark = pytest.mark.anyio

LANGUAGES = ("curl", "JavaScript", "React", "Python", "Java", "C#", "C++")
TASKS = ("Chat", "Stream", "Tools", "Embeddings")
PRINT_JSON = ("curl", "Java", "C++")  # what the server sends, as it comes


async def copied(page: Page, language: str) -> str:
    """What the copy button of that example puts into the clipboard."""
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.get_by_role("region", name=language, exact=True).locator("[data-copy-code]").click()
    code: str = await page.evaluate("navigator.clipboard.readText()")
    return code


def said_in(printed: str) -> str:
    """The answer's words, out of the events of a stream that a program prints as they come."""
    lines = (line.removeprefix("data: ") for line in printed.splitlines())
    events = [json.loads(line) for line in lines if line.startswith("{")]
    return "".join(choice["delta"].get("content") or "" for event in events for choice in event["choices"])


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
@pytest.mark.parametrize("language", programs.LANGUAGES)
async def test_the_examples_run(visit: Open, language: str, tmp_path: Path) -> None:
    if reason := programs.lacking(language):
        pytest.skip(reason)
    page = (await visit("/guide")).page
    await page.get_by_role("button", name=language, exact=True).click()
    for task in TASKS:
        await page.get_by_role("button", name=task, exact=True).click()
        code = await copied(page, language)
        printed = await programs.ran(code, language, tmp_path / task)
        _check(printed, task, is_json=language in PRINT_JSON)
        if task in {"Chat", "Stream"}:
            other = code.replace("tiny-gguf", "nobody-s")
            assert "does not exist" in await programs.refused(other, language, tmp_path / f"{task} refused")


def _check(printed: str, task: str, *, is_json: bool) -> None:
    if task == "Embeddings":
        assert ('"embedding"' in printed) if is_json else printed.startswith("0 ")
    elif task == "Tools":
        assert ('"choices"' in printed) if is_json else printed.strip()
    elif task == "Stream" and is_json:
        assert "Paris" in said_in(printed)
    else:
        assert "Paris" in printed  # the tiny model knows capitals


@pytest.mark.accept("C8")
async def test_the_components_run_on_a_page_of_another_address(
    interface: None, browser: Browser, tmp_path: Path
) -> None:
    del interface
    (tmp_path / "home").mkdir()
    async with AsyncExitStack() as stack:
        site = await stack.enter_async_context(served(tmp_path / "site"))
        # As the guide says of pages from another address.
        allowed = {"DOVETAIL_SERVER__CORS_ORIGINS": json.dumps([site])}
        own = await stack.enter_async_context(running(tmp_path / "home", environment=allowed))
        guide, _ = await stack.enter_async_context(opened(browser, own.url, cookie=await found(own)))
        await guide.goto("/ui/guide#react-chat")
        examples: dict[str, str] = {}
        for task in TASKS:
            await guide.get_by_role("button", name=task, exact=True).click()
            examples[task] = await copied(guide, "React")
        await bundled(examples, tmp_path / "project", tmp_path / "site")
        page, watch = await stack.enter_async_context(opened(browser, site))
        watch.expect(f"a request to another host: {own.url}/v1/")
        for task in ("Chat", "Stream", "Tools"):
            await page.goto(f"/index.html?{task}")
            await expect(page.locator("p")).to_be_empty()
            await page.get_by_role("button", name="Ask").click()
            await expect(page.locator("p")).to_have_text(re.compile("." if task == "Tools" else "Paris"))
        await page.route(f"{own.url}/v1/**", lambda _: None)  # nothing comes
        await page.goto("/index.html?Stream")
        async with page.expect_event("requestfailed"):
            await page.get_by_role("button", name="Ask").click()
            await page.get_by_role("button", name="Stop").click()
        await page.unroute_all()
        await page.goto("/index.html?Embeddings")
        await expect(page.locator("p")).to_have_text(re.compile(r"These two are -?[01]\.\d\d alike\."))


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
        assert "Paris" in await programs.ran(code, "curl", tmp_path / "ran")
        await page.get_by_role("button", name="Copy the whole key").click()
        assert await page.evaluate("navigator.clipboard.readText()") == key


async def test_without_an_account_no_key_is_offered_to_be_made(own: Running, browser: Browser) -> None:
    async with opened(browser, own.url) as (page, _):
        await page.add_init_script("localStorage.setItem('dovetail.setup', 'skipped')")
        await page.goto("/ui/guide")
        await page.get_by_role("button", name="Use a key").click()
        await expect(page.get_by_label("A key that you have")).to_be_focused()
        await expect(page.get_by_role("button", name="Make a new key")).to_have_count(0)


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
    await entered(page)
    await audit(page)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
