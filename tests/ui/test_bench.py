"""The benchmark page: three quantisations beside each other by the lab's figures, and the six figures of a question."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest
from playwright.async_api import Page, Route, expect

from dovetail import demo

from ..process.serving.running import Running  # noqa: TID252
from .browser import LOOKS, Look, all_korean, audit, photograph
from .conftest import Open

pytestmark = pytest.mark.anyio

MODELS = ("tiny-gguf", "tiny-gguf-q8", "tiny-mlx")
GGUF = next((demo.models_dir() / "tiny-gguf").glob("*.gguf"))
SIX = ("input_tokens", "output_tokens", "tokens_per_second", "first_token_s", "time_taken_s", "max_ram_mb")


async def ask(server: Running, cookie: str, method: str, path: str, body: object = None) -> Any:
    headers = {"Cookie": f"dovetail={cookie}", "Origin": server.url}
    async with (
        aiohttp.ClientSession(server.url, headers=headers) as http,
        http.request(method, path, json=body) as answer,
    ):
        assert answer.status == 200, await answer.text()
        return await answer.json()


@pytest.fixture(scope="module")
async def measured(server: Running, cookie: str) -> dict[str, Any]:
    """A small benchmark of all three, run without the page."""
    body = {"models": MODELS, "prompt": [16, 32], "gen": [8], "repeat": 2, "warmup": False, "name": "Three"}
    begun = await ask(server, cookie, "POST", "/api/v1/benchmarks", body)
    wanted = begun["benchmark"]["id"]
    async with (
        aiohttp.ClientSession(server.url, headers={"Cookie": f"dovetail={cookie}"}) as http,
        http.get("/api/v1/events?topics=bench") as events,
    ):
        async for line in events.content:
            if line.startswith(b"data: ") and json.loads(line[6:])["type"] == "ended":
                break
            if line.startswith(b"data: ") and json.loads(line[6:])["data"] == {"running": None}:
                break
    found = await ask(server, cookie, "GET", f"/api/v1/benchmarks/{wanted}")
    assert found["benchmark"]["state"] == "done"
    return cast("dict[str, Any]", found["benchmark"])


async def column(page: Page, name: str) -> list[float | None]:
    """A column's figures as the table has them, in full."""
    cells = await page.locator(f'td[data-column="{name}"]').all()
    values = [await cell.get_attribute("data-value") for cell in cells]
    return [None if value is None else float(value) for value in values]


@pytest.mark.accept("B4", "M10")
async def test_the_table_has_the_labs_figures_their_best_and_how_far_they_are(
    visit: Open, measured: dict[str, Any]
) -> None:
    page = (await visit(f"/bench?run={measured['id']}")).page
    await expect(page.get_by_role("heading", name="Three")).to_be_visible()
    results = [(model, result) for model in measured["models"] for result in model["cells"]]
    assert await column(page, "decode") == [result["decode"]["median"] for _, result in results]
    assert await column(page, "prefill") == [result["prefill"]["median"] for _, result in results]
    assert await column(page, "ttft") == [result["ttft"]["median"] for _, result in results]
    assert await column(page, "size") == [model["size"] for model, _ in results]
    assert await column(page, "ram") == [model["peak"]["ram"] for model, _ in results]
    # The best of each cell, and how far the others are from the first model.
    cells = page.locator('td[data-column="decode"]')
    for prompt in (16, 32):
        group = [(i, r["decode"]["median"]) for i, (_, r) in enumerate(results) if r["cell"]["prompt"] == prompt]
        top = max(value for _, value in group)
        for place, value in group:
            assert ("(best)" in await cells.nth(place).inner_text()) == (value == top)
            if place != group[0][0]:
                share = abs(value / group[0][1] - 1)
                await expect(cells.nth(place)).to_contain_text(f"{share:.1%}".replace(".0%", "%").lstrip("0") or "0%")
    drawn = await page.get_by_role("img", name="Writing, tokens a second").get_attribute("aria-label")
    assert drawn is not None
    assert drawn.count(" from ") == len(results)


