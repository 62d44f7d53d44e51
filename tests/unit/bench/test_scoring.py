import math
from collections.abc import AsyncGenerator, Sequence

import pytest

from dovetail.bench.quality import Window
from dovetail.bench.scoring import MOST_TOP, Scoring
from dovetail.core.errors import EngineFailure
from dovetail.core.events import Event, Finished, TextDelta, Timings, TokenLogprob, TopLogprob, Usage
from dovetail.core.request import GenerateRequest, TextPrompt

pytestmark = pytest.mark.anyio

VOCABULARY = 200
HALF = 7  # a token that is half a character


def thinks(before: Sequence[int]) -> list[float]:
    """A made-up model: token t has the weight 1 + (t + the last token) % 5."""
    weights = [1 + (token + before[-1]) % 5 for token in range(VOCABULARY)]
    return [math.log(weight / sum(weights)) for weight in weights]


class Forced:
    """Says what it is biased to say, and what it thinks of that."""

    def __init__(self, *, cut: bool = False) -> None:
        self.asked: list[GenerateRequest] = []
        self._cut = cut

    async def generate(
        self, request: GenerateRequest, index: int = 0, *, ahead: bool = False, cold: bool = False
    ) -> AsyncGenerator[Event, None]:
        del index, ahead, cold
        self.asked.append(request)
        assert isinstance(request.prompt, TextPrompt)
        empty, *before = request.prompt.parts
        assert empty == ""
        (token,) = request.sampling.logit_bias
        known = thinks([part for part in before if isinstance(part, int)])
        order = sorted(range(VOCABULARY), key=lambda each: -known[each])[: request.top_logprobs]
        assert isinstance(token, int)
        if token != HALF:
            top = tuple(TopLogprob(each, "x", known[each], (120,)) for each in order)
            yield TextDelta("x", 0, (TokenLogprob(token, "x", known[token], (120,), top),))
        if not self._cut:
            yield Finished("length", Usage(len(before), 1), Timings())


async def test_each_place_gets_what_the_model_thinks_of_its_token() -> None:
    tokens = [3, 14, 15, 92, 65, 35, 89]
    lease = Forced()
    heard: list[None] = []
    found = await Scoring(lease, "m", tokens, 4, lambda: heard.append(None)).score(
        [Window(0, 3, 5), Window(2, 5, 7)], 2
    )
    assert [(each.place, each.token) for each in found] == [(3, 92), (4, 65), (5, 35), (6, 89)]
    for each in found:
        start = 0 if each.place < 5 else 2
        assert each.logprob == pytest.approx(thinks(tokens[start : each.place])[each.token])
        assert len(each.top) == 4
        assert each.top[0][1] == max(thinks(tokens[: each.place]))
    assert len(heard) == 4
    assert {(request.max_tokens, request.keep) for request in lease.asked} == {(1, "memory")}
    assert {request.space for request in lease.asked} == {"bench-0", "bench-1"}


async def test_half_a_character_is_found_among_the_rivals_of_another() -> None:
    tokens = [2, 4, 5, HALF]  # behind 5, token 7 weighs 3 of at most 5: among the likeliest hundred and twenty
    lease = Forced()
    found = await Scoring(lease, "m", tokens, 4).score([Window(0, 2, 4)], 1)
    assert [each.place for each in found] == [2, 3]
    assert found[1].logprob == pytest.approx(thinks([5])[HALF])
    assert len(lease.asked) == 3


async def test_and_if_need_be_among_all_there_are() -> None:
    tokens = [2, 4, 8, HALF]  # behind 8, token 7 weighs 1: it is among the least likely
    lease = Forced()
    found = await Scoring(lease, "m", tokens, 4).score([Window(0, 2, 4)], 1)
    assert found[1].logprob == pytest.approx(thinks([8])[HALF])
    asked = [request.top_logprobs or 0 for request in lease.asked]
    assert asked[:3] == [4, 4, MOST_TOP]
    assert asked[3] > VOCABULARY


async def test_what_no_engine_names_is_left_out() -> None:
    found = await Scoring(Forced(), "m", [2, 4, 3, HALF], 4).score([Window(0, 3, 4)], 1)
    assert found == []  # nothing has been shown yet that it could be a rival of


async def test_an_answer_without_an_end_is_a_failure() -> None:
    with pytest.raises(EngineFailure):
        await Scoring(Forced(cut=True), "m", [2, 4, 3], 4).score([Window(0, 1, 3)], 1)
