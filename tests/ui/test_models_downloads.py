"""Downloads as the models page shows them, from a hub on this machine that waits, lies and is cut off."""

from __future__ import annotations

import re
import socket
import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from dovetail import demo

from ..process.serving.running import running  # noqa: TID252
from ..unit.catalog.hub_server import REPO, Hub, hub_server  # noqa: TID252
from .browser import audit, opened, photograph
from .conftest import found

pytestmark = pytest.mark.anyio
MODEL = next((demo.models_dir() / "tiny-gguf-q8").glob("*.gguf")).read_bytes()
NAME = "capitals-Q8_0.gguf"
HALF = len(MODEL) // 2
WITHIN_MS = 30_000
# What the page has shown of a download, as it was shown.
WATCH = """() => {
  window.parts = []
  const look = () => {
    const text = document.querySelector('[data-testid=part]')?.textContent ?? ''
    const part = Number.parseInt(text, 10)
    if (!Number.isNaN(part) && window.parts.at(-1) !== part) window.parts.push(part)
  }
  new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true })
}"""


@pytest.fixture
def hub(interface: None) -> Iterator[Hub]:
    del interface
    with hub_server() as served:
        served.files = {NAME: MODEL, "capitals-F16.gguf": MODEL + b"\0" * 32, "README.md": b"#"}
        yield served


def environment(hub: Hub, base: Path) -> dict[str, str]:
    return {"HF_ENDPOINT": hub.address, "HF_TOKEN": "hf_very_secret", "HOME": str(base), "XDG_CACHE_HOME": str(base)}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def begin(page: Page) -> None:
    """By the repository's id and the file's name."""
    await page.goto("/ui/models?add=hub")
    await page.get_by_label("Repository").fill(REPO)
    await page.get_by_label("File name or quantisation").fill(NAME)
    await page.get_by_role("button", name=f"Download {NAME}").click()
    await expect(page).to_have_url(re.compile("tab=downloads"))


async def shows(page: Page, state: str) -> None:
    await expect(page.locator(f'[data-download][data-state="{state}"]')).to_be_visible(timeout=WITHIN_MS)


async def parts(page: Page) -> list[int]:
    said = await page.evaluate("window.parts")
    assert isinstance(said, list)
    return [int(str(each)) for each in said]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


@pytest.mark.accept("C3", "E10")
async def test_a_download_stalls_outlives_reload_and_restart_and_goes_on_where_it_was(
    hub: Hub, browser: Browser, tmp_path: Path
) -> None:
    port = free_port()
    (tmp_path / "dovetail.toml").write_text("[hub]\nbandwidth = 800000\n")
    hub.hold = threading.Event()
    flags = ["--port", str(port)]
    async with running(tmp_path, flags, environment(hub, tmp_path)) as server:
        cookie = await found(server)
        async with opened(browser, server.url, None, cookie) as (page, watch):
            await begin(page)
            await page.evaluate(WATCH)
            await expect(page.get_by_test_id("part")).to_have_text("50%", timeout=WITHIN_MS)
            await expect(page.get_by_test_id("speed")).to_contain_text("0 B/s", timeout=5_000)
            await expect(page.get_by_text("Stalled: nothing has come")).to_be_visible()
            await audit(page)
            await photograph(page, "models-downloads-stalled")
            seen = await parts(page)
            assert seen == sorted(seen)
            assert len(seen) > 1
            await page.reload()
            await expect(page.get_by_test_id("part")).to_have_text("50%")
            watch.expect("ERR_", "500", "Failed to load resource")
            server.process.kill()
            hub.hold.set()
            hub.hold = None
            async with running(tmp_path, flags, environment(hub, tmp_path)) as again:
                assert again.url == server.url
                await shows(page, "done")
                assert [sent.start for sent in hub.sent] == [0, HALF]
                await page.get_by_role("button", name="Show model").click()
                await expect(page.get_by_role("dialog")).to_contain_text("Q8_0")
                assert (tmp_path / "models" / "tiny" / NAME).read_bytes() == MODEL


@pytest.mark.accept("C3", "E10")
async def test_what_arrives_damaged_is_tried_again_and_loaded_with_settings(
    hub: Hub, browser: Browser, tmp_path: Path
) -> None:
    hub.served = {NAME: MODEL[:-1] + b"!"}
    async with (
        running(tmp_path, environment=environment(hub, tmp_path)) as server,
        opened(browser, server.url, None, await found(server)) as (page, _),
    ):
        await begin(page)
        await shows(page, "failed")
        await expect(page.get_by_text(f"{NAME} arrived damaged")).to_be_visible()
        await photograph(page, "models-downloads-damaged")
        hub.served = {}
        await page.get_by_role("button", name="Try again").click()
        await shows(page, "done")
        assert [sent.start for sent in hub.sent] == [0, 0], "not a byte of what was damaged is kept"
        await page.get_by_role("button", name="Show model").click()
        drawer = page.get_by_role("dialog")
        await drawer.get_by_role("tab", name="Load settings").click()
        await drawer.get_by_label("Context", exact=True).fill("1024")
        await drawer.get_by_role("button", name="Save and load").click()
        await expect(page.get_by_text("tiny is ready")).to_be_visible(timeout=WITHIN_MS)
        assert tomllib.loads((tmp_path / "dovetail.toml").read_text())["models"] == {"tiny": {"context": 1024}}
        await page.keyboard.press("Escape")
        await page.get_by_role("tab", name="Downloads").click()
        await page.get_by_role("button", name="Take off the list").click()
        await expect(page.get_by_text("No downloads")).to_be_visible()
        await page.get_by_role("tab", name="Installed").click()
        await expect(page.locator('[data-model="tiny"]')).to_be_visible()


async def test_it_is_searched_for_paused_gone_on_with_and_cancelled(hub: Hub, browser: Browser, tmp_path: Path) -> None:
    hub.hold = threading.Event()
    async with (
        running(tmp_path, environment=environment(hub, tmp_path)) as server,
        opened(browser, server.url, None, await found(server)) as (page, watch),
    ):
        watch.expect("status of 400")
        await page.goto("/ui/models?tab=downloads")
        await page.get_by_role("button", name="From Hugging Face").click()
        await page.get_by_label("Repository").fill("tiny")
        await page.get_by_role("button", name=REPO).click()
        offers = page.locator("[data-choice]")
        await expect(offers).to_have_count(2)
        await expect(offers.filter(has_text="Recommended")).to_contain_text("Fits")
        await photograph(page, "models-add-hub")
        await audit(page)
        await page.get_by_label("File name or quantisation").fill("Q4_K_M")
        await expect(page.get_by_text("There is no file and no quantisation of that name.")).to_be_visible()
        await page.get_by_label("File name or quantisation").fill("q8")
        await page.get_by_role("button", name=f"Download {NAME}").click()
        await shows(page, "running")
        await page.get_by_role("button", name="Pause").click()
        await shows(page, "paused")
        hub.hold.set()
        hub.hold = threading.Event()
        await page.get_by_role("button", name="Resume").click()
        await shows(page, "running")
        await page.get_by_role("button", name="Cancel").click()
        asked = page.get_by_role("dialog")
        await asked.get_by_role("button", name="Keep downloading").click()
        await expect(asked).to_have_count(0)
        await shows(page, "running")
        await page.get_by_role("button", name="Cancel").click()
        await asked.get_by_role("button", name="Cancel", exact=True).click()
        await shows(page, "cancelled")
        hub.hold.set()
        assert not (tmp_path / "models" / "tiny").exists()
