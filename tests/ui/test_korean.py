"""A Korean page speaks Korean when things go wrong too; the server's own words are beside it, marked as English."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator

import aiohttp
import pytest
from playwright.async_api import Locator, Route, expect

from ..process.serving.running import Running  # noqa: TID252
from .browser import Look, all_korean, audit, photograph, settled
from .chatting import say
from .conftest import Open, Visit

pytestmark = pytest.mark.anyio

LOOK = Look("light", "ko")
REFUSALS = tuple(f"status of {status}" for status in (400, 403, 404, 422, 502, 503))
BROKEN = "tiny-gguf-q8"


async def shown(at: Visit, korean: str, english: str, where: Locator | None = None) -> None:
    """Both are there, and nothing that is not Korean and not marked."""
    place = at.page.locator("body") if where is None else where
    await expect(place.get_by_text(korean).first).to_be_visible()
    await expect(place.locator("[lang=en]").filter(has_text=english).first).to_be_visible()
    await settled(at.page)
    await all_korean(at.page, "[data-role=user]", "[data-chat]", "[data-testid=log-rows]")
    await audit(at.page)


async def test_a_path_that_may_not_be_read(visit: Open) -> None:
    at = await visit("/models?add=local", LOOK)
    at.watch.expect(*REFUSALS)
    await at.page.get_by_label("경로", exact=True).fill("/etc/passwd")
    await shown(at, "이 서버가 읽을 수 있는 폴더가 아닙니다", "lies in no folder of models")
    await photograph(at.page, "korean-path")


async def test_a_setting_that_is_refused(visit: Open) -> None:
    at = await visit("/settings/models", LOOK)
    at.watch.expect(*REFUSALS)
    await at.page.get_by_label("모델 폴더").fill("relative/folder")
    await at.page.get_by_role("button", name="저장").click()
    await shown(at, "요청이 올바르지 않습니다", "give an absolute path")


async def test_a_download_that_is_refused(visit: Open) -> None:
    """In a toast."""
    at = await visit("/models?tab=downloads", LOOK)
    at.watch.expect(*REFUSALS)
    download: dict[str, object] = {
        "id": "d1", "repo": "owner/name", "choice": "a-Q8_0.gguf", "state": "failed", "path": None, "files": [],
        "done": 5, "total": 10, "speed": 0, "eta": None, "attempt": 3, "retry_in": None, "began": 1.0, "ended": 2.0,
        "error": {"code": "checksum_mismatch", "message": "a-Q8_0.gguf arrived damaged: get it again", "param": None},
    }  # fmt: skip

    async def told(route: Route) -> None:
        event = {"seq": 1, "topic": "downloads", "type": "snapshot", "data": {"downloads": [download]}}
        body = f"retry: 1000\n\nid: 1\ndata: {json.dumps(event)}\n\n"
        await route.fulfill(status=200, content_type="text/event-stream", body=body)

    async def refuse(route: Route) -> None:
        error = {"message": "it is failed: it cannot be retried", "code": "download_state", "type": "x", "param": None}
        await route.fulfill(status=400, json={"error": error})

    await at.page.route("**/api/v1/events*", told)
    await at.page.route("**/api/v1/downloads/d1/retry", refuse)
    await at.page.reload()
    await shown(at, "체크섬이 맞지 않습니다", "arrived damaged")
    await at.page.get_by_role("button", name="다시 시도").click()
    await shown(at, "지금 상태에서는 할 수 없는 작업입니다", "it cannot be retried")
    await photograph(at.page, "korean-download")


async def test_a_question_that_fails(visit: Open) -> None:
    at = await visit("/bench?tab=test", LOOK)
    at.watch.expect(*REFUSALS)
    await at.page.get_by_role("button", name="설정", exact=True).click()
    dialog = at.page.get_by_role("dialog")
    await dialog.get_by_role("button", name="로컬 파일").click()
    await dialog.get_by_label("절대 경로").fill("/nowhere/x.gguf")
    await dialog.get_by_role("button", name="저장").click()
    await at.page.get_by_label("질문").fill("안녕?")
    await at.page.keyboard.press("Enter")
    await shown(at, "이 서버가 읽을 수 있는 폴더가 아닙니다", "add its folder to catalog.folders")


@pytest.fixture
async def broken(server: Running, cookie: str) -> AsyncGenerator[None]:
    """A model that cannot be loaded, and was tried."""
    template = server.home / "models" / "wrong.jinja"
    template.parent.mkdir(exist_ok=True)
    template.write_text("{% for %}")
    headers = {"cookie": f"dovetail={cookie}", "origin": server.url}
    path = f"/api/v1/models/{BROKEN}"
    async with aiohttp.ClientSession(server.url, headers=headers) as http:
        for said, status in ((str(template), 503), (None, 200)):
            async with http.patch(path, json={"settings": {"chat_template": said}}) as answer:
                assert answer.status == 200, await answer.text()
            async with http.post(f"{path}/load") as answer:
                assert answer.status == status, await answer.text()
            if said is not None:
                yield
        async with http.post(f"{path}/unload") as answer:
            assert answer.status == 200


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize("path", ["/models", f"/models?m={BROKEN}", "/monitor"])
async def test_a_model_that_could_not_be_loaded(visit: Open, path: str) -> None:
    at = await visit(path, LOOK)
    await shown(at, "실패" if "m=" not in path else "사용할 수 없는 이유", "could not be loaded")
    await photograph(at.page, f"korean-broken{path.replace('/', '-').replace('?', '-')}")


@pytest.mark.usefixtures("broken")
async def test_an_answer_that_fails(visit: Open) -> None:
    at = await visit(f"/chat?model={BROKEN}", LOOK)
    at.watch.expect(*REFUSALS)
    await say(at.page, "안녕하세요")
    await shown(at, "모델을 불러오지 못했습니다", "could not be loaded", at.page.locator("[data-role=assistant]"))
    await photograph(at.page, "korean-answer")
