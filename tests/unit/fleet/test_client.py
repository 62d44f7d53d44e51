"""The client against raw bytes: what a healthy, a slow, a lying and a dying worker may send."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dovetail.core.errors import (
    ContextTooLong,
    DovetailError,
    EngineFailure,
    InvalidRequest,
    WorkerCrashed,
    WorkerStalled,
)
from dovetail.core.events import Event, Finished, Prefill, TextDelta, ToolCallDelta
from dovetail.core.request import ChatPrompt, TextPrompt, Tool
from dovetail.engines import wire
from dovetail.engines.base import Endpoint
from dovetail.fleet import client as client_module
from dovetail.fleet.client import Patience, Stream, WorkerClient
from dovetail.fleet.exchange import Exchange

from .fakes import HELLO, FakeEngine, until

pytestmark = pytest.mark.anyio

RAW = replace(HELLO, prompt=TextPrompt(("hello",)))
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


def token(text: str) -> bytes:
    return b"data: " + json.dumps({"choices": [{"delta": {"content": text}}]}).encode() + b"\n\n"


LAST = b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'
PROGRESS = b'data: {"choices": [], "prompt_progress": {"total": 9, "cache": 0, "processed": 3}}\n\n'


@dataclass
class Wire:
    """What the worker at the other end has seen."""

    socket: Path
    requests: list[bytes] = field(default_factory=list[bytes])
    closed: int = 0


@asynccontextmanager
async def worker(folder: Path, answer: Answer) -> AsyncGenerator[Wire]:
    """A worker that reads one request and answers it with `answer`."""
    wire = Wire(folder / "w.sock")
    open_writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_writers.append(writer)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or b"0")
        wire.requests.append(head + await reader.readexactly(length))
        with suppress(ConnectionError):  # the client may leave once it has what it wants
            await answer(writer)
            await reader.read()
        wire.closed += 1
        writer.close()

    server = await asyncio.start_unix_server(serve, str(wire.socket))
    try:
        yield wire
    finally:
        server.close()
        for writer in open_writers:
            writer.close()


def sends(*parts: bytes, then_close: bool = True, pause: float = 0.0) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)
        if then_close:
            writer.close()

    return answer


def status(code: int, body: bytes) -> bytes:
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (code, len(body), body)


async def collect(folder: Path, answer: Answer, *, first_token: float = 5.0, token_gap: float = 5.0) -> list[Event]:
    async with (
        worker(folder, answer) as served,
        WorkerClient(Endpoint(socket=served.socket), first_token=first_token, token_gap=token_gap) as client,
    ):
        return [event async for event in client.generate(FakeEngine(), HELLO)]


def text(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


async def test_frames_become_events_in_order(short_path: Path) -> None:
    events = await collect(short_path, sends(HEAD, PROGRESS, token("Hel"), token("lo"), LAST))
    assert [type(event) for event in events] == [Prefill, TextDelta, TextDelta, Finished]
    assert text(events) == "Hello"


async def test_what_follows_done_is_not_read(short_path: Path) -> None:
    events = await collect(short_path, sends(HEAD, token("a") + LAST + token("b"), then_close=False))
    assert text(events) == "a"


async def test_a_completion_ends_with_the_connection(short_path: Path) -> None:
    frames = b'data: {"content": "a", "stop": false}\n\ndata: {"content": "", "stop": true, "stop_type": "eos"}\n\n'
    async with (
        worker(short_path, sends(HEAD, frames)) as served,
        WorkerClient(Endpoint(socket=served.socket)) as client,
    ):
        events = [event async for event in client.generate(FakeEngine(), RAW)]
    assert [type(event) for event in events] == [TextDelta, Finished]
    assert b"POST /completion" in served.requests[0]


STREAM = (
    b": a comment\n\n"
    + token("안녕")
    + b": ping\r\n\r\n"
    + b'event: message\r\nid: 7\r\ndata: {"choices": [{"delta":\r\ndata: {"content": " there"}}]}\r\n\r\n'
    + token("!").replace(b"data: ", b"data:")
    + LAST.replace(b"\n", b"\r\n")
)


@dataclass
class Pieces:
    """An exchange whose body arrives in given pieces."""

    pieces: list[bytes]

    async def read(self) -> bytes:
        return self.pieces.pop(0) if self.pieces else b""

    def close(self) -> None: ...


async def decoded(pieces: list[bytes]) -> list[Event]:
    patience = Patience(time.monotonic(), 5.0, 5.0)
    stream = Stream(WorkerClient(Endpoint()), cast("Exchange", Pieces(pieces)), wire.decoder(HELLO), patience)
    events: list[Event] = []
    try:
        while batch := await stream.read():
            events += batch
    finally:
        stream.close()
    return events


@given(cuts=st.lists(st.integers(1, len(STREAM) - 1), unique=True))
@settings(max_examples=60, deadline=None)
async def test_it_does_not_matter_where_the_network_cuts(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    events = await decoded([STREAM[a:b] for a, b in pairwise(edges)])
    assert text(events) == "안녕 there!"
    assert isinstance(events[-1], Finished)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["choices", "delta", "content", "usage", "timings", "tool_calls", "function", "error", "code"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(frames=st.lists(JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=20), max_size=4))
@settings(max_examples=150, deadline=None)
async def test_no_frame_makes_the_gateway_stumble(frames: list[bytes]) -> None:
    try:
        events = await decoded([b"data: " + frame + b"\n\n" for frame in frames] + [LAST])
    except DovetailError:
        return
    assert isinstance(events[-1], Finished)


async def test_a_frame_has_a_greatest_size(short_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "MAX_FRAME", 10_000)
    with pytest.raises(EngineFailure, match="frame"):
        await collect(short_path, sends(HEAD, b"data: " + b"x" * 20_000))


@pytest.mark.parametrize(
    ("frame", "error"),
    [
        (b'data: {"error": {"code": 500, "message": "no"}}\n\n', EngineFailure),
        (b'error: {"error": {"code": 400, "message": "no"}}\n\n', InvalidRequest),
        (b"data: {not json}\n\n", EngineFailure),
        (b"data: [1, 2]\n\n", EngineFailure),
    ],
)
async def test_a_bad_frame_ends_the_stream(short_path: Path, frame: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        await collect(short_path, sends(HEAD, token("a"), frame, then_close=False))


@pytest.mark.parametrize(
    ("body", "code", "error"),
    [
        (b'{"error": {"code": 400, "message": "bad grammar"}}', 400, InvalidRequest),
        (
            b'{"error": {"code": 400, "type": "exceed_context_size_error", "n_prompt_tokens": 9, "n_ctx": 8}}',
            400,
            ContextTooLong,
        ),
        (b"<html>", 502, EngineFailure),
    ],
)
async def test_a_refusal_is_the_engines_own(short_path: Path, body: bytes, code: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        await collect(short_path, sends(status(code, body)))


async def test_an_end_before_the_finish_is_a_crash(short_path: Path) -> None:
    with pytest.raises(WorkerCrashed):
        await collect(short_path, sends(HEAD, token("a")))


async def test_no_answer_at_all_is_a_crash(short_path: Path) -> None:
    with pytest.raises(WorkerCrashed):
        await collect(short_path, sends())


async def test_a_chunk_cut_in_two_is_a_crash(short_path: Path) -> None:
    head = HEAD.replace(b"Connection: close", b"Transfer-Encoding: chunked")
    with pytest.raises(WorkerCrashed):
        await collect(short_path, sends(head, b"ff\r\ndata: {"))


async def test_nobody_at_the_socket_is_a_crash(short_path: Path) -> None:
    async with WorkerClient(Endpoint(socket=short_path / "nobody.sock")) as client:
        assert not await client.health()
        with pytest.raises(WorkerCrashed):
            await client.get("/props")
        with pytest.raises(WorkerCrashed):
            _ = [event async for event in client.generate(FakeEngine(), HELLO)]


@pytest.mark.parametrize("sent", [(), (HEAD,), (HEAD, token("a"))])
async def test_silence_is_a_stall(short_path: Path, sent: tuple[bytes, ...]) -> None:
    with pytest.raises(WorkerStalled):
        await collect(short_path, sends(*sent, then_close=False), first_token=0.1, token_gap=0.05)


async def test_comments_are_no_sign_of_life(short_path: Path) -> None:
    with pytest.raises(WorkerStalled):
        await collect(short_path, sends(HEAD, *[b": ping\n\n"] * 20, LAST, pause=0.03), first_token=0.2, token_gap=0.2)


async def test_a_long_prefill_is_no_stall_while_it_reports(short_path: Path) -> None:
    slow = sends(HEAD, *[PROGRESS] * 6, token("a"), LAST, pause=0.05)
    events = await collect(short_path, slow, first_token=0.2, token_gap=0.15)
    assert text(events) == "a"


async def test_between_tokens_patience_is_shorter(short_path: Path) -> None:
    async with asyncio.timeout(2):
        with pytest.raises(WorkerStalled, match=r"0\.05 s"):
            await collect(short_path, sends(HEAD, token("a"), then_close=False), first_token=60, token_gap=0.05)


async def test_a_slow_reader_is_no_stall(short_path: Path) -> None:
    async with (
        worker(short_path, sends(HEAD, token("a"), token("b"), LAST)) as served,
        WorkerClient(Endpoint(socket=served.socket), first_token=0.2, token_gap=0.05) as client,
    ):
        events: list[Event] = []
        async for event in client.generate(FakeEngine(), HELLO):
            events.append(event)
            await asyncio.sleep(0.1)
    assert text(events) == "ab"


async def test_leaving_closes_the_connection_at_once(short_path: Path) -> None:
    async with (
        worker(short_path, sends(HEAD, token("a"), then_close=False)) as served,
        WorkerClient(Endpoint(socket=served.socket)) as client,
    ):
        async with aclosing(client.generate(FakeEngine(), HELLO)) as events:
            await anext(events)
        async with asyncio.timeout(0.05):
            await until(lambda: served.closed == 1)


async def test_cancelling_a_request_that_waits_for_its_head_closes_the_connection(short_path: Path) -> None:
    async with (
        worker(short_path, sends(then_close=False)) as served,
        WorkerClient(Endpoint(socket=served.socket)) as client,
    ):

        async def ask() -> None:
            async for _ in client.generate(FakeEngine(), HELLO):
                pass

        async with asyncio.TaskGroup() as group:
            task = group.create_task(ask())
            await until(lambda: bool(served.requests))
            task.cancel()
        await until(lambda: served.closed == 1, within=0.5)


async def test_objects_are_fetched_and_posted(short_path: Path) -> None:
    async with (
        worker(short_path, sends(status(200, b'{"tokens": [1]}'))) as served,
        WorkerClient(Endpoint(socket=served.socket)) as client,
    ):
        assert await client.post("/tokenize", {"content": "a"}) == {"tokens": [1]}
    assert served.requests[0].endswith(b'{"content":"a"}')


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (sends(status(404, b'{"error": {"code": 404, "message": "no such route"}}')), InvalidRequest),
        (sends(status(200, b"[]")), EngineFailure),
        (sends(status(200, b"x" * 2000)), EngineFailure),
        (sends(then_close=False), WorkerStalled),
    ],
)
async def test_what_a_call_may_answer_is_bounded(
    short_path: Path, answer: Answer, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "MAX_BODY", 1000)
    async with worker(short_path, answer) as served, WorkerClient(Endpoint(socket=served.socket)) as client:
        with pytest.raises(error):
            await client.get("/props", within=0.2)


async def test_a_worker_on_a_port_is_shown_the_secret() -> None:
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(status(200, b"{}"))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, WorkerClient(Endpoint(port=server.sockets[0].getsockname()[1], secret="s3cret")) as client:
        assert await client.health()
    assert b"Authorization: Bearer s3cret" in seen[0]


async def test_an_answer_that_has_all_it_may_have_is_read_no_further(short_path: Path) -> None:
    def call(index: int) -> bytes:
        deltas = [{"index": index, "function": {"name": "f", "arguments": "{}"}}]
        return b"data: " + json.dumps({"choices": [{"delta": {"tool_calls": deltas}}]}).encode() + b"\n\n"

    prompt = ChatPrompt((), tools=(Tool("f"),), parallel_tool_calls=False)
    async with (
        worker(short_path, sends(HEAD, call(0), call(1), call(2), then_close=False)) as served,
        WorkerClient(Endpoint(socket=served.socket)) as client,
    ):
        events = [event async for event in client.generate(FakeEngine(), replace(HELLO, prompt=prompt))]
    assert [type(event) for event in events] == [ToolCallDelta, Finished]
