"""What was learned of models on this machine, kept from one start to the next: memory, widths, load times."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from hashlib import blake2b
from pathlib import Path
from typing import cast

import structlog

from dovetail.core.model import Model
from dovetail.core.request import JsonObject

FILE = "measured.json"
MAX_KEYS = 512  # the one whose facts were put longest ago goes first
MAX_BYTES = 4 << 20

log = structlog.stdlib.get_logger(__name__)


class Measured:
    """Facts by a model's identity and by what they are about. Opening it reads `path` and blocks.

    `hardware` names this machine: facts from another one, in a home folder that has moved, are not found.
    With `path` None nothing outlives the process. A file that is damaged, or cannot be written, is logged and costs
    what was learned, nothing else.
    """

    def __init__(self, path: Path | None = None, hardware: str = "") -> None:
        self._path = path
        self._hardware = hardware
        self._facts = {} if path is None else _read(path)
        self._writing = asyncio.Lock()

    def key(self, model: Model, *facts: object) -> str:
        """The name of `model`'s files as they are now, of `facts` (load options that matter) and of this machine.

        Blocks while the files are looked at.
        """
        return identity(model, self._hardware, *facts)

    def get(self, key: str, what: str) -> JsonObject | None:
        found = self._facts.get(key, {}).get(what)
        return found if isinstance(found, dict) else None

    async def put(self, key: str, what: str, value: JsonObject) -> None:
        """Known to `get` at once; returns when it is on disk. `value` must be JSON."""
        self._facts[key] = {**self._facts.pop(key, {}), what: value}
        while len(self._facts) > MAX_KEYS:
            del self._facts[next(iter(self._facts))]
        if self._path is None:
            return
        async with self._writing:
            text = json.dumps({"version": 1, "facts": self._facts})
            try:
                await asyncio.to_thread(_write, self._path, text)
            except OSError as error:
                log.warning("measured_not_written", reason=error.strerror)


def identity(model: Model, *facts: object) -> str:
    """A digest of the files (paths, sizes, times) of a model, its adapter, projector and draft, and of `facts`.

    Blocks while the files are looked at.
    """
    files = [*(model.files or (model.path,))]
    files += [path for path in (model.adapter and model.adapter.path, model.mmproj, model.draft) if path]
    seen: list[object] = list(facts)
    for file in files:
        try:
            stat = file.stat()
        except OSError:
            seen.append(str(file))
        else:
            seen.append((str(file), stat.st_size, stat.st_mtime_ns))
    return blake2b(repr(seen).encode(), digest_size=12).hexdigest()


def _read(path: Path) -> dict[str, JsonObject]:
    try:
        with path.open("rb") as file:
            said = cast("object", json.loads(file.read(MAX_BYTES)))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        log.warning("measured_not_read", file=path.name, reason=str(error))
        return {}
    tree = cast("dict[str, object]", said) if isinstance(said, dict) else {}
    facts = tree.get("facts")
    if tree.get("version") != 1 or not isinstance(facts, dict):
        log.warning("measured_not_read", file=path.name, reason="it is none of this version's")
        return {}
    kept = cast("dict[str, object]", facts).items()
    return {key: cast("JsonObject", value) for key, value in kept if isinstance(value, dict)}


def _write(path: Path, text: str) -> None:
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
