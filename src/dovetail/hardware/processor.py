"""The processor: its name, the cores this process may use, and the vector instructions that matter to llama.cpp."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from dovetail.hardware.tree import number, text

Sysctl: TypeAlias = Callable[[str], str]

# /proc/cpuinfo's names and the names people know, weakest first.
_LINUX_SIMD: dict[str, str] = {
    "sse4_2": "SSE4.2",
    "avx": "AVX",
    "f16c": "F16C",
    "fma": "FMA",
    "avx2": "AVX2",
    "bmi2": "BMI2",
    "avx_vnni": "AVX_VNNI",
    "avx512f": "AVX512F",
    "avx512bw": "AVX512BW",
    "avx512vbmi": "AVX512_VBMI",
    "avx512_vnni": "AVX512_VNNI",
    "avx512_bf16": "AVX512_BF16",
    "amx_tile": "AMX",
    "asimd": "NEON",
    "asimdhp": "FP16",
    "asimddp": "DOTPROD",
    "i8mm": "I8MM",
    "bf16": "BF16",
    "sve": "SVE",
    "sve2": "SVE2",
    "sme": "SME",
}
_MACOS_SIMD: dict[str, str] = {
    "hw.optional.sse4_2": "SSE4.2",
    "hw.optional.avx1_0": "AVX",
    "hw.optional.avx2_0": "AVX2",
    "hw.optional.avx512f": "AVX512F",
    "hw.optional.neon": "NEON",
    "hw.optional.arm.FEAT_FP16": "FP16",
    "hw.optional.arm.FEAT_DotProd": "DOTPROD",
    "hw.optional.arm.FEAT_I8MM": "I8MM",
    "hw.optional.arm.FEAT_BF16": "BF16",
    "hw.optional.arm.FEAT_SME": "SME",
}


@dataclass(frozen=True, slots=True)
class Processor:
    """`cores` are physical ones; both counts include only what this process may use."""

    name: str
    cores: int
    threads: int
    simd: tuple[str, ...]


def linux(proc: Path, sys: Path, allowed: Collection[int], quota: float | None) -> Processor:
    """`allowed` are the CPU numbers of the process's affinity, `quota` its share of CPU time in CPUs."""
    info = text(proc / "cpuinfo")
    flags = set(_field(info, "flags|Features").split())
    threads = max(len(allowed), 1)
    cores = len({_core(sys, cpu) for cpu in allowed}) or 1
    if quota is not None:
        # Threads beyond the quota run in turns, and llama.cpp's threads wait for each other.
        cores, threads = (max(1, min(count, int(quota))) for count in (cores, threads))
    return Processor(
        name=_field(info, "model name|Model|Hardware"),
        cores=cores,
        threads=threads,
        simd=tuple(name for flag, name in _LINUX_SIMD.items() if flag in flags),
    )


def macos(sysctl: Sysctl) -> Processor:
    """On Apple silicon the cores are the performance ones: the others only slow a matrix product down."""
    fast = _count(sysctl("hw.perflevel0.physicalcpu"))
    return Processor(
        name=sysctl("machdep.cpu.brand_string"),
        cores=fast or _count(sysctl("hw.physicalcpu")) or 1,
        threads=_count(sysctl("hw.logicalcpu")) or 1,
        simd=tuple(name for key, name in _MACOS_SIMD.items() if sysctl(key) == "1"),
    )


def _core(sys: Path, cpu: int) -> tuple[int, int]:
    """Package and core of a CPU: hyper-threads share both. Where the kernel does not say, each is its own."""
    topology = sys / "devices" / "system" / "cpu" / f"cpu{cpu}" / "topology"
    core = number(topology / "core_id")
    if core is None:
        return (-1, cpu)
    return (number(topology / "physical_package_id") or 0, core)


def _field(info: str, names: str) -> str:
    found = re.search(rf"^(?:{names})[ \t]*:[ \t]*(.*)$", info, re.MULTILINE)
    return found[1].strip() if found else ""


def _count(value: str) -> int:
    return int(value) if value.isdecimal() else 0
