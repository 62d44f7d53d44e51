"""Setup, login, and the way back: with the accounts of servers of their own, which each of these tests changes."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import AsyncGenerator
from pathlib import Path

import psutil
import pytest
from playwright.async_api import Browser, Page, expect

from .. import canaries  # noqa: TID252
from ..process.serving.running import Running, running  # noqa: TID252
from .browser import LOOKS, PATIENCE_MS, Look, all_korean, audit, opened, photograph
from .conftest import NAME, PASSWORD, Open, found

pytestmark = pytest.mark.anyio


@pytest.fixture
async def fresh(interface: None, tmp_path: Path) -> AsyncGenerator[Running]:
    del interface
    async with running(tmp_path) as server:
        yield server


async def fill(page: Page, **fields: str) -> None:
    for label, text in fields.items():
        await page.get_by_label(label.replace("_", " "), exact=True).fill(text)


@pytest.mark.accept("U1", "C7", "D2")
async def test_from_nothing_to_a_login(fresh: Running, browser: Browser) -> None:
    async with opened(browser, fresh.url) as (page, watch):
        await page.goto("/")
        await expect(page).to_have_url(f"{fresh.url}/ui/setup")
        await photograph(page, "setup")
        await fill(page, Name="chief", Password="short", Password_again="other")
        await page.get_by_role("button", name="Create the account").click()
        await expect(page.get_by_text("At least 8 characters.")).to_be_visible()
        await expect(page.get_by_text("The two passwords differ.")).to_be_visible()
        await fill(page, Name="", Password=PASSWORD, Password_again=PASSWORD)
        await page.get_by_role("button", name="Create the account").click()
        named = page.get_by_label("Name", exact=True)
        await expect(named).to_be_focused()
        await expect(named).to_have_accessible_description(re.compile("Choose a name"))
        await named.fill("with a space")
        watch.expect("400")
        await page.get_by_role("button", name="Create the account").click()
        await expect(named).to_have_accessible_description(re.compile("A name has 1 to 64"))
        await expect(named).to_be_focused()
        await fill(page, Name="chief", Password="password123", Password_again="password123")
        await page.get_by_role("button", name="Create the account").click()
        secret = page.get_by_label("Password", exact=True)
        await expect(secret).to_have_accessible_description("That password is among the first anybody tries.")
        await expect(secret).to_be_focused()
        await fill(page, Password=PASSWORD, Password_again=PASSWORD)
        await page.get_by_role("button", name="Create the account").click()
        await expect(page.get_by_text("You are logged in as chief.")).to_be_visible()
        await page.get_by_role("button", name="Create an API key").click()
        key = await page.locator("[data-secret]").inner_text()
        canaries.plant(fresh.home, key)
        assert key.startswith("sk-dvt-")
        await page.get_by_role("button", name="Go to models").click()
        await expect(page).to_have_url(re.compile(r"/ui/models"))
        await page.get_by_role("button", name="Account: chief").click()
        await page.get_by_role("menuitem", name="Log out").click()
        await expect(page).to_have_url(re.compile(r"/ui/login"))

        await fill(page, Name="chief", Password=canaries.GUESS)
        watch.expect("401")
        await page.get_by_role("button", name="Log in").click()
        await expect(page.get_by_text("wrong name or password")).to_be_visible()
        await expect(page.get_by_label("Password", exact=True)).to_be_focused()
        await fill(page, Password=PASSWORD)
        await page.get_by_role("button", name="Log in").click()
        await expect(page).to_have_url(re.compile(r"/ui/chat"))


@pytest.fixture
async def exposed(interface: None, tmp_path: Path) -> AsyncGenerator[Running]:
    """A server that others reach, at the address by which they do, where this machine has one."""
    del interface
    # Without an account it listens there only where a key keeps strangers out.
    environment = {"DOVETAIL_SERVER__HOST": "0.0.0.0", "DOVETAIL_ACCESS__API_KEY": canaries.OPERATOR_KEY}
    async with running(tmp_path, environment=environment) as server:
        addresses = [
            each.address
            for network in psutil.net_if_addrs().values()
            for each in network
            if each.family == socket.AF_INET and not each.address.startswith("127.")
        ]
        here = addresses[0] if addresses else "127.0.0.1"
        yield Running(server.url.replace("127.0.0.1", here), server.process, server.home)


@pytest.mark.accept("U1")
async def test_from_elsewhere_setup_takes_the_code_of_the_log(exposed: Running, browser: Browser) -> None:
    lines = [json.loads(line) for line in (exposed.home / "serve.log").read_text().splitlines() if "{" in line]
    (code,) = (str(line["code"]) for line in lines if "code" in line)
    async with opened(browser, exposed.url) as (page, watch):
        watch.expect("403")
        await page.goto("/ui/monitor")
        await expect(page).to_have_url(f"{exposed.url}/ui/setup")
        await expect(page.get_by_text("This server listens beyond this machine.")).to_be_visible()
        await expect(page.get_by_role("button", name="Go on without an account")).to_have_count(0)
        await fill(page, Password=PASSWORD, Password_again=PASSWORD)
        await page.get_by_role("button", name="Create the account").click()
        wrong = page.get_by_label("Setup code", exact=True)
        await expect(wrong).to_have_accessible_description(re.compile("Enter the setup code"))
        await expect(wrong).to_be_focused()
        await fill(page, Setup_code="setup-guessed")
        await page.get_by_role("button", name="Create the account").click()
        await expect(wrong).to_have_accessible_description(re.compile("Setup from elsewhere needs the code"))
        await expect(wrong).to_be_focused()
        await audit(page)
        await photograph(page, "setup-code")
        await fill(page, Setup_code=f" {code} ")
        await page.get_by_role("button", name="Create the account").click()
        await expect(page.get_by_text("You are logged in as admin.")).to_be_visible()


async def test_on_its_own_machine_it_can_be_used_without_an_account(fresh: Running, browser: Browser) -> None:
    async with opened(browser, fresh.url) as (page, _):
        await page.goto("/ui/monitor")
        await page.get_by_role("button", name="Go on without an account").click()
        await expect(page).to_have_url(re.compile(r"/ui/models"))
        await page.goto("/ui/monitor")
        await expect(page).to_have_url(re.compile(r"/ui/monitor"))


async def test_a_login_leads_back_to_where_one_was(visit: Open) -> None:
    at = await visit("/settings/about", cookie=None)
    await expect(at.page).to_have_url(re.compile(r"/ui/login\?next="))
    await fill(at.page, Name=NAME, Password=PASSWORD)
    await at.page.keyboard.press("Enter")
    await expect(at.page).to_have_url(re.compile(r"/ui/settings/about$"))


@pytest.mark.parametrize("look", LOOKS, ids=str)
async def test_what_is_left_empty_is_said_at_its_field(visit: Open, look: Look) -> None:
    page = (await visit("/login", look, cookie=None)).page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    english = look.language == "en"
    name = page.get_by_label("Name" if english else "이름", exact=True)
    secret = page.get_by_label("Password" if english else "비밀번호", exact=True)
    enter = page.get_by_role("button", name="Log in" if english else "로그인", exact=True)
    await enter.click()
    await expect(name).to_be_focused()
    await expect(name).to_have_accessible_description("Enter your name." if english else "이름을 입력하세요.")
    await expect(secret).to_have_attribute("aria-invalid", "true")
    await audit(page)
    await photograph(page, f"login-empty-{look}")
    if not english:
        await all_korean(page)
    await name.fill(NAME)
    await expect(name).not_to_have_attribute("aria-invalid", "true")
    await page.keyboard.press("Enter")
    await expect(secret).to_be_focused()
    await expect(secret).to_have_accessible_description("Enter your password." if english else "비밀번호를 입력하세요.")
    assert [url for url in asked if url.endswith("/auth/login")] == []


async def test_a_login_lasts_until_the_browser_is_closed_or_longer(visit: Open) -> None:
    for stays in (True, False):
        at = await visit("/login", cookie=None)
        box = at.page.get_by_role("checkbox", name="Stay logged in when the browser is closed")
        await expect(box).to_be_checked()
        await box.set_checked(stays)
        await fill(at.page, Name=NAME, Password=PASSWORD)
        await at.page.keyboard.press("Enter")
        await expect(at.page).to_have_url(re.compile(r"/ui/chat"))
        (cookie,) = [each for each in await at.page.context.cookies() if each.get("name") == "dovetail"]
        # A session cookie, which browsers drop when they are closed, has no end of its own.
        assert (cookie.get("expires", 0) > time.time() + 3600) == stays
        assert (cookie.get("expires") == -1) != stays


async def test_too_many_guesses_are_counted_down(fresh: Running, browser: Browser) -> None:
    await found(fresh)
    async with opened(browser, fresh.url) as (page, watch):
        watch.expect("401", "429")
        await page.goto("/ui/login")
        timer = page.get_by_role("timer")
        for _ in range(30):
            await fill(page, Name=NAME, Password=canaries.GUESS)
            async with page.expect_response("**/auth/login") as answer:
                await page.get_by_role("button", name="Log in").click()
            if (await answer.value).status == 429:
                break
        await expect(timer).to_be_visible()
        await expect(page.get_by_role("button", name="Log in")).to_be_disabled()
        await expect(timer).to_be_hidden(timeout=PATIENCE_MS)
        await expect(page.get_by_role("button", name="Log in")).to_be_enabled()


@pytest.mark.accept("C5")
async def test_everybody_can_enter(fresh: Running, browser: Browser) -> None:
    for step in ("setup", "login"):
        if step == "login":
            await found(fresh)
        for look in LOOKS:
            async with opened(browser, fresh.url, look) as (page, _):
                await page.goto(f"/ui/{step}")
                await expect(page.locator("input[type=password]").first).to_be_visible()
                await audit(page)
                await photograph(page, f"{step}-{look}")
                if look.language == "ko":
                    await all_korean(page)
