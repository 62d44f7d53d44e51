"""The models that exist, by name: answers at once from the last scan, and scans again when a folder changed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from dovetail.catalog.files import stamp
from dovetail.catalog.headers import Headers
from dovetail.catalog.scan import scan, with_projector
from dovetail.core.errors import ModelNotFound
from dovetail.core.model import Model

CHECK_EVERY = 1.0

_NO_ALIASES: Mapping[str, tuple[str, ...]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class _Snapshot:
    models: tuple[Model, ...]
    by_name: Mapping[str, Model]
    headers: Headers


class Catalog:
    """Models in `roots` (earlier roots win a name); `aliases` are further names by model id.

    `projector` gives the file that the settings name for a model, in place of the one beside it.

    Any thread may call any method. Two of them read the disk: `refresh`, and `models` when something changed.
    """

    def __init__(
        self,
        roots: Sequence[Path],
        *,
        aliases: Mapping[str, tuple[str, ...]] = _NO_ALIASES,
        projector: Callable[[str], Path | None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._roots = tuple(roots)
        self._aliases = dict(aliases)
        self._projector = projector
        self._clock = clock
        self._lock = threading.Lock()
        self._snapshot: _Snapshot | None = None
        self._checked = 0.0

    def models(self) -> tuple[Model, ...]:
        """All models, sorted by id. Looks for changes at most once a second; blocks while it scans."""
        return self._current().models

    def find(self, name: str) -> Model:
        """The model of that id or alias. A known name is a dictionary lookup; an unknown one looks for changes first.

        Raises ModelNotFound. A model with `invalid` set is found like any other.
        """
        snapshot = self._snapshot
        if snapshot is None or name not in snapshot.by_name:
            snapshot = self._current()
        try:
            return snapshot.by_name[name]
        except KeyError:
            raise ModelNotFound(name, [model.id for model in snapshot.models]) from None

    def refresh(self) -> None:
        """Scans now. Files that did not change are not read again."""
        with self._lock:
            self._scan()

    def _current(self) -> _Snapshot:
        snapshot = self._snapshot
        # A thread that scans already will publish what it finds; the last answer serves until then.
        if not self._lock.acquire(blocking=snapshot is None):
            return snapshot or self._current()
        try:
            if self._snapshot is None:
                return self._scan()
            now = self._clock()
            if now - self._checked >= CHECK_EVERY:
                self._checked = now
                if _changed(self._snapshot.headers):
                    return self._scan()
            return self._snapshot
        finally:
            self._lock.release()

    def _scan(self) -> _Snapshot:
        headers = Headers(self._snapshot.headers if self._snapshot else None)
        found = scan(self._roots, headers, self._aliases)
        models = tuple(with_projector(model, self._projector(model.id), headers) for model in found)
        headers.seal()
        by_name = {alias: model for model in models for alias in model.aliases} | {model.id: model for model in models}
        self._checked = self._clock()
        self._snapshot = _Snapshot(models, by_name, headers)
        return self._snapshot


def _changed(headers: Headers) -> bool:
    return any(stamp(path) != seen for path, seen in headers.watched.items())
