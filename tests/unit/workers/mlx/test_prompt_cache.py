from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from dovetail.workers.mlx.prompt_cache import PromptCache


@dataclass(frozen=True)
class Kept:
    tokens: tuple[int, ...]
    trimmable: bool = True

    @property
    def nbytes(self) -> int:
        return 10 * len(self.tokens)

    def trimmed(self, drop: int) -> Kept:
        return Kept(self.tokens[: len(self.tokens) - drop], self.trimmable)


TOKENS = st.lists(st.integers(0, 2), min_size=1, max_size=9)


def common(a: list[int], b: list[int]) -> int:
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


@given(st.lists(TOKENS, max_size=6), TOKENS)
def test_the_longest_prefix_is_found_and_one_token_is_left(kept: list[list[int]], prompt: list[int]) -> None:
    cache: PromptCache[Kept] = PromptCache(10_000)
    for tokens in kept:
        cache.keep(tokens, Kept(tuple(tokens)))
    found, covered = cache.fetch(prompt)
    assert covered == min(max((common(tokens, prompt) for tokens in kept), default=0), len(prompt) - 1)
    assert (found.tokens if found else ()) == tuple(prompt[:covered])


@given(st.lists(TOKENS, max_size=12), st.integers(0, 200))
def test_bytes_never_pass_the_limit(kept: list[list[int]], limit: int) -> None:
    cache: PromptCache[Kept] = PromptCache(limit)
    for tokens in kept:
        cache.keep(tokens, Kept(tuple(tokens)))
        assert cache.nbytes <= limit


def test_a_cache_that_cannot_be_trimmed_serves_only_its_continuation() -> None:
    cache: PromptCache[Kept] = PromptCache(1000)
    cache.keep([1, 2, 3], Kept((1, 2, 3), trimmable=False))
    assert cache.fetch([1, 2, 3, 4])[1] == 3
    assert cache.fetch([1, 2, 9, 9])[1] == 0
    assert cache.fetch([1, 2, 3])[1] == 0


def test_the_least_recently_used_goes_first() -> None:
    cache: PromptCache[Kept] = PromptCache(60)
    cache.keep([1, 1, 1], Kept((1, 1, 1)))
    cache.keep([2, 2, 2], Kept((2, 2, 2)))
    cache.fetch([1, 1, 1, 1])
    cache.keep([3, 3, 3], Kept((3, 3, 3)))
    assert cache.fetch([2, 2, 2, 2])[1] == 0
    assert cache.fetch([1, 1, 1, 1])[1] == 3


def test_a_longer_cache_replaces_its_own_beginning() -> None:
    cache: PromptCache[Kept] = PromptCache(1000)
    cache.keep([1, 2], Kept((1, 2)))
    cache.keep([1, 2, 3], Kept((1, 2, 3)))
    assert (len(cache), cache.nbytes) == (1, 30)
