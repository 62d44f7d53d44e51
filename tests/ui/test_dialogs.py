"""Dialogs that no other test has a reason to look at, audited open."""

from __future__ import annotations

import re
import threading
from collections.abc import AsyncGenerator
from dataclasses import dataclass

import aiohttp
import pytest
from playwright.async_api import Browser, Page, expect

from .. import canaries  # noqa: TID252
from ..process.serving.running import Running, running  # noqa: TID252
from ..unit.catalog.hub_server import REPO, hub_server  # noqa: TID252
from .browser import Look, all_korean, audit_opened, opened, photograph
from .chatting import scripted_binary
from .conftest import NAME, PASSWORD, Open

pytestmark = pytest.mark.anyio
# Each in both themes.
LOOKS = [Look(), Look("light", "ko", 390)]


@dataclass(frozen=True, slots=True)
class Asked:
    """A dialog: where it is, and what is pressed one after the other until it is open, by test id or by its name.

    Names are in both languages. What is first on a phone alone begins with `phone:`.
    """

    path: str
    steps: tuple[str, ...]


OF_A_CHAT = ("phone:toggle-history", "(Actions|작업): To be named")
AT_REST = {
    "capture": Asked("/settings/data", ("Record for|분 동안 기록",)),
    "session": Asked("/settings/security", ("^(End|종료)$",)),
    "password": Asked("/settings/security", ("^(Set a password|비밀번호 설정)$",)),
    "title": Asked("/chat", (*OF_A_CHAT, "^(Rename|이름 바꾸기)$")),
    "folder": Asked("/chat", (*OF_A_CHAT, "^(Move to a new folder|새 폴더로 옮기기)$")),
    "preset": Asked("/chat", ("toggle-params", "export presets|프리셋 저장, 가", "^(Save as a new|새 프리셋으로)")),
}
UNDER_WAY = {
    "unload": Asked("/monitor", ("^(Unload tiny-gguf|tiny-gguf 내리기)$",)),
    "others": Asked("/bench", ("^(End that|그) (request|요청 1개 끝내기)$",)),
    "download": Asked("/models?tab=downloads", ("^(Cancel|취소) ",)),
}


@pytest.fixture(scope="module")
async def filled(server: Running, cookie: str) -> None:
    """Another account, the same one logged in elsewhere too, and a conversation."""
    body = {"name": NAME, "password": PASSWORD}
    async with aiohttp.ClientSession(server.url) as http, http.post("/auth/login", json=body) as answer:
        canaries.plant(server.home, answer.cookies["dovetail"].value)
    account = {"name": "forgetful", "password": PASSWORD, "role": "member"}
    headers = {"Cookie": f"dovetail={cookie}", "Origin": server.url}
    async with aiohttp.ClientSession(server.url, headers=headers) as http:
        for path, made in (("/api/v1/users", account), ("/api/v1/chats", {"title": "To be named"})):
            async with http.post(path, json=made) as answer:
                assert answer.status == 200, await answer.text()


@pytest.fixture(scope="module")
async def busy(interface: None, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Running]:
    """A server without accounts where all goes on: an answer, a benchmark that waits for it, and a download."""
    del interface
    home = tmp_path_factory.mktemp("busy")
    (home / "hold").touch()
    question = {"model": "tiny-gguf", "stream": True, "messages": [{"role": "user", "content": "Tell me a story."}]}
    begun = {
        "/api/v1/benchmarks": {"models": ["tiny-mlx"], "prompt": [16], "gen": [8], "repeat": 1, "warmup": False},
        "/api/v1/downloads": {"repo": REPO, "choice": "m.gguf"},
    }
    with hub_server() as hub:
        hub.files, hub.hold = {"m.gguf": bytes(1 << 20)}, threading.Event()
        environment = scripted_binary(home, {"after": 5, "hold": str(home / "hold")})
        async with (
            running(home, environment={**environment, "HF_ENDPOINT": hub.address}) as server,
            aiohttp.ClientSession(server.url) as http,
            http.post("/v1/chat/completions", json=question) as answer,
        ):
            assert answer.status == 200, await answer.text()
            for path, body in begun.items():
                async with http.post(path, json=body) as told:
                    assert told.status == 200, await told.text()
            yield server


async def ask(page: Page, asked: Asked, look: Look) -> None:
    for step in asked.steps:
        name = step.removeprefix("phone:")
        if name != step and look.width >= 900:
            continue
        named = re.compile(name)
        by_name = page.get_by_role("menuitem", name=named).or_(page.get_by_role("button", name=named))
        await page.get_by_test_id(name).or_(by_name).first.click()


async def audited(page: Page, name: str, look: Look) -> None:
    """The dialog on top, which Escape closes."""
    dialogs = page.locator("[role=dialog]").filter(visible=True)  # one beneath another has no role for people
    await expect(page.get_by_role("menu")).to_have_count(0)
    await audit_opened(page, look)
    count = await dialogs.count()
    await photograph(page, f"dialog-{name}-{look}")
    if look.language == "ko":
        await all_korean(page, "main", "[data-chat]")  # pages have tests of their own
    await page.keyboard.press("Escape")
    await expect(dialogs).to_have_count(count - 1)


@pytest.mark.accept("C5")
@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("look", LOOKS, ids=str)
@pytest.mark.parametrize("name", AT_REST)
async def test_a_dialog_that_asks_first(visit: Open, name: str, look: Look) -> None:
    page = (await visit(AT_REST[name].path, look)).page
    await ask(page, AT_REST[name], look)
    await audited(page, name, look)


@pytest.mark.parametrize("look", LOOKS, ids=str)
async def test_a_select_over_a_dialog(visit: Open, look: Look) -> None:
    page = (await visit("/settings/security", look)).page
    await page.get_by_role("button", name=re.compile("New account|새 계정")).click()
    await page.get_by_role("dialog").get_by_role("combobox").click()
    await expect(page.get_by_role("option")).to_have_count(3)
    await audit_opened(page, look)
    await photograph(page, f"dialog-select-{look}")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("option")).to_have_count(0)
    await expect(page.get_by_role("dialog")).to_be_visible()


@pytest.mark.usefixtures("filled")
async def test_a_menu_over_a_drawer(visit: Open) -> None:
    look = Look("dark", "ko", 390)
    page = (await visit("/chat", look)).page
    await page.get_by_test_id("toggle-history").click()
    await page.get_by_role("button", name="작업: To be named").first.click()
    await expect(page.get_by_role("menuitem").first).to_be_visible()
    await audit_opened(page, look)
    await photograph(page, f"drawer-menu-{look}")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("menuitem")).to_have_count(0)
    await expect(page.get_by_test_id("chat-search")).to_be_visible()


@pytest.mark.accept("C5")
@pytest.mark.parametrize("look", LOOKS, ids=str)
@pytest.mark.parametrize("name", UNDER_WAY)
async def test_a_dialog_about_what_is_under_way(busy: Running, browser: Browser, name: str, look: Look) -> None:
    async with opened(browser, busy.url, look) as (page, _):
        await page.add_init_script("localStorage.setItem('dovetail.setup', 'skipped')")
        await page.goto(f"/ui{UNDER_WAY[name].path}")
        await ask(page, UNDER_WAY[name], look)
        await expect(page.get_by_text(re.compile("It ended early|도중에 끝났습니다"))).to_have_count(0)
        await audited(page, name, look)
