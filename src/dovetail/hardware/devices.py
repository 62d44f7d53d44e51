"""Memory of GPUs that have their own, as far as it can be read: AMD's in sysfs, NVIDIA's by its driver's library."""

from __future__ import annotations

import ctypes
import sys as system
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from dovetail.hardware.tree import children, number


@dataclass(frozen=True, slots=True)
class Device:
    """One GPU: `total` bytes of its own memory, of which `free` are."""

    name: str
    total: int
    free: int


class Library(Protocol):
    """Those functions of `libnvidia-ml.so.1` that are used; each answers 0 when it went well."""

    def nvmlInit_v2(self) -> int: ...  # noqa: N802  NVML's names
    def nvmlDeviceGetCount_v2(self, count: object, /) -> int: ...  # noqa: N802
    def nvmlDeviceGetHandleByIndex_v2(self, index: int, handle: object, /) -> int: ...  # noqa: N802
    def nvmlDeviceGetMemoryInfo(self, handle: object, memory: object, /) -> int: ...  # noqa: N802


class NvmlMemory(ctypes.Structure):
    """`nvmlMemory_t`."""

    _fields_ = (
        ("total", ctypes.c_ulonglong),
        ("free", ctypes.c_ulonglong),
        ("used", ctypes.c_ulonglong),
    )


def amd(sys: Path = Path("/sys")) -> tuple[Device, ...]:
    """Blocks for a few small files."""
    found: list[Device] = []
    for card in children(sys / "class" / "drm", "card[0-9]*"):
        total, used = (number(card / "device" / f"mem_info_vram_{what}") for what in ("total", "used"))
        if total and used is not None:
            found.append(Device(card.name, total, max(total - used, 0)))
    return tuple(found)


def nvidia(library: Library) -> tuple[Device, ...]:
    """Blocks; nothing where the driver does not answer."""
    count = ctypes.c_uint()
    if library.nvmlInit_v2() or library.nvmlDeviceGetCount_v2(ctypes.byref(count)):
        return ()
    found: list[Device] = []
    for index in range(count.value):
        handle, memory = ctypes.c_void_p(), NvmlMemory()
        if library.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(handle)):
            continue
        if not library.nvmlDeviceGetMemoryInfo(handle, ctypes.byref(memory)):
            total, free = (int(getattr(memory, name)) for name in ("total", "free"))
            found.append(Device(f"cuda{index}", total, free))
    return tuple(found)


def nvml() -> Library | None:
    """NVIDIA's library, None where there is none."""
    if system.platform not in ("linux", "win32"):
        return None
    name = "libnvidia-ml.so.1" if system.platform == "linux" else "nvml.dll"
    try:
        return ctypes.CDLL(name)  # type: ignore[return-value]
    except OSError:
        return None
