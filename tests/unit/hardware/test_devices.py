"""Memory of GPUs, from a recorded `/sys` and a driver's library that is none."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dovetail.hardware import devices
from dovetail.hardware.devices import Device
from dovetail.hardware.gauge import LocalGauge


def test_amd_says_it_in_sysfs(tmp_path: Path) -> None:
    for name, total, used in (("card0", 1000, 300), ("card1", None, None), ("card0-HDMI-A-1", None, None)):
        device = tmp_path / "class" / "drm" / name / "device"
        device.mkdir(parents=True)
        if total is not None:
            (device / "mem_info_vram_total").write_text(f"{total}\n")
            (device / "mem_info_vram_used").write_text(f"{used}\n")
    assert devices.amd(tmp_path) == (Device("card0", 1000, 700),)
    assert devices.amd(tmp_path / "nothing") == ()


@dataclass
class FakeNvml:
    """NVIDIA's library; `refuses` is the function that fails, and of two devices the second has no memory to tell."""

    refuses: str = ""

    def nvmlInit_v2(self) -> int:  # noqa: N802
        return int(self.refuses == "init")

    def nvmlDeviceGetCount_v2(self, count: Any) -> int:  # noqa: N802
        count._obj.value = 2
        return int(self.refuses == "count")

    def nvmlDeviceGetHandleByIndex_v2(self, index: int, handle: Any) -> int:  # noqa: N802
        handle._obj.value = index + 1
        return int(self.refuses == "handle")

    def nvmlDeviceGetMemoryInfo(self, handle: Any, memory: Any) -> int:  # noqa: N802
        memory._obj.total, memory._obj.free = 8 << 30, 5 << 30
        return int(handle.value == 2)


def test_nvidia_says_it_by_its_library() -> None:
    assert devices.nvidia(FakeNvml()) == (Device("cuda0", 8 << 30, 5 << 30),)


@pytest.mark.parametrize("refuses", ["init", "count", "handle"])
def test_a_driver_that_does_not_answer_has_no_devices(refuses: str) -> None:
    assert devices.nvidia(FakeNvml(refuses)) == ()


def test_this_machine() -> None:
    gauge = LocalGauge()
    total, available = gauge.memory()
    assert 0 < available <= total
    assert (gauge.usage(os.getpid()).memory or 0) > 1 << 20
    assert all(0 <= device.free <= device.total for device in gauge.devices())
