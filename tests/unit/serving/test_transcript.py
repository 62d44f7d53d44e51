"""A second run compared with the first: any cut of the same answer is swallowed, any other is found out."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dovetail.core.events import (
    Delta,
    Event,
    Loading,
    Prefill,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    TokenLogprob,
    ToolCallDelta,
)
from dovetail.serving.transcript import Comparison, Differs, Transcript

from .fakes import finished

texts = st.text(min_size=1, max_size=12)


@st.composite
def answers(draw: st.DrawFn) -> list[tuple[str, str]]:
    """Segments of an answer: a thought, text and calls in any order, each with its whole text."""
    kinds = draw(st.lists(st.sampled_from(["thought", "text", "call", "refusal"]), min_size=1, max_size=5))
    return [(kind, draw(texts)) for kind in kinds]


def cut(data: st.DataObject, segments: Sequence[tuple[str, str]], ids: str) -> list[Delta]:
    """The answer as deltas, each segment cut at places that `data` chooses; ids of calls differ from run to run."""
    events: list[Delta] = []
    calls = 0
    for kind, text in segments:
        places = sorted(data.draw(st.sets(st.integers(1, len(text)), max_size=4)) | {len(text)})
        pieces = [text[start:end] for start, end in zip([0, *places], places, strict=False)]
        if kind == "call":
            events.append(ToolCallDelta(calls, f"{ids}{calls}", f"tool{calls}"))
            events += [ToolCallDelta(calls, arguments=piece) for piece in pieces]
            calls += 1
        else:
            make = {"thought": ReasoningDelta, "text": TextDelta, "refusal": RefusalDelta}[kind]
            events += [make(piece) for piece in pieces]
    return events


def channels(events: Sequence[Event]) -> dict[str, str]:
    said: dict[str, str] = {}
    for event in events:
        if isinstance(event, ToolCallDelta):
            for name, text in ((f"{event.call} name", event.name or ""), (f"{event.call} arguments", event.arguments)):
                said[name] = said.get(name, "") + text
        elif isinstance(event, Delta):
            said[type(event).__name__] = said.get(type(event).__name__, "") + event.text
    return said


def noted(events: Sequence[Event]) -> Transcript:
    transcript = Transcript()
    for event in events:
        transcript.note(event)
    return transcript


def fed(comparison: Comparison, events: Sequence[Event]) -> list[Event]:
    return [passed for event in events for passed in comparison.feed(event)]


@given(answers(), st.data())
def test_whatever_the_cuts_the_client_gets_the_answer_once(
    segments: list[tuple[str, str]], data: st.DataObject
) -> None:
    first, second = cut(data, segments, "first"), cut(data, segments, "second")
    sent = first[: data.draw(st.integers(0, len(first)))]
    got = fed(Comparison(noted(sent)), [*second, finished()])
    assert got[-1] == finished()
    assert channels([*sent, *got]) == channels(first)
    ids = [event.id for event in [*sent, *got] if isinstance(event, ToolCallDelta) and event.id is not None]
    assert len(ids) == sum(kind == "call" for kind, _ in segments)


@given(answers(), st.data())
def test_another_character_is_found_before_anything_is_sent(
    segments: list[tuple[str, str]], data: st.DataObject
) -> None:
    sent, second = cut(data, segments, "first"), cut(data, segments, "second")
    filled = [at for at, event in enumerate(second) if not isinstance(event, ToolCallDelta) or event.arguments]
    at = data.draw(st.sampled_from(filled))
    event = second[at]
    text = event.arguments if isinstance(event, ToolCallDelta) else event.text
    place = data.draw(st.integers(0, len(text) - 1))
    other = text[:place] + ("b" if text[place] == "a" else "a") + text[place + 1 :]
    changed = replace(event, arguments=other) if isinstance(event, ToolCallDelta) else replace(event, text=other)
    comparison = Comparison(noted(sent))
    assert fed(comparison, second[:at]) == []
    with pytest.raises(Differs):
        fed(comparison, [changed])


@given(answers(), st.data())
def test_an_answer_that_ends_early_differs(segments: list[tuple[str, str]], data: st.DataObject) -> None:
    sent = cut(data, segments, "first")
    short = sent[: data.draw(st.integers(0, len(sent) - 1))]
    if channels(short) == channels(sent):
        return
    with pytest.raises(Differs):
        fed(Comparison(noted(sent)), [*short, finished()])


def test_nothing_of_one_channel_goes_out_before_the_others_are_told_again() -> None:
    comparison = Comparison(noted([ReasoningDelta("hm"), TextDelta("a")]))
    assert fed(comparison, [TextDelta("ab"), ReasoningDelta("h")]) == []
    assert fed(comparison, [ReasoningDelta("mm")]) == [TextDelta("b"), ReasoningDelta("m")]


def test_another_tool_differs() -> None:
    comparison = Comparison(noted([ToolCallDelta(0, "c1", "weather")]))
    for name in ("time", "weather_now", "weath"):
        with pytest.raises(Differs):
            fed(Comparison(noted([ToolCallDelta(0, "c1", "weather")])), [ToolCallDelta(0, "c2", name)])
    assert fed(comparison, [ToolCallDelta(0, "c2", "weather", "{")]) == [ToolCallDelta(0, None, None, "{")]


def test_arguments_of_a_call_without_a_name_are_told_once() -> None:
    sent = noted([ToolCallDelta(0, "c1", None, '{"a"')])
    again = [ToolCallDelta(0, "c2", None, '{"a": '), ToolCallDelta(0, None, "weather", "1}")]
    assert fed(Comparison(sent), again) == [
        ToolCallDelta(0, None, None, ": "),
        ToolCallDelta(0, None, "weather", "1}"),
    ]


def test_log_probabilities_go_with_their_text() -> None:
    a, b, c = (TokenLogprob(1, token, -0.1) for token in "abc")
    sent = noted([TextDelta("a", logprobs=(a,))])
    other = replace(a, logprob=-0.2)  # rounding is no other answer
    assert fed(Comparison(sent), [TextDelta("abc", logprobs=(other, b, c))]) == [TextDelta("bc", logprobs=(b, c))]
    with pytest.raises(Differs):
        fed(Comparison(sent), [TextDelta("ab", logprobs=(replace(a, token="ab"),))])
    with pytest.raises(Differs):
        fed(Comparison(sent), [TextDelta("a"), finished()])


def test_progress_is_shown_and_the_prompt_only_once() -> None:
    comparison = Comparison(noted([Prefill(8, 0, 8), TextDelta("a")]))
    assert fed(comparison, [Loading("m"), Prefill(8, 0, 8)]) == [Loading("m")]
    assert fed(Comparison(noted([Prefill(8, 0, 8)])), [Prefill(8, 0, 8)]) == [Prefill(8, 0, 8)]


def test_what_is_plain_text() -> None:
    assert noted([]).plain() == ""
    assert noted([Prefill(8, 0, 8), TextDelta("a"), TextDelta("b")]).plain() == "ab"
    assert noted([ReasoningDelta("hm"), TextDelta("a")]).plain() is None
