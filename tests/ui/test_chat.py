"""The chat page with the tiny models of both engines: asked, answered, branched, edited, kept, found, refused."""

from __future__ import annotations

import json
import re
from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import Page, expect

from .. import canaries  # noqa: TID252
from ..process.serving.running import Running  # noqa: TID252
from .browser import LOOKS, Look, all_korean, audit, entered, photograph, settled
from .chatting import Json, answered, chat_of, choose, kinds_of, messages_of, say, text_of
from .conftest import Open

pytestmark = pytest.mark.anyio


@pytest.mark.accept("C1")
async def test_a_model_is_chosen_asked_with_parameters_and_answers(visit: Open, server: Running, cookie: str) -> None:
    page = (await visit("/chat")).page
    await choose(page, "tiny-mlx")
    await page.get_by_test_id("toggle-params").click()
    await page.get_by_role("textbox", name="Temperature").fill("0")
    await page.get_by_role("textbox", name="Longest answer").fill("24")
    await page.get_by_role("textbox", name="Longest answer").press("Enter")
    await expect(page.locator('[data-param="max_tokens"]')).to_have_attribute("data-own", "true")
    await page.get_by_label("System prompt").fill("Be brief.")
    await page.get_by_label("System prompt").blur()
    await say(page, "Hello!")
    await answered(page)
    chat = await chat_of(server, page, cookie)
    question, answer = messages_of(chat)
    assert (chat["system_prompt"], answer["model"]) == ("Be brief.", "tiny-mlx")
    assert answer["params"] == {"temperature": 0, "max_tokens": 24}
    assert text_of(question) == "Hello!"

    # The figures below the answer are the server's own, digit for digit.
    footer = page.get_by_test_id("message-footer")
    assert json.loads(await footer.get_attribute("data-timings") or "") == answer["timings"]
    assert json.loads(await footer.get_attribute("data-usage") or "") == answer["usage"]
    await expect(footer).to_contain_text("tok/s")
    await expect(footer).to_contain_text("tiny-mlx")


@pytest.mark.accept("C2")
async def test_the_engine_follows_from_the_model_and_another_model_answers_again(
    visit: Open, server: Running, cookie: str
) -> None:
    page = (await visit("/chat?model=tiny-gguf")).page
    await choose(page, "tiny-gguf")
    await say(page, "Hi.")
    await answered(page)
    await page.locator("[data-role=assistant]").get_by_role("button", name="Answer again with").click()
    await page.get_by_role("menuitemradio", name="tiny-mlx").click()
    await expect(page.get_by_role("group", name="Version 2 of 2")).to_be_visible()
    await answered(page)
    answers = [one for one in messages_of(await chat_of(server, page, cookie)) if one["role"] == "assistant"]
    assert [one["model"] for one in answers] == ["tiny-gguf", "tiny-mlx"]
    await page.get_by_role("button", name="Previous version").click()
    await expect(page.get_by_test_id("message-footer")).to_contain_text("tiny-gguf")
    await expect(page).to_have_url(re.compile(r"leaf="))


async def test_an_edited_question_is_a_branch_and_an_edited_answer_keeps_what_follows(
    visit: Open, server: Running, cookie: str
) -> None:
    page = (await visit("/chat")).page
    await say(page, "One.")
    await answered(page)
    await say(page, "Two.")
    await answered(page, 2)
    first = page.locator("[data-role=user]").first
    await first.hover()
    await first.get_by_role("button", name="Edit").click()
    await page.get_by_label("Edit the message").fill("Another one.")
    await page.get_by_role("button", name="Send as new branch").click()
    await expect(page.get_by_test_id("user-text")).to_have_text(["Another one."])
    await answered(page)
    await page.get_by_role("button", name="Previous version").click()
    await expect(page.get_by_test_id("user-text")).to_have_text(["One.", "Two."])

    answer = page.locator("[data-role=assistant]").first
    await answer.hover()
    await answer.get_by_role("button", name="Edit", exact=True).click()
    await page.get_by_label("Edit the message").fill("그래서 **'Q4_K_M'**을 고릅니다.")
    await page.get_by_role("button", name="Save only").click()
    await expect(answer.locator("strong")).to_have_text("'Q4_K_M'")
    await expect(page.get_by_test_id("user-text")).to_have_text(["One.", "Two."])
    assert len(messages_of(await chat_of(server, page, cookie))) == 6


