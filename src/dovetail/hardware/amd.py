"""AMD's GPUs, by what the amdgpu driver writes to sysfs.

Files: the kernel's Documentation/gpu/amdgpu/thermal.rst (gpu_busy_percent, hwmon), driver-misc.rst (mem_info_vram_*).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from dovetail.hardware import drm
from dovetail.hardware.drm import Card
from dovetail.hardware.reading import Bytes, Figure, GpuReading
from dovetail.hardware.tree import known, text


def read(proc: Path, sys: Path, pids: Collection[int]) -> tuple[GpuReading, ...]:
    """Every card; its memory by process of `pids` alone. Blocks for milliseconds."""
    found = list(_cards(sys))
    clients = drm.clients(proc, pids) if found else []
    return tuple(
        GpuReading(
            vendor="amd",
            name=text(card.device / "product_name") or "AMD GPU",
            id=card.slot,
            source=f"sysfs ({card.driver or 'no driver'})",
            busy=_busy(card),
            vram_used=_vram(card, "used"),
            vram_total=_vram(card, "total"),
            power=drm.sensor(card, 1_000_000, "power1_average", "power1_input"),  # microwatts
            temperature=drm.sensor(card, 1000, "temp1_input"),  # millidegrees
            processes=drm.memory_by_process(clients, card.slot),
        )
        for card in found
    )


def memory(sys: Path) -> tuple[tuple[str, Bytes, Bytes], ...]:
    """Of each card its name, and the bytes it has and that are used. Blocks for a few small files."""
    return tuple((card.folder.name, _vram(card, "total"), _vram(card, "used")) for card in _cards(sys))


def _cards(sys: Path) -> Iterator[Card]:
    return (card for card in drm.cards(sys) if card.vendor == "amd")


def _vram(card: Card, what: str) -> Bytes:
    return known(card.device / f"mem_info_vram_{what}")


def _busy(card: Card) -> Figure:
    if card.asleep:
        return 0.0
    return known(card.device / "gpu_busy_percent")
