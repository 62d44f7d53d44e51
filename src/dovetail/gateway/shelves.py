"""Where each model's prompt caches lie, as a server with these settings looks for them. Everything here blocks."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from dovetail import kv_folder
from dovetail.core.errors import InvalidRequest, LoadFailed
from dovetail.core.model import Adapter, Model
from dovetail.engines.base import Machine
from dovetail.fleet import bundle
from dovetail.fleet.prompt_store import shelf_name
from dovetail.fleet.seats import served
from dovetail.gateway.model_settings import catalog_of, checked_options, engines_of
from dovetail.hardware.machine import machine
from dovetail.kv_folder import CARD, Card
from dovetail.settings import Settings


@dataclass(frozen=True, slots=True)
class Conversation:
    """A prompt cache on disk; `model` is None where it fits none of the models as they are now."""

    model: str | None
    folder: str
    name: str
    card: Card
    used: float


class Shelves:
    """All prompt caches in a home folder. They may be read and changed while a server runs."""

    def __init__(self, settings: Settings) -> None:
        self.root = settings.home / "kv"
        self._settings = settings
        self._catalog = catalog_of(settings)
        self._engines = engines_of(settings, machine().processor.simd)

    def folder(self, name: str) -> str:
        """The folder of a model's caches, whether or not it is there. Raises as `import_from` does."""
        model = self._find(name)
        return shelf_name(model, self._key(model))

    def conversations(self) -> list[Conversation]:
        """What is there, the last used first."""
        names = {shelf_name(model, key): model.name for model, key in self._keeping()}
        found: list[Conversation] = []
        for entry in kv_folder.entries(self.root):
            path = next((file for file in entry.files if file.suffix == CARD), None)
            card = None if path is None else kv_folder.read_card(path)
            if path is not None and card is not None:
                folder = path.parent.name
                found.append(Conversation(names.get(folder), folder, path.stem, card, entry.used))
        return sorted(found, key=lambda conversation: -conversation.used)

    def export_to(self, out: BinaryIO, conversation: Conversation) -> None:
        """Writes a conversation as a bundle. Raises InvalidRequest, BundleError or OSError."""
        if conversation.model is None:
            raise InvalidRequest("it fits no model that is here now: its model, template or engine has changed")
        model = self._find(conversation.model)
        suffix = bundle.SUFFIXES[model.format]
        cache = self.root / conversation.folder / (conversation.name + suffix)
        bundle.export_to(out, cache, conversation.card, model, bundle.origin_of(model, self._key(model)))

    def import_from(self, source: BinaryIO, name: str | None) -> tuple[str, Card]:
        """Takes a bundle in for the model `name`, None: the one it names; that model's id and what came.

        Raises ModelNotFound, InvalidRequest, LoadFailed, BundleError or OSError.
        """
        start = source.tell()
        header = bundle.read_header(source)
        model = self._find(name or header.model)
        key, most = self._key(model), self._settings.kv.max_bytes
        source.seek(start)
        folder = self.root / shelf_name(model, key)
        card = bundle.import_from(source, model, bundle.origin_of(model, key), folder, most)
        kv_folder.prune(self.root, most)
        return model.name, card

    def clear(self, conversations: list[Conversation]) -> int:
        """Removes conversations; how many bytes they took."""
        for conversation in conversations:
            for suffix in (CARD, *bundle.SUFFIXES.values()):
                kv_folder.discard(self.root / conversation.folder / (conversation.name + suffix))
        return sum(conversation.card.size for conversation in conversations)

    def _find(self, name: str) -> Model:
        model = self._catalog.find(name)
        return served(model, self._engines[model.format])

    def _keeping(self) -> Iterator[tuple[Model, str]]:
        for model in self._all():
            try:
                yield model, self._key(model)
            except (InvalidRequest, LoadFailed):
                continue

    def _all(self) -> Iterator[Model]:
        """Every model, and with every adapter that it has a worker of its own for."""
        adapters = self._catalog.adapters.list()
        for model in self._catalog.models():
            yield model
            for listed in adapters if self._engines[model.format].adapters_apart and model.invalid is None else ():
                with contextlib.suppress(InvalidRequest):
                    yield served(self._catalog.find(model.id, Adapter(listed.name)), self._engines[model.format])

    def _key(self, model: Model) -> str:
        """What caches of `model` depend on beside its files. Raises InvalidRequest where none are kept, LoadFailed."""
        engine = self._engines[model.format]
        options = engine.resolve(model, checked_options(self._settings, model), Machine(cores=1))
        if options.mmproj is not None or model.pooling is not None or model.remote is not None:
            raise InvalidRequest(f"of {model.id} no prompt caches are kept", param="model")
        return engine.cache_key(options)


def bundle_name(conversation: Conversation) -> Path:
    """What an exported conversation's file is called, unless somebody says otherwise."""
    return Path(f"{conversation.folder.rpartition('-')[0]}-{conversation.name}.dovetail-kv")