@pytest.mark.accept("C6")
async def test_what_is_refused_says_why_and_loses_nothing(visit: Open) -> None:
    at = await visit("/chat")
    page = at.page
    at.watch.expect("400")
    long = "word " * 20_000
    await page.get_by_test_id("composer").fill(long)
    await page.keyboard.press("Enter")
    problem = page.get_by_role("alert").filter(has_text="context")
    await expect(problem).to_be_visible()
    await photograph(page, "chat-refused")


async def test_a_message_that_no_answer_began_for_is_kept_once_and_can_be_answered(
    visit: Open, server: Running, cookie: str
) -> None:
    at = await visit("/chat?model=tiny-gguf")
    page = at.page
    at.watch.expect("503")
    await page.route("**/runs", lambda route: route.fulfill(status=503, json={"error": {"message": "Not now."}}))
    await say(page, "What is the capital of France?")
    await expect(page.get_by_role("alert").filter(has_text="Not now.")).to_be_visible()
    await expect(page).to_have_url(re.compile(r"/ui/chat/.+"))
    assert len(messages_of(await chat_of(server, page, cookie))) == 1
    await page.unroute("**/runs")
    await page.get_by_role("button", name="Have it answered").click()
    await answered(page)
    await expect(page.get_by_role("alert").filter(has_text="Not now.")).to_have_count(0)
    assert len(messages_of(await chat_of(server, page, cookie))) == 2


async def test_a_new_profile_has_the_same_conversations_and_finds_them_by_what_was_said(
    visit: Open, server: Running, cookie: str
) -> None:
    page = (await visit("/chat")).page
    await say(page, "The zebra crosses the street.")
    await answered(page)
    address = page.url.removeprefix(f"{server.url}/ui")
    other = (await visit(address)).page
    await expect(other.get_by_test_id("user-text")).to_have_text(["The zebra crosses the street."])
    await other.get_by_test_id("chat-search").fill("zebra crosses")
    found = other.locator("[data-chat]")
    await expect(found).to_have_count(1)
    await found.get_by_role("button", name="Actions").click()
    await other.get_by_role("menuitem", name="Rename").click()
    await audit(other)
    await expect(other.get_by_role("textbox", name="Title")).to_be_focused()
    await other.get_by_role("textbox", name="Title").fill("얼룩말")
    await other.keyboard.press("Enter")
    await expect(other.get_by_test_id("chat-title")).to_have_text("얼룩말")
    assert (await chat_of(server, other, cookie))["title"] == "얼룩말"


async def test_who_may_only_look_is_told_so_and_not_asked_to_write(visit: Open, server: Running, cookie: str) -> None:
    headers = {"Cookie": f"dovetail={cookie}", "Origin": server.url}
    account = {"name": "spectator", "password": canaries.PASSWORD}
    async with aiohttp.ClientSession(server.url) as http:
        async with http.post("/api/v1/users", json={**account, "role": "viewer"}, headers=headers) as made:
            assert made.status == 200, await made.text()
        async with http.post("/auth/login", json=account, headers={"Origin": server.url}) as entered:
            assert entered.status == 200, await entered.text()
            theirs = entered.cookies["dovetail"].value
    canaries.plant(server.home, theirs)
    page = (await visit("/chat", cookie=theirs)).page
    await expect(page.get_by_text("An admin can make it a member")).to_be_visible()
    await expect(page.get_by_test_id("composer")).to_be_disabled()
    await expect(page.get_by_role("list", name="Questions to begin with")).to_have_count(0)


