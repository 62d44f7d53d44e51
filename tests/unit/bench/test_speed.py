from collections.abc import AsyncGenerator

import pytest

from dovetail.bench.figures import Cell
from dovetail.bench.speed import Stream, repeat, sample
from dovetail.core.errors import EngineFailure
from dovetail.core.events import Event, Finished, Prefill, TextDelta, Timings, Usage
from dovetail.core.request import GenerateRequest, TextPrompt

from ..serving.fakes import Clock  # noqa: TID252  one set of stand-ins

pytestmark = pytest.mark.anyio


class Answers:
    """Writes as many pieces as it is asked for; `cached` prompt tokens it says to have had already."""

    def __init__(self, cached: int = 0, short: int = 0, prompt_ms: float = 50.0) -> None:
        self.asked: list[GenerateRequest] = []
        self.cached = cached
        self.short = short
        self.prompt_ms = prompt_ms

    async def generate(
        self, request: GenerateRequest, index: int = 0, *, ahead: bool = False, cold: bool = False
    ) -> AsyncGenerator[Event, None]:
        del index, ahead, cold
        self.asked.append(request)
        assert isinstance(request.prompt, TextPrompt)
        prompt, gen = len(request.prompt.parts), (request.max_tokens or 0) - self.short
        yield Prefill(prompt, self.cached, prompt)
        for _ in range(gen):
            yield TextDelta("x")
        timings = Timings(self.cached, prompt - self.cached, self.prompt_ms, gen, 200.0)
        yield Finished("length", Usage(prompt, gen, self.cached), timings)


async def test_one_stream_is_measured_by_the_workers_own_clock() -> None:
    lease, heard = Answers(), list[None]()
    found = await repeat(lease, "m", Cell(10, 5), [tuple(range(10))], tell=lambda: heard.append(None), clock=Clock())
    assert (found.prompt_tokens, found.output_tokens) == (10, 5)
    assert found.prefill == pytest.approx(10 / 0.050)
    assert found.decode == found.stream_decode[0] == pytest.approx(4 / 0.200)  # the first comes with the prompt
    assert found.ttft == (1.0,)
    assert found.gaps == (1.0, 1.0, 1.0, 1.0)
    assert len(heard) == 5
    (request,) = lease.asked
    assert (request.keep, request.sampling.ignore_eos, request.sampling.temperature) == ("nothing", True, 0.0)


async def test_several_streams_are_measured_together() -> None:
    found = await repeat(Answers(), "m", Cell(10, 5, 2), [tuple(range(10)), tuple(range(10, 20))], clock=Clock())
    assert (found.prompt_tokens, found.output_tokens, len(found.ttft)) == (20, 10, 2)
    assert len(found.stream_decode) == 2
    assert found.prefill <= 20


def stream(sent: float, first: float, every: float, tokens: int, pieces: int) -> Stream:
    times = [first + every * number for number in range(pieces)]
    timings = Timings(0, 10, 50.0, tokens, 1e3 * every * (pieces - 1))
    return Stream(sent, times, times[-1] + 0.5, timings)


def test_decode_of_several_is_what_they_write_while_all_of_them_do() -> None:
    early, late = stream(0.0, 1.0, 0.5, 21, 21), stream(0.0, 6.0, 0.25, 41, 41)
    found = sample([early, late], 20.0)
    # From 6.0 to 11.0: ten tokens of the first and twenty of the second.
    assert found.decode == pytest.approx(30 / 5.0)
    assert found.prefill == pytest.approx(20 / 6.0)


def test_several_tokens_of_one_character_are_counted_as_such() -> None:
    found = sample([stream(0.0, 1.0, 0.5, 42, 21), stream(0.0, 1.0, 0.5, 42, 21)], 20.0)
    assert found.decode == pytest.approx(2 * 40 / 10.0)


def test_of_answers_that_hardly_meet_the_whole_time_counts() -> None:
    found = sample([stream(0.0, 1.0, 0.5, 5, 5), stream(0.0, 2.5, 0.5, 5, 5)], 20.0)
    assert found.decode == pytest.approx(8 / (5.0 - 1.0))


@pytest.mark.parametrize("lease", [Answers(cached=3), Answers(short=1), Answers(prompt_ms=0.0)])
async def test_a_prompt_from_a_cache_an_answer_too_short_and_one_in_no_time_are_failures(lease: Answers) -> None:
    with pytest.raises(EngineFailure, match="were asked for"):
        await repeat(lease, "m", Cell(10, 5), [tuple(range(10))])
