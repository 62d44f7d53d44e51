"""How much, how often and how large: what a caller, an address and a route may take."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from dovetail.access.keys import NewKey
from dovetail.core.caller import Limits
from dovetail.core.events import Event, TextDelta
from dovetail.core.request import GenerateRequest
from dovetail.gateway.app import create_app
from dovetail.gateway.deps import SMALL_BODY
from dovetail.settings import AccessSettings, Settings

from ..access.parts import GOOD, access  # noqa: TID252
from .fakes import Answer, Client, call, services

pytestmark = pytest.mark.anyio


async def test_what_a_key_may_use(tmp_path: Path) -> None:
    with access(tmp_path) as made:
        app = create_app(services(access=made))
        _, secret = await made.keys.create(NewKey("k", None, "member", limits=Limits(requests_minute=2)))
        answers = [await call(app, "POST", "/v1/chat/completions", {}, x_api_key=secret) for _ in range(3)]
        assert [answer.status for answer in answers] == [400, 400, 429]
        assert answers[2].error[:3] == (429, "rate_limit_error", "rate_limit_exceeded")
        assert int(answers[2].headers["retry-after"]) >= 1
        assert (await call(app, "GET", "/v1/models", x_api_key=secret)).status == 200


@pytest.mark.accept("H9")
async def test_what_an_address_and_an_account_may_use(tmp_path: Path) -> None:
    often = AccessSettings(address_requests=3, account_requests=2)
    limited = Settings(home=Path("/nowhere"), access=often)
    with access(tmp_path) as made:
        app = create_app(services(settings=limited, access=made))

        async def ask(address: str, key: str = "") -> Answer:
            headers = {"x-api-key": key} if key else {}
            return await Client(app, "POST", "/completion", [b"{}"], headers, address=address).run()

        answers = [await ask("10.0.0.9") for _ in range(4)]
        assert [answer.status for answer in answers] == [400, 400, 400, 429]
        assert answers[3].error[:3] == (429, "rate_limit_error", "rate_limit_exceeded")
        assert (await ask("10.0.0.8")).status == 400
        # Three keys of one account are one account, wherever they come from.
        keys = [(await made.keys.create(NewKey("k", "ann", "member")))[1] for _ in range(3)]
        made.changed()
        assert [(await ask(f"10.0.1.{at}", key)).status for at, key in enumerate(keys)] == [400, 400, 429]
        assert (await call(app, "GET", "/v1/models", x_api_key=keys[0])).status == 200


@pytest.mark.bad_input("65")
async def test_how_many_answers_one_caller_has_at_once(tmp_path: Path) -> None:
    async def endless(request: GenerateRequest, index: int) -> AsyncGenerator[Event, None]:
        del request
        yield TextDelta("x", index)
        await asyncio.Event().wait()

    limited = Settings(home=Path("/nowhere"), access=AccessSettings(caller_answers=2))
    body = b'{"model": "m", "stream": true, "messages": [{"role": "user", "content": "hi"}]}'
    with access(tmp_path) as made:
        app = create_app(services(endless, settings=limited, access=made))
        secrets = [(await made.keys.create(NewKey("k", who, "member")))[1] for who in ("ann", "ann", "bob")]
        made.changed()

        def client(secret: str) -> Client:
            return Client(app, "POST", "/v1/chat/completions", [body], {"x-api-key": secret})

        open_ones = [client(secrets[0]), client(secrets[1]), client(secrets[2])]
        running = [asyncio.create_task(one.run()) for one in open_ones]
        for one in open_ones:
            await one.sent.wait()
        refused = await client(secrets[0]).run()
        assert refused.error[:3] == (429, "rate_limit_error", "too_many_answers")
        assert refused.headers["retry-after"] == "1"
        assert (await call(app, "GET", "/v1/models", x_api_key=secrets[0])).status == 200
        open_ones[0].leave()
        await running[0]
        more = client(secrets[1])
        running.append(asyncio.create_task(more.run()))
        await more.sent.wait()
        assert more.answer.status == 200
        for one in (*open_ones[1:], more):
            one.leave()
        await asyncio.gather(*running)


@pytest.mark.parametrize(("path", "status"), [("/auth/login", 413), ("/models/load", 413), ("/v1/completions", 400)])
async def test_how_large_a_body_may_be_is_the_route_s(tmp_path: Path, path: str, status: int) -> None:
    with access(tmp_path) as made:
        body = {"name": "x" * SMALL_BODY, "password": GOOD, "model": "m", "prompt": 5}
        answer = await call(create_app(services(access=made)), "POST", path, body)
        assert answer.status == status
        if status == 413:
            assert answer.error[2] == "request_too_large"
            assert str(SMALL_BODY) in answer.json()["error"]["message"]
