"""Settings: what is changed there holds on the server, and everybody can read and reach it."""

from __future__ import annotations

import platform
import threading
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Literal

import aiohttp
import pytest
from playwright.async_api import Browser, Route, expect

from dovetail import __version__

from .. import canaries  # noqa: TID252
from ..process.serving.running import Running, running  # noqa: TID252
from ..process.speech.recordings import clips, unpacked, wav  # noqa: TID252
from ..unit.catalog.hub_server import REPO, hub_server  # noqa: TID252
from .browser import LOOKS, Look, all_korean, audit, opened, photograph
from .conftest import Open, found

pytestmark = pytest.mark.anyio

SECTIONS = ("general", "chat", "models", "server", "security", "data", "about")


async def test_a_key_is_made_with_limits_used_and_revoked(visit: Open, server: Running) -> None:
    page = (await visit("/settings/security")).page
    await page.get_by_role("button", name="New key").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_label("Name")).to_be_focused()
    await dialog.get_by_label("Name").fill("robot")
    await dialog.get_by_label("Requests a minute").fill("7")
    await dialog.get_by_role("button", name="Create the key").click()
    secret = await dialog.locator("[data-secret]").inner_text()
    canaries.plant(server.home, secret)
    await audit(page)
    await dialog.get_by_role("button", name="Done").click()
    row = page.get_by_role("row").filter(has_text="robot")
    await expect(row).to_contain_text("Requests a minute 7")
    headers = {"authorization": f"Bearer {secret}"}
    async with aiohttp.ClientSession(server.url, headers=headers) as http:
        async with http.get("/api/v1/sessions") as answer:
            assert answer.status == 200
        await row.get_by_role("button", name="Revoke").click()
        await audit(page)
        await page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
        await expect(dialog).to_have_count(0)  # what is behind one has no roles
        await expect(row).to_have_count(0)
        async with http.get("/api/v1/sessions") as answer:
            assert answer.status == 401


async def test_a_key_that_would_never_end_is_not_made_by_mistake(visit: Open) -> None:
    page = (await visit("/settings/security")).page
    await page.get_by_role("button", name="New key").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Name").fill("for a month")
    await dialog.get_by_label("Expires after days").fill("30d")
    await dialog.get_by_label("Tokens a day").fill("many")
    await expect(dialog.get_by_role("alert")).to_have_count(2)
    await expect(dialog.get_by_role("button", name="Create the key")).to_be_disabled()
    await dialog.get_by_label("Tokens a day").fill("")
    await dialog.get_by_label("Expires after days").fill("30")
    await page.keyboard.press("Enter")
    await expect(dialog.locator("[data-secret]")).to_be_visible()
    # It is shown this once: nothing but its button closes it.
    await page.keyboard.press("Escape")
    await page.mouse.click(5, 5)
    await expect(dialog.locator("[data-secret]")).to_be_visible()
    await dialog.get_by_role("button", name="Done").click()
    row = page.get_by_role("row").filter(has_text="for a month")
    await expect(row).to_contain_text("expires")
    # With a key left, every program would need one from here on.
    await row.get_by_role("button", name="Revoke").click()
    await dialog.get_by_role("button", name="Revoke").click()
    await expect(row).to_have_count(0)


async def test_a_list_stays_when_it_cannot_be_read_again(visit: Open) -> None:
    at = await visit("/settings/security")
    at.watch.expect("ERR_FAILED")
    here = at.page.get_by_text("this one")
    await expect(here).to_be_visible()
    await at.page.route("**/api/v1/sessions", lambda route: route.abort())
    await at.page.get_by_label("Password now").fill(canaries.PASSWORD)
    await at.page.get_by_label("New password").fill(canaries.PASSWORD)
    await at.page.get_by_role("button", name="Change the password").click()
    old = at.page.get_by_role("status").filter(has_text="This may be old")
    await expect(old).to_be_visible()
    await expect(here).to_be_visible()
    await at.page.unroute("**/api/v1/sessions")
    await old.get_by_role("button", name="Try again").click()
    await expect(old).to_have_count(0)


