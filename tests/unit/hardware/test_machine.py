"""The machine's facts, from recorded `/proc` and `/sys` trees."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import pytest

from dovetail.hardware import gpus, machine
from dovetail.hardware.gpus import Gpu
from dovetail.hardware.machine import MachineFacts
from dovetail.hardware.processor import Processor

GIB = 1 << 30

X86 = """processor\t: 0
vendor_id\t: AuthenticAMD
model name\t: AMD EPYC 9755
flags\t\t: fpu sse4_2 avx f16c fma avx2 bmi2 avx512f avx512bw avx512vbmi avx512_vnni avx512_bf16 nx

processor\t: 1
model name\t: AMD EPYC 9755
"""
ARM = """processor\t: 0
BogoMIPS\t: 243.75
Features\t: fp asimd asimdhp asimddp i8mm bf16 sve sve2

Model\t\t: Raspberry Pi 5
"""


class Recorded:
    """A Linux machine as files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("proc/meminfo", "MemTotal:       16777216 kB\nMemFree: 1024 kB\nMemAvailable:    8388608 kB\nodd\n")
        self.write("proc/cpuinfo", X86)

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def core(self, cpu: int, package: int, core: int) -> None:
        topology = f"sys/devices/system/cpu/cpu{cpu}/topology"
        self.write(f"{topology}/core_id", f"{core}\n")
        self.write(f"{topology}/physical_package_id", f"{package}\n")

    def read(self, *allowed: int) -> MachineFacts:
        return machine.linux(
            "x86_64",
            set(allowed),
            proc=self.folder / "proc",
            sys=self.folder / "sys",
            usr=self.folder / "usr",
        )


@pytest.fixture
def recorded(tmp_path: Path) -> Recorded:
    return Recorded(tmp_path)


def test_this_machine() -> None:
    facts = machine.machine()
    assert facts.system == platform.system()
    assert 1 <= facts.processor.cores <= facts.processor.threads <= (os.cpu_count() or 1)
    assert 0 < facts.available <= facts.memory


def test_an_empty_tree_is_one_core_and_no_memory(tmp_path: Path) -> None:
    facts = machine.linux("x86_64", {0}, proc=tmp_path, sys=tmp_path, usr=tmp_path)
    assert facts == MachineFacts("Linux", "x86_64", Processor("", 1, 1, ()), 0, 0, ())


def test_memory_and_vector_instructions(recorded: Recorded) -> None:
    facts = recorded.read(0)
    assert (facts.memory, facts.available) == (16 * GIB, 8 * GIB)
    assert facts.processor.name == "AMD EPYC 9755"
    assert facts.processor.simd[-3:] == ("AVX512_VBMI", "AVX512_VNNI", "AVX512_BF16")
    assert "AMX" not in facts.processor.simd


def test_an_arm_board(recorded: Recorded) -> None:
    recorded.write("proc/cpuinfo", ARM)
    found = recorded.read(0).processor
    assert found.name == "Raspberry Pi 5"
    assert found.simd == ("NEON", "FP16", "DOTPROD", "I8MM", "BF16", "SVE", "SVE2")


def test_hyper_threads_share_a_core_and_sockets_do_not(recorded: Recorded) -> None:
    for cpu, (package, core) in enumerate([(0, 0), (0, 0), (0, 1), (0, 1), (1, 0), (1, 0)]):
        recorded.core(cpu, package, core)
    assert (recorded.read(0, 1, 2, 3, 4, 5).processor.cores, recorded.read(0, 1).processor.cores) == (3, 1)
    assert recorded.read(0, 2, 4).processor.threads == 3


def test_cpus_without_topology_are_cores(recorded: Recorded) -> None:
    assert recorded.read(0, 1, 2).processor.cores == 3


@pytest.mark.parametrize(
    ("quota", "cores"), [("200000 100000", 2), ("150000 100000", 1), ("5 100000", 1), ("max 1", 4)]
)
def test_a_quota_bounds_the_cores(recorded: Recorded, quota: str, cores: int) -> None:
    recorded.write("proc/self/cgroup", "0::/user/dovetail\n")
    recorded.write("sys/fs/cgroup/user/cpu.max", quota)
    recorded.write("sys/fs/cgroup/user/dovetail/cpu.max", "max 100000")
    assert recorded.read(0, 1, 2, 3).processor.cores == cores


def test_a_container_bounds_the_memory(recorded: Recorded) -> None:
    recorded.write("proc/self/cgroup", "0::/../outside\n")  # a path the container cannot see
    recorded.write("sys/fs/cgroup/memory.max", str(4 * GIB))
    recorded.write("sys/fs/cgroup/memory.current", str(3 * GIB))
    recorded.write("sys/fs/cgroup/memory.stat", f"anon 1\ninactive_file {2 * GIB}\n")
    facts = recorded.read(0)
    assert (facts.memory, facts.available) == (4 * GIB, 3 * GIB)


