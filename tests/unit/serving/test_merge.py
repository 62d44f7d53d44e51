"""Several streams as one."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from dovetail.core.events import Event, TextDelta
from dovetail.serving.merge import merged

pytestmark = pytest.mark.anyio


async def letters(text: str, closed: list[str] | None = None) -> AsyncGenerator[Event, None]:
    try:
        for letter in text:
            yield TextDelta(letter)
            await asyncio.sleep(0)
    finally:
        if closed is not None:
            closed.append(text)


async def test_every_event_comes_once_and_in_its_sources_order() -> None:
    got = [e.text async for e in merged([letters("abc"), letters("123"), letters("")]) if isinstance(e, TextDelta)]
    assert sorted(got) == sorted("abc123")
    assert [t for t in got if t.isalpha()] == list("abc")
    assert [t for t in got if t.isdigit()] == list("123")


async def test_more_than_the_queue_holds() -> None:
    got = [e async for e in merged([letters("x" * 500), letters("y" * 500)])]
    assert len(got) == 1000


async def test_a_reader_that_leaves_closes_every_source() -> None:
    closed: list[str] = []
    stream = merged([letters("a" * 1000, closed), letters("b" * 1000, closed)])
    await anext(stream)
    await stream.aclose()
    assert sorted(text[0] for text in closed) == ["a", "b"]


async def test_the_first_failure_ends_the_others() -> None:
    closed: list[str] = []

    async def fails() -> AsyncGenerator[Event, None]:
        yield TextDelta("x")
        raise KeyError("why")

    with pytest.raises(KeyError, match="why"):
        async for _ in merged([letters("a" * 10_000, closed), fails()]):
            pass
    assert [text[0] for text in closed] == ["a"]
