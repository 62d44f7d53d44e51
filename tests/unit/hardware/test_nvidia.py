"""NVIDIA's GPUs by a library that is none, and that the real module has what is asked of it."""

from __future__ import annotations

import importlib
import inspect
import shutil
import subprocess

import pytest

from dovetail.hardware.nvidia import Nvidia, Nvml, library
from dovetail.hardware.reading import GpuReading, Unknown

from .nvml import FakeNvml


def readings(nvml: FakeNvml) -> tuple[GpuReading, ...]:
    found = Nvidia(lambda: nvml).read()
    assert not isinstance(found, Unknown)
    return found


@pytest.mark.accept("V2")
def test_busy_and_memory_are_two_figures() -> None:
    busy, idle = readings(FakeNvml())
    assert busy == GpuReading(
        vendor="nvidia",
        name="NVIDIA H200",
        id="GPU-0",
        source="NVML",
        busy=97.0,
        vram_used=20 << 30,
        vram_total=140 << 30,
        power=412.345,
        temperature=64.0,
        processes={11: 16 << 30},
    )
    assert (idle.busy, idle.vram_used) == (0.0, 20 << 30)


@pytest.mark.parametrize(
    ("function", "fields"),
    [
        ("nvmlDeviceGetUtilizationRates", {"busy"}),
        ("nvmlDeviceGetMemoryInfo", {"vram_used", "vram_total"}),
        ("nvmlDeviceGetPowerUsage", {"power"}),
        ("nvmlDeviceGetTemperature", {"temperature"}),
        ("nvmlDeviceGetHandleByIndex", {"busy", "vram_used", "vram_total", "power", "temperature"}),
        ("nvmlDeviceGetComputeRunningProcesses", set[str]()),
    ],
)
def test_what_a_gpu_does_not_tell_says_why_and_the_other_tells_all(function: str, fields: set[str]) -> None:
    whole = readings(FakeNvml())[0]
    silent, other = readings(FakeNvml({f"{function} 0": "Not Supported"}))
    for name in ("busy", "vram_used", "vram_total", "power", "temperature"):
        expected = Unknown("NVML: Not Supported") if name in fields else getattr(whole, name)
        assert getattr(silent, name) == expected
    assert not isinstance(other.busy, Unknown)


def test_names_have_a_substitute() -> None:
    nvml = FakeNvml({"nvmlDeviceGetName 1": "Unknown Error", "nvmlDeviceGetUUID 1": "Unknown Error"})
    assert [(gpu.name, gpu.id) for gpu in readings(nvml)] == [("NVIDIA H200", "GPU-0"), ("NVIDIA GPU", "cuda1")]


@pytest.mark.parametrize("function", ["nvmlInit", "nvmlDeviceGetCount"])
def test_a_driver_that_does_not_answer_says_why(function: str) -> None:
    nvidia = Nvidia(lambda: FakeNvml({function: "Driver/library version mismatch"}))
    assert nvidia.read() == Unknown("NVML: Driver/library version mismatch")
    assert nvidia.memory() == ()


def test_it_is_started_once_and_stopped_once() -> None:
    nvml = FakeNvml()
    nvidia = Nvidia(lambda: nvml)
    nvidia.close()
    nvidia.read()
    nvidia.memory()
    assert nvml.started == 1
    nvidia.close()
    nvidia.close()
    assert nvml.started == 0


def test_a_driver_may_come_later() -> None:
    answers = [Unknown("not here"), FakeNvml()]
    nvidia = Nvidia(lambda: answers.pop(0))
    assert nvidia.read() == Unknown("not here")
    assert len(nvidia.memory()) == 2


def test_the_module_has_what_is_asked_of_it() -> None:
    module = importlib.import_module("pynvml")
    for name, wanted in inspect.getmembers(Nvml, inspect.isfunction):
        if name.startswith("nvml"):
            inspect.signature(getattr(module, name)).bind(*list(inspect.signature(wanted).parameters)[1:])
    assert module.NVML_TEMPERATURE_GPU == 0
    assert issubclass(module.NVMLError, Exception)


@pytest.mark.skipif(shutil.which("nvidia-smi") is None, reason="no NVIDIA GPU here")
@pytest.mark.accept("V2")
def test_a_real_gpu_says_what_nvidia_smi_says() -> None:
    fields = "uuid,name,memory.total,temperature.gpu,utilization.gpu"
    argv = ["nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader,nounits"]
    told = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout
    nvidia = Nvidia()
    found = nvidia.read()
    nvidia.close()
    assert not isinstance(found, Unknown)
    for gpu, line in zip(found, told.splitlines(), strict=True):
        uuid, name, total, temperature, busy = line.split(", ")
        assert (gpu.id, gpu.name) == (uuid, name)
        assert not isinstance(gpu.vram_total, Unknown)
        assert gpu.vram_total >> 20 == pytest.approx(int(total), abs=1)
        assert not isinstance(gpu.temperature, Unknown)
        assert gpu.temperature == pytest.approx(float(temperature), abs=10)
        assert isinstance(gpu.busy, Unknown) == (not busy.isdecimal())


def test_without_a_driver_the_module_is_not_even_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> object:
        raise OSError(name)

    monkeypatch.setattr("dovetail.hardware.nvidia.ctypes.CDLL", missing)
    found = library()
    assert isinstance(found, Unknown)
    assert "libnvidia-ml" in found.reason or "nvml.dll" in found.reason
