"""All GPUs of a machine, from recorded trees and a library that is none; and this machine."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from dovetail.hardware.devices import Device, Devices, Site
from dovetail.hardware.gauge import LocalGauge
from dovetail.hardware.nvidia import Nvidia
from dovetail.hardware.reading import Unknown

from .nvml import FakeNvml

NONE = Unknown("NVIDIA's driver library is not here")
TREES = Path(__file__).parent / "trees"
GIB = 1 << 30


def linux(root: Path) -> Site:
    return Site("Linux", root / "proc", root / "sys", root / "usr")


def test_those_of_every_maker(machine: Callable[[str], Path]) -> None:
    devices = Devices(linux(machine("amd")), Nvidia(FakeNvml))
    assert [(gpu.vendor, gpu.id) for gpu in devices.read([812])] == [
        ("nvidia", "GPU-0"),
        ("nvidia", "GPU-1"),
        ("amd", "0000:03:00.0"),
        ("amd", "0000:0c:00.0"),
    ]
    assert devices.memory() == (
        Device("NVIDIA H200", 140 * GIB, 120 * GIB),
        Device("NVIDIA H200", 140 * GIB, 120 * GIB),
        Device("card0", 48301604864, 48301604864 - 9663676416),
        Device("card1", 536870912, 536870912 - 48234496),
    )
    devices.close()


def test_only_what_tells_its_memory_counts_for_the_budget(machine: Callable[[str], Path]) -> None:
    refuses = {"nvmlDeviceGetMemoryInfo 1": "Not Supported"}
    site = linux(machine("intel-xe"))
    assert len(Devices(site, Nvidia(lambda: FakeNvml(refuses))).memory()) == 1
    assert Devices(site, Nvidia(lambda: NONE)).memory() == ()


def test_an_nvidia_card_without_its_library_is_there_and_says_why(machine: Callable[[str], Path]) -> None:
    root = machine("intel-xe")
    information = root / "proc/driver/nvidia/gpus/0000:01:00.0/information"
    information.parent.mkdir(parents=True)
    information.write_text("Model: \t\t NVIDIA RTX 4090\n")
    nvidia, intel = Devices(linux(root), Nvidia(lambda: NONE)).read()
    assert (nvidia.name, nvidia.busy, nvidia.vram_total) == ("NVIDIA RTX 4090", NONE, NONE)
    assert intel.vendor == "intel"


def test_a_mac() -> None:
    asked = {"iogpu.wired_limit_mb": "49152"}
    registry = (TREES / "apple-m.plist").read_bytes
    mac = Devices(Site("Darwin", sysctl=lambda name: asked.get(name, ""), registry=registry), Nvidia(FakeNvml))
    (gpu,) = mac.read()
    assert (gpu.name, gpu.vram_total) == ("Apple M2 Max", 48 * GIB)
    assert mac.memory() == (), "its GPU's memory is the machine's, and counted there"
    (silent,) = Devices(Site("Darwin", sysctl=lambda _: "", registry=lambda: b"")).read()
    assert silent.busy == Unknown("ioreg tells no IOAccelerator")


def test_windows() -> None:
    devices = Devices(Site("Windows"), Nvidia(FakeNvml))
    assert [gpu.name for gpu in devices.read()] == ["NVIDIA H200"] * 2
    assert Devices(Site("Windows"), Nvidia(lambda: NONE)).read() == ()


def test_this_machine() -> None:
    gauge = LocalGauge()
    total, available = gauge.memory()
    assert 0 < available <= total
    assert (gauge.usage(os.getpid()).memory or 0) > 1 << 20
    assert all(0 <= device.free <= device.total for device in gauge.devices())
