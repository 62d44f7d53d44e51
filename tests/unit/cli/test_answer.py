from __future__ import annotations

import io
from itertools import count

import pytest

from dovetail.cli.answer import Answer, Display, printable, read
from dovetail.core.request import JsonObject

from .scripted import delta


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(out: io.StringIO) -> str:
    display, answer = Display(out), Answer()
    frames = (
        "loading tiny 10%",
        "keep-alive",
        delta(reasoning_content="hm"),
        delta(content="Par"),
        delta(content="is"),
    )
    read(frames, display, answer)
    display.ends()
    return out.getvalue()


def test_a_file_gets_the_answer_alone() -> None:
    assert shown(io.StringIO()) == "Paris\n"


def test_a_terminal_also_shows_waiting_and_thinking() -> None:
    assert shown(Terminal()) == "\r\x1b[K\x1b[2mloading tiny 10%\x1b[0m\r\x1b[K\x1b[2mhm\x1b[0m\nParis\n"


def test_silence() -> None:
    out = Terminal()
    display = Display(out, silent=True)
    read(("loading", delta(reasoning_content="hm"), delta(content="x")), display, Answer())
    display.ends()
    assert out.getvalue() == ""


def test_an_answer_that_is_only_thought_ends_plain() -> None:
    out = Terminal()
    display = Display(out)
    read((delta(reasoning_content="a"), delta(reasoning_content="b")), display, Answer())
    display.ends()
    assert out.getvalue() == "\x1b[2mab\x1b[0m\n"


def test_what_arrives_is_counted() -> None:
    clock = count(0.0, 0.5)
    answer = Answer()
    end: JsonObject = {"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]}
    usage: JsonObject = {"choices": [], "usage": {"completion_tokens": 2}}
    odd: JsonObject = {"choices": "odd"}
    frames = (delta(role="assistant"), delta(reasoning_content="r"), delta(content="c"), end, usage, odd)
    read(frames, Display(io.StringIO()), answer, lambda: next(clock))
    assert answer.as_json("m") == {
        "model": "m",
        "content": "c",
        "reasoning": "r",
        "finish_reason": "length",
        "usage": {"completion_tokens": 2},
        "ttft_ms": 500.0,
        "duration_ms": 1000.0,
    }


def test_an_answer_without_output() -> None:
    assert Answer().as_json("m")["ttft_ms"] is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\tb\nc", "a\tb\nc"),
        ("\x1b[2J\x1b]0;title\x07", "[2J]0;title"),
        ("서울\x9b31m", "서울31m"),
        ("a\rb\x7f", "ab"),
    ],
)
def test_a_models_output_does_not_steer_the_terminal(text: str, expected: str) -> None:
    assert printable(text) == expected
