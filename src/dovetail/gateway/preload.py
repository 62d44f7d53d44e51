"""Models that are loaded before anybody asks for them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import structlog

from dovetail.catalog.catalog import Catalog
from dovetail.core.errors import DovetailError
from dovetail.fleet.pool import Pool
from dovetail.settings import Settings

log = structlog.stdlib.get_logger(__name__)


class Preloader:
    """Loads what it is told to, one model after the other. `done` is set while nothing is left to load."""

    def __init__(self, catalog: Catalog, pool: Pool) -> None:
        self.done = asyncio.Event()
        self._catalog = catalog
        self._pool = pool
        self._wanted: list[str] = []
        self._told = asyncio.Event()

    def want(self, names: Iterable[str]) -> None:
        self._wanted += [name for name in names if name not in self._wanted]
        self._told.set()

    async def run(self) -> None:
        """Loads until it is cancelled. What cannot be loaded is logged."""
        # Headers are read in a thread once, so that the first request finds a warm catalog.
        await asyncio.to_thread(self._catalog.refresh)
        while True:
            self._told.clear()
            while self._wanted:
                await self._load(self._wanted.pop(0))
            self.done.set()
            await self._told.wait()

    async def _load(self, name: str) -> None:
        try:
            await self._pool.load(await asyncio.to_thread(self._catalog.find, name))
        except DovetailError as failure:
            log.warning("preload_failed", model=name, reason=failure.message)


def preloads(settings: Settings) -> tuple[str, ...]:
    """The models that are to be loaded at start."""
    own = (name for name, model in settings.models.items() if model.preload)
    return tuple(dict.fromkeys((*settings.fleet.preload, *own)))
