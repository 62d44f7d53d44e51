"""Which versions compute here: for reports of faults, and beside the figures of a benchmark."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass

from dovetail import __version__
from dovetail.core.model import ModelFormat
from dovetail.engines.base import Engine, installed
from dovetail.engines.gguf import GgufEngine, Origin
from dovetail.hardware.machine import MachineFacts


@dataclass(frozen=True, slots=True)
class Versions:
    """Empty is what is not installed; `llama_cpp` is the one in use, in words, and `origin` where that comes from."""

    dovetail: str
    python: str
    xllamacpp: str
    llama_cpp: str
    origin: Origin | None
    mlx: str
    mlx_lm: str


def versions(engines: Mapping[ModelFormat, Engine]) -> Versions:
    """As they would compute now. Blocks."""
    gguf = engines["gguf"]
    known = isinstance(gguf, GgufEngine)
    return Versions(
        dovetail=__version__,
        python=platform.python_version(),
        xllamacpp=installed("xllamacpp"),
        llama_cpp=gguf.build() if known else "",
        origin=gguf.origin() if known else None,
        mlx=installed("mlx"),
        mlx_lm=installed("mlx-lm"),
    )


def system(facts: MachineFacts) -> str:
    """`Linux 6.1 x86_64`."""
    return f"{facts.system} {platform.release().partition('-')[0]} {facts.arch}"
