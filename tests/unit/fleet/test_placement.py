from hypothesis import given
from hypothesis import strategies as st

from dovetail.fleet.placement import Load, Resident, Wait, decide


def resident(name: str, *, busy: bool = False, last_used: float = 0.0) -> Resident:
    return Resident(name, busy, last_used)


def test_a_free_place_is_taken() -> None:
    assert decide("c", [resident("a", busy=True)], 2) == Load()


def test_the_longest_unused_model_makes_room() -> None:
    assert decide("c", [resident("a", last_used=2), resident("b", last_used=1)], 2) == Load(("b",))


def test_a_busy_model_is_waited_for() -> None:
    assert decide("c", [resident("a", busy=True), resident("b", busy=True)], 2) == Wait(("a", "b"))


def test_a_resident_model_needs_no_room() -> None:
    assert decide("a", [resident("a"), resident("b", busy=True)], 2) == Load()


def test_fewer_places_than_before_evict_more_than_one() -> None:
    models = [resident(name, last_used=used) for name, used in (("a", 3), ("b", 1), ("c", 2))]
    assert decide("d", models, 2) == Load(("b", "c"))


MODELS = st.lists(
    st.builds(Resident, st.sampled_from("abcdefgh"), st.booleans(), st.floats(0, 100)), unique_by=lambda m: m.id
)


@given(wanted=st.sampled_from("abcdefgh"), models=MODELS, places=st.integers(1, 8))
def test_no_busy_model_goes_and_no_place_is_overbooked(wanted: str, models: list[Resident], places: int) -> None:
    decision = decide(wanted, models, places)
    others = [model for model in models if model.id != wanted]
    idle = [model for model in others if not model.busy]
    match decision:
        case Load(evict):
            gone = [model for model in others if model.id in evict]
            assert not any(model.busy for model in gone)
            assert len(others) - len(gone) + 1 <= places or not gone
            assert len(others) - len(evict) < places
            if gone:
                assert len(others) - len(gone) + 1 == places, "no more than needed"
                kept = [model for model in idle if model.id not in evict]
                assert all(old.last_used <= new.last_used for old in gone for new in kept)
        case Wait(busy):
            assert len(others) - len(idle) >= places
            assert set(busy) == {model.id for model in others if model.busy}