async def test_a_model_that_is_not_there_is_named_and_another_chosen(visit: Open) -> None:
    page = (await visit("/chat?model=nobody-here")).page
    composer = page.get_by_test_id("composer")
    await expect(composer).to_have_attribute("placeholder", re.compile("no model “nobody-here” here"))
    await expect(composer).to_be_disabled()
    await choose(page, "tiny-gguf")
    await expect(composer).to_be_enabled()
    await expect(composer).to_have_attribute("placeholder", "Message tiny-gguf")


async def test_a_deletion_is_taken_back(visit: Open) -> None:
    page = (await visit("/chat")).page
    await say(page, "To be deleted.")
    await answered(page)
    chat_id = page.url.rsplit("/", 1)[-1].split("?")[0]
    item = page.locator(f'[data-chat="{chat_id}"]')
    await item.get_by_role("button", name="Actions").click()
    await page.get_by_role("menuitem", name="Delete").click()
    await expect(item).to_have_count(0)
    await expect(page).to_have_url(re.compile(r"/ui/chat$"))
    undo = page.get_by_role("button", name="Undo")
    said, field = await undo.bounding_box(), await page.get_by_test_id("composer").bounding_box()
    assert said is not None
    assert field is not None
    assert said["y"] + said["height"] <= field["y"], "what is said covers nothing that is written"
    await undo.click()
    await expect(item).to_have_count(1)


async def test_what_was_exported_and_deleted_comes_back_as_it_was(
    visit: Open, server: Running, cookie: str, tmp_path: Path
) -> None:
    page = (await visit("/chat")).page
    await say(page, "To be carried away.")
    await answered(page)
    await page.get_by_role("button", name="Answer again", exact=True).click()
    await expect(page.get_by_role("group", name="Version 2 of 2")).to_be_visible()
    await answered(page)
    before = await chat_of(server, page, cookie)
    chat_id = str(before["id"])
    await page.locator(f'[data-chat="{chat_id}"]').get_by_role("button", name="Actions").click()
    async with page.expect_download() as download:
        await page.get_by_role("menuitem", name="Export as JSON").click()
    file = tmp_path / "chat.json"
    await (await download.value).save_as(file)
    await page.locator(f'[data-chat="{chat_id}"]').get_by_role("button", name="Actions").click()
    await page.get_by_role("menuitem", name="Delete").click()
    await expect(page.locator(f'[data-chat="{chat_id}"]')).to_have_count(0)
    await page.get_by_test_id("import-input").set_input_files(file)
    await expect(page.get_by_text("1 conversation imported")).to_be_visible()
    await page.get_by_role("link", name="To be carried away.").first.click()
    await expect(page.get_by_role("group", name="Version 2 of 2")).to_be_visible()
    after = await chat_of(server, page, cookie)
    assert _shape(after) == _shape(before)


def _shape(chat: Json) -> list[object]:
    """A tree without its ids: each message with its parent's place, and all that was measured of it."""
    messages = messages_of(chat)
    places = {message["id"]: place for place, message in enumerate(messages)}
    kept = ("role", "parts", "model", "usage", "timings", "status")
    return [(places.get(message["parent_id"]), [message[name] for name in kept]) for message in messages]


async def test_a_file_goes_with_a_message_and_a_picture_is_refused_by_a_blind_model(
    visit: Open, server: Running, cookie: str
) -> None:
    page = (await visit("/chat")).page
    await choose(page, "tiny-gguf")
    await page.get_by_test_id("file-input").set_input_files(
        {"name": "a.png", "mimeType": "image/png", "buffer": b"\x89PNG\r\n\x1a\n"}
    )
    await expect(page.get_by_role("alert")).to_contain_text("tiny-gguf cannot see pictures")
    await page.get_by_test_id("file-input").set_input_files(
        {"name": "notes.txt", "mimeType": "text/plain", "buffer": "메모 notes".encode()}
    )
    await expect(page.get_by_role("list", name="Attached")).to_contain_text("notes.txt")
    await say(page, "What is in it?")
    await answered(page)
    await expect(page.get_by_role("log").get_by_role("link", name="notes.txt")).to_be_visible()
    question = messages_of(await chat_of(server, page, cookie))[0]
    assert kinds_of(question) == ["file", "text"]


