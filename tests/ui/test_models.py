"""The models page on a real server with the tiny models: added, changed, loaded, switched, looked into, removed."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest
from playwright.async_api import Browser, Locator, Page, expect

from dovetail import demo

from ..process.serving.running import Running, running  # noqa: TID252
from ..process.settings.test_live import FRANCE  # noqa: TID252
from .browser import LOOKS, Look, all_korean, audit, opened, photograph
from .chatting import answered, say
from .conftest import found
from .test_chat_files import member

pytestmark = pytest.mark.anyio
GGUF = next((demo.models_dir() / "tiny-gguf-q8").glob("*.gguf"))
WITHIN = 30.0
# Why a folder is no model is said in the words of the server.
BROKEN = "[data-model=Broken-4bit]"
TOML = "[models.elsewhere]\nurl = 'http://127.0.0.1:9/v1'\n"


@dataclass(frozen=True, slots=True)
class House:
    """A server with models of its own, and who may do everything there."""

    server: Running
    cookie: str

    @asynccontextmanager
    async def page(self, browser: Browser, path: str = "", look: Look | None = None) -> AsyncGenerator[Page]:
        """The models page; what the browser logs as an error fails the test, but refusals that are shown."""
        async with opened(browser, self.server.url, look, self.cookie) as (page, watch):
            watch.expect(*(f"status of {status}" for status in (400, 403, 409, 422, 499, 502, 503, 507)))
            await page.goto(f"/ui/models{path}")
            yield page

    async def ask(self, method: str, path: str, body: object = None) -> Any:
        headers = {"Cookie": f"dovetail={self.cookie}", "Origin": self.server.url}
        async with (
            aiohttp.ClientSession(self.server.url, headers=headers) as http,
            http.request(method, path, json=body) as answer,
        ):
            said = await answer.json()
            assert answer.status == 200, said
            return said

    async def state(self, model: str) -> str:
        return str((await self.ask("GET", f"/v1/models/{model}"))["state"])


@pytest.fixture(scope="module")
async def house(interface: None, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[House]:
    del interface
    base = tmp_path_factory.mktemp("models")
    home = base / "home"
    shelf = home / "models" / "shelf"
    shelf.mkdir(parents=True)
    for name in ("Capitals-Q8_0", "Capitals-Q4_K_M", "going"):
        shutil.copy(GGUF, home / "models" / f"{name}.gguf")
    shutil.copytree(demo.models_dir() / "tiny-mlx", shelf / "whole")
    broken = home / "models" / "Broken-4bit"
    shutil.copytree(demo.models_dir() / "tiny-mlx", broken)
    (broken / "tokenizer.json").write_text("{")
    (broken / "tokenizer_config.json").write_text("[]")
    (home / "dovetail.toml").write_text(TOML)
    async with running(home, environment={"HOME": str(base), "XDG_CACHE_HOME": str(base)}) as server:
        yield House(server, await found(server))


def row(page: Page, model: str) -> Locator:
    return page.locator(f'[data-model="{model}"]')


async def stands(page: Page, model: str, *states: str) -> None:
    """Waits until the row shows one of the states."""
    wanted = ", ".join(f'[data-state="{state}"]' for state in states)
    await expect(row(page, model).locator(wanted)).to_be_visible(timeout=WITHIN * 1000)


async def reach(page: Page, wanted: Locator, most: int = 120) -> None:
    """Tab after tab, until it has the focus."""
    for _ in range(most):
        if await wanted.evaluate("element => element === document.activeElement"):
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"{wanted} cannot be reached by keyboard")


async def press(page: Page, name: str | re.Pattern[str], role: Any = "button") -> None:
    """Reaches a button by keyboard and presses it."""
    wanted = page.get_by_role(role, name=name, exact=isinstance(name, str)).first
    await expect(wanted).to_be_visible()
    await reach(page, wanted)
    await page.keyboard.press("Enter")


async def write(page: Page, label: str, text: str) -> None:
    wanted = page.get_by_label(label, exact=True)
    await reach(page, wanted)
    await page.keyboard.press("ControlOrMeta+a")
    await page.keyboard.type(text)


@pytest.mark.accept("C3", "C6", "M1", "M2")
async def test_it_is_added_and_removed_by_keyboard_alone(house: House, browser: Browser) -> None:
    path = str(house.server.home / "models" / "Capitals-Q8_0.gguf")
    async with house.page(browser) as page:
        await expect(row(page, "tiny-gguf")).to_be_visible()
        await press(page, "Add model")
        await write(page, "Path", "/etc/passwd")
        await expect(page.get_by_text("lies in no folder of models")).to_be_visible()
        await write(page, "Path", path)
        await expect(page.get_by_text("There is a model of that name already.")).to_be_visible()
        await write(page, "Model id", "by hand")
        await expect(page.get_by_text("Letters, digits, . _ and -")).to_be_visible()
        await write(page, "Model id", "typed")
        await expect(page.get_by_text("It can be added: GGUF, Q8_0")).to_be_visible()
        await write(page, "Context", "512")
        await press(page, re.compile("^Add model$"))
        await stands(page, "typed", "unloaded")
        entries = await house.ask("GET", "/api/v1/models")
        added = next(each for each in entries["data"] if each["id"] == "typed")
        assert added["settings"] == {"path": path, "context": 512}
        await press(page, "More about typed")
        for _ in range(8):
            if await page.get_by_role("menuitem", name="Delete…").evaluate("e => e === document.activeElement"):
                break
            await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        await press(page, "Remove entry")
        await expect(row(page, "typed")).to_have_count(0)
        assert Path(path).exists()


@pytest.mark.accept("M3", "M9", "M10")
async def test_it_is_loaded_and_changed_by_keyboard_alone(house: House, browser: Browser) -> None:
    path = str(house.server.home / "models" / "Capitals-Q4_K_M.gguf")
    await house.ask("POST", "/api/v1/models", {"path": path, "id": "typed", "settings": {"context": 512}})
    async with house.page(browser) as page:
        await press(page, "Load typed")
        await stands(page, "typed", "ready", "busy")
        assert await house.state("typed") == "ready"
        await press(page, "Details of typed")
        load = page.get_by_role("tab", name="Load settings")
        await reach(page, page.get_by_role("tab", name="Overview"))
        await page.keyboard.press("ArrowRight")
        await page.keyboard.press("Enter")
        await expect(load).to_have_attribute("aria-selected", "true")
        before = await page.get_by_test_id("estimate").inner_text()
        await write(page, "Context", "4096")
        await expect(page.get_by_test_id("estimate")).not_to_have_text(before)
        await expect(page.get_by_text("needs reload").first).to_be_visible()
        await write(page, "Slots", "0")
        await expect(page.get_by_text("Between 1 and 256.")).to_be_visible()
        await write(page, "Slots", "2")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("Nothing is changed.")).to_be_visible()
        saved = (await house.ask("GET", "/api/v1/config"))["values"]["models"]["typed"]
        assert (saved["context"], saved["parallel"]) == (4096, 2)
        await page.keyboard.press("Escape")
        await stands(page, "typed", "unloaded", "stopping")
        await press(page, re.compile("^Load typed"))
        await stands(page, "typed", "ready", "busy")
        assert (await house.ask("GET", "/v1/models/typed"))["context"] == 4096
        await press(page, "Unload typed")
        await stands(page, "typed", "unloaded")
    await house.ask("DELETE", "/api/v1/models/typed")


@pytest.mark.accept("M1")
async def test_files_go_when_their_name_is_typed(house: House, browser: Browser) -> None:
    file = house.server.home / "models" / "going.gguf"
    async with house.page(browser) as page:
        await row(page, "going").get_by_role("button", name="More about going").click()
        await page.get_by_role("menuitem", name="Delete…").click()
        await expect(page.get_by_text(str(file))).to_be_visible()
        button = page.get_by_role("button", name="Delete files")
        await expect(button).to_be_disabled()
        await page.get_by_label(re.compile("^Type going to delete")).fill("going")
        await photograph(page, "models-delete")
        await audit(page)
        await button.click()
        await expect(row(page, "going")).to_have_count(0)
        assert not file.exists()
        await row(page, "tiny-mlx").get_by_role("button", name="More about tiny-mlx").click()
        await page.get_by_role("menuitem", name="Delete…").click()
        await expect(page.get_by_text("comes with the package")).to_be_visible()


@pytest.mark.accept("C2", "C4", "E4")
async def test_a_gguf_and_an_mlx_model_are_added_and_switched_without_a_restart(house: House, browser: Browser) -> None:
    process = house.server.process.pid
    async with house.page(browser) as page:
        for steps, name in ((["models", "Capitals-Q4_K_M.gguf"], "first"), (["models", "shelf", "whole"], "second")):
            await page.get_by_role("button", name="Add model").click()
            await page.get_by_role("button", name="Look through folders").click()
            for step in steps[:-1]:
                await page.get_by_role("button", name=f"Open {step}", exact=True).first.click()
            await page.get_by_role("button", name=f"Choose {steps[-1]}", exact=True).click()
            await page.get_by_label("Model id").fill(name)
            await expect(page.get_by_text("It can be added")).to_be_visible()
            await photograph(page, f"models-add-{name}")
            await page.get_by_role("dialog").get_by_role("button", name="Add model").click()
            await row(page, name).get_by_role("button", name="Load").click()
            await stands(page, name, "ready", "busy")
        for name in ("first", "second", "first"):
            body = {"model": name, "messages": FRANCE, "temperature": 0, "max_tokens": 20}
            assert "Paris" in json.dumps(await house.ask("POST", "/v1/chat/completions", body))
        await expect(row(page, "first").get_by_text("MiB")).to_be_visible()
        assert house.server.process.pid == process
        await expect(row(page, "second").get_by_role("link", name="Chat")).to_have_attribute(
            "href", "/ui/chat?model=second"
        )
        for name in ("first", "second"):
            await row(page, name).get_by_role("button", name="Unload").click()
            await stands(page, name, "unloaded")


@pytest.mark.accept("M8")
async def test_what_a_gguf_file_says(house: House, browser: Browser) -> None:
    details = cast("dict[str, Any]", await house.ask("GET", "/api/v1/models/tiny-gguf-q8/details"))
    async with house.page(browser, "?m=tiny-gguf-q8") as page:
        drawer = page.get_by_role("dialog")
        await expect(drawer.get_by_text("Q8_0").first).to_be_visible()
        for share in details["types"]:
            await expect(page.get_by_test_id("types")).to_contain_text(f"{share['type']}: {share['percent']:.1f}%")
        assert details["qkv"] == {letter: {"Q8_0": 6} for letter in "qkv"}
        await expect(page.get_by_test_id("qkv")).to_have_text(re.compile(r"Q\s*Q8_0\s*K\s*Q8_0\s*V\s*Q8_0"))
        template = drawer.get_by_role("figure", name="Code: jinja")
        await expect(template.locator(".hljs-template-tag").first).to_be_attached()  # in colours
        await drawer.get_by_role("tab", name="Metadata").click()
        await page.get_by_label("Search metadata").fill("block_count")
        await expect(drawer.get_by_text("llama.block_count")).to_be_visible()
        await expect(drawer.get_by_text("1 of ")).to_be_visible()
        await drawer.get_by_role("tab", name="Tensors").click()
        await page.get_by_label("Search tensors").fill("attn_v")
        await expect(drawer.get_by_text(f"6 of {len(details['tensors'])}")).to_be_visible()
        await drawer.get_by_role("tab", name="Adapters").click()
        await drawer.get_by_role("button", name="Use by default").click()
        await expect(drawer.get_by_text("Used by default")).to_be_visible()
        await drawer.get_by_role("button", name="Do not use by default").click()
        await expect(drawer.get_by_text("Used by default")).to_have_count(0)
        await drawer.get_by_role("link", name=re.compile(r"tiny-gguf-q8\+\w+")).first.click()
        await expect(page.get_by_test_id("model-picker")).to_have_text(re.compile(r"^tiny-gguf-q8\+\w+"))
        await expect(page.get_by_role("button", name="Tools: none yet")).to_be_visible()
        await say(page, FRANCE[0]["content"])
        await answered(page)


@pytest.mark.accept("E9")
async def test_each_thing_that_is_wrong_with_an_mlx_folder(house: House, browser: Browser) -> None:
    details = cast("dict[str, Any]", await house.ask("GET", "/api/v1/models/Broken-4bit/details"))
    failing = [check["name"] for check in details["checks"] if check["status"] == "fail"]
    assert {"tokenizer", "tokenizer_config.json"} & set(failing)
    async with house.page(browser, "?m=Broken-4bit&part=check") as page:
        shown = page.locator('[data-check="fail"]')
        await expect(shown).to_have_count(len(failing))
        for name in failing:
            await expect(shown.filter(has_text=name).first).to_contain_text("What to do")
        await photograph(page, "models-check")
    async with house.page(browser, "?m=Broken-4bit&part=check", Look(language="ko")) as page:
        await expect(page.locator("[data-check]").filter(has_text="토크나이저")).not_to_have_count(0)
        await expect(page.locator("[data-check]").filter(has_text="채팅 템플릿")).not_to_have_count(0)


async def test_a_load_that_fails_leaves_the_list_as_the_server_has_it(house: House, browser: Browser) -> None:
    template = house.server.home / "models" / "wrong.jinja"
    template.write_text("{% for %}")
    await house.ask("PATCH", "/api/v1/models/tiny-gguf-q8", {"settings": {"chat_template": str(template)}})
    async with house.page(browser) as page:
        await row(page, "tiny-gguf-q8").get_by_role("button", name=re.compile("Load|Try again")).click()
        await stands(page, "tiny-gguf-q8", "failed")
        assert await house.state("tiny-gguf-q8") == "failed"
        await expect(row(page, "tiny-gguf-q8").get_by_role("alert")).to_contain_text("could not be loaded")
        await house.ask("PATCH", "/api/v1/models/tiny-gguf-q8", {"settings": {"chat_template": None}})
        await row(page, "tiny-gguf-q8").get_by_role("button", name=re.compile("Load|Try again")).click()
        await stands(page, "tiny-gguf-q8", "ready", "busy")
        await row(page, "tiny-gguf-q8").get_by_role("button", name="Unload").click()
        await stands(page, "tiny-gguf-q8", "unloaded")


@pytest.mark.accept("C6", "E21")
async def test_what_does_not_fit_is_asked_about_with_numbers(house: House, browser: Browser) -> None:
    await house.ask("PATCH", "/api/v1/config", {"change": {"fleet": {"memory": "420 MiB", "max_models": 2}}})
    await house.ask("PATCH", "/api/v1/models/tiny-gguf-q8", {"settings": {"context": 65536, "parallel": 8}})
    async with house.page(browser) as page:
        await row(page, "tiny-gguf-q8").get_by_role("button", name="Load").click()
        dialog = page.get_by_role("dialog")
        await expect(dialog.get_by_text("are free of 420 MiB")).to_be_visible()
        suggestions = page.get_by_test_id("suggestions").get_by_role("listitem")
        await expect(suggestions).to_have_count(2)
        await photograph(page, "models-room")
        await audit(page)
        await suggestions.filter(has_text="Lower the context to").get_by_role("button").click()
        await stands(page, "tiny-gguf-q8", "ready", "busy")
        assert int((await house.ask("GET", "/v1/models/tiny-gguf-q8"))["context"]) < 65536

        await row(page, "tiny-gguf").get_by_role("button", name="Load").click()
        await expect(dialog.get_by_text("these idle models are unloaded")).to_be_visible()
        await expect(dialog.get_by_role("listitem").filter(has_text="tiny-gguf-q8")).to_be_visible()
        await dialog.get_by_role("button", name="Unload them and load").click()
        await stands(page, "tiny-gguf", "ready", "busy")
        await stands(page, "tiny-gguf-q8", "unloaded")
        await row(page, "tiny-gguf").get_by_role("button", name="Unload").click()
        await stands(page, "tiny-gguf", "unloaded")
    await house.ask("PATCH", "/api/v1/config", {"change": {"fleet": {"memory": None, "max_models": None}}})
    await house.ask("PATCH", "/api/v1/models/tiny-gguf-q8", {"settings": {"context": None, "parallel": None}})


@pytest.mark.accept("M13")
async def test_the_list_is_searched_and_follows_what_others_do(house: House, browser: Browser) -> None:
    async with house.page(browser) as page:
        await expect(page.get_by_role("heading", name="tiny")).to_be_visible()
        await page.get_by_label("Filter models").fill("elsewhere")
        await expect(row(page, "elsewhere")).to_contain_text("on another server")
        await expect(row(page, "tiny-gguf")).to_have_count(0)
        await page.get_by_label("Filter models").fill("nobody has this")
        await page.get_by_role("button", name="Clear the filter").click()
        await expect(row(page, "tiny-gguf")).to_be_visible()
        await asyncio.gather(
            house.ask("POST", "/api/v1/models/tiny-mlx/load"), stands(page, "tiny-mlx", "ready", "busy", "starting")
        )
        await stands(page, "tiny-mlx", "ready", "busy")
        await house.ask("POST", "/api/v1/models/tiny-mlx/unload")
        await stands(page, "tiny-mlx", "unloaded")


@pytest.mark.parametrize("role", ["member", "viewer"])
async def test_who_may_only_use_models_sees_them_and_changes_nothing(house: House, browser: Browser, role: str) -> None:
    async with (
        member(house.server, house.cookie, f"reader-{role}", role) as cookie,
        House(house.server, cookie).page(browser) as page,
    ):
        await expect(row(page, "tiny-gguf")).to_be_visible()
        await expect(row(page, "tiny-gguf").get_by_role("link", name="Chat")).to_have_count(int(role == "member"))
        for name in ("Load", "More about tiny-mlx"):
            await expect(row(page, "tiny-mlx").get_by_role("button", name=name)).to_have_count(int(name != "Load"))
        await expect(page.get_by_role("button", name="Add model")).to_have_count(0)
        await row(page, "tiny-gguf-q8").get_by_role("button", name="Details of tiny-gguf-q8").click()
        await expect(page.get_by_test_id("types")).to_contain_text("Q8_0")
        await expect(page.get_by_role("tab", name="Load settings")).to_have_count(0)


@pytest.mark.accept("M6", "M11")
async def test_what_an_earlier_page_left_in_the_browser_is_taken_over(house: House, browser: Browser) -> None:
    left = {"models": [{"id": "tiny-mlx", "modelFormat": "mlx", "contextSize": 640}], "activeModelId": "tiny-mlx"}
    params = {"temperature": 0.25, "topP": 0.9, "systemPrompt": "Be brief."}
    async with house.page(browser) as page:
        await page.evaluate(
            "([list, params]) => { localStorage.llmServerClientConfig = list; localStorage.modelConfig = params }",
            [json.dumps(left), json.dumps(params)],
        )
        await page.reload()
        await page.get_by_role("button", name="Take over").click()
        await expect(page.get_by_text("Taken over: the server has them now")).to_be_visible()
        assert await page.evaluate("localStorage.llmServerClientConfig ?? localStorage.modelConfig ?? null") is None
        saved = (await house.ask("GET", "/api/v1/config"))["values"]["models"]["tiny-mlx"]
        assert saved["context"] == 640
        (preset,) = (await house.ask("GET", "/api/v1/presets"))["data"]
        assert (preset["system_prompt"], preset["params"]) == ("Be brief.", {"temperature": 0.25, "top_p": 0.9})
    await house.ask("PATCH", "/api/v1/models/tiny-mlx", {"settings": {"context": None}})


@pytest.mark.accept("C5")
@pytest.mark.parametrize("look", LOOKS, ids=str)
async def test_everybody_can_use_it(house: House, browser: Browser, look: Look) -> None:
    async with house.page(browser, look=look) as page:
        await expect(row(page, "tiny-gguf")).to_be_visible()
        await audit(page)
        await photograph(page, f"models-{look}")
        if look.language == "ko":
            await all_korean(page, BROKEN)
        for where in ("?m=tiny-gguf&part=overview", "?m=tiny-gguf&part=load", "?m=tiny-gguf&part=tensors"):
            await page.goto(f"/ui/models{where}")
            await expect(page.get_by_role("dialog").get_by_role("tabpanel")).to_contain_text(re.compile("F16|MiB"))
            await audit(page)
            await photograph(page, f"models-{where.rpartition('=')[2]}-{look}")
            if look.language == "ko":
                await all_korean(page, BROKEN)
        for way in ("local", "hub", "found"):
            await page.goto(f"/ui/models?add={way}")
            await expect(page.get_by_role("dialog").get_by_role("tabpanel")).to_be_visible()
            await audit(page)
            if look.language == "ko":
                await all_korean(page, BROKEN)
        assert await page.evaluate("document.documentElement.scrollWidth") <= look.width
