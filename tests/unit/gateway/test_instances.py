"""Numbers of models."""

from hypothesis import given
from hypothesis import strategies as st

from dovetail.gateway.instances import Instances


def test_given_numbers_go_first_and_others_have_their_own() -> None:
    instances = Instances()
    assert instances.numbers(["b", "a"]) == {100: "b", 101: "a"}
    instances.give(0, "a")
    assert instances.numbers(["a", "b"]) == {0: "a", 100: "b"}
    instances.give(0, "c+shout")
    assert instances.numbers(["a", "b", "c"]) == {0: "c+shout", 100: "b", 101: "a"}
    instances.take("c+shout")
    assert instances.numbers([]) == {100: "b", 101: "a"}


@given(st.lists(st.tuples(st.sampled_from("gtr"), st.integers(0, 104), st.sampled_from("abcd"))))
def test_a_number_is_one_model_and_a_given_model_has_one_number(steps: list[tuple[str, int, str]]) -> None:
    instances = Instances()
    wanted: dict[str, int] = {}
    seen: set[str] = set()
    for step, number, name in steps:
        if step == "g":
            instances.give(number, name)
            wanted = {other: n for other, n in wanted.items() if n != number} | {name: number}
        elif step == "t":
            instances.take(name)
            wanted.pop(name, None)
        else:
            seen.add(name)
        numbers = instances.numbers([name] if step == "r" else [])
        assert {name: numbers.get(n) for name, n in wanted.items()} == {name: name for name in wanted}
        assert step != "r" or name in numbers.values()
        assert len(set(numbers.values())) == len(numbers)
        assert set(numbers.values()) <= seen | set(wanted)
