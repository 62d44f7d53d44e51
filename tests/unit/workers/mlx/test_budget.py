"""A thought's budget, over a vocabulary of words: which tokens are forced, and when."""

from __future__ import annotations

from typing import Any, cast

import pytest

mx = pytest.importorskip("mlx.core")

from dovetail.workers.mlx.budget import Bound, Budget, read_bound  # noqa: E402
from dovetail.workers.mlx.protocol import RequestError  # noqa: E402
from dovetail.workers.mlx.vocabulary import Vocabulary  # noqa: E402

PIECES = ["a", "b", "\n", "<think>", "</think>", "<call>", "<thi", "nk>", "\u00e9"]
BYTES = [piece.encode() for piece in PIECES[:-1]] + [b"\xc3", b"\xa9"]
A, B, LINE, START, END, CALL, HALF, REST, LEAD, TAIL = range(10)
PROMPT = [A, B, A]


class Words:
    """What of a vocabulary the budget asks for."""

    def encode(self, text: str, *, add_special: bool) -> list[int]:
        assert not add_special
        found: list[int] = []
        while text:
            token = next(i for i, piece in enumerate(PIECES) if text.startswith(piece))
            found.append(token)
            text = text[len(PIECES[token]) :]
        return found

    def piece(self, token: int) -> bytes:
        return BYTES[token]


def written(tokens: int, would: list[int], *, opened: str | None = "", message: str = "\n") -> list[int]:
    """What comes out of a model that would write `would`."""
    budget = Budget(
        cast("Vocabulary", Words()), Bound(tokens, message), start="<think>", ends=("</think>", "<call>"), opened=opened
    )
    drawn: list[int] = []
    while len(drawn) < len(would):
        history = [*PROMPT, *drawn]
        wish = mx.array([[float(i == would[len(drawn)]) for i in range(len(BYTES))]])
        logits = budget(history[:-1], mx.array(history[-1:]), wish)
        assert logits.shape == (1, len(BYTES))
        drawn.append(mx.argmax(logits, axis=-1).item())
    return drawn


@pytest.mark.parametrize(
    ("tokens", "opened", "forced"),
    [
        (3, "", [A, A, A, LINE, END, A]),
        (3, "\n", [A, A, LINE, END, A, A]),  # the prompt's line break is one of them
        (1, "\n", [LINE, END, A, A, A, A]),
        (0, "\n", [END, A, A, A, A, A]),  # and stands for the message where there is nothing left
        (0, "\n\n", [END, A, A, A, A, A]),
        (0, "", [LINE, END, A, A, A, A]),
        (6, "", [A, A, A, A, A, A]),
    ],
)
def test_the_thought_is_closed_at_its_budget(tokens: int, opened: str, forced: list[int]) -> None:
    assert written(tokens, [A] * 6, opened=opened) == forced


@pytest.mark.parametrize("end", [END, CALL])
def test_a_thought_that_has_ended_is_left_alone(end: int) -> None:
    would = [A, end, A, A, A, A]
    for tokens in (2, 3, 4):
        assert written(tokens, would) == would


def test_an_answer_that_opens_the_thought_itself_has_its_budget_from_there() -> None:
    assert written(2, [START, B, B, B, B, B, B], opened=None) == [START, B, B, LINE, END, B, B]
    assert written(2, [LINE, HALF, REST, B, B, B, B, B], opened=None) == [LINE, HALF, REST, B, B, LINE, END, B]
    assert written(0, [START, B, B, B], opened=None) == [START, LINE, END, B]


def test_an_answer_without_a_thought_is_free() -> None:
    for would in ([A, START, B, B, B], [HALF, A, A, A, A]):
        assert written(1, would, opened=None) == would


def test_a_character_that_has_begun_is_finished_first() -> None:
    assert written(2, [A, LEAD, TAIL, A, A, A]) == [A, LEAD, TAIL, LINE, END, A]


def test_another_message_and_none() -> None:
    assert written(1, [A] * 4, message="b\n") == [A, B, LINE, END]
    assert written(1, [A] * 4, message="") == [A, END, A, A]


def test_nothing_bars_the_tokens_that_are_forced() -> None:
    budget = Budget(cast("Vocabulary", Words()), Bound(0, ""), start="<think>", ends=("</think>",), opened="")
    barred = mx.full((1, len(BYTES)), -mx.inf)
    assert cast("list[list[float]]", budget(PROMPT[:-1], mx.array(PROMPT[-1:]), barred).tolist())[0][END] == 0.0


def test_reading_the_bound() -> None:
    assert read_bound({}) is None
    assert read_bound({"thinking_budget_tokens": -1}) is None
    asked = read_bound({"thinking_budget_tokens": 0, "reasoning_budget_message": "\n"})
    assert asked == Bound(0, "\n")
    for wrong in ({"thinking_budget_tokens": "5"}, {"thinking_budget_tokens": 5, "reasoning_budget_message": 5}):
        with pytest.raises(RequestError):
            read_bound(cast("Any", wrong))
