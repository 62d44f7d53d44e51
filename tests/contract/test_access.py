"""The whole OpenAPI document, with a credential and without, on loopback and beyond it, with accounts and before."""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks

from dovetail.gateway.rights import RIGHTS, Right

from .. import canaries  # noqa: TID252
from ..process.serving.running import Running, running  # noqa: TID252
from .document import DOCUMENT

pytestmark = pytest.mark.anyio

GOOD = canaries.PASSWORD
SCHEMA: Any = schemathesis.openapi.from_dict(DOCUMENT)
OPERATIONS = {operation.ok().label: operation.ok() for operation in SCHEMA.get_all_operations()}
# A login is refused for reasons no schema can say, and a key or a cookie decides here, not the document.
NOT_ASKED = [
    cast("Any", checks.positive_data_acceptance),  # pyright: ignore[reportUnknownMemberType]
    cast("Any", checks.ignored_auth),  # pyright: ignore[reportUnknownMemberType]
]
BOUNDED = settings(
    max_examples=5, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)  # fmt: skip
WITHIN = 60
# Streams that go on until their reader leaves: what they say has tests of its own.
ENDLESS = {
    f"GET {path}"
    for path, methods in DOCUMENT["paths"].items()
    if "text/event-stream" in methods.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
}
# They ask a hub, which no test reaches.
ELSEWHERE = {label for label in OPERATIONS if "/hub/" in label or label == "POST /api/v1/downloads"}
PUBLIC = {line for line, right in RIGHTS.items() if right is Right.PUBLIC}
# Of somebody, so that nobody can use them, however open a server is.
PERSONAL = {line for line, right in RIGHTS.items() if right.personal}
# A server that is reached from elsewhere listens on every address, of which one is this machine's own.
PLACES = {"loopback": (), "beyond": ("--host", "0.0.0.0")}


async def command(home: Path, *words: str) -> str:
    argv = ["-m", "dovetail", *words, "--home", str(home)]
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(sys.executable, *argv, stdin=pipe, stdout=pipe)
    said, _ = await child.communicate(f"{GOOD}\n".encode())
    assert child.returncode == 0
    return said.decode().strip()


@dataclass(frozen=True)
class House:
    """A server without models, and what an admin's key and cookie are, by the header they go into."""

    server: Running
    credentials: dict[str, str]
    bounded: settings = BOUNDED


@asynccontextmanager
async def house(home: Path, place: str) -> AsyncGenerator[House]:
    """With somebody in it."""
    await command(home, "admin", "create", "--password-stdin")
    key = await command(home, "key", "create", "k", "--role", "admin")
    async with running(home, ["--no-demo", *PLACES[place]]) as server:
        async with (
            aiohttp.ClientSession(server.url) as http,
            http.post("/auth/login", json={"password": GOOD}) as answer,
        ):
            cookie = answer.headers["set-cookie"].partition(";")[0]
        canaries.plant(home, key, cookie.partition("=")[2])
        bounded = BOUNDED if place == "loopback" else settings(BOUNDED, max_examples=2)
        yield House(server, {"x-api-key": key, "cookie": cookie}, bounded)


