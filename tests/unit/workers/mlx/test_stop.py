from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from dovetail.workers.mlx.stop import StopMatcher

TEXT = st.text("abc ", max_size=24)
STOPS = st.lists(st.text("abc ", min_size=1, max_size=5), max_size=4)


def run(pieces: list[str], stops: list[str]) -> tuple[str, str | None]:
    matcher, shown = StopMatcher(stops), ""
    for piece in pieces:
        text, matched = matcher.push(piece)
        shown += text
        if matched is not None:
            return shown, matched
    return shown + matcher.finish(), None


@given(TEXT, STOPS, st.lists(st.integers(0, 24), max_size=8))
def test_any_split_gives_the_same_answer(text: str, stops: list[str], cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[a:b] for a, b in pairwise(edges)]
    assert run(pieces, stops) == run(list(text), stops) == run([text], stops)


@given(TEXT, STOPS)
def test_no_stop_string_is_ever_shown(text: str, stops: list[str]) -> None:
    shown, matched = run(list(text), stops)
    assert all(stop not in shown for stop in stops)
    assert (matched is None) == all(stop not in text for stop in stops)
    assert text.startswith(shown + (matched or ""))


def test_text_is_held_back_only_while_it_may_be_a_stop_string() -> None:
    matcher = StopMatcher(["END", "STOP"])
    assert matcher.push("say S").text == "say "
    assert matcher.push("T").text == ""
    assert matcher.push("art E").text == "STart "
    assert matcher.push("N").text == ""
    assert matcher.finish() == "EN"


def test_the_stop_string_that_completes_first_wins() -> None:
    assert run(["abcd"], ["abcd", "c"]) == ("ab", "c")
    assert run(["abc"], ["bc", "abc"]) == ("", "abc")