async def test_it_sorts_by_any_column(visit: Open, measured: dict[str, Any]) -> None:
    page = (await visit(f"/bench?run={measured['id']}")).page
    head = page.get_by_role("columnheader", name="Writing tok/s")
    await head.get_by_role("button").click()
    await expect(head).to_have_attribute("aria-sort", "descending")
    speeds = cast("list[float]", await column(page, "decode"))
    assert speeds == sorted(speeds, reverse=True)
    await head.get_by_role("button").click()
    assert await column(page, "decode") == sorted(speeds)


async def test_what_is_exported_says_the_same(visit: Open, measured: dict[str, Any]) -> None:
    page = (await visit(f"/bench?run={measured['id']}")).page
    await expect(page.locator("td[data-column]").first).to_be_visible()
    speeds = await column(page, "decode")
    files: dict[str, bytes] = {}
    for form in ("CSV", "JSON", "MD", "SVG", "PNG"):
        button = page.get_by_role("group", name="Export").get_by_label(f"Export as {form}", exact=True)
        async with page.expect_download() as coming:
            await button.click()
        got = await coming.value
        assert got.suggested_filename == f"{measured['id']}.{form.lower()}"
        files[form] = Path(await got.path()).read_bytes()
    rows = list(csv.DictReader(io.StringIO(files["CSV"].decode())))
    assert [float(row["decode_tok_s"]) for row in rows] == speeds
    assert json.loads(files["JSON"])["models"] == measured["models"]
    assert all(model in files["MD"].decode() for model in MODELS)
    assert files["SVG"].startswith(b"<svg")
    assert files["PNG"].startswith(b"\x89PNG")


@pytest.mark.accept("B4")
@pytest.mark.usefixtures("measured")
async def test_a_run_from_the_form_is_cancelled_and_frees_its_model(visit: Open, server: Running, cookie: str) -> None:
    page = (await visit("/bench")).page
    await page.get_by_role("button", name="Run", exact=True).click()
    await expect(page.get_by_text("Choose at least one model.")).to_be_visible()
    await page.get_by_role("checkbox", name="tiny-gguf", exact=True).click()
    await page.get_by_role("checkbox", name="tiny-gguf-q8").click()
    await page.get_by_label("Prompt tokens").fill("64, x")
    await expect(page.get_by_text("Whole numbers from 2").first).to_be_visible()
    await page.get_by_label("Prompt tokens").fill("64, 128")
    await page.get_by_label("Repeats").fill("100")
    await page.get_by_role("checkbox", name="Quality too").click()
    await expect(page.get_by_text("by earlier benchmarks")).to_be_visible()
    await page.get_by_role("button", name="Run", exact=True).click()
    await expect(page.get_by_role("heading", name="Running", exact=True)).to_be_visible()
    await expect(page.get_by_text(re.compile(r"^Step \d+ of"))).to_be_visible()
    await page.get_by_role("button", name="Cancel benchmark").click()
    await expect(page.get_by_role("heading", name="New benchmark")).to_be_visible()
    newest = (await ask(server, cookie, "GET", "/api/v1/benchmarks"))["data"][0]
    assert (newest["state"], newest["plan"]["models"]) == ("cancelled", ["tiny-gguf", "tiny-gguf-q8"])
    assert (await ask(server, cookie, "GET", "/api/v1/requests"))["data"] == []
    # It is kept, compared with, and taken away.
    await page.get_by_role("button", name=re.compile("^Three")).click()
    name = "tiny-gguf and tiny-gguf-q8"
    await page.get_by_role("button", name=f"Delete {name}").click()
    await audit(page)
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(page.get_by_role("button", name=f"Delete {name}")).to_have_count(0)


@pytest.fixture
async def as_it_was(server: Running, cookie: str) -> AsyncGenerator[None]:
    """What is asked of a file is kept as its model's settings: tests after these find it without them."""
    yield
    await ask(server, cookie, "PATCH", "/api/v1/models/tiny-gguf", {"settings": {"context": None, "gpu_layers": None}})


