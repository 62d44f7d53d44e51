"""How things stand at one moment, as the gateway tells it to whoever shows figures."""

from __future__ import annotations

from dataclasses import dataclass, field

from dovetail.core.model import ModelFormat, ModelState
from dovetail.hardware.reading import MachineReading


@dataclass(frozen=True, slots=True)
class ModelNow:
    """How one model stands, with all its workers. Bytes; `memory` is what they take, None while that is unknown."""

    id: str
    format: ModelFormat
    state: ModelState
    slots: int = 0
    active: int = 0
    waiting: int = 0
    memory: int | None = None
    reserved: int = 0
    device_memory: int = 0


@dataclass(frozen=True, slots=True)
class Stored:
    """Prompt caches on disk: bytes, conversations, and the bytes they may have."""

    bytes: int = 0
    files: int = 0
    limit: int = 0


@dataclass(frozen=True, slots=True)
class Now:
    """How things stand at one moment; `budget` is bytes that models may take, `streams` open event streams."""

    version: str
    models: tuple[ModelNow, ...] = ()
    running: int = 0
    waiting: int = 0
    budget: int = 0
    streams: int = 0
    stored: Stored = field(default_factory=Stored)
    machine: MachineReading | None = None
