"""What new conversations begin with: chosen in settings, kept on the server, true on the chat page of every browser."""

from __future__ import annotations

import re
from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import Browser, Page, Route, expect

from ..process.serving.running import running  # noqa: TID252
from .browser import audit, opened
from .chatting import answered, chat_of, choose, say
from .conftest import Open, found

pytestmark = pytest.mark.anyio


async def test_new_conversations_begin_as_it_is_chosen(browser: Browser, tmp_path: Path) -> None:
    terse = {"name": "Terse", "system_prompt": "Be brief.\nAlways.", "params": {"top_p": 0.5, "max_tokens": 16}}
    async with running(tmp_path) as server:
        cookie = await found(server)
        async with opened(browser, server.url, None, cookie) as (page, _):
            await page.goto("/ui/settings/chat")
            await expect(page.get_by_text("You have no preset yet.")).to_be_visible()
            preset, model = page.get_by_role("combobox", name="Preset"), page.get_by_role("combobox", name="Model")
            await expect(preset).to_be_disabled()
            headers = {"cookie": f"dovetail={cookie}", "origin": server.url}
            async with (
                aiohttp.ClientSession(server.url, headers=headers) as http,
                http.put("/api/v1/presets/terse", json=terse) as answer,
            ):
                assert answer.status == 200
            await page.reload()
            await preset.click()
            await page.get_by_role("option", name="Terse").click()
            await expect(page.get_by_text("Saved for new conversations").first).to_be_visible()
            await expect(page.get_by_text(re.compile(r"top_p 0\.5\s· max_tokens 16"))).to_be_visible()
            await model.click()
            await page.get_by_role("option", name="tiny-mlx").click()
            await expect(model).to_contain_text("tiny-mlx")
            await audit(page)
            await page.get_by_role("link", name="To the chat page").click()
            await _begins(page, "Be brief.\nAlways.", "0.5", "tiny-mlx")
            await expect(page.get_by_role("combobox", name="Preset")).to_contain_text("Terse")
            # What is said of one conversation holds for it alone.
            await page.get_by_role("textbox", name="Longest answer").fill("8")
            await page.get_by_role("textbox", name="Longest answer").press("Enter")
            await choose(page, "tiny-gguf")
            await say(page, "Hello")
            await answered(page)
            chat = await chat_of(server, page, cookie)
            assert (chat["model"], chat["system_prompt"]) == ("tiny-gguf", terse["system_prompt"])
            assert chat["params"] == {"top_p": 0.5, "max_tokens": 8}
            await page.keyboard.press("Control+Shift+o")
            await _begins(page, "Be brief.\nAlways.", "0.5", "tiny-mlx", "16")
        # Elsewhere, and before anybody has looked at settings there.
        async with opened(browser, server.url, None, cookie) as (page, _):
            await page.goto("/ui/chat")
            await say(page, "Hello")
            await answered(page)
            chat = await chat_of(server, page, cookie)
            assert (chat["model"], chat["params"]) == ("tiny-mlx", terse["params"])
            await page.goto("/ui/settings/chat")
            for name, none in (("Preset", "None"), ("Model", "The one used last")):
                await page.get_by_role("combobox", name=name).click()
                await page.get_by_role("option", name=none).click()
                await expect(page.get_by_role("combobox", name=name)).to_contain_text(none)
            await page.goto("/ui/chat")
            await page.get_by_test_id("toggle-params").click()
            await _begins(page, "", "", "tiny-mlx", "")


async def _begins(page: Page, prompt: str, top_p: str, model: str, most: str = "16") -> None:
    """What the conversation that is not yet there begins with, as the page shows it."""
    await expect(page.get_by_test_id("model-picker")).to_contain_text(model)
    if not await page.get_by_test_id("params").is_visible():
        await page.get_by_test_id("toggle-params").click()
    await expect(page.get_by_label("System prompt")).to_have_value(prompt)
    await expect(page.get_by_role("textbox", name="Top P")).to_have_value(top_p)
    await expect(page.get_by_role("textbox", name="Longest answer")).to_have_value(most)


async def test_chat_defaults_that_are_not_here_or_refused_are_said(visit: Open) -> None:
    at = await visit("/settings/general")
    at.watch.expect("503")

    async def answer(route: Route) -> None:
        if route.request.method == "PUT":
            error = {"message": "the disk is full", "code": "chats_unusable", "type": "x", "param": None}
            await route.fulfill(status=503, json={"error": error})
        else:
            await route.fulfill(json={"model": "gone", "preset": None})

    await at.page.route("**/api/v1/chat-defaults", answer)
    await at.page.goto("/ui/settings/chat")
    model = at.page.get_by_role("combobox", name="Model")
    await expect(model).to_contain_text("gone")
    await model.click()
    await expect(at.page.get_by_role("option", name="gone")).to_contain_text("not here")
    await at.page.get_by_role("option", name="tiny-mlx").click()
    await expect(at.page.get_by_role("alert").first).to_contain_text("The disk is full.")
    await expect(model).to_contain_text("gone")
