"""DRY, "don't repeat yourself": tokens that would lengthen a repetition are made unlikely, the longer the more.

Method: p-e-w, text-generation-webui pull request 5677; limits and breakers as in llama.cpp (b11549).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

import mlx.core as mx

_MAX_TAIL = 20  # tokens of a breaker after its first, as in llama.cpp
_MAX_BREAKER = 40  # bytes of a breaker that count
_LOG_MAX = 88.7228391  # the logarithm of the largest float32

# First token of a breaker -> what follows it, one sequence for each way to write the breaker.
Breakers: TypeAlias = Mapping[int, Sequence[Sequence[int]]]


@dataclass(frozen=True, slots=True)
class DryOptions:
    """`last_n` < 0 looks at everything. `breakers` are texts at which a repetition is held to begin anew."""

    multiplier: float
    base: float = 1.75
    allowed_length: int = 2
    last_n: int = -1
    breakers: tuple[str, ...] = ("\n", ":", '"', "*")


class Dry:
    """The logits processor. It reads the last token, so a row that uses it waits for each token to be known."""

    def __init__(self, options: DryOptions, breakers: Breakers) -> None:
        self._options = options
        self._breakers = breakers
        log_base = math.log(options.base)
        self._max_exponent = int(_LOG_MAX / log_base) if log_base > 1e-6 else 0

    def __call__(self, history: Sequence[int], last: mx.array, logits: mx.array) -> mx.array:
        window = self._options.last_n if self._options.last_n >= 0 else len(history) + 1
        if window == 0:
            return logits
        tokens = [*history[max(len(history) + 1 - window, 0) :], cast("int", last.item())]
        found = self.penalties(tokens)
        if not found:
            return logits
        ids = mx.array(list(found), dtype=mx.int32)
        return logits.at[:, ids].subtract(mx.array(list(found.values()), dtype=mx.float32))  # pyright: ignore[reportUnknownMemberType]

    def penalties(self, tokens: Sequence[int]) -> dict[int, float]:
        """Token to what is taken from its logit, after `tokens`."""
        allowed = self._options.allowed_length
        backwards = tokens[::-1]
        limit = self._unbroken(backwards)
        if len(tokens) <= allowed or limit < allowed:
            return {}
        longest: dict[int, int] = {}
        for at, length in enumerate(_matches(backwards)):
            if at and min(length, limit) >= allowed:
                token = backwards[at - 1]
                longest[token] = max(longest.get(token, 0), min(length, limit))
        # A token that breaks repetitions all by itself is never punished for being one.
        return {
            token: self._penalty(length - allowed)
            for token, length in longest.items()
            if () not in self._breakers.get(token, ())
        }

    def _penalty(self, exponent: int) -> float:
        if self._max_exponent > 0:
            exponent = min(exponent, self._max_exponent)
        return self._options.multiplier * self._options.base**exponent

    def _unbroken(self, backwards: Sequence[int]) -> int:
        """How many tokens back the nearest breaker ends."""
        for at, token in enumerate(backwards):
            fitting = [
                len(tail)
                for tail in self._breakers.get(token, ())
                if len(tail) <= at and list(tail) == list(backwards[at - len(tail) : at][::-1])
            ]
            if fitting:
                return at - max(fitting)
        return len(backwards)


def _matches(text: Sequence[int]) -> list[int]:
    """For each position how much of what follows equals the beginning (the Z function; linear in time)."""
    lengths = [0] * len(text)
    start = end = 0
    for at in range(1, len(text)):
        length = min(end - at, lengths[at - start]) if at < end else 0
        while at + length < len(text) and text[length] == text[at + length]:
            length += 1
        lengths[at] = length
        if at + length > end:
            start, end = at, at + length
    return lengths


def breakers(table: Sequence[bytes], encode: Callable[[str], Sequence[int]], texts: Sequence[str]) -> Breakers:
    """Every way to write each of `texts`: inside one token, or begun by a token's end and gone on with.

    Holds the interpreter while tokens are being drawn, so only the ones that can end as a text begins are looked at.
    """
    found: dict[int, list[Sequence[int]]] = {}
    ending: Mapping[bytes, Sequence[int]] | None = None
    for text in dict.fromkeys(texts):
        wanted = text.encode("utf-8", "replace")[:_MAX_BREAKER]
        whole = {token for token, piece in enumerate(table) if wanted in piece}
        for token in whole:
            found.setdefault(token, []).append(())
        for size in range(len(wanted) - 1, 0, -1):
            ending = ending or _by_ending(table)
            begun, near = wanted[:size], ending.get(wanted[max(size - 2, 0) : size], ())
            tokens = [token for token in near if token not in whole and table[token].endswith(begun)]
            tail = tuple(encode(wanted[size:].decode("utf-8", "replace"))[:_MAX_TAIL]) if tokens else ()
            for token in tokens:
                found.setdefault(token, []).append(tail)
    return found


def _by_ending(table: Sequence[bytes]) -> Mapping[bytes, Sequence[int]]:
    """The tokens that end with a byte, and with two."""
    ending: dict[bytes, list[int]] = {}
    for token, piece in enumerate(table):
        for size in range(1, min(len(piece), 2) + 1):
            ending.setdefault(piece[-size:], []).append(token)
    return ending
