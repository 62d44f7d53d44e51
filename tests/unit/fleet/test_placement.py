import pytest
from hypothesis import given
from hypothesis import strategies as st

from dovetail.fleet.placement import Load, Refuse, Resident, Room, Wait, decide

PLENTY = Room(models=64, memory=100, device=100)


def resident(name: str, memory: int = 0, *, busy: bool = False, last_used: float = 0.0, **more: int) -> Resident:
    return Resident(name, busy, last_used, memory, **more)  # type: ignore[arg-type]  # pinned and priority are numbers


def test_a_free_place_is_taken() -> None:
    assert decide(resident("c"), [resident("a", busy=True)], Room(2)) == Load()


def test_the_longest_unused_model_makes_room() -> None:
    assert decide(resident("c"), [resident("a", last_used=2), resident("b", last_used=1)], Room(2)) == Load(("b",))


def test_a_busy_model_is_waited_for() -> None:
    assert decide(resident("c"), [resident("a", busy=True), resident("b", busy=True)], Room(2)) == Wait(("a", "b"))


def test_a_resident_model_needs_no_room() -> None:
    assert decide(resident("a"), [resident("a"), resident("b", busy=True)], Room(2)) == Load()


def test_fewer_places_than_before_evict_more_than_one() -> None:
    models = [resident(name, last_used=used) for name, used in (("a", 3), ("b", 1), ("c", 2))]
    assert decide(resident("d"), models, Room(2)) == Load(("b", "c"))


@pytest.mark.accept("E5")
def test_models_that_fit_together_stay_together() -> None:
    assert decide(resident("c", 40), [resident("a", 30), resident("b", 30)], PLENTY) == Load()


def test_memory_makes_room_like_places_do() -> None:
    models = [resident("a", 30, last_used=2), resident("b", 60, last_used=1)]
    assert decide(resident("c", 40), models, PLENTY) == Load(("b",))
    assert decide(resident("c", 60), [resident("a", 50, busy=True)], PLENTY) == Wait(("a",))


def test_what_can_never_fit_is_refused() -> None:
    assert decide(resident("c", 101), [resident("a", 30)], PLENTY) == Refuse()
    assert decide(resident("c", 80), [resident("a", 30, pinned=True)], PLENTY) == Refuse(("a",))


def test_a_gpu_is_a_budget_of_its_own() -> None:
    models = [resident("a", 10, device=70), resident("b", 10, last_used=9, device=20)]
    assert decide(resident("c", 10, device=50), models, PLENTY) == Load(("a",))


def test_priority_goes_before_the_cost_of_a_load_and_that_before_use() -> None:
    slow = Resident("slow", last_used=1, memory=50, reload=60)
    quick = Resident("quick", last_used=2, memory=50, reload=3)
    assert decide(resident("c", 50), [slow, quick], PLENTY) == Load(("quick",))
    low = Resident("low", last_used=3, memory=50, reload=600, priority=-1)
    assert decide(resident("c", 50), [low, quick], PLENTY) == Load(("low",))
    alike = Resident("alike", last_used=3, memory=50, reload=50)
    assert decide(resident("c", 50), [slow, alike], PLENTY) == Load(("slow",))


def test_a_small_model_stays_when_a_large_one_that_goes_is_enough() -> None:
    models = [resident("small", 5, last_used=1), resident("large", 90, last_used=2)]
    assert decide(resident("c", 50), models, PLENTY) == Load(("large",))


MODELS = st.lists(
    st.builds(
        Resident,
        st.sampled_from("abcdefgh"),
        busy=st.booleans(),
        last_used=st.floats(0, 100),
        memory=st.integers(0, 60),
        device=st.integers(0, 60),
        pinned=st.booleans(),
        priority=st.integers(-1, 1),
        reload=st.floats(0, 100),
    ),
    unique_by=lambda model: model.id,
    max_size=8,
)
WANTED = st.builds(Resident, st.sampled_from("abcdefgh"), memory=st.integers(0, 120), device=st.integers(0, 120))
ROOMS = st.builds(Room, st.integers(1, 8), st.none() | st.integers(0, 150), st.none() | st.integers(0, 150))


@given(wanted=WANTED, models=MODELS, room=ROOMS)
def test_never_over_budget_never_a_busy_or_pinned_one_and_none_too_many(
    wanted: Resident, models: list[Resident], room: Room
) -> None:
    others = [model for model in models if model.id != wanted.id]
    movable = [model for model in others if not model.busy and not model.pinned]
    match decide(wanted, models, room):
        case Load(evict):
            gone = [model for model in others if model.id in evict]
            kept = [model for model in others if model.id not in evict]
            assert len(gone) == len(evict)
            assert all(model in movable for model in gone)
            assert room.holds([*kept, wanted])
            assert not any(room.holds([*kept, wanted, model]) for model in gone), "each of them had to go"
        case Wait(busy):
            staying = [model for model in others if model not in movable]
            assert not room.holds([*staying, wanted])
            assert room.holds([*(model for model in others if model.pinned), wanted])
            assert set(busy) == {model.id for model in others if model.busy and not model.pinned} != set()
        case Refuse(pinned):
            assert set(pinned) == {model.id for model in others if model.pinned}
            assert not room.holds([*(model for model in others if model.pinned), wanted])
