"""Apple's GPUs from property lists with the keys that `ioreg` prints."""

from __future__ import annotations

import plistlib
from pathlib import Path

import pytest

from dovetail.hardware import apple
from dovetail.hardware.reading import GpuReading, Unknown

TREES = Path(__file__).parent / "trees"
GIB = 1 << 30
ROOT = Unknown("macOS tells it to root alone (powermetrics)")


def read(name: str, limit: int = 0) -> GpuReading:
    found = apple.read(64 * GIB, limit, (TREES / name).read_bytes)
    assert not isinstance(found, Unknown)
    (gpu,) = found
    return gpu


@pytest.mark.accept("V1")
def test_apple_silicon_shares_the_machines_memory() -> None:
    assert read("apple-m.plist") == GpuReading(
        vendor="apple",
        name="Apple M2 Max",
        id="AGXAcceleratorG14X 0",
        source="ioreg",
        busy=83.0,
        vram_used=12 * GIB,
        vram_total=64 * GIB,
        power=ROOT,
        temperature=ROOT,
        shares=True,
    )
    assert read("apple-m.plist", 48 * GIB).vram_total == 48 * GIB


def test_a_gpu_of_an_intel_mac_has_its_own() -> None:
    gpu = read("intel-mac.plist")
    assert (gpu.name, gpu.shares) == ("AMD Radeon Pro 5600M", False)
    assert (gpu.busy, gpu.vram_used, gpu.vram_total) == (4.0, 734003200, 8 * GIB)
    assert (gpu.power, gpu.temperature) == (17.0, 58.0)


def test_a_registry_that_tells_less() -> None:
    bare = plistlib.dumps([{"IOClass": "IOAccelerator"}, "odd", {}])
    found = apple.read(GIB, 0, lambda: bare)
    assert not isinstance(found, Unknown)
    (gpu,) = found
    assert gpu.busy == Unknown("ioreg tells no Device Utilization %")
    assert gpu.vram_used == Unknown("ioreg tells no In use system memory")
    assert isinstance(gpu.vram_total, Unknown)


@pytest.mark.parametrize("printed", [b"", b"<plist", b"nothing"])
def test_no_registry(printed: bytes) -> None:
    assert apple.read(GIB, 0, lambda: printed) == Unknown("ioreg tells no IOAccelerator")


def test_an_empty_registry() -> None:
    assert apple.read(GIB, 0, lambda: plistlib.dumps({})) == ()


def test_elsewhere_there_is_no_ioreg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(apple, "COMMAND", (str(tmp_path / "ioreg"),))
    assert apple.registry() == b""
