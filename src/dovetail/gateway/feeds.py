"""What the hub tells of models, of requests and of the figures of now; nothing is looked at while nobody listens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from dovetail.core.request import Json, JsonObject
from dovetail.fleet.pool import Pool
from dovetail.gateway import figures
from dovetail.gateway.figures import Pulse, request_answer
from dovetail.serving.requests import Requests
from dovetail.telemetry.hub import Hub, Listening

EVERY = 1.0
SOON = 0.1  # seconds between two looks, where something has happened
_SAMPLES = 64


class Feeds:
    """Looks once a second, and soon after `stir`, and tells what has become different."""

    def __init__(self, hub: Hub, pool: Pool, requests: Requests, ready: Callable[[], bool]) -> None:
        self._hub = hub
        self._pool = pool
        self._under_way = requests
        self._ready = ready
        self._pulse = Pulse()
        self._stirred = asyncio.Event()
        self._models: dict[str, JsonObject] = {}
        self._requests: dict[int, tuple[str, JsonObject]] = {}
        self._sampled = 0.0
        self._hub.offer("models", self._all_models)
        self._hub.offer("requests", self._all_requests)
        self._hub.offer("metrics", self._now, kept=_SAMPLES)

    def stir(self) -> None:
        """Something has happened that is to be told before the second is over."""
        self._stirred.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._hub.awaited("metrics", "models", "requests")
            self._stirred.clear()
            self._tell()
            await asyncio.sleep(SOON)
            try:
                async with asyncio.timeout(EVERY - SOON):
                    await self._stirred.wait()
            except TimeoutError:
                pass

    def _tell(self) -> None:
        changed = self._tell_models()
        self._tell_requests()
        now = time.monotonic()
        if self._hub.listened("metrics") and (changed or now - self._sampled >= EVERY - SOON):
            self._sampled = now
            self._hub.publish("metrics", "sample", self._reading())

    def _tell_models(self) -> bool:
        """Whether a model has another state."""
        now = {str(model["id"]): model for model in figures.models(self._pool)}
        before, self._models = self._models, now
        for name, model in now.items():
            if before.get(name) != model:
                self._hub.publish("models", "changed", model)
        for name in before.keys() - now.keys():
            self._hub.publish("models", "gone", {"id": name})
        return {name: m["state"] for name, m in now.items()} != {name: m["state"] for name, m in before.items()}

    def _tell_requests(self) -> None:
        now = {ticket.number: (ticket.caller.id, request_answer(ticket)) for ticket in self._under_way}
        before, self._requests = self._requests, now
        for number, told in now.items():
            if before.get(number) != told:
                self._hub.publish("requests", "changed", told[1], owner=told[0])
        for number in before.keys() - now.keys():
            self._hub.publish("requests", "gone", {"number": number}, owner=before[number][0])

    def _reading(self) -> JsonObject:
        return figures.reading(self._pool, self._under_way, self._pulse.beat(self._under_way), ready=self._ready())

    async def _all_models(self, wanted: Listening) -> Json:
        del wanted
        return {"models": [*figures.models(self._pool)]}

    async def _all_requests(self, wanted: Listening) -> Json:
        mine = [t for t in self._under_way if wanted.own in {None, t.caller.id}]
        return {"requests": [request_answer(ticket) for ticket in mine]}

    async def _now(self, wanted: Listening) -> Json:
        del wanted
        return self._reading()
