"""One answer that is being written, and those who listen to it."""

import pytest

from dovetail.core.caller import LOCAL
from dovetail.core.events import TextDelta
from dovetail.gateway.chats.run import Run
from dovetail.serving.requests import Ticket
from dovetail.storage.chats import Message

pytestmark = pytest.mark.anyio


async def test_what_is_no_longer_kept_is_told_as_it_stands() -> None:
    message = Message("msg_1", "c", None, "assistant", "[]", "", 1.0, run="run_1", status="streaming")
    run = Run(message, Ticket("generation", LOCAL, "m"), kept=4)
    for number in range(20):
        run.take(TextDelta(f"{number} "))
    run.close("complete")
    run.tell_end()
    frames = [frame async for frame in run.listen(after=3)]
    assert len(frames) == 1
    assert b'"snapshot"' in frames[0]
    behind = b"".join([frame async for frame in run.listen(after=19)])
    assert b'"snapshot"' not in behind
    assert behind.count(b"id: ") == 3


async def test_what_comes_within_the_pace_is_one_write_and_the_end_waits_for_nothing() -> None:
    message = Message("msg_1", "c", None, "assistant", "[]", "", 1.0, run="run_1", status="streaming")
    run = Run(message, Ticket("generation", LOCAL, "m"), pace=60)
    writes = run.listen()
    assert b'"snapshot"' in await anext(writes)
    for number in range(200):
        run.take(TextDelta(f"{number} "))
    run.close("complete")
    run.tell_end()
    told = [write async for write in writes]
    assert len(told) == 1
    assert told[0].count(b"id: ") == 202  # a phase, two hundred words, the end
