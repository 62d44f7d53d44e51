"""A session that ends elsewhere: the login comes over the page, which is as it was behind it, with what was typed."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from playwright.async_api import Browser, Locator, Page, expect

from .. import canaries  # noqa: TID252
from ..process.serving.running import Running  # noqa: TID252
from .browser import Look, all_korean, audit, opened, photograph
from .conftest import NAME, PASSWORD

pytestmark = pytest.mark.anyio

# A page, the button that opens its form there, a field, and what is typed into it.
FORMS = [
    ("/settings/models", None, "Unload after idle seconds", "779"),
    ("/settings/security", "New account", "Name", "half a name"),
    ("/models?m=tiny-gguf&part=load", None, "Context", "2048"),
    ("/models?add=local", None, "Path", "half/a/path"),
    ("/bench", None, "Prompt tokens", "64, 96"),
    ("/bench?tab=test", "Settings", "Context size", "1024"),
]
End = Callable[[], Awaitable[None]]


@asynccontextmanager
async def inside(
    browser: Browser, server: Running, path: str, look: Look | None = None
) -> AsyncGenerator[tuple[Page, End]]:
    """A page below `/ui` in a session of its own, and what ends that session elsewhere."""
    async with aiohttp.ClientSession(server.url, cookie_jar=aiohttp.DummyCookieJar()) as http:
        async with http.post("/auth/login", json={"name": NAME, "password": PASSWORD}) as answer:
            assert answer.status == 200, await answer.text()
            mine = answer.cookies["dovetail"].value
        canaries.plant(server.home, mine)

        async def end() -> None:
            async with http.post("/auth/logout", headers={"cookie": f"dovetail={mine}"}, json={}) as answer:
                assert answer.status == 200

        async with opened(browser, server.url, look, mine) as (page, watch):
            watch.expect("401")
            await page.goto(f"/ui{path}")
            await expect(page.locator("[data-link=live]")).to_be_attached()
            yield page, end


def login(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Log in again")


async def log_in(page: Page, name: str = NAME) -> None:
    """By keyboard; for the one who was here the name is there already."""
    over = login(page)
    if name != NAME:
        await over.get_by_label("Name", exact=True).fill(name)
        await expect(over).to_contain_text("what you have typed is lost")
    await over.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(over).to_have_count(0)


@pytest.mark.usefixtures("cookie")
async def test_who_logs_in_again_is_where_they_were(browser: Browser, server: Running) -> None:
    """The server ends the streams of the session, the next one is refused with 401: the page asks by itself."""
    path = "/monitor?range=15m&tab=logs"
    async with inside(browser, server, path) as (page, end):
        await page.evaluate("window.mark = 1")
        await end()
        await expect(login(page).get_by_label("Password", exact=True)).to_be_focused()
        await page.keyboard.press("Escape")
        await page.mouse.click(5, 5)
        await log_in(page)
        await expect(page).to_have_url(f"{server.url}/ui{path}")
        await expect(page.locator("[data-link=live]")).to_be_visible()
        await expect(page.get_by_role("alert")).to_have_count(0)
        assert await page.evaluate("window.mark") == 1


@pytest.mark.usefixtures("cookie")
@pytest.mark.parametrize(("path", "opens", "label", "text"), FORMS)
async def test_what_was_typed_is_kept(  # noqa: PLR0917  one form each
    browser: Browser, server: Running, path: str, opens: str | None, label: str, text: str
) -> None:
    async with inside(browser, server, path) as (page, end):
        if opens is not None:
            await page.get_by_role("button", name=opens, exact=True).click()
        field = page.get_by_label(label, exact=True)
        await field.fill(text)
        await end()
        await expect(login(page).get_by_label("Password", exact=True)).to_be_focused()
        # What is open beneath is not closed by what is done above it.
        await page.keyboard.press("Escape")
        await log_in(page)
        await expect(page.locator("[data-link=live]")).to_be_attached()
        await expect(field).to_have_value(text)
        await expect(field).to_be_focused()


@pytest.mark.usefixtures("cookie")
async def test_nothing_of_the_one_before_is_left_for_another(browser: Browser, server: Running, cookie: str) -> None:
    body = {"name": "second", "password": PASSWORD, "role": "admin"}
    headers = {"cookie": f"dovetail={cookie}", "origin": server.url}
    async with aiohttp.ClientSession(server.url, headers=headers) as http:
        async with http.post("/api/v1/users", json=body) as answer:
            assert answer.status == 200, await answer.text()
        async with inside(browser, server, "/settings/models") as (page, end):
            field = page.get_by_label("Unload after idle seconds")
            before = await field.input_value()
            await field.fill("779")
            await page.evaluate("window.mark = 1")
            await end()
            await log_in(page, "second")
            await expect(page.get_by_role("button", name="Account: second")).to_be_visible()
            await expect(field).to_have_value(before)
            await expect(page).to_have_url(re.compile("/ui/settings/models$"))
            assert await page.evaluate("window.mark === undefined")
        async with http.delete("/api/v1/users/second") as answer:
            assert answer.status == 200


@pytest.mark.usefixtures("cookie")
@pytest.mark.parametrize("look", [Look(), Look("dark", "ko", 390)], ids=str)
async def test_nothing_serious_is_wrong_with_it(browser: Browser, server: Running, look: Look) -> None:
    async with inside(browser, server, "/settings/general", look) as (page, end):
        await end()
        over = page.get_by_role("dialog")
        await expect(over.locator("input[type=password]")).to_be_focused()
        await audit(page)
        await photograph(page, f"session-end-{look}")
        if look.language == "ko":
            await all_korean(page)
