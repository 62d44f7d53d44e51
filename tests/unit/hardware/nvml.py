"""NVIDIA's library, as nvidia-ml-py shows it, without a GPU behind it."""

from __future__ import annotations

from dataclasses import dataclass, field


class NVMLError(Exception):
    """As the module's."""


@dataclass
class Rates:
    gpu: int


@dataclass
class Memory:
    total: int
    used: int


@dataclass
class Process:
    pid: int
    usedGpuMemory: int | None  # noqa: N815


@dataclass
class FakeNvml:
    """Two GPUs. What is in `refuses` raises its text, for every GPU or for one (`nvmlDeviceGetName 1`)."""

    refuses: dict[str, str] = field(default_factory=dict[str, str])
    started: int = 0
    NVMLError: type[Exception] = NVMLError

    def _or(self, name: str, handle: object = None) -> None:
        for key in (name, f"{name} {handle}"):
            if key in self.refuses:
                raise NVMLError(self.refuses[key])

    def nvmlInit(self) -> None:  # noqa: N802
        self._or("nvmlInit")
        self.started += 1

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.started -= 1

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        self._or("nvmlDeviceGetCount")
        return 2

    def nvmlDeviceGetHandleByIndex(self, index: int) -> object:  # noqa: N802
        self._or("nvmlDeviceGetHandleByIndex", index)
        return index

    def nvmlDeviceGetName(self, handle: object) -> str:  # noqa: N802
        self._or("nvmlDeviceGetName", handle)
        return "NVIDIA H200"

    def nvmlDeviceGetUUID(self, handle: object) -> str:  # noqa: N802
        self._or("nvmlDeviceGetUUID", handle)
        return f"GPU-{handle}"

    def nvmlDeviceGetUtilizationRates(self, handle: object) -> Rates:  # noqa: N802
        self._or("nvmlDeviceGetUtilizationRates", handle)
        return Rates(97 if handle == 0 else 0)

    def nvmlDeviceGetMemoryInfo(self, handle: object) -> Memory:  # noqa: N802
        self._or("nvmlDeviceGetMemoryInfo", handle)
        return Memory(140 << 30, 20 << 30)

    def nvmlDeviceGetPowerUsage(self, handle: object) -> int:  # noqa: N802
        self._or("nvmlDeviceGetPowerUsage", handle)
        return 412_345

    def nvmlDeviceGetTemperature(self, handle: object, sensor: int) -> int:  # noqa: N802
        assert sensor == 0
        self._or("nvmlDeviceGetTemperature", handle)
        return 64

    def nvmlDeviceGetComputeRunningProcesses(self, handle: object) -> list[Process]:  # noqa: N802
        self._or("nvmlDeviceGetComputeRunningProcesses", handle)
        return [Process(11, 16 << 30), Process(12, None)] if handle == 0 else []
