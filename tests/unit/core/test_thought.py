"""A thought before a form, as one grammar: what it lets through is shown by Python's own expressions."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dovetail.core import gbnf
from dovetail.core.grammar import Chain, Chars, Choice, Node, Ref, Rules, Text
from dovetail.core.thought import thoughtful

FORM = 'root ::= word | "(" root ")"\nword ::= [ab]{2}'
TAGS = ("<think>", "</think>")
PIECES = st.lists(
    st.sampled_from(["<think>", "</think>", "</thi", "<", "/", ">", "k>", "\n", "é", "ab", "(ba)", "(", "a"])
)


def ends(rules: Rules, node: Node, text: str, at: int) -> set[int]:
    """Where `node` may end that begins at `at`."""
    match node:
        case Text(expected):
            return {at + len(expected)} if text.startswith(expected, at) else set()
        case Chars(ranges, negated):
            inside = at < len(text) and any(low <= ord(text[at]) <= high for low, high in ranges)
            return {at + 1} if at < len(text) and inside is not negated else set()
        case Ref(name):
            return ends(rules, rules[name], text, at)
        case Chain(parts):
            found = {at}
            for part in parts:
                found = {end for start in found for end in ends(rules, part, text, start)}
            return found
        case Choice(options):
            return {end for option in options for end in ends(rules, option, text, at)}
        case _:
            found, reached = {at}, {at}
            for times in range(node.most or 0):
                found = {end for start in found for end in ends(rules, node.node, text, start)}
                reached = found if times < node.least else reached | found
            return reached


def lets_through(grammar: str, text: str) -> bool:
    rules = gbnf.parse(grammar)
    return len(text) in ends(rules, rules["root"], text, 0)


@pytest.mark.parametrize("opened", [True, False])
@given(pieces=PIECES)
def test_any_thought_and_then_the_form(pieces: list[str], *, opened: bool) -> None:
    text = "".join(pieces)
    thought, _, answer = text.partition("</think>")
    form = re.fullmatch(r"(\(*)[ab]{2}(\)*)", answer)
    after = form is not None and "</think>" in text and len(form[1]) == len(form[2])
    direct = re.fullmatch(r"(\(*)[ab]{2}(\)*)", text)
    alone = direct is not None and len(direct[1]) == len(direct[2])
    wanted = after if opened else alone or (after and thought.startswith("<think>"))
    assert lets_through(thoughtful(FORM, *TAGS, opened=opened), text) is wanted


@pytest.mark.parametrize("end", ["</think>", "[/THINK]", "aabaaab", "x"])
@given(text=st.text("ab<x/", max_size=12))
def test_the_first_end_of_a_thought_is_its_end(end: str, text: str) -> None:
    grammar = thoughtful('root ::= "!"', "<", end, opened=True)
    assert lets_through(grammar, f"{text}{end}!") is ((text + end).index(end) == len(text))


def test_names_of_the_clients_rules_do_not_meet_those_of_the_thought() -> None:
    names = 'root ::= thought-0 form-root\nthought-0 ::= "a"\nform-root ::= "b"\nform ::= "c"'
    assert lets_through(thoughtful(names, *TAGS, opened=True), "thought-0</think>ab")
    assert not lets_through(thoughtful(names, *TAGS, opened=True), "ab")


def test_the_clients_rules_are_left_as_they_are_written() -> None:
    """llama.cpp takes what clients send; another spelling of the same it may not."""
    text = 'root ::= "root \\" a" a-1{1,2} [a\\]root"#] # root "\r\na-1 ::= . ()? [^-]{3}\t# root'
    own = thoughtful(text, *TAGS, opened=False).partition("form-root ::=")
    wanted = ' "root \\" a" form-a-1{1,2} [a\\]root"#] # root "\r\nform-a-1 ::= . ()? [^-]{3}\t# root'
    assert own[2] == wanted
