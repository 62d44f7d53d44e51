"""Answers whose key or login is revoked while they run."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from dovetail.access.keys import NewKey
from dovetail.core.events import Event, TextDelta
from dovetail.core.request import GenerateRequest
from dovetail.gateway.app import create_app
from dovetail.gateway.revocation import LOOK_EVERY, look, watch

from ..access.parts import GOOD, HERE, access  # noqa: TID252
from .fakes import Client, services

pytestmark = pytest.mark.anyio

BODY = b'{"model": "m", "stream": true, "messages": [{"role": "user", "content": "hi"}]}'


async def endless(request: GenerateRequest, index: int) -> AsyncGenerator[Event, None]:
    del request
    yield TextDelta("x", index)
    await asyncio.Event().wait()


async def test_open_streams_end_with_what_they_were_asked_with(tmp_path: Path) -> None:
    with access(tmp_path) as made:
        await made.people.found("chief", GOOD)
        built = services(endless, access=made)
        app = create_app(built)
        key, secret = await made.keys.create(NewKey("k", None, "member"))
        _, other = await made.keys.create(NewKey("o", None, "member"))
        session, token = await made.people.log_in("chief", GOOD, HERE)
        cookie = {"cookie": f"dovetail={token}", "content-type": "application/json"}
        clients = [
            Client(app, "POST", "/v1/chat/completions", [BODY], headers)
            for headers in ({"x-api-key": secret}, cookie, {"x-api-key": other}, {"x-api-key": made.local_key})
        ]
        running = [asyncio.create_task(client.run()) for client in clients]
        for client in clients:
            await client.sent.wait()
        await look(made, built.requests, built.streams)
        assert len(list(built.requests)) == 4
        assert await made.keys.revoke(key.id)
        assert await made.people.log_out(session.id)
        await look(made, built.requests, built.streams)
        for ended in running[:2]:
            frame = (await ended).frames()[-1]
            assert (frame["error"]["type"], frame["error"]["code"]) == ("authentication_error", "access_revoked")
        assert len(list(built.requests)) == 2
        for client, task in zip(clients[2:], running[2:], strict=True):
            assert not task.done()
            client.leave()
            await task


async def test_who_may_less_than_before_hears_no_more(tmp_path: Path) -> None:
    with access(tmp_path) as made:
        await made.people.found("chief", GOOD)
        await made.people.add("second", GOOD, "admin")
        built = services(endless, access=made)
        app = create_app(built)
        _, token = await made.people.log_in("second", GOOD, HERE)
        _, secret = await made.keys.create(NewKey("k", "second", "admin"))
        _, lesser = await made.keys.create(NewKey("k", "second", "member"))
        headers = {"cookie": f"dovetail={token}"}, {"x-api-key": secret}, {"x-api-key": lesser}
        clients = [Client(app, "GET", "/api/v1/events", [], each) for each in headers]
        running = [asyncio.create_task(client.run()) for client in clients]
        for client in clients:
            await client.sent.wait()
        await made.people.change("second", "member")
        await look(made, built.requests, built.streams)
        for ended in running[:2]:
            assert (await ended).frames()[-1]["error"]["code"] == "access_revoked"
        assert not running[2].done()
        await made.people.change("second", "admin")  # who may more is left alone
        await look(made, built.requests, built.streams)
        assert not running[2].done()
        clients[2].leave()
        await running[2]


async def test_it_looks_again_and_again_well_within_half_a_minute(tmp_path: Path) -> None:
    assert LOOK_EVERY <= 15
    with access(tmp_path) as made:
        built = services(endless, access=made)
        key, secret = await made.keys.create(NewKey("k", None, "member"))
        client = Client(create_app(built), "POST", "/v1/chat/completions", [BODY], {"x-api-key": secret})
        watching = asyncio.create_task(watch(made, built.requests, built.streams, every=0.01))
        running = asyncio.create_task(client.run())
        await client.sent.wait()
        assert await made.keys.revoke(key.id)
        assert (await running).frames()[-1]["error"]["code"] == "access_revoked"
        watching.cancel()
