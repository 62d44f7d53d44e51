"""Expected splits were measured on llama-server b11549 with forced output."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dovetail.core.request import JsonObject
from dovetail.workers.mlx.reasoning import AnswerParser, Opening
from dovetail.workers.mlx.tool_calls import HERMES, CallArguments, Calls, CallStart, Content, Delta, Reasoning

THINK = ("<think>", "</think>")
OFFERED: list[JsonObject] = [{"type": "function", "function": {"name": name}} for name in ("f", "g", "get_weather")]


def parse(pieces: list[str], opening: Opening, *, tools: bool = False, cut: bool = False) -> list[Delta]:
    calls = Calls(HERMES, OFFERED) if tools else None
    parser = AnswerParser(THINK, opening=opening, calls=calls, start=HERMES.start)
    deltas = [delta for piece in pieces for delta in parser.push(piece)]
    return [*deltas, *parser.finish(cut=cut)]


def folded(deltas: list[Delta]) -> tuple[str, str, list[tuple[str, str]]]:
    reasoning = content = ""
    calls: list[tuple[str, str]] = []
    for delta in deltas:
        match delta:
            case Reasoning(text):
                reasoning += text
            case Content(text):
                content += text
            case CallStart(_, _, name, arguments):
                calls.append((name, arguments))
            case CallArguments(index, text):
                calls[index] = (calls[index][0], calls[index][1] + text)
    return reasoning, content, calls


@pytest.mark.parametrize(
    ("text", "reasoning", "content"),
    [
        ("<think>\n a b \n</think>\n\n hello \n", " a b \n", " hello \n"),
        ("hello <think>x</think> y", "", "hello <think>x</think> y"),
        ("\n\n hello", "", "hello"),
        ("a b \n </think>\n\n hello", "", "a b \n </think>\n\n hello"),
        ("\n<think>q</think>r", "q", "r"),
        ("<think></think>z", "", "z"),
        ("  no end  ", "", "no end  "),
    ],
)
def test_reasoning_is_found_where_an_answer_begins(text: str, reasoning: str, content: str) -> None:
    assert folded(parse([text], Opening.ANSWER)) == (reasoning, content, [])
    assert folded(parse(list(text), Opening.ANSWER)) == (reasoning, content, [])


@pytest.mark.parametrize(
    ("text", "reasoning", "content"),
    [
        ("hello <think>x</think> y", "hello <think>x", " y"),
        ("\n\n hello", "\n\n hello", ""),
        ("a b \n </think>\n\n hello", "a b \n ", " hello"),
        ("  no end  ", "  no end  ", ""),
        ("\n</think>\n\nhello", "", "hello"),
        ("\n", "", ""),
        ("a\n</think>", "a\n", ""),
    ],
)
def test_a_prompt_that_opened_the_reasoning(text: str, reasoning: str, content: str) -> None:
    assert folded(parse([text], Opening.THOUGHT)) == (reasoning, content, [])
    assert folded(parse(list(text), Opening.THOUGHT)) == (reasoning, content, [])


def test_content_that_is_continued_keeps_its_white_space() -> None:
    assert folded(parse([" of", " France"], Opening.CONTENT)) == ("", " of France", [])


CALL = '<tool_call>\n{"name": "f", "arguments": {"a": "}</tool_call>{\\"", "b": [1, {"c": 2}]}}\n</tool_call>'
ARGUMENTS = '{"a": "}</tool_call>{\\"", "b": [1, {"c": 2}]}'


def test_arguments_are_passed_on_as_they_are_written() -> None:
    text = "Let me look.\n" + CALL + "\n" + CALL
    whole = folded(parse([text], Opening.ANSWER, tools=True))
    assert whole == ("", "Let me look.", [("f", ARGUMENTS), ("f", ARGUMENTS)])
    deltas = parse(list(text), Opening.ANSWER, tools=True)
    assert folded(deltas) == whole
    starts = [delta for delta in deltas if isinstance(delta, CallStart)]
    assert [start.call for start in starts] == [0, 1]
    assert all(len(start.id) == 32 for start in starts)
    assert len([delta for delta in deltas if isinstance(delta, CallArguments)]) > 20


@given(st.sampled_from([CALL, "<think>\nhm</think>\n\nx" + CALL, "a < b <tool" + CALL + " tail"]), st.data())
def test_any_split_gives_the_same_calls(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert folded(parse(pieces, Opening.ANSWER, tools=True)) == folded(parse([text], Opening.ANSWER, tools=True))


def test_arguments_that_are_no_json_are_the_clients_to_judge() -> None:
    text = '<tool_call>{"name": "f", "arguments": "x"}</tool_call>'
    assert folded(parse(list(text), Opening.ANSWER, tools=True)) == ("", "", [("f", "x")])


@pytest.mark.parametrize(
    ("rest", "content"),
    [
        ("}</tool_call> Done.", "Done."),
        ("} Done.", "Done."),
        (" Done.", "Done."),
        ("\n}\n\nIt is <b>sunny</b>.", "It is <b>sunny</b>."),
        (', "id": "}", "x": [{}]}\n</tool_call>\nDone.', "Done."),
        (', "id": "</tool_call>"}</tool_call>', ""),
        (', "id": 1</tool_call> Done.', "Done."),
        ("}</tool_", ""),
        (', "id": 1', ""),
    ],
)
def test_a_call_ends_where_it_has_to_whatever_its_marker(rest: str, content: str) -> None:
    text = '<tool_call>{"name": "f", "arguments": {"a": 1}' + rest
    for pieces in ([text], list(text)):
        assert folded(parse(pieces, Opening.ANSWER, tools=True)) == ("", content, [("f", '{"a": 1}')])


def test_the_next_call_is_found_where_the_first_has_no_end() -> None:
    text = '<tool_call>{"name": "f", "arguments": {}}\n<tool_call>{"name": "g", "arguments": {}}</tool_call>'
    for pieces in ([text], list(text)):
        assert folded(parse(pieces, Opening.ANSWER, tools=True)) == ("", "", [("f", "{}"), ("g", "{}")])


WHOLE: list[tuple[str, list[tuple[str, dict[str, int]]]]] = [
    ('{"arguments": {"a": 1}, "name": "f"}', [("f", {"a": 1})]),
    ('{"name": "f", "arguments": "{\\"a\\": 1}"}', [("f", {"a": 1})]),
    ('{"name": "f"}', [("f", {})]),
    ('[{"name": "f", "arguments": {}}, {"name": "g", "arguments": {}}]', [("f", {}), ("g", {})]),
]


@pytest.mark.parametrize(("inner", "calls"), WHOLE)
def test_calls_in_another_order_are_understood_whole(inner: str, calls: list[tuple[str, dict[str, int]]]) -> None:
    text = f"<tool_call>{inner}</tool_call>"
    _, content, found = folded(parse(list(text), Opening.ANSWER, tools=True))
    assert content == ""
    assert [(name, json.loads(arguments)) for name, arguments in found] == calls


NO_CALLS = [
    "not json",
    '{"name": 5}',
    "[1]",
    '{"a": 1}',
    '{"name": "\\q", "arguments": {}}',
    '{"name": "", "arguments": {}}',
]


@pytest.mark.parametrize("inner", NO_CALLS)
def test_what_is_not_a_call_is_content_without_markup(inner: str) -> None:
    for text in (f"<tool_call>{inner}</tool_call>", f"<tool_call>{inner}"):
        assert folded(parse(list(text), Opening.ANSWER, tools=True)) == ("", inner, [])


def test_a_call_that_is_cut_off_ends_honestly() -> None:
    for size in range(len(CALL)):
        _, content, calls = folded(parse(list(CALL[:size]), Opening.ANSWER, tools=True, cut=True))
        assert "{" not in content
        assert all(name == "f" and ARGUMENTS.startswith(arguments) for name, arguments in calls)


def test_a_name_that_is_cut_off_and_no_json_is_no_call() -> None:
    assert folded(parse(['<tool_call>{"name": "\\q"'], Opening.ANSWER, tools=True, cut=True)) == ("", "", [])


def test_arguments_that_are_broken_by_the_end_marker_end_there() -> None:
    text = '<tool_call>{"name": "f", "arguments": {"a": 1</tool_call> after'
    assert folded(parse(list(text), Opening.ANSWER, tools=True)) == ("", "after", [("f", '{"a": 1')])


def test_without_tools_a_call_is_text() -> None:
    assert folded(parse([CALL], Opening.ANSWER))[1] == CALL


def test_one_call_is_enough_where_calls_may_not_be_parallel() -> None:
    parser = AnswerParser(
        THINK, opening=Opening.ANSWER, calls=Calls(HERMES, OFFERED, parallel=False), start=HERMES.start
    )
    deltas: list[Delta] = []
    for char in CALL + CALL + "more":
        assert not (parser.complete and parser.push(char))
        deltas += parser.push(char)
    assert parser.complete
    assert folded(deltas) == ("", "", [("f", ARGUMENTS)])


@pytest.mark.parametrize(
    ("call", "content"),
    [
        ('{"name": "other", "arguments": {"a": 1}}', '{"name": "other", "arguments": {"a": 1}}'),
        ('{"arguments": {}, "name": "other"}', '{"arguments": {}, "name": "other"}'),
        ('[{"name": "f", "arguments": {}}, {"name": "other", "arguments": {}}]',) * 2,
    ],
)
@pytest.mark.parametrize("closed", [True, False])
def test_a_call_to_a_tool_that_is_not_offered_is_text(call: str, content: str, *, closed: bool) -> None:
    text = f"So: <tool_call>{call}{'</tool_call>' if closed else ''}"
    for pieces in ([text], list(text)):
        assert folded(parse(pieces, Opening.ANSWER, tools=True)) == ("", "So:" + content, [])


def test_half_a_call_to_a_tool_that_is_not_offered_is_neither() -> None:
    found = folded(parse(['<tool_call>{"name": "other", "argum'], Opening.ANSWER, tools=True, cut=True))
    assert found == ("", "", [])