@pytest.fixture(scope="module", params=PLACES)
async def anywhere(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[House]:
    async with house(tmp_path_factory.mktemp("anywhere"), request.param) as found:
        yield found


@pytest.fixture(scope="module")
async def fresh(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Running]:
    """On loopback, with nobody in it."""
    async with running(tmp_path_factory.mktemp("fresh"), ["--no-demo"]) as server:
        yield server


@pytest.fixture(scope="module")
def session() -> Any:
    with requests.Session() as found:
        yield found


@pytest.mark.parametrize("label", sorted({*OPERATIONS} - ENDLESS - ELSEWHERE))
@pytest.mark.parametrize(
    ("anywhere", "credential"),
    [("loopback", "x-api-key"), ("loopback", "cookie"), ("beyond", "x-api-key")],
    indirect=["anywhere"],
    scope="module",
)
async def test_with_a_credential_every_answer_is_documented(
    anywhere: House, session: Any, label: str, credential: str
) -> None:
    operation = OPERATIONS[label]
    headers = {credential: anywhere.credentials[credential]}
    if label in {"POST /auth/logout", "POST /auth/login"}:
        headers = {}  # they would end the session of the other tests

    @anywhere.bounded
    @given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
    def hold(case: Any) -> None:
        answer = case.call(base_url=anywhere.server.url, session=session, headers=headers, timeout=WITHIN)
        assert answer.status_code != 401 or label in PUBLIC or label == "POST /auth/password"
        case.validate_response(answer, excluded_checks=NOT_ASKED)

    _judged(hold)


@pytest.mark.accept("H5")
@pytest.mark.parametrize("label", OPERATIONS)
async def test_without_one_exactly_the_public_routes_answer(anywhere: House, session: Any, label: str) -> None:
    @anywhere.bounded
    @given(case=OPERATIONS[label].as_strategy(generation_mode=GenerationMode.POSITIVE))
    def hold(case: Any) -> None:
        answer = case.call(base_url=anywhere.server.url, session=session, timeout=WITHIN)
        assert answer.status_code < 500 or label == "GET /ready"
        if label not in PUBLIC:
            assert answer.status_code == 401

    _judged(hold)


@pytest.mark.accept("H13")
@pytest.mark.parametrize("label", sorted({*OPERATIONS} - {"POST /auth/setup"} - ENDLESS - ELSEWHERE))
async def test_where_nobody_is_all_but_personal_routes_answer(fresh: Running, session: Any, label: str) -> None:
    @settings(BOUNDED, max_examples=2)
    @given(case=OPERATIONS[label].as_strategy(generation_mode=GenerationMode.POSITIVE))
    def hold(case: Any) -> None:
        answer = case.call(base_url=fresh.url, session=session, timeout=WITHIN)
        assert answer.status_code < 500 or label == "GET /ready"
        refused = answer.status_code == 401 and answer.json()["error"]["code"] == "invalid_api_key"
        assert refused is (label in PERSONAL)

    _judged(hold)


WRONG = [
    {"authorization": "Bearer none"}, {"authorization": "Basic YTpi"}, {"x-api-key": "' OR '1'='1' --"},
    {"authorization": "Bearer " + "k" * 6000}, {"x-api-key": "sk-dvt-" + "A" * 43}, {"cookie": "dovetail=none"},
]  # fmt: skip


@pytest.mark.bad_input("51")
@pytest.mark.parametrize("headers", WRONG, ids=lambda v: str(v)[:30])
async def test_credentials_that_are_none(anywhere: House, headers: dict[str, str]) -> None:
    server, key = anywhere.server, anywhere.credentials["x-api-key"]
    async with aiohttp.ClientSession(server.url) as http:
        for path in ("/v1/models", f"/v1/models?key={key}&api_key={key}", "/api/v1/users"):
            async with http.get(path, headers=headers) as answer:
                error = json.loads(await answer.read())["error"]
                assert (answer.status, error["type"]) == (401, "authentication_error")
                assert error["code"] in {"invalid_api_key", "session_ended"}
                assert answer.headers["www-authenticate"] == "Bearer"
        async with http.get("/v1/models", headers={"x-api-key": key}) as answer:
            assert answer.status == 200


@pytest.mark.bad_input("54", "55", "12")
@pytest.mark.accept("H15")
async def test_names_and_pages_that_are_foreign(anywhere: House) -> None:
    server, good = anywhere.server, anywhere.credentials
    async with aiohttp.ClientSession(server.url) as http:
        async with http.get("/v1/models", headers={"host": "evil.example", **good}) as answer:
            assert (answer.status, (await answer.json())["error"]["code"]) == (421, "unknown_host")
        for headers in ({"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}):
            async with http.post("/models/load", json={"model": "m"}, headers={**good, **headers}) as answer:
                assert (answer.status, (await answer.json())["error"]["code"]) == (403, "bad_origin")
            form = {**good, **headers, "content-type": "text/plain"}
            async with http.post("/models/load", data=b'{"model": "m"}', headers=form) as answer:
                assert answer.status in {403, 415}
        async with http.options("/v1/models", headers={"access-control-request-method": "GET"}) as answer:
            assert "access-control-allow-origin" not in answer.headers


def _judged(hold: Callable[[], None]) -> None:
    """What schemathesis raises is no Exception, and would end the event loop of all tests after this one."""
    try:
        hold()
    except BaseExceptionGroup as failed:
        raise AssertionError(str(failed)) from None
