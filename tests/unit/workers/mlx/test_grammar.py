"""Masks of a grammar over a vocabulary of bytes."""

from __future__ import annotations

from typing import Any, cast

import pytest

pytest.importorskip("llguidance")
mx = pytest.importorskip("mlx.core")

from dovetail.core import regex  # noqa: E402
from dovetail.workers.mlx.form import Gbnf, Schema, read_form  # noqa: E402
from dovetail.workers.mlx.grammar import Constraint, Grammars  # noqa: E402
from dovetail.workers.mlx.protocol import RequestError  # noqa: E402
from dovetail.workers.mlx.vocabulary import Vocabulary  # noqa: E402

END, THINK = 256, 257
WIDTH = 260  # wider than the vocabulary, as padded models are
FREE = set(range(WIDTH)) - {END}  # in a thought, which no answer ends in


class Bytes:
    """A vocabulary of every byte, an end of text and a token that opens a thought."""

    eos = frozenset({END})
    hidden = frozenset({END, THINK})

    def piece(self, token: int) -> bytes:
        return bytes([token]) if token < END else b"<think>" if token == THINK else b"<end>"

    def encode(self, text: str, *, add_special: bool, parse_special: bool = True) -> list[int]:
        del add_special
        return [THINK] if text == "<think>" and parse_special else list(text.encode())


VOCABULARY = cast("Vocabulary", Bytes())


@pytest.fixture(scope="module")
def grammars() -> Grammars:
    return Grammars(VOCABULARY, 258)


def allowed(constraint: Constraint, last: int) -> set[int]:
    logits = constraint([], mx.array([last]), mx.zeros((1, WIDTH)))
    return {i for i, barred in enumerate(cast("list[bool]", mx.isinf(logits)[0].tolist())) if not barred}


def constraint(grammars: Grammars, form: Any, **more: Any) -> Constraint:
    options: dict[str, Any] = {"closing": None, "thinking": False, "opening": None, **more}
    return Constraint(grammars.compile(form), VOCABULARY, **options)


def test_only_what_the_form_allows_can_be_drawn(grammars: Grammars) -> None:
    held = constraint(grammars, Schema('{"enum": ["a"]}'))
    assert allowed(held, 5) == {ord('"')}
    assert allowed(held, ord('"')) == {ord("a")}
    assert allowed(held, ord("a")) == {ord('"')}
    assert allowed(held, ord('"')) == {END}
    assert allowed(held, END) == {END}


def test_a_thought_is_free_and_the_form_begins_behind_it(grammars: Grammars) -> None:
    held = constraint(grammars, Schema('{"enum": [3]}'), closing="</think>", thinking=True)
    assert allowed(held, 5) == FREE
    for byte in b"x</think":
        assert allowed(held, byte) == FREE
    assert allowed(held, ord(">")) == {ord("3")}


def test_a_model_may_open_a_thought_itself(grammars: Grammars) -> None:
    held = constraint(grammars, Schema('{"enum": [3]}'), closing="</think>", opening=grammars.starts("<think>"))
    assert allowed(held, 5) == {ord("3"), THINK}
    assert allowed(held, THINK) == FREE
    straight = constraint(grammars, Schema('{"enum": [35]}'), closing="</think>", opening=THINK)
    assert allowed(straight, 5) == {ord("3"), THINK}
    assert allowed(straight, ord("3")) == {ord("5")}


def test_a_token_that_the_form_bars_ends_the_row(grammars: Grammars) -> None:
    held = constraint(grammars, Schema('{"enum": [3]}'))
    allowed(held, 5)
    with pytest.raises(RuntimeError, match="grammar has failed"):
        allowed(held, ord("x"))


def test_a_grammar_that_shows_only_on_the_way_that_it_costs_too_much_is_a_400(grammars: Grammars) -> None:
    ways = " | ".join(['"a"'] * 8000)
    held = constraint(grammars, Gbnf(f'root ::= "x" ({ways})'))
    allowed(held, 5)
    with pytest.raises(RequestError, match="failed to parse grammar: it has too many ways") as caught:
        allowed(held, ord("x"))
    assert caught.value.status == 400


MATCHES = [
    ('root ::= "ab" "d" | [a] "be"', "abe"),
    ('root ::= [a-z]+ [a-z] "x"', "abcx"),
    ('root ::= [^"]* "\\"" "" .', 'a/\n"\n'),
    ('root ::= "é" [\\u00e0-\\u00ff] [/] "\\\\"', "éé/\\"),
    ('a-b ::= "x"\nA-B ::= "y"\nroot ::= a-b A-B | "(" root ")"', "((xy))"),
    (regex.to_gbnf(r"(\d{2,}|été)\.?"), "123."),
]


@pytest.mark.parametrize(("grammar", "text"), MATCHES)
def test_gbnf_means_what_it_means_to_llama_cpp(grammars: Grammars, grammar: str, text: str) -> None:
    matcher = grammars.compile(Gbnf(grammar))
    assert matcher.try_consume_tokens(list(text.encode())) == len(text.encode())
    assert matcher.is_accepting()


def test_white_space_has_an_end(grammars: Grammars) -> None:
    matcher = grammars.compile(Schema('{"type": "array", "items": {"type": "null"}}'))
    assert matcher.try_consume_tokens(list(b"[null, null]")) == 12
    assert grammars.compile(Schema('{"type": "array"}')).try_consume_tokens(list(b"[" + b"\n" * 99)) == 1


REFUSED = [Schema('{"not": {}}'), Schema("false"), Gbnf("root ::= x"), Gbnf("%llguidance {}")]


@pytest.mark.parametrize("form", REFUSED)
def test_what_cannot_be_compiled_is_a_400(grammars: Grammars, form: Any) -> None:
    with pytest.raises(RequestError) as caught:
        grammars.compile(form)
    assert caught.value.status == 400


def test_forms_are_read_from_llama_servers_fields() -> None:
    assert read_form({"response_format": {"type": "text"}}) is None
    assert read_form({"response_format": {"type": "json_object"}}) == Schema('{"type": "object"}')
    assert read_form({"json_schema": {"type": "null", "x-guidance": {}}}) == Schema('{"type": "null"}')
    assert read_form({"grammar": "g"}) == Gbnf("g")
    several: list[dict[str, Any]] = [
        {"grammar": 5},
        {"json_schema": 5},
        {"grammar": "g", "json_schema": {}},
        {"response_format": {"type": 5}},
    ]
    for bad in several:
        with pytest.raises(RequestError):
            read_form(bad)
    with pytest.raises(RequestError, match="with tools"):
        read_form({"grammar": "g", "tools": [{}]})
