"""The whole OpenAPI document on a server of its own that has an account and keys: with a credential and without."""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks

from dovetail.gateway.app import openapi_document
from dovetail.gateway.rights import RIGHTS, Right

from .. import canaries  # noqa: TID252
from ..process.serving.running import Running, running  # noqa: TID252

pytestmark = pytest.mark.anyio

GOOD = canaries.PASSWORD
SCHEMA: Any = schemathesis.openapi.from_dict(openapi_document())
OPERATIONS = {operation.ok().label: operation.ok() for operation in SCHEMA.get_all_operations()}
# Whom they let in they tell for ever.
ENDLESS = {label for label, operation in OPERATIONS.items() if "events" in (operation.tags or ())}
# A login is refused for reasons no schema can say, and a key or a cookie decides here, not the document.
NOT_ASKED = [
    cast("Any", checks.positive_data_acceptance),  # pyright: ignore[reportUnknownMemberType]
    cast("Any", checks.ignored_auth),  # pyright: ignore[reportUnknownMemberType]
]
bounded = settings(
    max_examples=10, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)  # fmt: skip
WITHIN = 60
PUBLIC = {line for line, right in RIGHTS.items() if right is Right.PUBLIC}


async def command(home: Path, *words: str) -> str:
    argv = ["-m", "dovetail", *words, "--home", str(home)]
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(sys.executable, *argv, stdin=pipe, stdout=pipe)
    said, _ = await child.communicate(f"{GOOD}\n".encode())
    assert child.returncode == 0
    return said.decode().strip()


@pytest.fixture(scope="module")
async def closed(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[tuple[Running, dict[str, str]]]:
    """A server with somebody in it, without models, and what an admin's key and cookie are."""
    home = tmp_path_factory.mktemp("closed")
    await command(home, "admin", "create", "--password-stdin")
    key = await command(home, "key", "create", "k", "--role", "admin")
    async with running(home, ["--no-demo"]) as server:
        async with (
            aiohttp.ClientSession(server.url) as http,
            http.post("/auth/login", json={"password": GOOD}) as answer,
        ):
            cookie = answer.headers["set-cookie"].partition(";")[0]
        canaries.plant(home, key, cookie.partition("=")[2])
        yield server, {"x-api-key": key, "cookie": cookie}


@pytest.fixture(scope="module")
def session() -> Any:
    with requests.Session() as found:
        yield found


@pytest.mark.parametrize("label", sorted(OPERATIONS.keys() - ENDLESS))
@pytest.mark.parametrize("credential", ["x-api-key", "cookie"])
async def test_with_a_credential_every_answer_is_documented(
    closed: tuple[Running, dict[str, str]], session: Any, label: str, credential: str
) -> None:
    server, credentials = closed
    operation = OPERATIONS[label]
    headers = {credential: credentials[credential]}
    if label in {"POST /auth/logout", "POST /auth/login"}:
        headers = {}  # they would end the session of the other tests

    @bounded
    @given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
    def hold(case: Any) -> None:
        answer = case.call(base_url=server.url, session=session, headers=headers, timeout=WITHIN)
        assert answer.status_code != 401 or label in PUBLIC or label == "POST /auth/password"
        case.validate_response(answer, excluded_checks=NOT_ASKED)

    _judged(hold)


@pytest.mark.accept("H5")
@pytest.mark.parametrize("label", OPERATIONS)
async def test_without_one_exactly_the_public_routes_answer(
    closed: tuple[Running, dict[str, str]], session: Any, label: str
) -> None:
    server, _ = closed
    operation = OPERATIONS[label]

    @bounded
    @given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
    def hold(case: Any) -> None:
        answer = case.call(base_url=server.url, session=session, timeout=WITHIN)
        assert answer.status_code < 500 or label == "GET /ready"
        if label not in PUBLIC:
            assert answer.status_code == 401

    _judged(hold)


WRONG = [
    {"authorization": "Bearer none"}, {"authorization": "Basic YTpi"}, {"x-api-key": "' OR '1'='1' --"},
    {"authorization": "Bearer " + "k" * 6000}, {"x-api-key": "sk-dvt-" + "A" * 43}, {"cookie": "dovetail=none"},
]  # fmt: skip


@pytest.mark.parametrize("headers", WRONG, ids=lambda v: str(v)[:30])
async def test_credentials_that_are_none(closed: tuple[Running, dict[str, str]], headers: dict[str, str]) -> None:
    server, good = closed
    key = good["x-api-key"]
    async with aiohttp.ClientSession(server.url) as http:
        for path in ("/v1/models", f"/v1/models?key={key}&api_key={key}", "/api/v1/users"):
            async with http.get(path, headers=headers) as answer:
                error = json.loads(await answer.read())["error"]
                assert (answer.status, error["type"]) == (401, "authentication_error")
                assert error["code"] in {"invalid_api_key", "session_ended"}
                assert answer.headers["www-authenticate"] == "Bearer"
        async with http.get("/v1/models", headers={"x-api-key": key}) as answer:
            assert answer.status == 200


@pytest.mark.accept("H15")
async def test_names_and_pages_that_are_foreign(closed: tuple[Running, dict[str, str]]) -> None:
    server, good = closed
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
