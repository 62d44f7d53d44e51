"""How many connections there may be, in all and of one address."""

import asyncio

import pytest

from dovetail.gateway.protocol import Limits

from ..serving.fakes import Recorder  # noqa: TID252  one set of stand-ins for the folders that need them
from .raw_server import GET, alive, server

pytestmark = pytest.mark.anyio


@pytest.mark.bad_input("65")
async def test_connections_beyond_the_bound_are_told_so() -> None:
    recorder = Recorder()
    async with server(Limits(5, 5, 3), observer=recorder) as connect:
        lines = [await connect() for _ in range(3)]
        await lines[0].send(GET + b"\r\n")
        await lines[0].answer()
        extra = await connect()
        answer = await extra.rest()
        assert answer.statuses == [503]
        assert answer.error()["code"] == "too_many_connections"
        assert [(told.status, told.error) for told in recorder.answers] == [(503, "too_many_connections")]
        await lines[1].send(GET + b"\r\n")
        assert (await lines[1].answer()).statuses == [200]


@pytest.mark.accept("H10")
@pytest.mark.parametrize(("proxies", "statuses"), [((), [429]), (("127.0.0.0/8",), [200])], ids=["clients", "a proxy"])
async def test_an_address_has_so_many_connections(proxies: tuple[str, ...], statuses: list[int]) -> None:
    async with server(Limits(5, 5, 8, 2, proxies)) as connect:
        first, second = [await connect() for _ in range(2)]
        for line in (first, second):
            await line.send(GET + b"\r\n")
            assert (await line.answer()).statuses == [200]
        third = await connect()
        if not proxies:
            answer = await third.rest()
            assert answer.error()["code"] == "too_many_connections"
            assert b"retry-after: 1" in answer.raw
        else:
            await third.send(GET + b"connection: close\r\n\r\n")
            answer = await third.rest()
        assert answer.statuses == statuses
        await first.send(GET + b"connection: close\r\n\r\n")
        assert (await first.rest()).statuses == [200]
        async with asyncio.timeout(5):
            while not await alive(connect):  # its end has to be seen first
                pass
