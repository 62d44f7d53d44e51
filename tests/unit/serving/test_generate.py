"""The path of a generation, over a pool that says what the test scripts."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from dovetail.core.caller import LOCAL, Caller
from dovetail.core.errors import ContextTooLong, InvalidRequest, LoadFailed, ModelNotFound, WorkerCrashed
from dovetail.core.events import Event, Finished, Loading, Prefill, TextDelta
from dovetail.core.request import ChatPrompt, GenerateRequest, Message, Sampling, TextPart, TextPrompt
from dovetail.serving.generate import Generator

from .fakes import Catalog, Clock, Pool, Recorder, finished, model, request, says

pytestmark = pytest.mark.anyio


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def generator(pool: Pool, recorder: Recorder, catalog: Catalog | None = None) -> Generator:
    return Generator(catalog or Catalog(model()), pool, recorder, Clock())


async def events(source: AsyncGenerator[Event, None]) -> list[Event]:
    async with aclosing(source) as stream:
        return [event async for event in stream]


async def test_progress_then_text_then_the_end(recorder: Recorder) -> None:
    pool = Pool(says("a", "b"), progress=[Loading("m")])
    got = await events(generator(pool, recorder).run(request(), LOCAL))
    assert got == [Loading("m"), TextDelta("a"), TextDelta("b"), finished(completion=2)]
    assert pool.leased == 0


async def test_one_record_with_times_on_the_clock(recorder: Recorder) -> None:
    await events(generator(Pool(says("a"), progress=[Loading("m")]), recorder).run(request(), LOCAL))
    (record,) = recorder.records
    assert (record.id, record.model, record.caller, record.error) == ("id-hi", "m", LOCAL, None)
    assert (record.started, record.first_output, record.ended) == (1.0, 4.0, 5.0)
    assert record.loading == 1.0
    assert [choice.usage.completion for choice in record.choices] == [1]


async def test_prefill_is_no_output(recorder: Recorder) -> None:
    async def say(request: GenerateRequest, index: int) -> AsyncGenerator[Event, None]:
        del request
        yield Prefill(8, 0, 8)
        yield finished(index)

    await events(generator(Pool(say), recorder).run(request(), LOCAL))
    assert recorder.records[0].first_output is None


async def test_choices_are_generations_of_their_own(recorder: Recorder) -> None:
    got = await events(generator(Pool(says("a", "b")), recorder).run(request(n=3), LOCAL))
    texts = {i: "".join(e.text for e in got if isinstance(e, TextDelta) and e.index == i) for i in range(3)}
    assert texts == {0: "ab", 1: "ab", 2: "ab"}
    assert sorted(e.index for e in got if isinstance(e, Finished)) == [0, 1, 2]
    assert len(recorder.records[0].choices) == 3


async def test_one_failing_choice_fails_the_request(recorder: Recorder) -> None:
    async def say(request: GenerateRequest, index: int) -> AsyncGenerator[Event, None]:
        del request
        if index == 1:
            raise WorkerCrashed("gone")
        while True:
            yield TextDelta("x", index)
            await asyncio.sleep(0)

    pool = Pool(say)
    with pytest.raises(WorkerCrashed, match="gone"):
        await events(generator(pool, recorder).run(request(n=3), LOCAL))
    assert pool.running == 0
    assert recorder.records[0].error == "worker_crashed"


async def test_several_requests_number_their_choices_in_order(recorder: Recorder) -> None:
    pool = Pool(says("x"))
    both = [request("p", n=2), request("q", n=2)]
    got = await events(generator(pool, recorder).run_all(both, LOCAL))
    assert sorted(e.index for e in got if isinstance(e, Finished)) == [0, 1, 2, 3]
    assert sorted(r.id for r in recorder.records) == ["id-p", "id-q"]


async def test_a_single_request_passes_through_run_all(recorder: Recorder) -> None:
    got = await events(generator(Pool(says("x")), recorder).run_all([request()], LOCAL))
    assert got == [TextDelta("x"), finished()]


@pytest.mark.parametrize("n", [1, 3])
async def test_closing_frees_everything_and_is_recorded(recorder: Recorder, n: int) -> None:
    async def say(request: GenerateRequest, index: int) -> AsyncGenerator[Event, None]:
        del request
        while True:
            yield TextDelta("x", index)
            await asyncio.sleep(0)

    pool = Pool(say)
    stream = generator(pool, recorder).run(request(n=n), LOCAL)
    assert isinstance(await anext(stream), TextDelta)
    assert pool.running >= 1
    await stream.aclose()
    assert (pool.running, pool.leased) == (0, 0)
    assert recorder.records[0].error == "client_closed"
    used = recorder.records[0].unfinished
    assert used is not None
    assert used.completion >= 1


async def test_cancelling_the_reader_frees_everything(recorder: Recorder) -> None:
    begun = asyncio.Event()

    async def say(request: GenerateRequest, index: int) -> AsyncGenerator[Event, None]:
        del request
        yield TextDelta("x", index)
        begun.set()
        await asyncio.Event().wait()

    pool = Pool(say)
    reading = asyncio.create_task(events(generator(pool, recorder).run(request(), LOCAL)))
    await begun.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert (pool.running, pool.leased) == (0, 0)
    assert recorder.records[0].error == "client_closed"


async def test_an_unknown_model_names_the_known_ones(recorder: Recorder) -> None:
    with pytest.raises(ModelNotFound, match="models here: m"):
        await events(generator(Pool(says()), recorder).run(request(name="zip"), LOCAL))
    assert (recorder.records[0].model, recorder.records[0].error) == ("zip", "model_not_found")


async def test_a_name_that_was_found_is_only_looked_up(recorder: Recorder) -> None:
    catalog = Catalog(model())
    serving = generator(Pool(says("a")), recorder, catalog)
    for _ in range(2):
        await events(serving.run(request(), LOCAL))
    assert catalog.asked == ["m"]


async def test_a_model_that_cannot_be_loaded_says_why(recorder: Recorder) -> None:
    catalog = Catalog(model(invalid="the file ends in its header"))
    with pytest.raises(LoadFailed, match="ends in its header") as caught:
        await events(generator(Pool(says()), recorder, catalog).run(request(), LOCAL))
    assert (caught.value.status, caught.value.code) == (422, "invalid_model_file")


async def test_a_failed_load_is_raised_and_recorded(recorder: Recorder) -> None:
    pool = Pool(says(), progress=[Loading("m")], failure=LoadFailed("bad tensor"))
    with pytest.raises(LoadFailed):
        await events(generator(pool, recorder).run(request(), LOCAL))
    assert recorder.records[0].error == "model_failed"


async def test_a_bug_is_recorded_as_an_internal_error(recorder: Recorder) -> None:
    pool = Pool(says(), failure=ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        await events(generator(pool, recorder).run(request(), LOCAL))
    assert recorder.records[0].error == "internal_error"


async def test_a_prompt_that_cannot_fit_is_refused_unread(recorder: Recorder) -> None:
    pool = Pool(says("never"), context=16)
    with pytest.raises(ContextTooLong) as caught:
        await events(generator(pool, recorder).run(request("x" * 129), LOCAL))
    assert (caught.value.needed, caught.value.available, caught.value.param) == (17, 16, "prompt")


async def test_a_long_conversation_is_measured_in_its_text(recorder: Recorder) -> None:
    chat = ChatPrompt((Message("user", (TextPart("x" * 64),)), Message("user", (TextPart("y" * 65),))))
    with pytest.raises(ContextTooLong) as caught:
        await events(generator(Pool(says(), context=16), recorder).run(GenerateRequest("i", "m", chat), LOCAL))
    assert caught.value.param == "messages"


async def test_what_may_fit_is_let_through(recorder: Recorder) -> None:
    chat = GenerateRequest("i", "m", ChatPrompt((Message("user", (TextPart("x" * 128),)),)))
    assert await events(generator(Pool(says("a"), context=16), recorder).run(chat, LOCAL))


@pytest.mark.parametrize(
    ("sent", "param"),
    [
        (GenerateRequest("i", "m", TextPrompt((1, 100))), "prompt"),
        (GenerateRequest("i", "m", TextPrompt(("x", 1 << 40))), "prompt"),
        (GenerateRequest("i", "m", TextPrompt(("x",)), Sampling(logit_bias={100: 1.0})), "logit_bias"),
    ],
)
async def test_ids_outside_the_vocabulary_never_reach_a_worker(
    recorder: Recorder, sent: GenerateRequest, param: str
) -> None:
    with pytest.raises(InvalidRequest, match="0 to 99") as caught:
        await events(generator(Pool(says()), recorder).run(sent, LOCAL))
    assert caught.value.param == param


async def test_without_a_known_vocabulary_ids_pass(recorder: Recorder) -> None:
    catalog = Catalog(model(vocabulary=0))
    sent = GenerateRequest("i", "m", TextPrompt((99_999,)))
    assert await events(generator(Pool(says("a")), recorder, catalog).run(sent, LOCAL))


async def test_prompt_caches_are_a_callers_own_unless_shared(recorder: Recorder) -> None:
    spaces: list[str] = []

    async def say(request: GenerateRequest, index: int) -> AsyncGenerator[Event, None]:
        spaces.append(request.space)
        yield finished(index)

    for share in (True, False):
        serving = Generator(Catalog(model()), Pool(say), recorder, Clock(), share=share)
        for caller in (LOCAL, Caller("alice", key="k")):
            await events(serving.run(request(), caller))
    assert spaces == ["", "", "", "alice"]
