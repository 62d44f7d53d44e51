"""The field `adapter` of a request: which LoRA adapter its answer is computed with, and how strongly."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dovetail.core.request import JsonObject
from dovetail.workers.mlx.protocol import Fields, RequestError

MAX_SCALE = 100.0
_MAX_NAME = 256


@dataclass(frozen=True, slots=True)
class AdapterChoice:
    """`path` is a folder in mlx-lm's format; `scale` multiplies the adapter's own."""

    name: str
    path: Path
    scale: float


class AdapterError(RequestError):
    """An adapter that cannot be used with this model. Its name is told, its path never."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"adapter '{name}': {problem}", type_="adapter_mismatch")


def read_adapter(body: JsonObject) -> AdapterChoice | None:
    """The adapter that a body asks for; None for the base model."""
    given = body.get("adapter")
    if given is None:
        return None
    if not isinstance(given, dict) or not given.keys() <= {"name", "path", "scale"}:
        raise RequestError("Field 'adapter': must be an object of name, path and scale")
    fields = Fields({f"adapter.{name}": value for name, value in given.items()})
    name, path = fields.text("adapter.name"), Path(fields.text("adapter.path"))
    if not 0 < len(name) <= _MAX_NAME:
        raise RequestError(f"Field 'adapter.name': must have 1 to {_MAX_NAME} characters")
    if not path.is_absolute() or "\0" in str(path):
        raise RequestError("Field 'adapter.path': must be an absolute path")
    return AdapterChoice(name, path, fields.number("adapter.scale", 1.0, -MAX_SCALE, MAX_SCALE))
