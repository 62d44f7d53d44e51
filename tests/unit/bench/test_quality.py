import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dovetail.bench.quality import Position, distance, divergence, quality, windows


@given(st.integers(2, 3000), st.integers(1, 2000), st.integers(2, 700))
def test_windows_score_each_place_once_from_at_least_half_a_window(tokens: int, positions: int, size: int) -> None:
    found = windows(tokens, positions, size)
    half = min(size, tokens) // 2
    scored = [place for each in found for place in range(each.scored, each.end)]
    assert scored == list(range(half, half + min(positions, tokens - half)))
    assert all(each.scored - each.start == half and each.end - each.start <= size for each in found)


def distribution(weights: list[float]) -> dict[int, float]:
    return {token: math.log(weight / sum(weights)) for token, weight in enumerate(weights)}


WEIGHTS = st.lists(st.floats(0.01, 1.0), min_size=6, max_size=6)


@given(WEIGHTS, WEIGHTS)
def test_of_whole_distributions_the_divergence_is_exact(one: list[float], other: list[float]) -> None:
    p, q = distribution(one), distribution(other)
    kl, unseen = distance(p, q)
    assert kl == pytest.approx(sum(math.exp(p[t]) * (p[t] - q[t]) for t in p), abs=1e-9)
    assert unseen == pytest.approx(0.0, abs=1e-9)


@given(WEIGHTS, WEIGHTS, st.sets(st.integers(0, 5), min_size=1), st.sets(st.integers(0, 5), min_size=1))
def test_of_parts_it_is_never_more_than_the_truth(
    one: list[float], other: list[float], here: set[int], there: set[int]
) -> None:
    p, q = distribution(one), distribution(other)
    assume(here & there)
    truth, _ = distance(p, q)
    part, unseen = distance({t: p[t] for t in here}, {t: q[t] for t in there})
    assert -1e-12 <= part <= truth + 1e-9
    assert unseen == pytest.approx(1 - sum(math.exp(p[t]) for t in here & there), abs=1e-9)


def position(place: int, probability: float, token: int = 1, top: tuple[int, ...] = (1, 2)) -> Position:
    first = math.log(max(probability, 0.5))
    return Position(place, token, math.log(probability), tuple((t, first - i) for i, t in enumerate(top)))


def test_perplexity_of_a_fair_choice_among_four() -> None:
    found = quality([position(place, 0.25) for place in range(10)], 2, 512, 24, 1.5)
    assert found.perplexity == pytest.approx(4.0)
    assert found.perplexity_sd == pytest.approx(0.0, abs=1e-12)
    assert found.bits_a_byte == pytest.approx(1.0)  # two bits a token, twelve tokens of 24 bytes
    assert (found.positions, found.unscored) == (10, 2)


def test_the_standard_error_is_of_the_mean() -> None:
    found = quality([position(0, 0.25), position(1, 0.5)], 0, 512, 4, 1.0)
    sd = abs(math.log(2)) / math.sqrt(2)
    assert found.perplexity_sd == pytest.approx(found.perplexity * sd / math.sqrt(2))


def test_the_same_is_no_distance_away() -> None:
    places = [position(place, 0.5) for place in range(5)]
    found = divergence("one", places, places)
    assert found is not None
    assert (found.kl, found.same_top, found.positions) == (0.0, 1.0, 5)


def test_another_first_choice_counts() -> None:
    mine = [position(0, 0.5, top=(1, 2)), position(1, 0.5, top=(2, 1)), position(9, 0.5)]
    found = divergence("one", [position(0, 0.5), position(1, 0.5)], mine)
    assert found is not None
    assert (found.same_top, found.positions) == (0.5, 2)


def test_other_tokens_at_the_same_places_cannot_be_compared() -> None:
    assert divergence("one", [position(0, 0.5, token=1)], [position(0, 0.5, token=2)]) is None
    assert divergence("one", [position(0, 0.5)], [position(1, 0.5)]) is None
