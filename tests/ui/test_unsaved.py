"""Whoever leaves what is not saved is asked first."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from .browser import audit
from .conftest import Open

pytestmark = pytest.mark.anyio


async def test_a_setting_that_is_not_saved_is_asked_about(visit: Open) -> None:
    page = (await visit("/settings/models")).page
    field = page.get_by_label("Unload after idle seconds")
    await field.fill("778")
    await page.get_by_role("link", name="About").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("Leave without saving?")
    await audit(page)
    await dialog.get_by_role("button", name="Stay").click()
    await expect(field).to_have_value("778")
    await page.get_by_role("link", name="About").click()
    await dialog.get_by_role("button", name="Leave").click()
    await expect(page).to_have_url(re.compile("/settings/about"))


async def test_load_settings_in_their_drawer(visit: Open) -> None:
    page = (await visit("/models?m=tiny-gguf&part=load")).page
    context = page.get_by_label("Context", exact=True)
    await context.fill("2048")
    asked = page.get_by_role("dialog", name="Leave without saving?")
    for leave in ("Escape", "tab"):
        if leave == "tab":
            await page.get_by_role("tab", name="Files").click()
        else:
            await page.keyboard.press(leave)
        await expect(asked).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(asked).to_have_count(0)
        await expect(context).to_have_value("2048")
    await page.keyboard.press("Escape")
    await asked.get_by_role("button", name="Leave").click()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(page).to_have_url(re.compile(r"/ui/models$"))
