"""What a ready worker says of itself."""

from __future__ import annotations

from dataclasses import dataclass

from dovetail.core.request import Json, JsonObject


@dataclass(frozen=True, slots=True)
class Props:
    """What a ready worker says of itself: tokens for each slot, slots, and the whole of its /props."""

    context: int
    slots: int
    raw: JsonObject


def props_of(raw: JsonObject) -> Props:
    """Read from the answer to /props."""
    defaults = raw.get("default_generation_settings")
    context = defaults.get("n_ctx") if isinstance(defaults, dict) else None
    return Props(_count(context), _count(raw.get("total_slots")), raw)


def _count(value: Json) -> int:
    return value if isinstance(value, int) else 0
