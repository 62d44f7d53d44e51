"""NVIDIA's GPUs, by NVML: the library that comes with the driver, which nvidia-ml-py calls."""

from __future__ import annotations

import ctypes
import importlib
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, cast

from dovetail.hardware.reading import Bytes, GpuReading, Unknown

_T = TypeVar("_T")
_DIE = 0  # NVML_TEMPERATURE_GPU


class Nvml(Protocol):
    """Those functions of nvidia-ml-py that are used; each raises NVMLError."""

    NVMLError: type[Exception]

    def nvmlInit(self) -> None: ...  # noqa: N802  NVML's names
    def nvmlShutdown(self) -> None: ...  # noqa: N802
    def nvmlDeviceGetCount(self) -> int: ...  # noqa: N802
    def nvmlDeviceGetHandleByIndex(self, index: int, /) -> object: ...  # noqa: N802
    def nvmlDeviceGetName(self, handle: object, /) -> str: ...  # noqa: N802
    def nvmlDeviceGetUUID(self, handle: object, /) -> str: ...  # noqa: N802
    def nvmlDeviceGetUtilizationRates(self, handle: object, /) -> Rates: ...  # noqa: N802
    def nvmlDeviceGetMemoryInfo(self, handle: object, /) -> Memory: ...  # noqa: N802
    def nvmlDeviceGetPowerUsage(self, handle: object, /) -> int: ...  # noqa: N802
    def nvmlDeviceGetTemperature(self, handle: object, sensor: int, /) -> int: ...  # noqa: N802
    def nvmlDeviceGetComputeRunningProcesses(self, handle: object, /) -> Sequence[Process]: ...  # noqa: N802


class Rates(Protocol):
    """Percent of the last sampling period."""

    gpu: int


class Memory(Protocol):
    """Bytes."""

    total: int
    used: int


class Process(Protocol):
    """`usedGpuMemory` in bytes, None where the driver does not say (WSL, Windows)."""

    pid: int
    usedGpuMemory: int | None  # noqa: N815


def library() -> Nvml | Unknown:
    """nvidia-ml-py where the driver's library can be loaded: without one its import would cost for nothing."""
    name = "nvml.dll" if sys.platform == "win32" else "libnvidia-ml.so.1"
    try:
        ctypes.CDLL(name)
    except OSError:
        return Unknown(f"NVIDIA's driver library ({name}) is not here")
    # Any: the module has no types; the protocol above is what is used of it.
    return cast("Nvml", cast("Any", importlib.import_module("pynvml")))


@dataclass(frozen=True, slots=True)
class _Gpu:
    handle: object
    name: str
    id: str


class Nvidia:
    """Owns the library from the first reading until `close`. Calls block for milliseconds, from any thread."""

    def __init__(self, library: Callable[[], Nvml | Unknown] = library) -> None:
        self._library = library
        self._open: Nvml | None = None
        self._lock = threading.Lock()

    def read(self) -> tuple[GpuReading, ...] | Unknown:
        """Every GPU that the driver shows, or why it shows none."""
        nvml = self._opened()
        if isinstance(nvml, Unknown):
            return nvml
        found = _gpus(nvml)
        return found if isinstance(found, Unknown) else tuple(_read(nvml, gpu) for gpu in found)

    def memory(self) -> tuple[tuple[str, Bytes, Bytes], ...]:
        """Of each GPU its name, and the bytes it has and that are used."""
        nvml = self._opened()
        found = nvml if isinstance(nvml, Unknown) else _gpus(nvml)
        if isinstance(nvml, Unknown) or isinstance(found, Unknown):
            return ()
        return tuple((gpu.name, *_memory(nvml, gpu.handle)) for gpu in found)

    def close(self) -> None:
        with self._lock:
            if self._open is not None:
                _asked(self._open, self._open.nvmlShutdown)
                self._open = None

    def _opened(self) -> Nvml | Unknown:
        """The library, started; tried anew each time until it is: a driver may be loaded later."""
        with self._lock:
            if self._open is not None:
                return self._open
            nvml = self._library()
            if not isinstance(nvml, Unknown):
                started = _asked(nvml, nvml.nvmlInit)
                if isinstance(started, Unknown):
                    return started
                self._open = nvml
            return nvml


def _gpus(nvml: Nvml) -> list[_Gpu] | Unknown:
    count = _asked(nvml, nvml.nvmlDeviceGetCount)
    return count if isinstance(count, Unknown) else [_gpu(nvml, index) for index in range(count)]


def _gpu(nvml: Nvml, index: int) -> _Gpu:
    """Also one that does not answer (it is lost, or reserved): every figure of it will say so."""
    handle = _asked(nvml, lambda: nvml.nvmlDeviceGetHandleByIndex(index))
    name = _about(nvml, handle, nvml.nvmlDeviceGetName)
    uuid = _about(nvml, handle, nvml.nvmlDeviceGetUUID)
    return _Gpu(
        handle,
        "NVIDIA GPU" if isinstance(name, Unknown) else name,
        f"cuda{index}" if isinstance(uuid, Unknown) else uuid,
    )


def _read(nvml: Nvml, gpu: _Gpu) -> GpuReading:
    rates = _about(nvml, gpu.handle, nvml.nvmlDeviceGetUtilizationRates)
    total, used = _memory(nvml, gpu.handle)
    power = _about(nvml, gpu.handle, nvml.nvmlDeviceGetPowerUsage)
    temperature = _about(nvml, gpu.handle, lambda handle: nvml.nvmlDeviceGetTemperature(handle, _DIE))
    running = _about(nvml, gpu.handle, nvml.nvmlDeviceGetComputeRunningProcesses)
    told: Sequence[Process] = () if isinstance(running, Unknown) else running
    return GpuReading(
        vendor="nvidia",
        name=gpu.name,
        id=gpu.id,
        source="NVML",
        busy=rates if isinstance(rates, Unknown) else float(rates.gpu),
        vram_used=used,
        vram_total=total,
        power=power if isinstance(power, Unknown) else power / 1000,  # milliwatts
        temperature=temperature if isinstance(temperature, Unknown) else float(temperature),
        processes={one.pid: one.usedGpuMemory for one in told if one.usedGpuMemory is not None},
    )


def _memory(nvml: Nvml, handle: object) -> tuple[Bytes, Bytes]:
    found = _about(nvml, handle, nvml.nvmlDeviceGetMemoryInfo)
    return (found, found) if isinstance(found, Unknown) else (int(found.total), int(found.used))


def _about(nvml: Nvml, handle: object, question: Callable[[object], _T]) -> _T | Unknown:
    return handle if isinstance(handle, Unknown) else _asked(nvml, lambda: question(handle))


def _asked(nvml: Nvml, question: Callable[[], _T]) -> _T | Unknown:
    try:
        return question()
    except nvml.NVMLError as error:
        return Unknown(f"NVML: {error}")