def test_version_1_groups(recorded: Recorded) -> None:
    recorded.write("proc/self/cgroup", "5:cpu,cpuacct:/box\n4:memory:/box\n3:pids:/\n")
    recorded.write("sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "300000")
    recorded.write("sys/fs/cgroup/cpu/box/cpu.cfs_period_us", "100000")
    recorded.write("sys/fs/cgroup/memory/box/memory.limit_in_bytes", str(2 * GIB))
    recorded.write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712")
    facts = recorded.read(0, 1, 2, 3)
    assert (facts.processor.cores, facts.memory, facts.available) == (3, 2 * GIB, 2 * GIB)


def test_version_1_without_a_quota(recorded: Recorded) -> None:
    recorded.write("proc/self/cgroup", "5:cpu,cpuacct:/\n")
    recorded.write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1")
    recorded.write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000")
    assert recorded.read(0, 1).processor.cores == 2


def test_gpus(recorded: Recorded) -> None:
    recorded.write("proc/driver/nvidia/gpus/0000:01:00.0/information", "Model: \t\t NVIDIA H200\nIRQ: 1\n")
    recorded.write("proc/driver/nvidia/gpus/0000:02:00.0/information", "IRQ: 2\n")
    recorded.write("sys/class/drm/card0/device/vendor", "0x10de\n")
    recorded.write("sys/class/drm/card1/device/vendor", "0x1002\n")
    recorded.write("sys/class/drm/card1/device/mem_info_vram_total", str(24 * GIB))
    recorded.write("sys/class/drm/card1-HDMI-A-1/device/vendor", "0x1002\n")
    recorded.write("sys/class/drm/card2/device/vendor", "0x8086\n")
    recorded.write("sys/class/drm/card3/device/vendor", "0x1a03\n")
    assert recorded.read(0).gpus == (
        Gpu("nvidia", "NVIDIA H200"),
        Gpu("nvidia", "NVIDIA GPU"),
        Gpu("amd", "AMD GPU", 24 * GIB),
        Gpu("intel", "Intel graphics"),
    )


def test_an_nvidia_card_without_its_driver(recorded: Recorded) -> None:
    recorded.write("sys/class/drm/card0/device/vendor", "0x10de\n")
    assert recorded.read(0).gpus == (Gpu("nvidia", "NVIDIA GPU"),)


def test_wsl_shows_only_a_library(recorded: Recorded) -> None:
    recorded.write("usr/lib/wsl/lib/libnvidia-ml.so.1", "")
    assert recorded.read(0).gpus == (Gpu("nvidia", "NVIDIA GPU (WSL)"),)


def test_apple_silicon() -> None:
    values = {
        "machdep.cpu.brand_string": "Apple M4 Pro",
        "hw.perflevel0.physicalcpu": "10",
        "hw.physicalcpu": "14",
        "hw.logicalcpu": "14",
        "hw.memsize": str(48 * GIB),
        "hw.optional.neon": "1",
        "hw.optional.arm.FEAT_DotProd": "1",
        "hw.optional.arm.FEAT_SME": "0",
    }
    facts = machine.macos("arm64", 20 * GIB, lambda name: values.get(name, ""))
    assert facts.processor == Processor("Apple M4 Pro", 10, 14, ("NEON", "DOTPROD"))
    assert facts.gpus == (Gpu("apple", "Apple M4 Pro", 48 * GIB),)
    assert (facts.memory, facts.available) == (48 * GIB, 20 * GIB)


def test_an_intel_mac_has_no_gpu_for_us() -> None:
    values = {"hw.physicalcpu": "6", "hw.logicalcpu": "12", "hw.optional.avx2_0": "1"}
    facts = machine.macos("x86_64", 0, lambda name: values.get(name, ""))
    assert (facts.processor.cores, facts.processor.simd, facts.gpus, facts.memory) == (6, ("AVX2",), (), 0)


def test_windows(tmp_path: Path) -> None:
    assert machine.other("Windows", "AMD64", tmp_path).gpus == ()
    (tmp_path / "System32").mkdir()
    (tmp_path / "System32" / "nvml.dll").touch()
    facts = machine.other("Windows", "AMD64", tmp_path)
    assert facts.gpus == gpus.windows(tmp_path) == (Gpu("nvidia", "NVIDIA GPU"),)
    assert facts.processor.cores >= 1
    assert facts.memory >= facts.available > 0


@pytest.mark.skipif(platform.system() == "Darwin", reason="there is a sysctl of this form")
def test_a_missing_sysctl_is_no_answer() -> None:
    assert machine.sysctl("hw.memsize") == ""
