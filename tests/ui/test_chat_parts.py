"""What answers have beside text (thoughts, tool calls), pictures in questions, and what else a conversation is for."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import cast

import pytest
from playwright.async_api import Browser, FilePayload, Page, expect

from ..process.serving.files import make_seeing_model, png  # noqa: TID252
from ..process.serving.running import Running, running  # noqa: TID252
from .browser import audit, opened
from .chatting import Json, answered, chat_of, choose, kinds_of, messages_of, say, text_of
from .conftest import Open

pytestmark = pytest.mark.anyio

FRANCE = "What is the capital of France?"
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string", "enum": ["Paris"]}}, "required": ["city"]}
WEATHER = {"type": "function", "function": {"name": "get_weather", "parameters": PARAMETERS}}


async def think(page: Page, how_long: str) -> None:
    await page.get_by_role("button", name=re.compile("^Thinking: ")).click()
    await page.get_by_role("menuitemradio", name=how_long).click()
    await expect(page.get_by_role("button", name=f"Thinking: {how_long}")).to_be_visible()


@pytest.mark.accept("C1")
@pytest.mark.parametrize("model", ["tiny-gguf", "tiny-mlx"])
async def test_thoughts_are_asked_for_shown_apart_and_left_out(visit: Open, model: str) -> None:
    page = (await visit(f"/chat?model={model}")).page
    await choose(page, model)
    await think(page, "Short")
    await say(page, FRANCE)
    await answered(page)
    answer = page.locator("[data-role=assistant]")
    thoughts = answer.get_by_role("button", name=re.compile(r"^(Thoughts|Thought for .+) \(\d+ tokens\)$"))
    await expect(thoughts).to_have_attribute("aria-expanded", "false")
    await thoughts.click()
    await expect(answer.get_by_role("region", name="Thoughts")).to_contain_text(
        "The user asks for the capital of France"
    )
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await answer.get_by_role("button", name="Copy", exact=True).click()
    copied: str = await page.evaluate("navigator.clipboard.readText()")
    assert "Paris" in copied
    assert "The user asks" not in copied
    await think(page, "Off")
    await say(page, FRANCE)
    await answered(page, 2)
    await expect(answer.last).to_contain_text("Paris")
    await expect(answer.last.get_by_role("button", name=re.compile("^Thought"))).to_have_count(0)


async def params_of(server: Running, page: Page, cookie: str) -> Json:
    return cast("Json", (await chat_of(server, page, cookie))["params"])


async def add_tools(page: Page) -> None:
    """One, by the dialog, which refuses what is none."""
    await page.get_by_role("button", name="Tools: none yet").click()
    await page.get_by_role("menuitem", name="Add tools").click()
    field, save = page.get_by_label("Functions as JSON"), page.get_by_role("button", name="Save")
    await field.fill('"get_weather"')
    await expect(page.get_by_text("Has to be a list")).to_be_visible()
    await expect(save).to_be_disabled()
    await field.fill("")
    await page.get_by_role("button", name="Insert an example").click()
    await expect(field).to_have_value(re.compile("get_weather"))
    await audit(page)
    await field.fill(json.dumps([WEATHER]))
    await save.click()
    await expect(page.get_by_role("button", name="1 tool: As the model sees fit")).to_be_focused()


@pytest.mark.accept("C1")
async def test_a_call_of_a_tool_is_shown_and_answered_for_it(visit: Open, server: Running, cookie: str) -> None:
    page = (await visit("/chat?model=tiny-gguf")).page
    await choose(page, "tiny-gguf")
    await page.get_by_test_id("toggle-params").click()
    await page.get_by_role("button", name="JSON", exact=True).click()
    field = page.get_by_label("Parameters as JSON")
    await field.fill("{")
    await expect(page.get_by_text("Not a JSON object yet")).to_be_visible()
    await field.fill(json.dumps({"reasoning_effort": "none", "temperature": 0}))
    await field.blur()
    await add_tools(page)
    await say(page, "What is the weather in Paris?")
    await answered(page)
    answer = page.locator("[data-role=assistant]").first
    card = answer.get_by_role("button", name=re.compile("^get_weather"))
    await expect(card).to_contain_text("waiting for a result")
    await card.click()
    await expect(answer.locator("figure.code-block").first).to_contain_text('"city": "Paris"')
    await audit(page)
    await answer.get_by_label("Result of the tool").fill('{"temperature": 21}')
    await answer.get_by_role("button", name="Send the result").click()
    await answered(page, 2)
    await expect(card).to_contain_text("done")
    await expect(answer.locator("figure.code-block").nth(1)).to_contain_text('"temperature": 21')
    roles = [message["role"] for message in messages_of(await chat_of(server, page, cookie))]
    assert roles == ["user", "assistant", "tool", "assistant"]
    # Nothing may be called any more: what is asked is answered in words, or not at all.
    await page.get_by_role("button", name="1 tool: As the model sees fit").click()
    await page.get_by_role("menuitemradio", name="None is called").click()
    await say(page, "What is the weather in Paris?")
    await answered(page, 3)
    assert (await params_of(server, page, cookie))["tool_choice"] == "none"
    last = page.locator("[data-role=assistant]").last
    await expect(last.get_by_role("button", name=re.compile("^get_weather"))).to_have_count(0)
    await page.get_by_role("button", name="1 tool: None is called").click()
    await page.get_by_role("menuitem", name="Edit the tools").click()
    await page.get_by_label("Functions as JSON").fill("")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("button", name="Tools: none yet")).to_be_focused()
    assert not {"tools", "tool_choice"} & (await params_of(server, page, cookie)).keys()


@pytest.fixture
async def seeing(interface: None, tmp_path: Path) -> AsyncGenerator[Running]:
    """A server with a model that can look at pictures, without accounts."""
    del interface
    make_seeing_model(tmp_path / "models" / "seeing")
    async with running(tmp_path) as server:
        yield server


@pytest.mark.accept("C1")
async def test_a_picture_is_asked_about_and_another_model_says_that_it_is_blind(
    seeing: Running, browser: Browser
) -> None:
    picture: FilePayload = {"name": "red.png", "mimeType": "image/png", "buffer": png()}
    async with opened(browser, seeing.url) as (page, _):
        await page.add_init_script("localStorage.setItem('dovetail.setup', 'skipped')")
        await page.goto("/ui/chat?model=seeing")
        await choose(page, "seeing")
        await page.get_by_test_id("file-input").set_input_files(picture)
        await expect(page.get_by_role("list", name="Attached")).to_contain_text("red.png")
        await choose(page, "tiny-gguf")
        await expect(page.get_by_text("red.png: tiny-gguf cannot see pictures")).to_be_visible()
        await choose(page, "seeing")
        await expect(page.get_by_text("cannot see pictures")).to_have_count(0)
        await say(page, "What is it?")
        await answered(page)
        shown = page.get_by_role("log").get_by_role("img", name="red.png")
        await expect(shown).to_have_js_property("complete", True)
        assert await shown.evaluate("picture => picture.naturalWidth") > 0
        assert kinds_of(messages_of(await chat_of(seeing, page))[0]) == ["image", "text"]


async def test_an_answer_that_reached_its_length_goes_on(visit: Open, server: Running, cookie: str) -> None:
    page = (await visit("/chat?model=tiny-gguf")).page
    await page.get_by_test_id("toggle-params").click()
    await page.get_by_role("textbox", name="Longest answer").fill("3")
    await page.get_by_role("textbox", name="Longest answer").press("Enter")
    await think(page, "Off")
    await say(page, FRANCE)
    await answered(page)
    await expect(page.get_by_text("The answer reached its longest length.")).to_be_visible()
    before = text_of(messages_of(await chat_of(server, page, cookie))[1])
    async with page.expect_response("**/runs"):
        await page.get_by_role("button", name="Continue").click()
    await answered(page)
    await expect(page.locator("[data-role=assistant] .markdown")).not_to_have_text(before.strip())
    after = messages_of(await chat_of(server, page, cookie))
    assert len(after) == 2
    assert text_of(after[1]).startswith(before)


async def test_what_the_context_holds_is_shown_and_a_full_one_is_left(
    visit: Open, server: Running, cookie: str
) -> None:
    page = (await visit("/chat?model=tiny-gguf")).page
    for count, question in enumerate((FRANCE, "And of Japan? What is the capital of Japan?"), 1):
        await say(page, question)
        await answered(page, count)
    first = page.url
    usage = messages_of(await chat_of(server, page, cookie))[-1]["usage"]
    assert isinstance(usage, dict)
    ring = page.get_by_test_id("context-ring")
    await ring.click()
    await expect(page.get_by_role("dialog")).to_contain_text(re.compile(rf"{usage['total_tokens']} of [\d,]+ tokens"))
    await page.get_by_role("button", name="New chat with the newest half").click()
    await expect(page).not_to_have_url(first)
    await expect(page.get_by_test_id("user-text")).to_have_text(["And of Japan? What is the capital of Japan?"])
    await page.goto(first)
    await ring.click()
    await page.get_by_role("button", name="New chat with a summary").click()
    await expect(page).not_to_have_url(first)
    await answered(page)
    await expect(page.get_by_test_id("user-text")).to_contain_text("Summarise this conversation")
    await expect(page.get_by_test_id("user-text")).to_contain_text(FRANCE)


async def test_a_conversation_is_pinned_filed_and_written_to_a_text(visit: Open, server: Running, cookie: str) -> None:
    page = (await visit("/chat?model=tiny-gguf")).page
    await say(page, "To be filed.")
    await answered(page)
    item = page.locator("[data-chat]").filter(has_text="To be filed.").first

    async def do(what: str) -> None:
        await item.get_by_role("button", name="Actions").click()
        await page.get_by_role("menuitem", name=what).click()

    await do("Move to a new folder")
    await page.get_by_role("textbox", name="Name of the folder").fill("Work")
    await page.keyboard.press("Enter")
    folder = page.get_by_role("region", name="Work")
    await expect(folder.get_by_role("link", name="To be filed.")).to_be_visible()
    await do("Pin")
    await expect(page.get_by_role("region", name="Pinned").get_by_role("link", name="To be filed.")).to_be_visible()
    kept: Json = await chat_of(server, page, cookie)
    assert (kept["folder"], kept["pinned"]) == ("Work", True)
    async with page.expect_download() as coming:
        await do("Export as Markdown")
    written = Path(await (await coming.value).path()).read_text("utf-8")
    assert "To be filed." in written
    assert text_of(messages_of(kept)[1]).strip() in written
    await do("Unpin")
    await do("Take out of the folder")
    await expect(page.get_by_role("region", name="Today").get_by_role("link", name="To be filed.")).to_be_visible()
    await expect(folder).to_have_count(0)


async def test_presets_that_have_one_name_stay_apart_and_travel_as_files(
    visit: Open, server: Running, tmp_path: Path
) -> None:
    page = (await visit("/chat")).page
    await page.get_by_test_id("toggle-params").click()
    file = tmp_path / "preset.json"
    chosen = page.get_by_role("combobox", name="Preset")
    await expect(chosen).to_contain_text(re.compile("None saved yet|Choose a preset"))
    # One that this page has not seen: another browser's.
    other: Json = {"name": "Curt", "system_prompt": "Be very brief.", "params": {}}
    address = f"{server.url}/api/v1/presets/Curt"
    await page.context.request.put(address, data=other, headers={"Origin": server.url}, fail_on_status_code=True)
    curt = {"name": "Curt", "system_prompt": "Be brief.", "params": {"top_p": 0.5}}
    file.write_text(json.dumps(curt))
    for name in ("Curt (2)", "Curt (3)"):
        await page.locator("input[type=file][accept='.json,application/json']").set_input_files(file)
        await expect(chosen).to_contain_text(name)
    await chosen.click()
    await page.get_by_role("option", name="Curt", exact=True).click()
    await expect(page.get_by_label("System prompt")).to_have_value("Be very brief.")
    for name in ("Curt (2)", "Curt (3)"):  # the one that is chosen, though the other holds the same
        await chosen.click()
        await page.get_by_role("option", name=name, exact=True).click()
        await expect(page.get_by_label("System prompt")).to_have_value("Be brief.")
        await expect(chosen).to_contain_text(name)
    more = page.get_by_role("button", name="Save, import and export presets")
    await more.click()
    async with page.expect_download() as coming:
        await page.get_by_role("menuitem", name="Export as a file").click()
    found = json.loads(Path(await (await coming.value).path()).read_text("utf-8"))
    assert found == {**curt, "name": "Curt (3)"}
    for name in ("Curt", "Curt (2)", "Curt (3)"):
        await chosen.click()
        await page.get_by_role("option", name=name, exact=True).click()
        await more.click()
        await page.get_by_role("menuitem", name=f"Delete “{name}”").click()
        await expect(page.get_by_text(f"Deleted: {name}", exact=True)).to_be_visible()


async def test_who_goes_back_to_what_was_deleted_is_told_so(visit: Open) -> None:
    at = await visit("/chat?model=tiny-gguf")
    at.watch.expect("404")
    page = at.page
    await say(page, "Soon gone.")
    await answered(page)
    address = page.url
    item = page.locator("[data-chat]").filter(has_text="Soon gone.").first
    await item.get_by_role("button", name="Actions").click()
    await page.get_by_role("menuitem", name="Delete").click()
    await expect(page).to_have_url(re.compile(r"/ui/chat$"))
    await page.go_back()
    await expect(page).to_have_url(address)
    await expect(page.get_by_role("alert").filter(has_text="Something went wrong")).to_be_visible()
    await expect(page.get_by_test_id("user-text")).to_have_count(0)
