"""Intel's GPUs, by what i915 and xe tell without root: engine times of clients, energy and temperature.

Files: the kernel's Documentation/gpu/drm-usage-stats.rst, ABI/testing/sysfs-driver-intel-i915-hwmon and -xe-hwmon.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dovetail.hardware import drm
from dovetail.hardware.drm import Card, Client
from dovetail.hardware.reading import Bytes, Figure, GpuReading, Unknown
from dovetail.hardware.tree import children

_TWO = Unknown("told from the second reading on")
_SHARED = Unknown("it has no memory of its own: it shares the machine's")
_UNTOLD = Unknown("the driver has no file that tells it")


@dataclass(frozen=True, slots=True)
class _Before:
    """A card at the last reading: seconds on the clock, joules, and its clients by id."""

    at: float
    energy: Figure
    clients: Mapping[str, Client] = field(default_factory=dict[str, Client])


class Intel:
    """Keeps the last reading: times and energy are only counted up. Not for several threads at once."""

    def __init__(self, proc: Path, sys: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._proc = proc
        self._sys = sys
        self._clock = clock
        self._before: dict[str, _Before] = {}

    def read(self, pids: Collection[int]) -> tuple[GpuReading, ...]:
        """Every card; its memory by process of `pids` alone. Blocks: each open file of this user is looked at."""
        found = [card for card in drm.cards(self._sys) if card.vendor == "intel"]
        if not found:
            return ()
        everybody = (int(folder.name) for folder in children(self._proc, "[0-9]*"))
        clients = drm.clients(self._proc, everybody)
        return tuple(self._read(card, [one for one in clients if one.slot == card.slot], pids) for card in found)

    def _read(self, card: Card, clients: list[Client], pids: Collection[int]) -> GpuReading:
        # i915 and xe count energy in microjoules.
        now = _Before(self._clock(), drm.sensor(card, 1_000_000, "energy1_input"), {one.id: one for one in clients})
        before = self._before.get(card.slot)
        self._before[card.slot] = now
        integrated = card.slot.startswith("0000:00:")
        memory: Bytes = _SHARED if integrated else _UNTOLD
        return GpuReading(
            vendor="intel",
            name="Intel graphics" if integrated else "Intel GPU",
            id=card.slot,
            source=f"fdinfo and sysfs ({card.driver or 'no driver'}); busy with this user's processes",
            busy=_busy(before, now),
            vram_used=memory,
            vram_total=memory,
            power=_power(before, now),
            temperature=drm.sensor(card, 1000, "temp1_input", "temp2_input"),
            shares=integrated,
            processes={
                pid: size for pid, size in drm.memory_by_process(clients, card.slot).items() if pid in pids and size
            },
        )


def _power(before: _Before | None, now: _Before) -> Figure:
    if isinstance(now.energy, Unknown):
        return now.energy
    if before is None or isinstance(before.energy, Unknown) or now.at <= before.at:
        return _TWO
    return max(0.0, now.energy - before.energy) / (now.at - before.at)


def _busy(before: _Before | None, now: _Before) -> Figure:
    """The busiest engine's share of the time, of all clients together that can be seen."""
    if not now.clients:
        return Unknown("no process that this user may look at uses it")
    if before is None or now.at <= before.at:
        return _TWO
    shares: dict[str, float] = {}
    for client in now.clients.values():
        last = before.clients.get(client.id)
        if last is not None:
            for engine, share in _shares(last, client, now.at - before.at).items():
                shares[engine] = shares.get(engine, 0.0) + share
    return min(100.0, 100.0 * max(shares.values())) if shares else _TWO


def _shares(last: Client, client: Client, seconds: float) -> dict[str, float]:
    """By engine: i915 counts nanoseconds, xe cycles and all cycles there were."""
    found: dict[str, float] = {}
    for engine, nanoseconds in client.times.items():
        spent = max(0, nanoseconds - last.times.get(engine, nanoseconds))
        found[engine] = spent / 1e9 / seconds / client.capacities.get(engine, 1)
    for engine, (cycles, total) in client.cycles.items():
        cycles_before, total_before = last.cycles.get(engine, (cycles, total))
        if total > total_before:
            spent = max(0, cycles - cycles_before)
            found[engine] = spent / (total - total_before) / client.capacities.get(engine, 1)
    return found
