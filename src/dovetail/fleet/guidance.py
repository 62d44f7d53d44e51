"""What to change so that a model fits: each suggestion is reckoned, none is guessed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from dovetail.core.model import LoadOptions, Model
from dovetail.fleet.placement import Resident

_STEP = 256
_LEAST_CONTEXT = 512
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")
_SUGGESTIONS = 3


@dataclass(frozen=True, slots=True)
class Shortage:
    """A model that takes `needed` bytes and may have `free`; `others` hold the rest and were not asked to go.

    hidden  ids of those whose names whoever asks is not to be told
    """

    model: Model
    options: LoadOptions
    needed: int
    free: int
    others: Sequence[Resident] = ()
    hidden: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Change:
    """One that makes a model fit: other load options, models to `unload`, or neither, and weights of `at_most` bytes.

    text  the same for people; of models that have to go and are not to be named, all that is said
    """

    text: str
    options: tuple[tuple[str, int | str], ...] = ()
    unload: tuple[str, ...] = ()
    at_most: int | None = None


def suggestions(shortage: Shortage, needs: Callable[[LoadOptions], int]) -> tuple[Change, ...]:
    """Up to three changes of which each alone makes it fit. `needs` is bytes by load options."""
    said = (_context(shortage, needs), _slots(shortage, needs), _unload(shortage), _types(shortage, needs))
    found = [each for each in said if each is not None] or [_smaller(shortage, needs)]
    return tuple(found[:_SUGGESTIONS])


def changes(shortage: Shortage, needs: Callable[[LoadOptions], int]) -> str:
    """The same in words."""
    return ", or ".join(each.text for each in suggestions(shortage, needs))


def crowded(places: int, others: Sequence[Resident], hidden: frozenset[str]) -> str:
    """What to do where `others` have all the places there are."""
    names = listed(sorted(each.id for each in others), hidden)
    return f"all {places} places are taken by models in use ({names}); unload one, or raise fleet.max_models"


def listed(ids: Sequence[str], hidden: frozenset[str]) -> str:
    """Models for people; of the `hidden` ones how many there are."""
    shown = [each for each in ids if each not in hidden]
    more = len(ids) - len(shown)
    if more:
        shown.append("another model" if more == 1 else f"{more} other models")
    return " and ".join(shown)


def size(count: float) -> str:
    """A number of bytes for people."""
    amount = float(count)
    for unit in _UNITS[:-1]:
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} {_UNITS[-1]}"


def _context(shortage: Shortage, needs: Callable[[LoadOptions], int]) -> Change | None:
    options = shortage.options
    steps = _most((options.context or 0) // _STEP, lambda n: needs(replace(options, context=n * _STEP)), shortage.free)
    context = steps * _STEP
    return Change(f"lower the context to {context}", (("context", context),)) if context >= _LEAST_CONTEXT else None


def _slots(shortage: Shortage, needs: Callable[[LoadOptions], int]) -> Change | None:
    options = shortage.options
    count = _most((options.parallel or 1) - 1, lambda n: needs(replace(options, parallel=n)), shortage.free)
    return Change(f"lower parallel to {count}", (("parallel", count),)) if count else None


def _types(shortage: Shortage, needs: Callable[[LoadOptions], int]) -> Change | None:
    if shortage.model.format != "gguf":
        return None
    for kind in ("q8_0", "q4_0"):
        if needs(replace(shortage.options, cache_type_k=kind, cache_type_v=kind)) <= shortage.free:
            both = (("cache_type_k", kind), ("cache_type_v", kind))
            return Change(f"set cache_type_k and cache_type_v to {kind}", both)
    return None


def _unload(shortage: Shortage) -> Change | None:
    """The fewest of the others, the largest first."""
    missing, names = shortage.needed - shortage.free, list[str]()
    for other in sorted(shortage.others, key=lambda each: -each.memory):
        if missing <= 0:
            break
        missing -= other.memory
        names.append(other.id)
    if not names or missing > 0:
        return None
    told = () if shortage.hidden.intersection(names) else tuple(names)
    return Change(f"unload {listed(names, shortage.hidden)}", unload=told)


def _smaller(shortage: Shortage, needs: Callable[[LoadOptions], int]) -> Change:
    """Even the least context is too much: what the weights may take."""
    rest = needs(replace(shortage.options, context=_LEAST_CONTEXT, parallel=1, cache_ram=0)) - shortage.model.size
    weights = shortage.free - rest
    if weights <= 0:
        return Change("raise fleet.memory: no model fits into what is free")
    most = f"of at most {size(weights)}, with a context of {_LEAST_CONTEXT} and one slot"
    return Change(
        f"take a smaller quantisation, {most}", (("context", _LEAST_CONTEXT), ("parallel", 1)), at_most=weights
    )


def _most(limit: int, needs: Callable[[int], int], free: int) -> int:
    """The largest number from 1 to `limit` whose need is at most `free`, 0 where there is none."""
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        if needs(middle) <= free:
            low = middle
        else:
            high = middle - 1
    return low
