"""What a refusal and an estimate say of other models: nothing that whoever asks may not know."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import TypeAlias

import pytest

from dovetail.core.caller import LOCAL, Caller, Scope
from dovetail.core.errors import NoRoom
from dovetail.core.model import LoadOptions, Model, Policy
from dovetail.fleet import lease as lease_module
from dovetail.fleet.estimate import Estimate
from dovetail.fleet.guidance import Change, Shortage, listed, suggestions
from dovetail.fleet.placement import Resident
from dovetail.fleet.pool import Pool

from .fakes import FakeLauncher, Recorder
from .test_places import GIB, Bench, large

pytestmark = pytest.mark.anyio

MINE, SECRET, OTHER = large("mine"), large("secret"), large("other")
NARROW = Caller("k", "key_1", scope=Scope(models=("mine", "other")))
OPTIONS = LoadOptions(context=1024, parallel=2)
Load: TypeAlias = Callable[[Pool, Model, Caller], Awaitable[None]]


async def by_request(pool: Pool, wanted: Model, caller: Caller) -> None:
    async with pool.lease(wanted, caller=caller) as lease:
        async for _ in lease.ready():
            pass


async def by_hand(pool: Pool, wanted: Model, caller: Caller) -> None:
    await pool.load(wanted, caller=caller)


@pytest.fixture
async def bench(launcher: FakeLauncher, recorder: Recorder) -> AsyncIterator[Bench]:
    made = Bench(launcher, recorder)
    yield made
    for pool in made.made:
        await pool.aclose()


@pytest.mark.parametrize(
    ("hidden", "said"),
    [
        ((), "a and b and c"),
        (("b",), "a and c and another model"),
        (("a", "c"), "b and 2 other models"),
        (("a", "b", "c"), "3 other models"),
    ],
)
def test_models_are_named_or_counted(hidden: tuple[str, ...], said: str) -> None:
    assert listed(("a", "b", "c"), frozenset(hidden)) == said


def test_only_what_may_be_named_can_be_unloaded_by_its_name() -> None:
    def change(*hidden: str) -> Change:
        others = [Resident(name, memory=GIB) for name in ("a", "b")]
        shortage = Shortage(MINE, OPTIONS, 3 * GIB, GIB, others, frozenset(hidden))
        (found,) = (each for each in suggestions(shortage, lambda _: 3 * GIB) if "unload" in each.text)
        return found

    assert change() == Change("unload a and b", unload=("a", "b"))
    assert change("b") == Change("unload a and another model")
    assert change("a", "b") == Change("unload 2 other models")


@pytest.mark.parametrize("load", [by_request, by_hand])
@pytest.mark.parametrize(("caller", "said"), [(LOCAL, "unload secret"), (NARROW, "unload another model")])
async def test_a_refusal_for_memory(bench: Bench, load: Load, caller: Caller, said: str) -> None:
    bench.policies["secret"] = Policy(pin=True)
    pool = bench.pool(memory="1.5 GiB")
    await pool.load(SECRET)
    with pytest.raises(NoRoom) as refused:
        await load(pool, MINE, caller)
    assert said in refused.value.message
    assert ("secret" in refused.value.message) is (caller is LOCAL)


@pytest.mark.parametrize(
    ("caller", "said"), [(LOCAL, "in use (other and secret)"), (NARROW, "in use (other and another model)")]
)
async def test_a_refusal_for_places(bench: Bench, monkeypatch: pytest.MonkeyPatch, caller: Caller, said: str) -> None:
    monkeypatch.setattr(lease_module, "TELL_EVERY", 0.01)
    monkeypatch.setattr(lease_module, "PLACE_WITHIN", 0.05)
    pool = bench.pool(max_models=2)
    async with pool.lease(SECRET) as one, pool.lease(OTHER) as two:
        for lease in (one, two):
            async for _ in lease.ready():
                pass
        with pytest.raises(NoRoom) as refused:
            await by_request(pool, MINE, caller)
    assert said in refused.value.message


async def test_an_estimate(bench: Bench) -> None:
    pool = bench.pool(memory="2.5 GiB")
    for wanted in (SECRET, OTHER):
        await pool.load(wanted)

    async def told(caller: Caller) -> Estimate:
        return await pool.estimate(replace(MINE, size=2 * GIB), OPTIONS, "", caller)

    whole, narrow = await told(LOCAL), await told(NARROW)
    assert (whole.verdict, set(whole.evict)) == ("evicts", {"secret", "other"})
    assert (narrow.verdict, narrow.evict) == ("evicts", ("other",))
    async with pool.lease(SECRET), pool.lease(OTHER):
        whole, narrow = await told(LOCAL), await told(NARROW)
    assert whole.verdict == narrow.verdict == "waits"
    assert {"secret", "other"} in [set(each.unload) for each in whole.advice]
    assert "unload other and another model" in [each.text for each in narrow.advice]
    assert not any(each.unload or "secret" in each.text for each in narrow.advice)