@pytest.mark.accept("B1", "B2", "B3", "B5", "B6", "C3")
@pytest.mark.usefixtures("as_it_was")
@pytest.mark.parametrize("source", ["A local file", "Hugging Face"])
async def test_one_question_and_its_six_figures(visit: Open, source: str) -> None:
    page = (await visit("/bench?tab=test")).page
    await page.get_by_role("button", name="Settings", exact=True).click()
    dialog = page.get_by_role("dialog", name="What to test")
    await dialog.get_by_role("button", name=source).click()
    if source == "A local file":
        await dialog.get_by_role("button", name="Save settings").click()
        await expect(dialog.get_by_text("An absolute path begins with /")).to_be_visible()
        await dialog.get_by_label("Absolute path").fill(str(GGUF))
    else:  # it is here: nothing is fetched
        await dialog.get_by_label("Repository").fill("dovetail/tiny-gguf")
        await dialog.get_by_label("File name").fill(GGUF.name)
    await dialog.get_by_label("Context size").fill("1024")
    await dialog.get_by_label("GPU layers").fill("0")
    await dialog.get_by_role("button", name="Streamed" if source == "A local file" else "All at once").click()
    await audit(page)
    await dialog.get_by_role("button", name="Save settings").click()
    await expect(dialog).to_have_count(0)
    asked: list[dict[str, Any]] = []
    answers: list[str] = []

    async def hear(route: Route) -> None:
        asked.append(cast("dict[str, Any]", route.request.post_data_json))
        answer = await route.fetch()
        answers.append(await answer.text())
        await route.fulfill(response=answer)

    await page.route("**/api/chat/completions", hear)
    for count in (1, 2):
        await page.get_by_label("Question").fill("What is the capital of France?")
        await page.keyboard.press("Enter")
        await expect(page.locator('li[data-state="done"]')).to_have_count(count)
        await expect(page.locator('li[data-state="done"]').last).to_contain_text("Paris")
        figures = figures_of(answers[-1])
        for name in SIX:
            shown = await page.locator(f'dd[data-figure="{name}"]').get_attribute("data-value")
            assert shown is not None
            assert float(shown) == figures[name]
        await expect(page.get_by_text("Input processing:")).to_be_visible()
        assert figures["max_ram_mb"] > 1
        assert figures["input_tokens"] < 64  # the question before is no part of it
    whole = source == "Hugging Face"
    assert [each["stream"] for each in asked] == [not whole] * 2
    assert asked[1]["model_params"] == {"n_ctx": 1024, "n_gpu_layers": 0}
    assert asked[0] == asked[1]


def figures_of(body: str) -> dict[str, Any]:
    """The last figures of an answer, streamed or whole."""
    if body.startswith("{"):
        return cast("dict[str, Any]", json.loads(body)["figures"])
    frames = [json.loads(line[6:]) for line in body.splitlines() if line.startswith("data: {")]
    return next(frame["figures"] for frame in reversed(frames) if frame.get("figures"))


async def test_a_question_that_fails_says_why_and_what_to_do(visit: Open) -> None:
    at = await visit("/bench?tab=test")
    at.watch.expect("403", "404")
    await at.page.get_by_role("button", name="Settings", exact=True).click()
    dialog = at.page.get_by_role("dialog", name="What to test")
    await dialog.get_by_role("button", name="A local file").click()
    await dialog.get_by_label("Absolute path").fill("/nowhere/x.gguf")
    await dialog.get_by_role("button", name="Save settings").click()
    await at.page.get_by_label("Question").fill("Hello?")
    await at.page.get_by_role("button", name="Ask").click()
    await expect(at.page.get_by_role("alert")).to_contain_text("add its folder to catalog.folders")


@pytest.mark.parametrize("look", LOOKS, ids=str)
async def test_nothing_serious_is_wrong_with_it(visit: Open, measured: dict[str, Any], look: Look) -> None:
    page = (await visit(f"/bench?run={measured['id']}", look)).page
    await expect(page.locator("td[data-column]").first).to_be_visible()
    await audit(page)
    await photograph(page, f"bench-{look}")
    if look.language == "ko":
        await all_korean(page)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await page.get_by_role("tab").nth(1).click()
    await expect(page.locator("dd[data-figure]").first).to_be_visible()
    await audit(page)
    await photograph(page, f"test-bench-{look}")
    if look.language == "ko":
        await all_korean(page)
