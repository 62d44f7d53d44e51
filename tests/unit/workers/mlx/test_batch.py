"""Rows of a batch, on a small random model: equal to the same rows alone, and safe from each other."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import pytest

mx = pytest.importorskip("mlx.core")
pytest.importorskip("mlx_lm")

from dovetail.workers.mlx.batch import Batch, Cache, Prefill, Row  # noqa: E402
from dovetail.workers.mlx.sampling import GREEDY, Chain, Sampling  # noqa: E402

if TYPE_CHECKING:
    from tests.unit.workers.mlx.conftest import Build, Small

VOCABULARY = 97


def prefilled(small: Small, row: Row, kept: Cache | None = None, covered: int = 0, step: int = 4) -> Prefill:
    prefill = Prefill(small.model, row, small.fresh(), kept, covered)
    while not prefill.done:
        prefill.advance(step)
    return prefill


def row(prompt: Sequence[int], chain: Chain = GREEDY, seed: int = 1, **fields: Any) -> Row:
    return Row(prompt, Sampling(chain, seed), **fields)


def run(small: Small, rows: Sequence[Row], steps: int) -> list[list[int]]:
    batch = Batch(small.model)
    for one in rows:
        batch.join(prefilled(small, one))
    drawn: dict[Row, list[int]] = {one: [] for one in rows}
    for _ in range(steps):
        for found in batch.step():
            drawn[found.row].append(found.token)
    return [drawn[one] for one in rows]


PROMPTS = [[1], [5, 6, 7], list(range(20, 45)), [90, 3, 3, 3, 8]]
CHAINS = [GREEDY, Chain(1.0, 0, 1.0, 0.0), Chain(), Chain(0.7, 7, 0.9, 0.0, 0.8)]


def test_rows_together_draw_what_they_draw_alone(any_small: Small) -> None:
    def rows() -> list[Row]:
        return [row(prompt, chain, seed) for seed, (prompt, chain) in enumerate(zip(PROMPTS, CHAINS, strict=True))]

    alone = [run(any_small, [one], 12)[0] for one in rows()]
    assert run(any_small, rows(), 12) == alone
    assert all(len(tokens) == 11 for tokens in alone)


def test_what_has_joined_a_batch_is_held_by_it_alone(any_small: Small) -> None:
    batch = Batch(any_small.model)
    batch.join(prefilled(any_small, row(PROMPTS[1])))
    joining = prefilled(any_small, row(PROMPTS[2]))  # stays referenced for as long as its row lives
    layers = [weakref.ref(layer) for layer in joining._layers]
    batch.join(joining)
    assert [layer() for layer in layers] == [None, None]


def test_rows_join_and_leave_between_steps(any_small: Small) -> None:
    wanted = run(any_small, [row(PROMPTS[2])], 14)[0]
    batch, first, short, late = Batch(any_small.model), row(PROMPTS[2]), row(PROMPTS[0]), row(PROMPTS[3])
    batch.join(prefilled(any_small, first))
    batch.join(prefilled(any_small, short))
    got: list[int] = []
    for step in range(14):
        got += [found.token for found in batch.step() if found.row is first]
        if step == 3:
            batch.leave([short])
        if step == 6:
            batch.join(prefilled(any_small, late))
    assert got == wanted


def test_a_kept_cache_gives_the_same_continuation(small: Small) -> None:
    prompt = PROMPTS[2]
    batch, one = Batch(small.model), row(prompt)
    batch.join(prefilled(small, one))
    for _ in range(6):
        batch.step()
    kept, tokens = batch.cache(one), list(one.tokens)
    assert kept.trimmable
    assert len(tokens) == len(prompt) + 5
    longer = [*tokens, 4, 2]
    wanted = run(small, [row(longer)], 8)[0]
    for use, covered in ((kept, len(tokens)), (kept.trimmed(len(tokens) - 10), 10)):
        second, again = Batch(small.model), row(longer)
        second.join(prefilled(small, again, use, covered))
        assert [found.token for _ in range(8) for found in second.step()] == wanted


def test_what_cannot_be_trimmed_is_kept_where_the_next_turn_will_differ(any_small: Small) -> None:
    prompt = list(range(3, 60))
    prefill, kept = Prefill(any_small.model, row(prompt), any_small.fresh(), None, 0), list[tuple[Cache, int]]()
    while not prefill.done:
        prefill.advance(20)
        if prefill.at_checkpoint:
            kept.append((prefill.cache(), len(prefill.row.tokens)))
    if any_small.fresh().rewindable:
        assert kept == []
        return
    ((cache, covered),) = kept
    assert covered == len(prompt) - 16
    assert not cache.trimmable
    other = [*prompt[:covered], 70, 71, 72]
    wanted = run(any_small, [row(other)], 6)[0]
    batch, again = Batch(any_small.model), row(other)
    batch.join(prefilled(any_small, again, cache, covered))
    assert [found.token for _ in range(6) for found in batch.step()] == wanted


def test_a_chunked_cache_does_not_go_back_to_what_it_has_dropped(build: Build) -> None:
    chunked = build("chunked")
    prompt = [(7 * n) % 90 + 3 for n in range(70)]
    batch, one = Batch(chunked.model), row(prompt)
    prefill, kept = Prefill(chunked.model, one, chunked.fresh(), None, 0), list[tuple[Cache, int]]()
    while not prefill.done:
        prefill.advance(8)
        if prefill.at_checkpoint:
            kept.append((prefill.cache(), len(one.tokens)))
    batch.join(prefill)
    batch.step()
    assert not batch.cache(one).trimmable
    ((cache, covered),) = kept
    other = [*prompt[:covered], 70, 71, 72]
    wanted = run(chunked, [row(other)], 8)[0]
    second, again = Batch(chunked.model), row(other)
    second.join(prefilled(chunked, again, cache, covered))
    assert [found.token for _ in range(8) for found in second.step()] == wanted


class BrokenProcessorError(Exception):
    pass


def broken(history: Sequence[int], last: Any, logits: Any) -> Any:
    del history, last, logits
    raise BrokenProcessorError


def test_a_processor_that_raises_ends_its_own_row_only(small: Small) -> None:
    wanted = run(small, [row(PROMPTS[1])], 8)[0]
    healthy, sick = row(PROMPTS[1]), row(PROMPTS[3], processors=(broken,))
    assert run(small, [sick, healthy], 8)[1] == wanted
    assert isinstance(sick.error, BrokenProcessorError)
    assert healthy.error is None


def test_a_sampler_that_raises_ends_the_rows_that_asked_for_it(small: Small) -> None:
    wanted = run(small, [row(PROMPTS[1])], 8)[0]
    sick, healthy = row(PROMPTS[3], Chain(temperature=cast("float", "hot"))), row(PROMPTS[1])
    assert run(small, [sick, healthy], 8)[1] == wanted
    assert isinstance(sick.error, TypeError)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_logits_that_are_no_numbers_are_reported_for_their_row(small: Small, bad: float) -> None:
    def poison(history: Sequence[int], last: Any, logits: Any) -> Any:
        del last
        return logits + bad if len(history) > 8 else logits

    wanted = run(small, [row(PROMPTS[1])], 12)[0]
    batch, healthy, sick = Batch(small.model), row(PROMPTS[1]), row(PROMPTS[3], Chain(), processors=(poison,))
    batch.join(prefilled(small, sick))
    batch.join(prefilled(small, healthy))
    drawn = [found for _ in range(12) for found in batch.step()]
    assert [found.token for found in drawn if found.row is healthy] == wanted
    sound = [found.sound for found in drawn if found.row is sick]
    assert sound[:3] == [True] * 3
    assert not any(sound[8:])
    assert all(0 <= found.token < VOCABULARY for found in drawn)


def test_logprobs_are_of_the_raw_model(small: Small) -> None:
    def ban(history: Sequence[int], last: Any, logits: Any) -> Any:
        del history, last
        return mx.where(mx.arange(VOCABULARY) == best, -mx.inf, logits)

    (greedy,) = run(small, [row(PROMPTS[1])], 2)
    best = greedy[0]
    batch, one = Batch(small.model), row(PROMPTS[1], processors=(ban,), top_logprobs=4)
    batch.join(prefilled(small, one))
    drawn = next(found for _ in range(2) for found in batch.step())
    assert drawn.logprobs is not None
    chosen, top = drawn.logprobs.read()
    assert top[0][0] == best != drawn.token
    assert [value for _, value in top] == sorted((value for _, value in top), reverse=True)
    assert chosen <= top[0][1]
    assert dict(top).get(drawn.token, chosen) == pytest.approx(chosen)
