"""Keys and clipboards: input methods send once, Shift+Enter begins a line, and plain http has a clipboard, too."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import CDPSession, Page, expect

from ..process.serving.running import running  # noqa: TID252
from .browser import Look, command, launched, opened
from .chatting import answered, say
from .conftest import Open

pytestmark = pytest.mark.anyio
_PLAIN = "http://lan.test"


async def composed(page: Page, text: str) -> CDPSession:
    """Text under composition in the composer, as an input method has it."""
    await page.get_by_test_id("composer").focus()
    session = await page.context.new_cdp_session(page)
    await command(
        session, "Input.imeSetComposition", {"text": text, "selectionStart": len(text), "selectionEnd": len(text)}
    )
    return session


async def enter(session: CDPSession, code: int) -> None:
    key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": code, "nativeVirtualKeyCode": code}
    await command(session, "Input.dispatchKeyEvent", {"type": "rawKeyDown", **key})
    await command(session, "Input.dispatchKeyEvent", {"type": "keyUp", **key})


async def test_hangul_and_enter_send_once(visit: Open) -> None:
    page = (await visit("/chat")).page
    await page.get_by_test_id("composer").press_sequentially("안녕하세")
    session = await composed(page, "요")
    await enter(session, 229)
    await command(session, "Input.insertText", {"text": "요"})
    await enter(session, 13)
    await expect(page.get_by_test_id("user-text")).to_have_text(["안녕하세요"])
    await expect(page.get_by_test_id("composer")).to_have_value("")
    await answered(page)
    await expect(page.get_by_test_id("user-text")).to_have_count(1)


async def test_the_enter_that_takes_a_candidate_sends_nothing(visit: Open) -> None:
    page = (await visit("/chat")).page
    session = await composed(page, "日本")
    await enter(session, 229)
    await command(session, "Input.insertText", {"text": "日本"})
    await expect(page.get_by_test_id("composer")).to_have_value("日本")
    await expect(page.get_by_test_id("user-text")).to_have_count(0)
    await enter(session, 13)  # the next one does: nothing was on its way before it
    await expect(page.get_by_test_id("user-text")).to_have_text(["日本"])


async def test_shift_and_enter_begin_a_line(visit: Open) -> None:
    page = (await visit("/chat")).page
    await page.get_by_test_id("composer").press_sequentially("one")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("two")
    await expect(page.get_by_test_id("composer")).to_have_value("one\ntwo")


async def test_enter_on_a_phone_begins_a_line_and_the_button_sends(visit: Open) -> None:
    page = (await visit("/chat", Look(width=390))).page
    composer = page.get_by_test_id("composer")
    await composer.tap()
    await composer.press_sequentially("one")
    await page.keyboard.press("Enter")
    await page.keyboard.type("two")
    await expect(composer).to_have_value("one\ntwo")
    await expect(page.get_by_test_id("user-text")).to_have_count(0)
    await page.get_by_test_id("send").tap()
    await expect(page.get_by_test_id("user-text")).to_have_text(["one\ntwo"], use_inner_text=True)
    await expect(composer).to_have_value("")


@pytest.fixture
async def plain(interface: None, tmp_path: Path) -> AsyncGenerator[Page]:
    """A page over plain http from another name than localhost: what browsers call insecure."""
    del interface
    environment = {"DOVETAIL_SERVER__ALLOWED_HOSTS": '["lan.test"]'}
    async with (
        running(tmp_path, environment=environment) as server,
        launched("--host-resolver-rules=MAP lan.test 127.0.0.1") as browser,
    ):
        port = urlsplit(server.url).port
        async with opened(browser, f"{_PLAIN}:{port}", host=f"lan.test:{port}") as (page, _):
            await page.add_init_script("localStorage.setItem('dovetail.setup', 'skipped')")
            await page.goto("/ui/chat?model=tiny-gguf")
            yield page


async def test_over_plain_http_one_can_copy_and_is_told_of_the_microphone(plain: Page) -> None:
    assert await plain.evaluate("isSecureContext") is False
    await say(plain, "Hello!")
    await answered(plain)
    answer = plain.locator("[data-role=assistant]")
    await answer.get_by_role("button", name="Copy", exact=True).click()
    await expect(answer.get_by_role("button", name="Copied")).to_be_visible()
    await plain.get_by_test_id("composer").focus()
    await plain.keyboard.press("Control+v")
    text = (await answer.locator(".markdown").last.inner_text()).strip()
    await expect(plain.get_by_test_id("composer")).to_have_value(text)
    await plain.get_by_test_id("mic").click(force=True)
    await expect(plain.get_by_text("https or on localhost").first).to_be_visible()


async def test_a_long_paste_becomes_a_file(visit: Open) -> None:
    page = (await visit("/chat", Look())).page
    await page.get_by_test_id("composer").evaluate(
        "field => { const data = new DataTransfer(); data.setData('text/plain', 'x'.repeat(2501));"
        " field.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true })) }"
    )
    await expect(page.get_by_role("list", name="Attached")).to_contain_text("pasted-")
    await expect(page.get_by_test_id("composer")).to_have_value("")
