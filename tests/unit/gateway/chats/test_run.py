"""One answer that is being written, and those who listen to it."""

import json

import pytest

from dovetail.core.caller import LOCAL
from dovetail.core.events import Loading, Prefill, TextDelta
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


async def test_a_prompt_that_is_read_has_its_speed_and_its_rest_once_both_are_known() -> None:
    message = Message("msg_1", "c", None, "assistant", "[]", "", 1.0, run="run_1", status="streaming")
    now = [10.0]
    run = Run(message, Ticket("generation", LOCAL, "m"), clock=lambda: now[0])
    run.take(Loading("m", 0.42))
    for seconds, done in ((0.0, 2000), (0.01, 2100), (1.0, 3500), (4.0, 8000)):
        now[0] = 10 + seconds
        run.take(Prefill(8000, 600, done))
    run.close("complete")
    run.tell_end()
    told = b"".join([write async for write in run.listen(after=1)]).decode()
    events = [json.loads(line[6:]) for line in told.splitlines() if line.startswith("data: ")]
    names = ("phase", "cached", "done", "total", "per_second", "wait")
    phases = [tuple(one[name] for name in names) for one in events if one["type"] == "phase"]
    assert phases == [
        ("reading", 600, 2000, 8000, None, None),
        ("reading", 600, 2100, 8000, None, None),
        ("reading", 600, 3500, 8000, 1500.0, 3.0),
        ("reading", 600, 8000, 8000, 1500.0, None),
    ]
