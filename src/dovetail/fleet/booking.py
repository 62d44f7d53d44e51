"""What a seat takes of the budget: reckoned before its worker starts, corrected by what is seen of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from dovetail.core.model import LoadOptions, Model
from dovetail.core.request import JsonObject
from dovetail.engines.base import Machine
from dovetail.fleet import budget
from dovetail.fleet.budget import Need
from dovetail.hardware.usage import Usage

MEMORY = "memory"  # what it is called among the facts of a model
_DISK = 1 << 30  # bytes a second that a load is thought to read, until one was timed
_TELLING = (
    *("context", "parallel", "gpu_layers", "batch", "ubatch", "flash_attention"),
    *("cache_type_k", "cache_type_v", "mmproj", "cache_ram", "pooling", "draft"),
)
_NEARLY = 0.99  # a load is over when its worker says so
_WORTH_TELLING = 0.01  # of a figure, by which it must have changed to be written down


@dataclass(frozen=True, slots=True)
class Files:
    """What files a model is made of: a key of all, and the bytes of those beside its weights."""

    key: str = ""
    projector: int = 0
    adapter: int = 0
    draft: int = 0

    @classmethod
    def of(cls, key: str, model: Model, options: LoadOptions) -> Self:
        """Blocks while the files are looked at; one that is not there takes nothing."""
        adapter = model.adapter.path if model.adapter else None
        return cls(key, _size(options.mmproj), _size(adapter), _size(options.draft))


@dataclass(slots=True)
class Booking:
    """One seat's: bytes by its files and options.

    key       what the facts learned of it are found by
    options   those it is loaded with
    need      what they were reckoned to take
    standing  measured right after a load, 0 while it is not known; `peak` the most that was ever seen
    now       what it takes now, None while it is not known
    seconds   of a load
    loading   what its worker has taken while it loads, None when it does not
    free_before  bytes free on GPUs before the worker started; `loaded_at` is when it was last seen to be ready
    """

    key: str
    files: Files
    options: LoadOptions
    need: Need
    machine: Machine
    standing: int = 0
    peak: int = 0
    now: int | None = None
    seconds: float = 0.0
    free_before: int = 0
    loaded_at: float | None = None
    loading: int | None = None

    def know(self, facts: JsonObject | None) -> None:
        """Takes over what was learned of earlier workers."""
        said = facts or {}
        for name in ("standing", "peak"):
            value = said.get(name)
            if isinstance(value, int) and value > 0:
                setattr(self, name, max(getattr(self, name), value))
        seconds = said.get("seconds")
        if isinstance(seconds, int | float) and seconds > 0:
            self.seconds = float(seconds)

    @property
    def facts(self) -> JsonObject:
        return {"standing": self.standing, "peak": self.peak, "seconds": round(self.seconds, 2)}

    @property
    def memory(self) -> int:
        """Bytes of RAM to keep for it."""
        return budget.corrected(self.need, self.facts, self.machine)

    @property
    def reload(self) -> float:
        """Seconds that loading it would take."""
        return self.seconds or self.need.weights / _DISK

    @property
    def progress(self) -> float | None:
        """How much of what will stand after a load is there, 0 to 1, while its worker loads; never all of it."""
        whole = max(self.standing or self.need.standing, 1)
        return None if self.loading is None else round(min(self.loading / whole, _NEARLY), 2)

    def see(self, usage: Usage, *, loaded: bool = False) -> bool:
        """Notes what the worker takes; True when it is more than was known, and worth keeping."""
        if usage.memory is None:
            return False
        self.now = usage.memory
        grown = self.now > self.peak * (1 + _WORTH_TELLING)
        self.peak = max(self.peak, self.now)
        if loaded and self.now > self.standing * (1 + _WORTH_TELLING):
            self.standing, grown = self.now, True
        return grown


def said(options: LoadOptions) -> str:
    """The options that decide what a model takes."""
    return " ".join(f"{name}={value}" for name in _TELLING if (value := getattr(options, name)) is not None)


def _size(path: Path | None) -> int:
    try:
        return path.stat().st_size if path is not None else 0
    except OSError:
        return 0
