"""Graphics cards as Linux shows them: DRM devices in `/sys/class/drm`, and who uses them in `/proc/PID/fdinfo`.

Formats: the kernel's Documentation/gpu/drm-usage-stats.rst (clients) and Documentation/hwmon/sysfs-interface.rst.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dovetail.hardware.reading import Figure, Unknown, Vendor
from dovetail.hardware.tree import children, known, number, text

_PCI_VENDORS: dict[int, Vendor] = {0x10DE: "nvidia", 0x1002: "amd", 0x8086: "intel"}
_UNITS = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20}
# amdgpu and xe call a GPU's own memory vram, i915 calls it local; a number tells several apart.
_OWN_MEMORY = re.compile(r"drm-(resident|memory)-(?:vram|local)\d*")


@dataclass(frozen=True, slots=True)
class Card:
    """`slot` is the PCI address (`0000:03:00.0`), the name of the card where it has none."""

    vendor: Vendor
    folder: Path
    driver: str
    slot: str

    @property
    def device(self) -> Path:
        return self.folder / "device"

    @property
    def asleep(self) -> bool:
        """Suspended to save power: reading a sensor would wake it."""
        return text(self.device / "power" / "runtime_status") == "suspended"


@dataclass(frozen=True, slots=True)
class Client:
    """An open DRM file of a process. `slot` is its device's; times in nanoseconds, cycles with all there were.

    `id` tells files of one device apart: a process's copies of one file have the same.
    """

    pid: int
    slot: str
    id: str
    memory: int
    times: dict[str, int]
    cycles: dict[str, tuple[int, int]]
    capacities: dict[str, int]


def cards(sys: Path) -> Iterator[Card]:
    """Those of vendors that are known. Blocks for a few small files."""
    for folder in children(sys / "class" / "drm", "card*"):
        if not re.fullmatch(r"card\d+", folder.name):  # connectors: card0-HDMI-A-1
            continue
        vendor = _PCI_VENDORS.get(number(folder / "device" / "vendor") or 0)
        if vendor is not None:
            event = text(folder / "device" / "uevent")
            driver, slot = (re.search(rf"^{name}=(.+)$", event, re.MULTILINE) for name in ("DRIVER", "PCI_SLOT_NAME"))
            yield Card(vendor, folder, driver[1] if driver else "", slot[1] if slot else folder.name)


def clients(proc: Path, pids: Iterable[int]) -> list[Client]:
    """The DRM files that the processes hold open, each once. Blocks: every open file is looked at."""
    found: dict[tuple[str, str], Client] = {}
    for pid in pids:
        for descriptor in children(proc / str(pid) / "fd", "*"):
            if _leads_to_drm(descriptor):
                client = _client(pid, text(proc / str(pid) / "fdinfo" / descriptor.name))
                if client is not None:
                    found.setdefault((client.slot, client.id), client)
    return list(found.values())


def memory_by_process(found: Iterable[Client], slot: str) -> dict[int, int]:
    """Bytes of the GPU's own memory, of each process that has it open."""
    taken: dict[int, int] = {}
    for client in found:
        if client.slot == slot:
            taken[client.pid] = taken.get(client.pid, 0) + client.memory
    return taken


def sensor(card: Card, scale: int, *names: str) -> Figure:
    """The first of hwmon's files that holds a number, divided by `scale`."""
    if card.asleep:
        return Unknown("the GPU is asleep, and asking would wake it")
    folders = [folder for folder in children(card.device / "hwmon", "hwmon*") if not _part(folder)]
    found = [known(folder / name) for folder in folders for name in names]
    values = [value for value in found if not isinstance(value, Unknown)]
    if values:
        return values[0] / scale
    return next((value for value in found if isinstance(value, Unknown)), Unknown("the driver has no sensors"))


def _part(folder: Path) -> bool:
    """Whether the sensors are of a part of the card only (i915's `i915_gt0`)."""
    return "_gt" in text(folder / "name")


def _leads_to_drm(descriptor: Path) -> bool:
    try:
        return str(descriptor.readlink()).startswith("/dev/dri/")
    except OSError:
        return False


def _client(pid: int, info: str) -> Client | None:
    said: dict[str, str] = {}
    for line in info.splitlines():
        name, _, value = line.partition(":")
        if name.startswith("drm-"):
            said[name] = value.strip()
    if "drm-client-id" not in said:
        return None
    engines = {
        name.removeprefix("drm-engine-"): value for name, value in said.items() if name.startswith("drm-engine-")
    }
    cycles = {name.removeprefix("drm-cycles-"): value for name, value in said.items() if name.startswith("drm-cycles-")}
    return Client(
        pid=pid,
        slot=said.get("drm-pdev", ""),
        id=said["drm-client-id"],
        memory=_own_memory(said),
        times={name: _amount(value) for name, value in engines.items() if not name.startswith("capacity-")},
        cycles={
            name: (_amount(value), _amount(said.get(f"drm-total-cycles-{name}", "0"))) for name, value in cycles.items()
        },
        capacities={
            name.removeprefix("capacity-"): max(_amount(value), 1)
            for name, value in engines.items()
            if name.startswith("capacity-")
        },
    )


def _own_memory(said: dict[str, str]) -> int:
    """What is resident; `drm-memory-` is what older drivers call it."""
    sums = {"resident": 0, "memory": 0}
    for name, value in said.items():
        if found := _OWN_MEMORY.fullmatch(name):
            sums[found[1]] += _amount(value)
    return sums["resident"] or sums["memory"]


def _amount(value: str) -> int:
    """`12 KiB`, `5 ns`, `7`: bytes where the unit is one of memory."""
    amount, _, unit = value.partition(" ")
    return int(amount[:20]) * _UNITS.get(unit, 1) if amount.isdecimal() else 0  # a u64 has 20 digits
