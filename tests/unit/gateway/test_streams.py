"""Event streams: what keeps them alive, what bounds them, and what ends them."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest
from starlette.types import Receive, Scope, Send

from dovetail.core.caller import Caller
from dovetail.core.caller import Scope as KeyScope
from dovetail.core.errors import Forbidden, ModelNotFound, RateLimited
from dovetail.gateway import streams
from dovetail.gateway.guard import Guard, check_whole
from dovetail.gateway.streams import MOST, Download, EventStream, Streams, count

from ..access.parts import access  # noqa: TID252
from .fakes import Client

pytestmark = pytest.mark.anyio


class Source:
    """Yields what it is given, until it is closed."""

    def __init__(self, *chunks: bytes, failure: Exception | None = None) -> None:
        self.closed = asyncio.Event()
        self._chunks = chunks
        self._failure = failure

    async def run(self) -> AsyncGenerator[bytes, None]:
        try:
            for chunk in self._chunks:
                yield chunk
            if self._failure is not None:
                raise self._failure
            await asyncio.Event().wait()
        finally:
            self.closed.set()


def client(source: Source, kept: Streams, *, stall: float = 5.0, stuck: bool = False) -> Client:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await EventStream(source.run(), kept, stall)(scope, receive, send)

    return Client(app, "GET", "/events", stuck=stuck)


async def test_it_says_how_to_come_back_then_what_there_is_and_ends_with_its_client() -> None:
    source, kept = Source(b"data: 1\n\n", b"data: 2\n\n"), Streams()
    one = client(source, kept)
    running = asyncio.create_task(one.run())
    async with asyncio.timeout(5):
        while len(one.answer.chunks) < 3:
            await asyncio.sleep(0)
    assert len(kept.callers) == 1
    one.leave()
    answer = await running
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.body == b"retry: 1000\n\ndata: 1\n\ndata: 2\n\n"
    assert source.closed.is_set()
    assert not kept.callers


async def test_silence_is_filled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT", 0.001)
    one = client(Source(), Streams())
    running = asyncio.create_task(one.run())
    async with asyncio.timeout(5):
        while len(one.answer.chunks) < 3:
            await asyncio.sleep(0)
    one.leave()
    assert (await running).body.startswith(b"retry: 1000\n\n: keep-alive\n\n: keep-alive\n\n")


async def test_what_is_wrong_with_the_source_is_the_last_event() -> None:
    source = Source(b"data: 1\n\n", failure=ModelNotFound("x", []))
    answer = await client(source, Streams()).run()
    assert answer.complete
    assert answer.frames()[-1]["error"]["code"] == "model_not_found"


async def test_a_client_that_takes_nothing_is_cut_off() -> None:
    source, kept = Source(b"data: 1\n\n"), Streams()
    one = client(source, kept, stall=0.01, stuck=True)
    await one.run()
    assert one.aborted
    assert not kept.callers


async def test_a_shutdown_ends_them_without_a_word() -> None:
    source, kept = Source(b"data: 1\n\n"), Streams()
    one = client(source, kept)
    running = asyncio.create_task(one.run())
    await one.sent.wait()
    kept.cut()
    answer = await running
    assert answer.complete
    assert b"error" not in answer.body


async def test_one_caller_has_so_many_and_no_more() -> None:
    kept = Streams()
    ann = Caller("ann")

    def opened(caller: Caller) -> Generator[None]:
        with kept.inside(caller, lambda _: None):
            yield

    held = [opened(ann) for _ in range(MOST)]
    for each in held:
        next(each)
    with pytest.raises(RateLimited) as refused:
        next(opened(Caller("ann", key="another of hers")))
    assert (refused.value.code, refused.value.status) == ("too_many_streams", 429)
    others = opened(Caller("bob"))
    next(others)
    held.pop().close()
    more = opened(ann)
    next(more)


async def test_they_are_counted_and_not_for_keys_of_some_models(tmp_path: Path) -> None:
    with access(tmp_path) as made:
        guard = Guard(made, address_requests=2)
        scope: Scope = {"type": "http", "client": ("10.0.0.9", 1), "headers": []}
        for _ in range(2):
            count(scope, guard)
        with pytest.raises(RateLimited):
            count(scope, guard)
    with pytest.raises(Forbidden) as refused:
        check_whole(Caller("ann", scope=KeyScope(models=("m",))))
    assert refused.value.code == "key_scope"


def download(source: Source, kept: Streams, *, stall: float = 5.0, stuck: bool = False) -> Client:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await Download(source.run(), kept, stall, {"content-type": "text/csv"})(scope, receive, send)

    return Client(app, "GET", "/table", stuck=stuck)


async def test_of_a_download_who_takes_nothing_is_cut_off() -> None:
    source, kept = Source(b"1\n"), Streams()
    one = download(source, kept, stall=0.01, stuck=True)
    await one.run()
    assert one.aborted
    assert source.closed.is_set()
    assert not kept.callers


async def test_a_shutdown_cuts_downloads() -> None:
    source, kept = Source(b"1\n", b"2\n"), Streams()
    one = download(source, kept)
    running = asyncio.create_task(one.run())
    await one.sent.wait()
    kept.cut()
    kept.cut()
    answer = await running
    assert one.aborted
    assert not answer.complete
    assert source.closed.is_set()


async def test_what_is_downloaded_is_made_no_further_when_its_client_has_left() -> None:
    source, kept = Source(*[b"1\n"] * 1000), Streams()
    one = download(source, kept)
    one.leave()
    assert len((await one.run()).chunks) < 5
    assert source.closed.is_set()
