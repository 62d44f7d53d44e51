"""What the hub tells of models, of requests and of the figures of now; nothing is looked at while nobody listens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import structlog

from dovetail.core.model import ModelState
from dovetail.core.observe import Observer
from dovetail.core.request import Json, JsonObject
from dovetail.gateway.figures import request_answer
from dovetail.gateway.panel import Panel
from dovetail.telemetry.hub import Hub, Listening

log = structlog.stdlib.get_logger(__name__)

EVERY = 1.0
SOON = 0.2  # seconds between two looks, where something has happened
_SAMPLES = 64
_REQUESTS = 4096  # changes: more than there can be requests, each of which may change at every look


class Nudge(Observer):
    """Has the feeds look soon where a model has another state."""

    def __init__(self) -> None:
        self.event = asyncio.Event()

    def model_state(self, model: str, state: ModelState, reason: str | None = None) -> None:
        del model, state, reason
        self.event.set()


class Feeds:
    """Looks once a second, and when nudged or a request comes or ends, and tells what has become different."""

    def __init__(self, hub: Hub, panel: Panel, ready: Callable[[], bool], nudge: Nudge) -> None:
        self._hub = hub
        self._panel = panel
        self._ready = ready
        self._nudged = nudge.event
        self._models: dict[str, JsonObject] = {}
        self._requests: dict[int, tuple[str, JsonObject]] = {}
        self._sampled = 0.0
        self._hub.offer("models", self._all_models)
        self._hub.offer("requests", self._all_requests, kept=_REQUESTS)
        self._hub.offer("metrics", self._now, kept=_SAMPLES)

    async def run(self) -> None:
        """Until cancelled."""
        with self._panel.requests.watched(self._nudged):
            while True:
                await self._hub.awaited("metrics", "models", "requests")
                self._nudged.clear()
                try:
                    await self._tell()
                except Exception:  # what cannot be told now is told a second later
                    log.exception("figures_not_told")
                await asyncio.sleep(SOON)
                try:
                    async with asyncio.timeout(EVERY - SOON):
                        await self._nudged.wait()
                except TimeoutError:
                    pass

    async def _tell(self) -> None:
        changed = self._tell_models()
        self._tell_requests()
        now = time.monotonic()
        if self._hub.listened("metrics") and (changed or now - self._sampled >= EVERY - SOON):
            self._sampled = now
            self._hub.publish("metrics", "sample", await self._panel.reading(ready=self._ready()))

    def _tell_models(self) -> bool:
        """Whether a model has another state."""
        now = {str(model["id"]): model for model in self._panel.models()}
        before, self._models = self._models, now
        for name, model in now.items():
            if before.get(name) != model:
                self._hub.publish("models", "changed", model)
        for name in before.keys() - now.keys():
            self._hub.publish("models", "gone", {"id": name})
        return _states(now) != _states(before)

    def _tell_requests(self) -> None:
        now = {ticket.number: (ticket.caller.id, request_answer(ticket)) for ticket in self._panel.requests}
        before, self._requests = self._requests, now
        for number, (owner, told) in now.items():
            if before.get(number) != (owner, told):
                self._hub.publish("requests", "changed", told, owner=owner)
        for number in before.keys() - now.keys():
            self._hub.publish("requests", "gone", {"number": number}, owner=before[number][0])

    async def _all_models(self, wanted: Listening) -> Json:
        del wanted
        self._tell_models()  # what a snapshot shows has been told, so that its end or change will be
        return {"models": [*self._panel.models()]}

    async def _all_requests(self, wanted: Listening) -> Json:
        self._tell_requests()
        mine = [ticket for ticket in self._panel.requests if wanted.own in {None, ticket.caller.id}]
        return {"requests": [request_answer(ticket) for ticket in mine]}

    async def _now(self, wanted: Listening) -> Json:
        del wanted
        return await self._panel.reading(ready=self._ready())


def _states(models: dict[str, JsonObject]) -> dict[str, Json]:
    return {name: model["state"] for name, model in models.items()}
