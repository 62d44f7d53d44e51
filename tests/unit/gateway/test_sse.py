"""When headers go, what keeps a stream alive, what ends it."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from starlette.types import Receive, Scope, Send

from dovetail.core.caller import LOCAL
from dovetail.core.errors import DovetailError, LoadFailed, WorkerCrashed
from dovetail.core.events import Event, Finished, Loading, Prefill, Queued, TextDelta
from dovetail.gateway.door import Door, Edge
from dovetail.gateway.openai import OpenAIErrors
from dovetail.gateway.sse import Reply, Timing
from dovetail.serving.requests import Requests, Ticket

from .fakes import Answer, Client, finished

pytestmark = pytest.mark.anyio

QUICK = Timing(header_after=0.05, keep_alive_every=0.05, stall=0.1, whole=30)


class Lines(OpenAIErrors):
    """One line an event."""

    def __init__(self, *, streamed: bool = True) -> None:
        self.streamed = streamed
        self.text: list[str] = []

    def frames(self, event: Event) -> bytes:
        if isinstance(event, TextDelta):
            self.text.append(event.text)
            return f"data: {event.text}\n\n".encode() if self.streamed else b""
        return b""

    def end(self) -> bytes:
        return b"data: [DONE]\n\n" if self.streamed else "".join(self.text).encode()


class Source:
    """Events one by one, as the test hands them out; knows whether it was closed."""

    def __init__(self, *events: Event | Exception) -> None:
        self.queue: asyncio.Queue[Event | Exception] = asyncio.Queue()
        self.closed = asyncio.Event()
        for event in events:
            self.queue.put_nowait(event)

    async def stream(self) -> AsyncGenerator[Event, None]:
        try:
            while True:
                event = await self.queue.get()
                if isinstance(event, Exception):
                    raise event
                yield event
                if isinstance(event, Finished):
                    return
        finally:
            self.closed.set()


def ticket() -> Ticket:
    return Ticket("generation", LOCAL, "m")


def client(
    source: Source,
    *,
    streamed: bool = True,
    timing: Timing = QUICK,
    requests: Requests | None = None,
    stuck: bool = False,
) -> Client:
    reply = Reply(
        source.stream(), Lines(streamed=streamed), requests or Requests(), ticket(), timing, headers={"x-extra": "1"}
    )
    return Client(reply, "POST", "/", (), stuck=stuck)


async def run(*events: Event | Exception, streamed: bool = True, timing: Timing = QUICK) -> Answer:
    return await client(Source(*events), streamed=streamed, timing=timing).run()


async def until(condition: asyncio.Event) -> None:
    async with asyncio.timeout(5):
        await condition.wait()


async def test_a_stream_from_headers_to_done() -> None:
    answer = await run(Loading("m"), TextDelta("a"), TextDelta("b"), finished())
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert (answer.headers["cache-control"], answer.headers["x-accel-buffering"]) == ("no-cache", "no")
    assert answer.headers["x-extra"] == "1"
    assert answer.body == b"data: a\n\ndata: b\n\ndata: [DONE]\n\n"
    assert answer.complete


async def test_what_is_ready_together_goes_together() -> None:
    answer = await run(*(TextDelta("x") for _ in range(50)), finished())
    assert len([chunk for chunk in answer.chunks if chunk]) == 1


async def test_a_quick_failure_has_its_own_status() -> None:
    answer = await run(Loading("m"), LoadFailed("bad"))
    assert answer.error == (503, "server_error", "model_failed", None)
    assert answer.headers["content-type"] == "application/json"
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert answer.headers["x-extra"] == "1"


async def test_an_unknown_failure_is_an_internal_error() -> None:
    assert (await run(ZeroDivisionError())).error == (500, "server_error", "internal_error", None)


async def test_headers_go_after_a_while_with_progress_and_keep_alive() -> None:
    source = Source(Loading("m", 0.5))
    asking = client(source)
    answer = asyncio.create_task(asking.run())
    await until(asking.sent)
    assert asking.answer.status == 200
    assert asking.answer.comments() == ["loading m 50%"]
    for event in (Queued(3), Loading("m\nx"), Prefill(3000, 0, 512)):
        asking.sent.clear()
        source.queue.put_nowait(event)
        await until(asking.sent)
    while "keep-alive" not in asking.answer.comments():
        asking.sent.clear()
        await until(asking.sent)
    source.queue.put_nowait(finished())
    comments = [c for c in (await answer).comments() if c != "keep-alive"]
    assert comments == ["loading m 50%", "queued 3", "loading m x", "prefill 512/3000"]
    assert asking.answer.body.endswith(b"data: [DONE]\n\n")


async def test_a_failure_after_the_headers_is_a_frame_without_done() -> None:
    source = Source(TextDelta("a"))
    asking = client(source)
    answer = asyncio.create_task(asking.run())
    await until(asking.sent)
    source.queue.put_nowait(WorkerCrashed("gone"))
    got = await answer
    assert got.status == 200
    assert b'"code":"worker_crashed"' in got.body
    assert b"[DONE]" not in got.body
    assert got.complete


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("begun", [True, False])
async def test_a_client_that_leaves_closes_the_source(streamed: bool, begun: bool) -> None:
    source = Source(*([TextDelta("a")] if begun else [Loading("m")]))
    asking = client(source, streamed=streamed, timing=Timing())
    answer = asyncio.create_task(asking.run())
    await asyncio.sleep(0.01)
    left = asyncio.get_running_loop().time()
    asking.leave()
    await until(source.closed)
    assert asyncio.get_running_loop().time() - left < 0.05
    assert not (await answer).complete


async def test_a_reader_that_takes_nothing_is_cut() -> None:
    source = Source(TextDelta("a"))
    asking = client(source, stuck=True)
    await asking.run()
    assert asking.aborted
    assert source.closed.is_set()


async def test_a_reader_that_takes_nothing_is_cut_even_if_its_answer_has_taken_too_long() -> None:
    asking = client(Source(TextDelta("a")), stuck=True, timing=Timing(header_after=0.02, stall=0.1, whole=0.05))
    await asking.run()
    assert asking.aborted


async def test_a_slow_reader_holds_the_source_back() -> None:
    source = Source(*(TextDelta("x" * 1000) for _ in range(1000)))
    asking = client(source, stuck=True, timing=Timing(header_after=0.1, stall=0.3))
    answer = asyncio.create_task(asking.run())
    await asyncio.sleep(0.05)
    assert source.queue.qsize() > 800
    await answer


async def test_a_reader_that_comes_back_gets_everything() -> None:
    source = Source(*(TextDelta("x" * 1000) for _ in range(500)), finished())
    answer = await client(source).run()
    assert len(answer.body) == 500 * 1008 + len("data: [DONE]\n\n")


async def test_a_whole_answer_has_a_length_and_waits_without_comments() -> None:
    source = Source(TextDelta("a"), Loading("m"))
    asking = client(source, streamed=False)
    answer = asyncio.create_task(asking.run())
    await asyncio.sleep(0.12)
    assert asking.answer.status == 0
    source.queue.put_nowait(TextDelta("b"))
    source.queue.put_nowait(finished())
    got = await answer
    assert (got.status, got.body, got.headers["content-length"]) == (200, b"ab", "2")
    assert got.headers["content-type"] == "application/json"


async def test_a_whole_answer_that_fails_late_still_has_its_status() -> None:
    assert (await run(TextDelta("a"), WorkerCrashed("x"), streamed=False)).status == 503


async def test_an_answer_that_takes_too_long_is_ended() -> None:
    answer = await run(Loading("m"), timing=Timing(header_after=0.02, keep_alive_every=0.02, whole=0.1))
    assert b'"code":"request_timeout"' in answer.body
    whole = await run(Loading("m"), streamed=False, timing=Timing(stall=0.05, whole=0.1))
    assert whole.error[:3] == (504, "server_error", "request_timeout")


@pytest.mark.parametrize("begun", [True, False])
async def test_a_shutdown_ends_answers_with_an_error(begun: bool) -> None:
    requests = Requests()
    source = Source(*([TextDelta("a")] if begun else []))
    asking = client(source, requests=requests, timing=Timing())
    answer = asyncio.create_task(asking.run())
    await asyncio.sleep(0.01)
    requests.cut()
    got = await answer
    assert b'"code":"shutting_down"' in got.body
    assert got.status == (200 if begun else 503)
    assert b"[DONE]" not in got.body
    requests.cut()


async def test_a_finished_answer_cannot_fail_any_more() -> None:
    reply = Reply(Source(finished()).stream(), Lines(), Requests(), ticket(), QUICK)
    answer = await Client(reply, "POST", "/", ()).run()
    reply.fail(DovetailError("late"))
    assert answer.complete


async def test_a_position_in_line_is_told_in_a_comment_and_in_a_header() -> None:
    told = ticket()
    told.note(Queued(3, 11.2))
    source = Source(Queued(3, 11.2))
    asking = Client(Reply(source.stream(), Lines(), Requests(), told, QUICK), "POST", "/", ())
    running = asyncio.create_task(asking.run())
    await until(asking.sent)
    for event in (Queued(2), TextDelta("a"), finished()):
        source.queue.put_nowait(event)
    answer = await running
    assert answer.comments()[0] == "queued 3, about 12 s"
    assert answer.headers["x-dovetail-queue"] == "3"


async def test_who_did_not_wait_has_no_such_header() -> None:
    assert "x-dovetail-queue" not in (await run(TextDelta("a"), finished())).headers


async def test_an_answer_is_written_once_the_framework_has_returned() -> None:
    """What a framework holds for a request weighs more than the rest of an idle stream."""
    source, door, returned = Source(), Door(), asyncio.Event()

    async def framework(scope: Scope, receive: Receive, send: Send) -> None:
        await Reply(source.stream(), Lines(), Requests(), ticket(), QUICK)(scope, receive, send)
        returned.set()

    async with asyncio.TaskGroup() as tasks:
        asking = tasks.create_task(Client(Edge(framework, door), "POST", "/", ()).run())
        await until(returned)
        assert (door.inside, asking.done()) == (1, False)
        source.queue.put_nowait(TextDelta("a"))
        source.queue.put_nowait(finished())
    answer = asking.result()
    assert answer.body == b"data: a\n\ndata: [DONE]\n\n"
    assert answer.headers["x-request-id"]
    assert door.inside == 0
