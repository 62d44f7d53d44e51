"""The sampling chain against references in numpy, written from llama.cpp's definitions."""

from __future__ import annotations

import math
from typing import Any, cast

import pytest

mx = pytest.importorskip("mlx.core")
np = pytest.importorskip("numpy")

from dovetail.workers.mlx.sampling import GREEDY, Chain, Sampling, draw, processors  # noqa: E402

OFF = Chain(temperature=1.0, top_k=0, top_p=1.0, min_p=0.0)


def listed(found: Any) -> list[Any]:
    return cast("list[Any]", found.tolist())


LOGITS = [float(value) for value in np.random.default_rng(7).normal(0, 2, 40)]


def softmax(values: list[float]) -> list[float]:
    top = max(values)
    weights = [math.exp(value - top) for value in values]
    return [weight / sum(weights) for weight in weights]


def survivors(chain: Chain) -> dict[int, float]:
    """Token to probability after every filter, one candidate list at a time as llama.cpp does it."""
    kept = sorted(range(len(LOGITS)), key=lambda token: -LOGITS[token])
    if chain.top_k > 0:
        kept = kept[: chain.top_k]
    if chain.typical_p < 1:
        p = dict(zip(kept, softmax([LOGITS[token] for token in kept]), strict=True))
        entropy = -sum(value * math.log(value) for value in p.values())
        order = sorted(kept, key=lambda token: abs(-math.log(p[token]) - entropy))
        mass, chosen = 0.0, list[int]()
        for token in order:
            chosen.append(token)
            mass += p[token]
            if mass > chain.typical_p:
                break
        kept = [token for token in kept if token in chosen]
    if chain.top_p < 1:
        p = dict(zip(kept, softmax([LOGITS[token] for token in kept]), strict=True))
        mass, count = 0.0, 0
        for token in kept:
            mass, count = mass + p[token], count + 1
            if mass >= chain.top_p:
                break
        kept = kept[:count]
    if chain.min_p > 0:
        floor = max(LOGITS[token] for token in kept) + math.log(chain.min_p)
        kept = [token for token in kept if LOGITS[token] >= floor]
    return dict(zip(kept, softmax([LOGITS[token] / chain.temperature for token in kept]), strict=True))


CHAINS = [
    OFF,
    OFF._replace(top_k=5),
    OFF._replace(top_k=1),
    OFF._replace(top_k=400),
    OFF._replace(top_p=0.6),
    OFF._replace(top_p=0.0),
    OFF._replace(min_p=0.1),
    OFF._replace(min_p=1.0),
    OFF._replace(typical_p=0.5),
    OFF._replace(typical_p=0.2, top_p=0.5),
    OFF._replace(temperature=0.3),
    OFF._replace(temperature=5.0),
    Chain(),
    Chain(temperature=1.3, top_k=12, top_p=0.8, min_p=0.02, typical_p=0.9),
]


@pytest.mark.parametrize("chain", CHAINS)
def test_draws_follow_the_distribution(chain: Chain) -> None:
    rows = 3000
    drawn = listed(draw(mx.array([LOGITS] * rows), chain, [(11, index) for index in range(rows)]))
    wanted = survivors(chain)
    assert set(drawn) <= set(wanted)
    for token, p in wanted.items():
        spread = 5 * math.sqrt(p * (1 - p) / rows)
        assert abs(drawn.count(token) / rows - p) <= spread + 1e-9


def test_greedy_takes_the_best() -> None:
    best = max(range(len(LOGITS)), key=LOGITS.__getitem__)
    assert draw(mx.array([LOGITS]), GREEDY, [(1, 0)]).tolist() == [best]


@pytest.mark.parametrize("chain", CHAINS)
def test_a_row_never_depends_on_its_neighbours(chain: Chain) -> None:
    other = [value * 0.5 for value in reversed(LOGITS)]
    streams = [(5, 0), (6, 3), (5, 1)]
    together = listed(draw(mx.array([LOGITS, other, LOGITS]), chain, streams))
    rows = zip([LOGITS, other, LOGITS], streams, strict=True)
    alone = [listed(draw(mx.array([row]), chain, [stream]))[0] for row, stream in rows]
    assert together == alone


def test_penalties_are_llama_cpps() -> None:
    sampling = Sampling(OFF, 1, repeat_penalty=1.3, repeat_last_n=4, frequency_penalty=0.2, presence_penalty=0.4)
    (penalties,) = processors(sampling)
    history, last = [9, 1, 2, 2], 3  # the window of four is 1, 2, 2, 3
    found = listed(penalties(history, mx.array([last]), mx.array([LOGITS])))[0]
    for token, value in enumerate(LOGITS):
        count = [1, 2, 2, 3].count(token)
        wanted = value
        if count:
            wanted = (value * 1.3 if value <= 0 else value / 1.3) - count * 0.2 - 0.4
        assert found[token] == pytest.approx(wanted, abs=1e-5)


def test_a_window_of_zero_or_neutral_penalties_cost_nothing() -> None:
    assert processors(Sampling(OFF, 1)) == ()
    assert processors(Sampling(OFF, 1, repeat_penalty=2.0, repeat_last_n=0)) == ()


def test_a_bias_adds_and_bans() -> None:
    (bias,) = processors(Sampling(OFF, 1, logit_bias=((3, 100.0), (4, -math.inf))))
    found = bias([], mx.array([0]), mx.array([LOGITS]))
    assert mx.argmax(found, axis=-1).tolist() == [3]
    assert listed(found)[0][4] == -math.inf
