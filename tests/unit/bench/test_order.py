import pytest

from dovetail.bench.figures import Cell, Plan, QualityPlan
from dovetail.bench.order import Forecast, Pace, Step, guess, learnt, steps

from ..serving.fakes import model  # noqa: TID252  one set of stand-ins
from .parts import benchmark, result

PLAN = Plan(("a", "b", "c"), (8, 16), (4,), (1,), repeats=3, quality=QualityPlan(reference="b"))


def test_models_take_turns_and_each_is_first_once() -> None:
    found = steps(PLAN)
    assert [step.model for step in found if step.kind == "load"] == ["a", "b", "c"]
    rounds = [[s.model for s in found if s.kind == "repeat" and s.round == number] for number in (1, 2, 3)]
    assert rounds == [
        ["a", "a", "b", "b", "c", "c"],
        ["b", "b", "c", "c", "a", "a"],
        ["c", "c", "a", "a", "b", "b"],
    ]
    assert [step.model for step in found if step.kind == "quality"] == ["b", "a", "c"]


def test_without_a_warm_up_and_a_text_there_are_only_repeats() -> None:
    plain = Plan(("a",), (8,), (4,), repeats=2, warmup=False)
    assert [step.kind for step in steps(plain)] == ["load", "repeat", "repeat"]


def test_what_is_left_shrinks_with_what_is_known() -> None:
    paces = dict.fromkeys("abc", Pace(100.0, 10.0, 2.0))
    plan = Plan(("a",), (100,), (10,), repeats=2, warmup=False)
    forecast, rest = Forecast(plan, paces), steps(plan)[1:]
    assert forecast.left(rest) == pytest.approx(2 * (1.0 + 1.0))
    forecast.learn(Step("repeat", "a", Cell(100, 10), 1), 0.5)
    assert forecast.left(rest) == pytest.approx(1.0)


def test_scoring_costs_a_window_and_its_places() -> None:
    plan = Plan(("a",), quality=QualityPlan(positions=256, window=512))
    left = Forecast(plan, {"a": Pace(256.0, 64.0, 0.0)}).left([Step("quality", "a")])
    assert left == pytest.approx(1.0 + 4.0)


def test_paces_come_from_the_newest_run_of_a_model() -> None:
    found = learnt([benchmark(result("one", 80.0)), benchmark(result("one", 20.0), result("two", 30.0))])
    assert {name: pace.decode for name, pace in found.items()} == {"one": 80.0, "two": 30.0}
    assert all(pace.measured for pace in found.values())
    assert not guess(model()).measured
