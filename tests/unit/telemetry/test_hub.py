"""The event hub: what a listener gets, when it begins, falls behind and comes back."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dovetail.core.request import Json
from dovetail.telemetry.hub import TOPICS, Hub, Listening, Message, Topic

pytestmark = pytest.mark.anyio

START = 1_000_000


def hub(**state: Json) -> Hub:
    """Each topic of `state` has that snapshot."""
    made = Hub(now=lambda: 1.0)

    def standing(topic: str) -> Json:
        return state[topic]

    for topic in TOPICS:
        if topic in state:

            async def snapshot(wanted: Listening, topic: str = topic) -> Json:
                del wanted
                return standing(topic)

            made.offer(topic, snapshot, kept=4)
    return made


def listening(*topics: Topic, own: str | None = None, after: int | None = None) -> Listening:
    return Listening(frozenset(topics), own, after)


async def heard(batches: AsyncGenerator[Sequence[Message], None]) -> list[tuple[Topic, str, Json]]:
    async with asyncio.timeout(5):
        return [(message.topic, message.type, message.data) for message in await anext(batches)]


async def test_a_snapshot_comes_first_then_what_happens_in_order() -> None:
    made = hub(models={"models": []}, requests={"requests": []})
    async with aclosing(made.listen(listening("models", "requests"))) as batches:
        begun = await anext(batches)
        assert [(m.topic, m.type) for m in begun] == [("models", "snapshot"), ("requests", "snapshot")]
        # A client that is cut off within the snapshots must not come back as one that has them all.
        assert [m.whole for m in begun] == [False, True]
        made.publish("models", "changed", {"id": "a"})
        made.publish("logs", "line", {})
        made.publish("requests", "changed", {"number": 1})
        made.publish("models", "changed", {"id": "b"})
        batch = await anext(batches)
        assert [m.data for m in batch] == [{"id": "a"}, {"number": 1}, {"id": "b"}]
        assert [m.seq for m in batch] == [START + 1, START + 3, START + 4]


async def test_who_comes_back_in_time_gets_what_was_missed_and_no_snapshot() -> None:
    made = hub(models={})
    made.publish("models", "changed", 1)
    made.publish("models", "changed", 2)
    async with aclosing(made.listen(listening("models", after=START + 1))) as batches:
        assert await heard(batches) == [("models", "changed", 2)]


@pytest.mark.parametrize("after", [START - 1, START + 1, START + 99, 0])
async def test_who_comes_back_too_late_or_from_elsewhere_begins_again(after: int) -> None:
    made = hub(models={"now": True})
    for number in range(6):  # four are kept
        made.publish("models", "changed", number)
    async with aclosing(made.listen(listening("models", after=after))) as batches:
        assert await heard(batches) == [("models", "resync", {}), ("models", "snapshot", {"now": True})]


async def test_one_that_falls_behind_what_is_kept_begins_again_and_keeps_nothing_waiting() -> None:
    made = hub(models={"now": True}, requests={})
    async with aclosing(made.listen(listening("models", "requests"))) as batches:
        await anext(batches)
        for number in range(100):
            made.publish("models", "changed", number)
        made.publish("requests", "gone", 7)
        assert await heard(batches) == [
            ("models", "resync", {}),
            ("models", "snapshot", {"now": True}),
            ("requests", "gone", 7),
        ]
        made.publish("models", "changed", 100)
        assert await heard(batches) == [("models", "changed", 100)]


async def test_what_happens_while_a_snapshot_is_made_comes_behind_it() -> None:
    made = Hub(now=lambda: 1.0)

    async def snapshot(wanted: Listening) -> Json:
        del wanted
        made.publish("models", "changed", "meanwhile")
        return "as it was"

    made.offer("models", snapshot)
    async with aclosing(made.listen(listening("models"))) as batches:
        begun = await anext(batches)
        assert [(m.data, m.whole) for m in begun] == [("as it was", False), ("meanwhile", True)]


async def test_others_messages_are_not_heard_and_do_not_wake() -> None:
    made = hub(requests={})
    async with (
        aclosing(made.listen(listening("requests", own="ann"))) as ann,
        aclosing(made.listen(listening("requests"))) as admin,
    ):
        await anext(ann)
        await anext(admin)
        made.publish("requests", "changed", 1, owner="bob")
        made.publish("requests", "changed", 2)
        made.publish("requests", "changed", 3, owner="ann")
        assert [data for _, _, data in await heard(ann)] == [2, 3]
        assert [data for _, _, data in await heard(admin)] == [1, 2, 3]


async def test_it_knows_whether_anybody_listens() -> None:
    made = hub(models={})
    assert not made.listened("models")
    waiting = asyncio.create_task(made.awaited("models"))
    async with aclosing(made.listen(listening("requests", "models"))) as batches:
        await anext(batches)
        async with asyncio.timeout(5):
            await waiting
        assert made.listened("models", "logs")
        assert not made.listened("logs")
    assert not made.listened("models")


async def test_closing_it_ends_every_listener() -> None:
    made = hub(models={})
    async with aclosing(made.listen(listening("models"))) as batches:
        await anext(batches)
        coming = asyncio.ensure_future(anext(batches, None))
        await asyncio.sleep(0)
        made.close()
        async with asyncio.timeout(5):
            assert await coming is None


@given(
    published=st.lists(st.sampled_from(["models", "requests", "logs"]), max_size=20),
    seen=st.integers(0, 20),
)
async def test_nothing_is_missed_without_a_word(published: list[Topic], seen: int) -> None:
    """Whatever was published and wherever a client left: it gets all that is behind, or is told to begin again."""
    made = hub(models="m", requests="r", logs="l")
    for number, topic in enumerate(published):
        made.publish(topic, "changed", number)
    after = START + min(seen, len(published))
    made.publish("models", "changed", "last")  # so that there is something to be told
    async with aclosing(made.listen(listening("models", "requests", "logs", after=after))) as batches:
        batch = await anext(batches)
    for topic in ("models", "requests", "logs"):
        behind = [n for n, name in enumerate(published) if name == topic and START + n + 1 > after]
        behind += ["last"] if topic == "models" else []
        told = [m for m in batch if m.topic == topic]
        if any(m.type == "resync" for m in told):
            assert [m.type for m in told] == ["resync", "snapshot"]
        else:
            assert [m.data for m in told] == behind
