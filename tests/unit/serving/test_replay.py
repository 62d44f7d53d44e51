"""Workers that die under a request, as the lease tells it: what the client sees of that."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace

import pytest

from dovetail.core.caller import LOCAL
from dovetail.core.errors import Busy, DovetailError, InvalidRequest, LoadFailed, WorkerCrashed, WorkerStalled
from dovetail.core.events import (
    Event,
    Finished,
    Prefill,
    Progress,
    ReasoningDelta,
    TextDelta,
    Timings,
    ToolCallDelta,
    Usage,
)
from dovetail.core.request import (
    ChatPrompt,
    GenerateRequest,
    Grammar,
    JsonObject,
    Message,
    TextPart,
    TextPrompt,
    Tool,
)
from dovetail.engines.base import WorkerCall
from dovetail.serving.generate import Generator
from dovetail.serving.replay import answered, going_on

from .fakes import Catalog, Pool, Recorder, finished, model, request

pytestmark = pytest.mark.anyio

Run = list[Event | DovetailError]
CRASH = WorkerCrashed("the worker is gone")
CHAT = GenerateRequest("c", "m", ChatPrompt((Message("user", (TextPart("hi"),)),)))


def scripted(*runs: Run) -> Pool:
    """A pool whose runs say what is scripted, one after the other; `asked` are their requests."""
    left = list(runs)
    asked: list[GenerateRequest] = []

    async def say(request: GenerateRequest, index: int) -> AsyncGenerator[Event, None]:
        asked.append(request)
        for item in left.pop(0):
            await asyncio.sleep(0)
            if isinstance(item, DovetailError):
                raise item
            yield item if isinstance(item, Progress) else replace(item, index=index)

    pool = Pool(say)
    pool.asked = asked
    return pool


async def answer(pool: Pool, sent: GenerateRequest | None = None, limit: int = 100) -> list[Event]:
    serving = Generator(Catalog(model()), pool, Recorder(), replay_limit=limit)
    async with aclosing(serving.run(sent or request(), LOCAL)) as events:
        return [event async for event in events]


async def into(got: list[Event], events: AsyncGenerator[Event, None]) -> None:
    """What came before a failure counts too."""
    async for event in events:
        got.append(event)  # noqa: PERF401


def text(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


@pytest.mark.parametrize("death", [CRASH, WorkerStalled("silent")])
async def test_before_its_first_token_a_request_is_run_again_unseen(death: DovetailError) -> None:
    pool = scripted([Prefill(8, 0, 4), death], [Prefill(8, 0, 8), TextDelta("a"), finished()])
    got = await answer(pool)
    assert got == [Prefill(8, 0, 4), Prefill(8, 0, 8), TextDelta("a"), finished()]
    assert pool.runs == [(False, False), (True, True)]


async def test_a_stream_goes_on_where_it_was() -> None:
    whole: Run = [TextDelta("a"), TextDelta("bc"), TextDelta("d"), finished(completion=4)]
    for place in range(4):
        pool = scripted([*whole[:place], CRASH], [Prefill(8, 0, 8), TextDelta("ab"), TextDelta("cd"), whole[-1]])
        got = await answer(pool)
        assert (text(got), got[-1]) == ("abcd", whole[-1])


async def test_each_request_has_a_seed_and_keeps_it() -> None:
    pool = scripted([TextDelta("a"), CRASH], [TextDelta("a"), finished()], [finished()])
    await answer(pool)
    await answer(pool)
    seeds = [asked.sampling.seed for asked in pool.asked]
    assert seeds[0] is not None
    assert seeds[0] == seeds[1] != seeds[2]


async def test_with_a_cached_prompt_it_is_run_again_as_it_comes() -> None:
    pool = scripted([Prefill(8, 4, 8), TextDelta("a"), CRASH], [TextDelta("a"), finished()])
    await answer(pool)
    assert pool.runs[1] == (True, False)


async def test_it_is_not_run_a_third_time() -> None:
    for first, second in (([CRASH], [CRASH]), ([TextDelta("a"), CRASH], [TextDelta("ab"), CRASH])):
        pool = scripted([*first], [*second], [TextDelta("never")])
        with pytest.raises(WorkerCrashed, match="not tried a third time"):
            await answer(pool)
        assert len(pool.asked) == 2


async def test_another_answer_is_gone_on_from_behind_what_was_sent() -> None:
    cached = Finished("stop", Usage(10, 3, 9), Timings())
    pool = scripted(
        [Prefill(8, 0, 8), TextDelta("ab"), CRASH],
        [TextDelta("ax"), finished()],
        [Prefill(10, 9, 10), TextDelta("cd"), cached],
    )
    got = await answer(pool, replace(request("p"), max_tokens=10))
    assert text(got) == "abcd"
    assert got[-1] == replace(cached, usage=Usage(8, 5, 8))
    assert (pool.asked[2].prompt, pool.asked[2].max_tokens) == (TextPrompt(("p", "ab")), 8)


async def test_an_answer_that_has_all_its_tokens_gets_no_other() -> None:
    pool = scripted([Prefill(8, 0, 8), TextDelta("ab"), CRASH], [TextDelta("ax"), finished()], [TextDelta("never")])
    got = await answer(pool, replace(request("p"), max_tokens=2))
    assert (text(got), len(pool.asked)) == ("ab", 2)
    assert got[-1] == Finished("length", Usage(8, 2, 0), Timings())


async def test_a_long_answer_is_not_computed_again() -> None:
    pool = scripted([TextDelta("ab"), TextDelta("cd"), CRASH], [TextDelta("ef"), finished()])
    assert text(await answer(pool, limit=1)) == "abcdef"


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (CHAT, [ReasoningDelta("hm")]),
        (replace(CHAT, top_logprobs=1), [TextDelta("a")]),
        (replace(CHAT, output=Grammar('root ::= "a"')), [TextDelta("a")]),
        (replace(CHAT, prompt=ChatPrompt((Message("user"),), (Tool("t", None),))), [TextDelta("a")]),
        (CHAT, [ToolCallDelta(0, "c", "t")]),
    ],
)
async def test_anything_but_text_ends_where_another_answer_comes(sent: GenerateRequest, said: Run) -> None:
    pool = scripted([*said, CRASH], [TextDelta("other"), finished()], [TextDelta("never")])
    got: list[Event] = []
    with pytest.raises(WorkerCrashed):
        await into(got, Generator(Catalog(model()), pool, Recorder()).run(sent, LOCAL))
    assert got == said


async def test_what_cannot_go_on_is_a_crash_where_something_was_sent() -> None:
    failed = LoadFailed("m could not be loaded: no memory")
    with pytest.raises(LoadFailed):
        await answer(scripted([CRASH], [failed]))
    with pytest.raises(WorkerCrashed, match="is gone; it could not go on: m could not be loaded: no memory"):
        await answer(scripted([TextDelta("a"), CRASH], [failed]))
    for sent in ([], [TextDelta("a")]):  # of a prompt that the client has not written nothing is said as if it had
        refused = scripted([*sent, CRASH], [InvalidRequest("no such field", param="prompt")])
        with pytest.raises(WorkerCrashed if sent else InvalidRequest, match="no such field"):
            await answer(refused)
    with pytest.raises(Busy):
        await answer(scripted([TextDelta("a"), CRASH], [Busy("shutting down", code="shutting_down")]))


async def test_other_failures_are_not_tried_again() -> None:
    pool = scripted([Busy("unloaded", code="model_unloaded")])
    with pytest.raises(Busy):
        await answer(pool)
    assert len(pool.asked) == 1


async def test_each_choice_is_run_again_on_its_own() -> None:
    runs: dict[int, int] = {}

    async def say(request: GenerateRequest, index: int) -> AsyncGenerator[Event, None]:
        del request
        runs[index] = runs.get(index, 0) + 1
        yield TextDelta(f"{index}", index)
        if index == 1 and runs[index] == 1:
            raise CRASH
        yield TextDelta("!", index)
        yield finished(index)

    got = await answer(Pool(say), request(n=2))
    assert {i: text([e for e in got if isinstance(e, TextDelta) and e.index == i]) for i in (0, 1)} == {
        0: "0!",
        1: "1!",
    }
    assert runs == {0: 1, 1: 2}


def test_a_conversation_goes_on_with_its_own_last_message() -> None:
    first = going_on(CHAT, "ab", 2)
    assert isinstance(first.prompt, ChatPrompt)
    assert (first.prompt.messages[-1], first.prompt.continue_final) == (Message("assistant", (TextPart("ab"),)), True)
    again = going_on(first, "cd", 2).prompt
    assert isinstance(again, ChatPrompt)
    assert again.messages[-1] == Message("assistant", (TextPart("ab"), TextPart("cd")))
    assert len(again.messages) == 2


class Calls:
    def __init__(self, *answers: JsonObject | DovetailError) -> None:
        self.answers = list(answers)
        self.asked: list[bool] = []

    async def ready(self) -> AsyncGenerator[Progress, None]:
        yield Prefill(1, 0, 1)

    async def call(
        self, call: WorkerCall, within: float, *, ahead: bool = False, tell: Callable[[Progress], None] = lambda _: None
    ) -> JsonObject:
        del call, within
        tell(Prefill(1, 0, 0))
        self.asked.append(ahead)
        answer = self.answers.pop(0)
        if isinstance(answer, DovetailError):
            raise answer
        return answer


async def test_a_call_is_made_twice_at_most() -> None:
    call = WorkerCall("/v1/embeddings", {})
    calls = Calls(CRASH, {"data": []})
    assert await answered(calls, call, 1, lambda _: None) == {"data": []}
    assert calls.asked == [False, True]
    calls = Calls(CRASH, CRASH)
    with pytest.raises(WorkerCrashed, match="third time"):
        await answered(calls, call, 1, lambda _: None)
