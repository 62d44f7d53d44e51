from hypothesis import given
from hypothesis import strategies as st

from dovetail.bench.prompts import Prompts


@given(st.integers(2, 60), st.integers(4, 40), st.integers(0, 99))
def test_prompts_are_as_long_as_asked_and_begin_differently(words: int, length: int, seed: int) -> None:
    prompts = Prompts(range(words), seed)
    found = [prompts.draw(length) for _ in range(8)]
    assert all(len(prompt) == length and set(prompt) <= set(range(words)) for prompt in found)
    assert len({prompt[:4] for prompt in found}) == 8


def test_a_seed_gives_the_same_prompts() -> None:
    one, other = Prompts((1, 2, 3), 7), Prompts((3, 2, 1), 7)
    assert [one.draw(9) for _ in range(3)] == [other.draw(9) for _ in range(3)]


def test_very_short_prompts_come_again_at_last() -> None:
    prompts = Prompts((1, 2), 0)
    assert len([prompts.draw(1) for _ in range(10)]) == 10