async def test_a_preset_is_saved_and_taken(visit: Open) -> None:
    page = (await visit("/chat")).page
    await page.get_by_test_id("toggle-params").click()
    await page.get_by_role("textbox", name="Top P").fill("0.5")
    await page.get_by_role("textbox", name="Top P").press("Enter")
    await page.get_by_role("button", name="Save, import and export presets").click()
    await page.get_by_role("menuitem", name="Save as a new preset").click()
    await page.get_by_role("textbox", name="Name").fill("Narrow")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("combobox", name="Preset")).to_contain_text("Narrow")
    await page.get_by_role("button", name="Reset all").click()
    await expect(page.locator('[data-param="top_p"]')).to_have_attribute("data-own", "false")
    await page.reload()
    await page.get_by_role("combobox", name="Preset").click()
    await page.get_by_role("option", name="Narrow").click()
    await expect(page.get_by_role("textbox", name="Top P")).to_have_value("0.5")


async def test_keys_lead_everywhere(visit: Open) -> None:
    page = (await visit("/chat")).page
    await say(page, "First.")
    await answered(page)
    await page.keyboard.press("ArrowUp")
    await expect(page.get_by_label("Edit the message")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.get_by_test_id("composer")).to_be_focused()
    await page.keyboard.press("F6")
    await expect(page.get_by_role("log")).to_be_focused()
    await page.keyboard.press("F6")
    await expect(page.get_by_test_id("composer")).to_be_focused()
    await page.keyboard.press("Control+b")
    await expect(page.get_by_test_id("chat-search")).to_have_count(0)
    await page.keyboard.press("Control+b")
    await expect(page.get_by_test_id("chat-search")).to_be_visible()
    await page.keyboard.press("Control+Shift+o")
    await expect(page).to_have_url(re.compile(r"/ui/chat$"))
    await expect(page.get_by_test_id("composer")).to_be_focused()
    await page.keyboard.press("Alt+ArrowDown")
    await expect(page.get_by_test_id("user-text")).to_have_text(["First."])


@pytest.mark.parametrize("look", LOOKS, ids=str)
async def test_nothing_stands_in_the_way_of_anybody(visit: Open, look: Look) -> None:
    page = (await visit("/chat", look)).page
    await say(page, "안녕하세요 **hello**")
    await answered(page)
    await audit(page)
    await photograph(page, f"chat-{look}")
    await page.get_by_test_id("toggle-params").click()
    await expect(page.get_by_test_id("params")).to_be_visible()
    await audit(page)
    await photograph(page, f"chat-params-{look}")
    if look.language == "ko":
        await all_korean(page, "[data-role]", "[data-chat]")
    if look.width < 768:
        await page.keyboard.press("Escape")
        await expect(page.get_by_test_id("params")).to_have_count(0)
    await page.get_by_test_id("model-picker").click()
    await expect(page.get_by_role("option").first).to_be_visible()
    await entered(page)
    await audit(page)


async def no_wider_than_its_window(page: Page) -> bool:
    return bool(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


async def test_a_phone_has_all_of_it(visit: Open) -> None:
    page = (await visit("/chat", Look(width=390))).page
    await expect(page.get_by_test_id("composer")).to_be_visible()
    assert await no_wider_than_its_window(page)
    await page.get_by_test_id("toggle-params").click()
    sheet = page.get_by_role("dialog", name="Parameters")
    await settled(page)
    title = await sheet.get_by_role("heading", name="Parameters").bounding_box()
    close = await sheet.get_by_role("button", name="Close").bounding_box()
    assert title is not None
    assert close is not None
    assert abs(title["y"] + title["height"] / 2 - close["y"] - close["height"] / 2) < 4, "they stand in one line"
    await page.keyboard.press("Escape")
    await expect(sheet).to_have_count(0)
    await page.get_by_test_id("toggle-history").click()
    await expect(page.get_by_test_id("chat-search")).to_be_visible()
