"""Prompts and replies in a file, while an admin wants them there."""

import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from fastapi import FastAPI

from dovetail.gateway.app import create_app
from dovetail.settings import LogSettings, Settings
from dovetail.telemetry.capture import Capture

from ..access.parts import GOOD, HERE, access, audited  # noqa: TID252
from .fakes import Answer, call, services

pytestmark = pytest.mark.anyio

ASKED = {"model": "m", "messages": [{"role": "user", "content": "what nobody else is to read"}]}
CHAT = "/v1/chat/completions"


@dataclass
class Place:
    app: FastAPI
    home: Path
    login: dict[str, str]

    async def ask(self, method: str, body: object = None) -> Answer:
        return await call(self.app, method, "/api/v1/capture", body, content_type="application/json", **self.login)

    def captured(self) -> list[dict[str, object]]:
        files = sorted((self.home / "capture").glob("*"))
        return [json.loads(line) for file in files for line in file.read_text().splitlines()]


@pytest.fixture
async def place(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncGenerator[Place]:
    minutes: float = getattr(request, "param", 60.0)
    with access(tmp_path) as made:
        await made.people.found("chief", GOOD)
        _, token = await made.people.log_in("chief", GOOD, HERE)
        settings = Settings(home=tmp_path, log=LogSettings(capture_minutes=minutes))
        built = replace(services(settings=settings, access=made), capture=Capture(tmp_path / "capture"))
        yield Place(create_app(built), tmp_path, {"cookie": f"dovetail={token}"})
        assert built.capture is not None
        built.capture.end("the test is over")


async def test_it_is_off_until_an_admin_turns_it_on_and_says_so(place: Place) -> None:
    await call(place.app, "POST", CHAT, ASKED)
    assert (await call(place.app, "GET", "/auth/status")).json()["capture"] is False
    assert (await call(place.app, "POST", "/api/v1/capture", {})).status == 401
    begun = await place.ask("POST", {"minutes": 5})
    assert (begun.status, begun.json()["on"]) == (200, True)
    assert (await place.ask("POST", {})).error[:3] == (409, "invalid_request_error", "capture_is_on")
    assert (await call(place.app, "GET", "/auth/status")).json()["capture"] is True
    for body in (ASKED, {**ASKED, "stream": True}, {**ASKED, "temperature": "hot"}):
        await call(place.app, "POST", CHAT, body)
    whole, streamed, refused = place.captured()
    assert json.loads(str(whole["request"])) == ASKED
    assert json.loads(str(whole["response"]))["choices"][0]["message"]["content"] == "Hello there"
    assert (whole["caller"], whole["route"], whole["status"]) == ("local", f"POST {CHAT}", 200)
    assert str(streamed["response"]).endswith("data: [DONE]\n\n")
    assert refused["status"] == 400
    shown = (await place.ask("GET")).json()
    assert shown["bytes"] == Path(shown["path"]).stat().st_size
    assert (await place.ask("DELETE")).json() == {"on": False, "path": None, "until": None, "bytes": 0}
    await call(place.app, "POST", CHAT, ASKED)
    assert len(place.captured()) == 3
    said = [(line["what"], line["who"], line.get("minutes")) for line in audited(place.home)]
    assert ("POST /api/v1/capture", "chief", "5") in said
    assert ("DELETE /api/v1/capture", "chief", None) in said


async def test_no_longer_than_the_settings_say(place: Place) -> None:
    refused = await place.ask("POST", {"minutes": 61})
    assert (refused.status, refused.error[3]) == (400, "minutes")
    assert (await place.ask("GET")).json()["on"] is False


@pytest.mark.parametrize("place", [0.0], indirect=True)
async def test_where_it_is_never_to_be_it_is_not(place: Place) -> None:
    assert (await place.ask("POST", {})).error[:3] == (403, "permission_error", "capture_is_off")
    assert not (place.home / "capture").exists()
