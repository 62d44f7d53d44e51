"""The models that exist, by name: answers at once from the last scan, and scans again when a folder changed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypedDict, Unpack

from dovetail.catalog.adapters import Adapters
from dovetail.catalog.advice import Defaults, with_defaults, with_sampling
from dovetail.catalog.files import stamp
from dovetail.catalog.guesses import Guesses, with_guesses
from dovetail.catalog.headers import Headers
from dovetail.catalog.scan import scan, trusted, with_projector, with_template
from dovetail.core.caller import LOCAL, Caller
from dovetail.core.errors import InvalidRequest, ModelNotFound
from dovetail.core.model import Adapter, Model, Remote

CHECK_EVERY = 1.0


class Scope(TypedDict, total=False):
    """What settings say of models.

    aliases           further names by model id
    named             models outside of the roots, by id
    remote            models that other servers have, by id
    adapters          the LoRAs there are
    default_adapters  the adapter of a model that is asked for without one, by model id
    projector         the file that the settings name for a model, in place of the one beside it
    template          the chat template that the settings name for a model, in place of its own
    guesses           what is to guess ahead of a model
    trusted           ids of models that may run the code they bring
    sampling          values for what a request leaves open, before those that the model's makers advise
    defaults          the same of what no maker advises
    """

    aliases: Mapping[str, tuple[str, ...]]
    named: Mapping[str, Path]
    remote: Mapping[str, Remote]
    adapters: Adapters
    default_adapters: Mapping[str, str]
    projector: Callable[[str], Path | None]
    template: Callable[[str], Path | None]
    guesses: Callable[[str], Guesses]
    trusted: Collection[str]
    sampling: Mapping[str, tuple[tuple[str, int | float], ...]]
    defaults: Mapping[str, Defaults]


@dataclass(frozen=True, slots=True)
class _Snapshot:
    models: tuple[Model, ...]
    by_name: Mapping[str, Model]
    headers: Headers


class Catalog:
    """Models in `roots` (earlier roots win a name) and in their scope.

    Any thread may call any method. These read the disk: `refresh`, `models` and `find` when something changed, and
    `find` with an adapter.
    """

    def __init__(
        self, roots: Sequence[Path], *, clock: Callable[[], float] = time.monotonic, **scope: Unpack[Scope]
    ) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._snapshot: _Snapshot | None = None
        self._checked = 0.0
        self._set(tuple(roots), scope)

    def _set(self, roots: tuple[Path, ...], scope: Scope) -> None:
        self._roots = roots
        self._scope = scope
        self.adapters = scope.get("adapters") or Adapters(())
        self._default_adapters = scope.get("default_adapters", {})

    def reconfigure(self, roots: Sequence[Path], **scope: Unpack[Scope]) -> None:
        """Other roots and another scope from here on. Scans; files that did not change are not read again."""
        with self._lock:
            self._set(tuple(roots), scope)
            self._scan()

    def models(self) -> tuple[Model, ...]:
        """All models, sorted by id. Looks for changes at most once a second; blocks while it scans."""
        return self._current().models

    def find(self, name: str, adapter: Adapter | None = None, caller: Caller = LOCAL) -> Model:
        """The model of that id or alias, with `adapter`, the one of an id such as `model+adapter`, or its default one.

        A known name is a dictionary lookup; an unknown one looks for changes first. A model with `invalid` set is found
        like any other; one that `caller` may not use is not there. Raises ModelNotFound, AdapterNotFound,
        AdapterMismatch, and InvalidRequest for two adapters.
        """
        try:
            model = self._named(name, caller)
        except ModelNotFound as unknown:
            base, plus, own = name.rpartition("+")
            if not plus or not own:
                raise
            try:
                model = self._named(base, caller)
            except ModelNotFound:
                raise unknown from None
            if adapter is not None and adapter.name != own:
                raise InvalidRequest(
                    f"the model's id asks for the adapter {own} and the field for {adapter.name}", param="adapter"
                ) from None
            adapter = adapter or Adapter(own)
        if adapter is None and model.id in self._default_adapters:
            adapter = Adapter(self._default_adapters[model.id])
        if adapter is None or model.invalid is not None:
            return model
        return replace(model, adapter=self.adapters.find(adapter, model))

    def has(self, model_id: str) -> bool:
        """Whether there was a model of that very id at the last look; reads nothing."""
        found = self._snapshot.by_name.get(model_id) if self._snapshot is not None else None
        return found is not None and found.id == model_id

    def called(self, name: str, caller: Caller = LOCAL) -> bool:
        """Whether a model that `caller` may use had that id or alias at the last look; reads nothing."""
        found = self._snapshot.by_name.get(name) if self._snapshot is not None else None
        return found is not None and caller.may_use(found.id)

    def known(self, name: str) -> Model | None:
        """The model of that id or alias by the last scan, None where `find` may have to read the disk."""
        snapshot = self._snapshot
        model = snapshot.by_name.get(name) if snapshot else None
        return None if model is None or model.id in self._default_adapters else model

    def _named(self, name: str, caller: Caller) -> Model:
        snapshot = self._snapshot
        if snapshot is None or name not in snapshot.by_name:
            snapshot = self._current()
        found = snapshot.by_name.get(name)
        if found is None or not caller.may_use(found.id):
            raise ModelNotFound(name, [model.id for model in snapshot.models if caller.may_use(model.id)])
        return found

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
        scope = self._scope
        found = scan(self._roots, headers, scope.get("aliases"), scope.get("named"), scope.get("remote"))
        allowed = scope.get("trusted", ())
        found = [trusted(model) if model.id in allowed else model for model in found]
        if (projector := scope.get("projector")) is not None:
            found = [with_projector(model, projector(model.id), headers) for model in found]
        if (template := scope.get("template")) is not None:
            found = [with_template(model, template(model.id), headers) for model in found]
        if (guesses := scope.get("guesses")) is not None:
            others = _by_name(found)
            found = [with_guesses(model, guesses(model.id), others, headers) for model in found]
        said = scope.get("sampling", {})
        own = scope.get("defaults", {})
        models = tuple(with_defaults(with_sampling(m, said.get(m.id, ())), own.get(m.id)) for m in found)
        headers.seal()
        by_name = _by_name(models)
        self._checked = self._clock()
        self._snapshot = _Snapshot(models, by_name, headers)
        return self._snapshot


def _by_name(models: Sequence[Model]) -> dict[str, Model]:
    return {alias: model for model in models for alias in model.aliases} | {model.id: model for model in models}


def _changed(headers: Headers) -> bool:
    return any(stamp(path) != seen for path, seen in headers.watched.items())