async def test_everybody_is_told_of_a_recording(visit: Open, server: Running, cookie: str) -> None:
    page = (await visit("/settings/about")).page
    said = page.get_by_role("contentinfo").get_by_text("are being recorded").first
    await expect(page.locator("[data-link=live]")).to_be_visible()
    await expect(said).to_have_count(0)
    headers = {"Cookie": f"dovetail={cookie}", "Origin": server.url}
    async with aiohttp.ClientSession(server.url, headers=headers) as http:
        async with http.post("/api/v1/capture", json={"minutes": 1}) as answer:
            assert answer.status == 200
        await expect(said).to_be_visible()
        async with http.delete("/api/v1/capture") as answer:
            assert answer.status == 200
        await expect(said).to_have_count(0)


async def test_accounts_come_change_and_go(visit: Open) -> None:
    page = (await visit("/settings/security")).page
    await page.get_by_role("button", name="New account").click()
    dialog = page.get_by_role("dialog")
    await audit(page)
    await dialog.get_by_label("Name").fill("friend")
    await dialog.get_by_label("Password").fill(canaries.PASSWORD)
    await dialog.get_by_role("button", name="Create the account").click()
    line = page.get_by_role("listitem").filter(has_text="friend")
    await line.get_by_label("Role: friend").click()
    await page.get_by_role("option", name="Viewer").click()
    await expect(line).to_contain_text("Viewer")
    await line.get_by_role("button", name="Remove").click()
    remove = page.get_by_role("dialog").get_by_role("button", name="Remove")
    await expect(remove).to_be_disabled()
    await audit(page)
    await page.get_by_role("dialog").get_by_label("Type friend to confirm").fill("friend")
    await remove.click()
    await expect(line).to_have_count(0)


async def test_a_setting_is_written_to_the_file(visit: Open, server: Running) -> None:
    at = await visit("/settings/models")
    field = at.page.get_by_label("Unload after idle seconds")
    await field.fill("soon")
    await expect(at.page.get_by_text("A number from 0 on.")).to_be_visible()
    await field.fill("777")
    await at.page.get_by_role("button", name="Save").click()
    await expect(at.page.get_by_text("Saved and in force")).to_be_visible()
    assert "idle_ttl = 777" in (server.home / "dovetail.toml").read_text("utf-8")


@pytest.mark.accept("C6")
async def test_what_is_refused_is_said_with_what_to_do(visit: Open) -> None:
    at = await visit("/settings/models")
    at.watch.expect("403", "422", "400")
    await at.page.get_by_label("Folders with models").fill("relative/folder")
    await at.page.get_by_role("button", name="Save").click()
    wrong = at.page.get_by_role("alert").first
    await expect(wrong).to_contain_text("give an absolute path")


