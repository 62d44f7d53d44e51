"""Apple's GPUs, by what macOS tells everybody: the statistics of IOAccelerator in the registry.

`ioreg -r -d 1 -w 0 -c IOAccelerator -a` prints them as a property list.
"""

from __future__ import annotations

import plistlib
import subprocess
from collections.abc import Callable
from typing import cast
from xml.parsers.expat import ExpatError

from dovetail.hardware.reading import Bytes, Figure, GpuReading, Unknown

COMMAND = ("/usr/sbin/ioreg", "-r", "-d", "1", "-w", "0", "-c", "IOAccelerator", "-a")
WITHIN = 2.0
_ROOT_ALONE = Unknown("macOS tells it to root alone (powermetrics)")


def registry() -> bytes:
    """What `ioreg` prints, nothing where it fails. Blocks, 2 s at most."""
    try:
        return subprocess.run(COMMAND, capture_output=True, timeout=WITHIN, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return b""


def read(memory: int, limit: int = 0, registry: Callable[[], bytes] = registry) -> tuple[GpuReading, ...] | Unknown:
    """GPUs in a machine with `memory` bytes; `limit` of them may be wired for the GPU, where macOS says so."""
    try:
        listed: object = plistlib.loads(registry())
    except (plistlib.InvalidFileException, ValueError, ExpatError):
        return Unknown("ioreg tells no IOAccelerator")
    entries = cast("list[object]", listed) if isinstance(listed, list) else []
    return tuple(_gpu(index, entry, limit or memory) for index, entry in enumerate(map(_table, entries)) if entry)


def _gpu(index: int, entry: dict[str, object], memory: int) -> GpuReading:
    told = _table(entry.get("PerformanceStatistics"))
    shares = "In use system memory" in told
    own = _figure(entry, "VRAM,totalMB")
    name = entry.get("model")
    if isinstance(name, bytes):  # on Intel Macs: data with a zero at its end
        name = name.rstrip(b"\0").decode(errors="replace")
    total: Bytes = own if isinstance(own, Unknown) else int(own) << 20
    return GpuReading(
        vendor="apple",
        name=str(name or "Apple GPU"),
        id=f"{entry.get('IOClass') or 'IOAccelerator'} {index}",
        source="ioreg",
        busy=_figure(told, "Device Utilization %", "GPU Activity(%)"),
        vram_used=_whole(_figure(told, "In use system memory", "vramUsedBytes")),
        vram_total=memory if shares else total,
        power=_known_or(told, "Total Power(W)"),
        temperature=_known_or(told, "Temperature(C)"),
        shares=shares,
    )


def _table(value: object) -> dict[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _figure(told: dict[str, object], *names: str) -> Figure:
    values = [value for name in names if isinstance(value := told.get(name), int | float)]
    return float(values[0]) if values else Unknown(f"ioreg tells no {names[0]}")


def _known_or(told: dict[str, object], name: str) -> Figure:
    found = _figure(told, name)
    return _ROOT_ALONE if isinstance(found, Unknown) else found


def _whole(figure: Figure) -> Bytes:
    return figure if isinstance(figure, Unknown) else int(figure)
