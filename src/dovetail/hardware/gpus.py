"""Which GPUs are there, found without a vendor's library: `/proc`, `/sys`, and what the platform says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from dovetail.hardware import drm
from dovetail.hardware.reading import Vendor
from dovetail.hardware.tree import children, number, text

_NAMES: dict[Vendor, str] = {"nvidia": "NVIDIA GPU", "amd": "AMD GPU", "intel": "Intel graphics", "apple": "Apple GPU"}
_WSL_NVML = Path("lib/wsl/lib/libnvidia-ml.so.1")


@dataclass(frozen=True, slots=True)
class Gpu:
    """`memory` in bytes: the GPU's own, or the machine's where it is shared; 0 where nothing says."""

    vendor: Vendor
    name: str
    memory: int = 0


def linux(proc: Path, sys: Path, usr: Path) -> tuple[Gpu, ...]:
    """NVIDIA by its driver's `/proc` tree, the others (and NVIDIA's without one) by the PCI vendor of DRM devices.

    Intel's include graphics inside the processor. Under WSL only NVIDIA's library shows that a GPU is there.
    """
    driver = children(proc / "driver" / "nvidia" / "gpus", "*/information")
    found = [Gpu("nvidia", _model(text(path)) or _NAMES["nvidia"]) for path in driver]
    found += [
        Gpu(card.vendor, _NAMES[card.vendor], number(card.device / "mem_info_vram_total") or 0)
        for card in drm.cards(sys)
        if card.vendor != "nvidia" or not driver
    ]
    if not found and (usr / _WSL_NVML).exists():
        found.append(Gpu("nvidia", "NVIDIA GPU (WSL)"))
    return tuple(found)


def macos(arch: str, chip: str, memory: int) -> tuple[Gpu, ...]:
    """Apple silicon has one GPU, which shares the machine's memory."""
    return (Gpu("apple", chip or _NAMES["apple"], memory),) if arch == "arm64" else ()


def windows(system_root: Path) -> tuple[Gpu, ...]:
    """NVIDIA alone: its driver puts NVML into System32."""
    return (Gpu("nvidia", _NAMES["nvidia"]),) if (system_root / "System32" / "nvml.dll").exists() else ()


def _model(information: str) -> str:
    found = re.search(r"^Model:\s*(.+)$", information, re.MULTILINE)
    return found[1].strip() if found else ""
