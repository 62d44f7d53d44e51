"""Builds of xllamacpp made on this machine, in `engines/` in the home folder, and which of them is in force."""

from __future__ import annotations

import json
import platform
import shutil
import sys
import sysconfig
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from dovetail.engines.backends import Backend

FOLDER = "engines"
CARD = "build.json"
WORK = "work"
TOOLS = ("llama-quantize", "llama-bench")  # made beside the llama-server that a build leaves


@dataclass(frozen=True, slots=True)
class Card:
    """What a build says of itself in `build.json`.

    version    of xllamacpp
    arch       the machine's, by Python's name
    processor  its name
    simd       vector instructions the processor had; without one of them the build may end with SIGILL
    features   llama.cpp's names of what was built in
    made       Unix time, which tells one build from the next
    backend    the kind of GPU it is for; empty: none, but for Metal
    python     which Python imports it, as `interpreter` says it; empty: nobody has said
    """

    version: str
    arch: str
    processor: str
    simd: tuple[str, ...]
    features: tuple[str, ...]
    made: int
    backend: Backend = ""
    python: str = ""


@dataclass(frozen=True, slots=True)
class NativeBuild:
    """A folder with the package `xllamacpp` as a worker imports it, and llama.cpp's programs in `bin/`."""

    folder: Path
    card: Card

    @property
    def key(self) -> str:
        return f"{self.folder.name} {self.card.made}"

    @property
    def programs(self) -> tuple[Path, ...]:
        found = (self.folder / "bin" / name for name in ("llama-server", *TOOLS))
        return tuple(path for path in found if path.exists())

    def runs_on(self, version: str, simd: Collection[str]) -> bool:
        """Whether it is of xllamacpp `version`, for this Python, and for a processor that has no more than `simd`."""
        card = self.card
        here = card.arch == platform.machine() and card.python in {"", interpreter()}
        return here and card.version == version and set(card.simd) <= set(simd)


def interpreter() -> str:
    """This Python, as far as compiled modules are told apart by it."""
    return str(sysconfig.get_config_var("SOABI") or sys.implementation.cache_tag)


def builds(home: Path) -> list[NativeBuild]:
    """Every complete build, by name."""
    found = (_read(folder) for folder in sorted((home / FOLDER).glob("xllamacpp-*")))
    return [build for build in found if build is not None]


def in_force(home: Path, version: str, simd: Collection[str]) -> NativeBuild | None:
    """The build that GGUF workers use in place of the wheel, None: the wheel."""
    return next((build for build in builds(home) if build.runs_on(version, simd)), None)


def write(folder: Path, card: Card) -> None:
    (folder / CARD).write_text(json.dumps(asdict(card), indent=2) + "\n", "utf-8")


def remove(build: NativeBuild) -> None:
    """Without its card it is no build, so a removal that is cut short leaves nothing that would be used."""
    (build.folder / CARD).unlink(missing_ok=True)
    shutil.rmtree(build.folder)


def _read(folder: Path) -> NativeBuild | None:
    try:
        return NativeBuild(folder, TypeAdapter(Card).validate_json((folder / CARD).read_bytes()))
    except (OSError, ValidationError):
        return None
