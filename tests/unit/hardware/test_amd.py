"""AMD's GPUs from recorded `/sys` and `/proc`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dovetail.hardware import amd
from dovetail.hardware.reading import GpuReading, Unknown

MIB = 1 << 20


def read(root: Path) -> tuple[GpuReading, ...]:
    return amd.read(root / "proc", root / "sys", (812, 813, 999))


@pytest.mark.accept("V3")
def test_a_card_says_everything(machine: Callable[[str], Path]) -> None:
    card, _ = read(machine("amd"))
    assert card == GpuReading(
        vendor="amd",
        name="AMD Radeon PRO W7900",
        id="0000:03:00.0",
        source="sysfs (amdgpu)",
        busy=37,
        vram_used=9663676416,
        vram_total=48301604864,
        power=187.0,
        temperature=61.0,
        processes={812: 8192 * MIB, 813: 2 * MIB},
    )


def test_what_a_card_does_not_say_is_unknown_and_nought_is_nought(machine: Callable[[str], Path]) -> None:
    _, integrated = read(machine("amd"))
    assert (integrated.name, integrated.busy, integrated.power) == ("AMD GPU", 0, 11.0)
    assert integrated.temperature == Unknown("the driver has no temp1_input")
    assert integrated.processes == {}


def test_a_card_that_sleeps_is_not_woken(machine: Callable[[str], Path]) -> None:
    root = machine("amd")
    (root / "sys/class/drm/card0/device/power/runtime_status").write_text("suspended\n")
    card, _ = read(root)
    assert (card.busy, card.vram_total) == (0.0, 48301604864)
    assert isinstance(card.power, Unknown)
    assert "asleep" in card.power.reason


def test_files_that_cannot_be_read_say_why(machine: Callable[[str], Path]) -> None:
    root = machine("amd")
    device = root / "sys/class/drm/card0/device"
    (device / "gpu_busy_percent").unlink()
    (device / "gpu_busy_percent").mkdir()
    (device / "mem_info_vram_used").write_text("much\n")
    (device / "hwmon/hwmon4/power1_average").unlink()
    card, _ = read(root)
    assert card.busy == Unknown("gpu_busy_percent: Is a directory")
    assert card.vram_used == Unknown("mem_info_vram_used holds no number")
    assert card.power == Unknown("the driver has no power1_average")


def test_a_card_without_a_driver(machine: Callable[[str], Path]) -> None:
    root = machine("amd")
    device = root / "sys/class/drm/card2/device"
    device.mkdir(parents=True)
    (device / "vendor").write_text("0x1002\n")
    *_, card = read(root)
    assert (card.id, card.source) == ("card2", "sysfs (no driver)")
    assert card.power == Unknown("the driver has no sensors")
    assert amd.memory(root / "sys")[2] == ("card2", *[Unknown(f"the driver has no mem_info_vram_{w}") for w in WHAT])


WHAT = ("total", "used")
