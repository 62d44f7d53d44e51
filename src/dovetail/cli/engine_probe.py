"""What an engine says of itself, asked in a process of its own: this one never imports an engine."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import cast

TIMEOUT = 60.0

_XLLAMACPP = """
import json, xllamacpp
devices = [{"name": d["name"], "description": d["description"]} for d in xllamacpp.get_device_info()]
print(json.dumps({"features": xllamacpp.get_system_info(), "devices": devices}))
"""
_MLX = """
import json, mlx.core as mx, mlx_lm
device = "Metal" if mx.metal.is_available() else "CUDA" if mx.cuda.is_available() else "CPU"
print(json.dumps({"features": "", "devices": [{"name": device, "description": ""}]}))
"""


@dataclass(frozen=True, slots=True)
class EngineReport:
    """`simd` are llama.cpp's names of what it was built with; `problem` says why it cannot be used."""

    devices: tuple[str, ...] = ()
    simd: tuple[str, ...] = ()
    problem: str | None = None


def probe_xllamacpp(library: Path | None = None) -> EngineReport:
    """With `library` the xllamacpp in that folder, else the one that is installed."""
    return _probe(_XLLAMACPP if library is None else f"import sys\nsys.path.insert(0, {str(library)!r})\n{_XLLAMACPP}")


def probe_mlx() -> EngineReport:
    return _probe(_MLX)


def version_of(binary: str) -> str:
    """What a llama-server says to `--version`, in one line; empty when it says nothing useful."""
    try:
        done = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("version")]
    return lines[0] if lines else ""


def _probe(program: str) -> EngineReport:
    try:
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired:
        return EngineReport(problem=f"did not answer within {TIMEOUT:g} s")
    try:
        said = cast("dict[str, object]", json.loads(done.stdout))
    except ValueError:
        lines = done.stderr.strip().splitlines()
        return EngineReport(problem=lines[-1] if lines else f"ended with code {done.returncode}")
    devices = cast("list[dict[str, str]]", said["devices"])
    return EngineReport(
        devices=tuple(" ".join(filter(None, (device["name"], device["description"]))) for device in devices),
        simd=_switched_on(str(said["features"])),
    )


def _switched_on(features: str) -> tuple[str, ...]:
    """Names from `CPU : SSE3 = 1 | AVX512 = 0 | …`."""
    pairs = (part.rpartition(":")[2].split("=") for part in features.split("|"))
    return tuple(pair[0].strip() for pair in pairs if len(pair) == 2 and pair[1].strip() == "1")