@pytest.mark.accept("S2")
async def test_speech_is_switched_on_with_a_model_of_the_hub(
    browser: Browser, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    ear = unpacked(tmp_path_factory.mktemp("ear"))
    with hub_server() as hub:
        hub.files = {path.name: path.read_bytes() for path in ear.iterdir()}
        hub.hold = threading.Event()
        async with running(tmp_path, ["--no-demo"], {"HF_ENDPOINT": hub.address}) as server:
            cookie = await found(server)
            async with opened(browser, server.url, Look(width=390), cookie) as (page, _):
                await page.goto("/ui/settings/models")
                card = page.locator("section").filter(has=page.get_by_role("heading", name="Speech to text"))
                await expect(card).to_contain_text("off")
                await expect(card).to_contain_text("No model here can hear yet")
                name = card.get_by_label("From the hub")
                await name.fill("whisper")
                await expect(card.get_by_role("alert")).to_have_text("Write it as owner/name.")
                await expect(card.get_by_role("button", name="Use this one")).to_be_disabled()
                await name.fill(REPO)
                await card.get_by_role("button", name="Use this one").click()
                await expect(card.get_by_label("Model that hears")).to_contain_text(REPO)
                await card.get_by_role("switch").click()
                await expect(card.get_by_role("progressbar")).to_be_visible()
                await card.scroll_into_view_if_needed()
                await audit(page)
                await photograph(page, "settings-speech-downloading")
                hub.hold.set()
                await expect(card).to_contain_text("loaded with the first recording")
                said = tomllib.loads((server.home / "dovetail.toml").read_text("utf-8"))["speech"]
                assert said == {"enabled": True, "model": REPO}
                form = aiohttp.FormData()
                form.add_field("file", wav(clips()[0].samples), filename="a.wav")
                headers = {"cookie": f"dovetail={cookie}", "origin": server.url}
                async with (
                    aiohttp.ClientSession(server.url, headers=headers) as http,
                    http.post("/v1/audio/transcriptions", data=form) as answer,
                ):
                    assert (await answer.json())["text"] == clips()[0].text
                await page.reload()
                await expect(card).to_contain_text("ready")
                await card.scroll_into_view_if_needed()
                await photograph(page, "settings-speech-ready")
                await card.get_by_role("switch").click()
                await expect(card).to_contain_text("off")


async def test_what_is_wrong_with_speech_is_said(visit: Open) -> None:
    at = await visit("/settings/general", Look("dark", "ko", 390))
    at.watch.expect("500")

    async def fail(route: Route) -> None:
        await route.fulfill(status=500, json={"error": {"message": "it broke", "code": "internal_error", "type": "x"}})

    await at.page.route("**/v1/audio/transcriptions", fail)
    await at.page.goto("/ui/settings/models")
    await expect(at.page.get_by_text("서버에서 문제가 발생했습니다")).to_be_visible()
    await at.page.unroute("**/v1/audio/transcriptions")
    absent = {"enabled": False, "installed": False, "ready": False, "status": "disabled"}

    async def missing(route: Route) -> None:
        await route.fulfill(json={**absent, "model": None, "progress": None, "message": "not here"})

    await at.page.route("**/v1/audio/transcriptions", missing)
    await at.page.reload()
    await expect(at.page.get_by_text("pip install 'dovetail[speech]'")).to_be_visible()
    card = at.page.locator("section").filter(has=at.page.get_by_role("heading", name="음성 인식"))
    await expect(card.get_by_role("switch")).to_be_disabled()
    await audit(at.page)
    await card.scroll_into_view_if_needed()
    await photograph(at.page, "settings-speech-missing")


async def test_a_model_that_hears_is_refused_under_its_own_field(visit: Open) -> None:
    at = await visit("/settings/general")
    at.watch.expect("422")

    async def hear(route: Route) -> None:
        answer = await route.fetch()
        models = (await answer.json())["data"]
        models[0]["capabilities"].append("transcription")
        await route.fulfill(json={"object": "list", "data": models})

    async def refuse(route: Route) -> None:
        if route.request.method != "PATCH":
            return await route.fallback()
        error = {"message": "it is deaf", "code": "invalid_configuration", "type": "x", "param": None}
        return await route.fulfill(status=422, json={"error": error})

    await at.page.route("**/v1/models", hear)
    await at.page.route("**/api/v1/config", refuse)
    await at.page.goto("/ui/settings/models")
    card = at.page.locator("section").filter(has=at.page.get_by_role("heading", name="Speech to text"))
    chosen, named = card.get_by_role("combobox", name="Model that hears"), card.get_by_label("From the hub")
    await chosen.click()
    await at.page.get_by_role("option").nth(1).click()
    await expect(chosen).to_have_accessible_description("It is deaf.")
    await expect(named).not_to_have_attribute("aria-invalid", "true")
    await audit(at.page)
    await card.scroll_into_view_if_needed()
    await photograph(at.page, "settings-speech-refused")
    await named.fill(REPO)
    await card.get_by_role("button", name="Use this one").click()
    await expect(named).to_have_attribute("aria-invalid", "true")


async def test_about_says_which_dovetail_it_is_and_is_in_sight(visit: Open) -> None:
    page = (await visit("/settings/about", Look(width=390))).page
    await expect(page.get_by_role("heading", level=2)).to_have_text(f"Dovetail {__version__}")
    await expect(page.get_by_role("link", name="About")).to_be_in_viewport(ratio=1)


async def test_about_copies_every_version_and_the_machine(visit: Open) -> None:
    page = (await visit("/settings/about")).page
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.get_by_role("button", name="Copy the summary").click()
    await expect(page.get_by_role("button", name="Copied")).to_be_visible()
    said = await page.evaluate("navigator.clipboard.readText()")
    lines = dict(line.split(": ", 1) for line in str(said).splitlines())
    assert lines["Version"] == f"Dovetail {__version__}"
    assert lines["Python"] == platform.python_version()
    assert lines["llama.cpp"].startswith(f"xllamacpp {metadata.version('xllamacpp')}")
    assert (lines["MLX"], lines["mlx-lm"]) == (metadata.version("mlx"), metadata.version("mlx-lm"))
    assert lines["System"].startswith(platform.system())
    assert {"Processor", "Memory", "GPU", "Models loaded", "Browser"} <= {*lines}
    for name, value in lines.items():
        await expect(page.locator("section").get_by_text(name, exact=True).first).to_be_visible()
        await expect(page.locator("section").get_by_text(value, exact=True).first).to_be_visible()


async def test_about_names_the_models_that_are_loaded_alone(visit: Open, server: Running, cookie: str) -> None:
    headers = {"Cookie": f"dovetail={cookie}", "Origin": server.url}
    async with aiohttp.ClientSession(server.url, headers=headers) as http:
        for what in ("load", "unload"):
            async with http.post(f"/api/v1/models/tiny-gguf-q8/{what}") as answer:
                assert answer.status == 200, await answer.text()
            page = (await visit("/settings/about")).page
            named = page.get_by_text("Models loaded", exact=True).locator("../..").get_by_text("tiny-gguf-q8")
            await expect(page.get_by_text("Models loaded", exact=True)).to_be_visible()
            await expect(named).to_have_count(int(what == "load"))


@pytest.mark.parametrize(
    ("language", "missing", "program", "native"),
    [
        ("en", "not installed", "a llama-server of your own", "xllamacpp 0.2.9, compiled for this machine"),
        ("ko", "설치되지 않음", "직접 설치한 llama-server", "xllamacpp 0.2.9, 이 컴퓨터에 맞게 컴파일됨"),
    ],
)
async def test_about_says_what_is_not_installed(
    visit: Open, language: Literal["en", "ko"], missing: str, program: str, native: str
) -> None:
    page = (await visit("/settings/general", Look(language=language))).page
    lacking: dict[str, str | None] = {"xllamacpp": None, "mlx": None, "mlx_lm": None}

    async def answer(route: Route) -> None:
        told = await (await route.fetch()).json()
        await route.fulfill(json=told | lacking)

    await page.route("**/api/v1/about", answer)
    await page.goto("/ui/settings/about")
    await expect(page.locator("section").get_by_text(missing, exact=True)).to_have_count(3)
    lacking["llama_cpp"] = "program"
    await page.reload()
    await expect(page.locator("section").get_by_text(program, exact=True)).to_be_visible()
    lacking |= {"llama_cpp": "native", "xllamacpp": "0.2.9"}
    await page.reload()
    await expect(page.locator("section").get_by_text(native, exact=True)).to_be_visible()
    if language == "ko":
        await all_korean(page)


@pytest.mark.parametrize("look", LOOKS, ids=str)
async def test_everybody_can_use_every_section(visit: Open, look: Look) -> None:
    at = await visit("/settings/general", look)
    for section in SECTIONS:
        await at.page.locator(f'nav a[href="/ui/settings/{section}"]').click()
        await expect(at.page.locator("section h2").first).to_be_visible()
        await audit(at.page)
        await photograph(at.page, f"settings-{section}-{look}")
        if look.language == "ko":
            await all_korean(at.page)
