"""A request that has ended, as the journal shows it and the event hub tells it."""

from __future__ import annotations

from dovetail.core.observe import Observer, RequestRecord
from dovetail.core.request import JsonObject
from dovetail.gateway.answers import Answer
from dovetail.storage.journal import COLUMNS, Entry
from dovetail.telemetry.hub import Hub
from dovetail.telemetry.journal import entry_of


class EndedRequest(Answer):
    """A request that has ended. `began` is in seconds since 1970, other times are durations in seconds.

    `id` is the answer's own, `request_id` its `x-request-id`. `prefill` and `decode` by the worker's clock, null where
    it has not told; `prompt_speed` and `speed` in tokens a second. `status` 499: its client left, or it was cancelled.
    """

    began: float
    id: str
    request_id: str
    caller: str
    key: str | None
    kind: str
    endpoint: str
    model: str
    streamed: bool
    status: int
    error: str | None
    finish: str | None
    choices: int
    duration: float
    queued: float
    loading: float
    prefill: float | None
    ttft: float | None
    decode: float | None
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    prompt_speed: float | None
    speed: float | None


def shown_entry(entry: Entry) -> JsonObject:
    """An `EndedRequest`."""
    return {**{name: getattr(entry, name) for name in COLUMNS}, "streamed": bool(entry.streamed)}


class Ended(Observer):
    """Tells those who may hear of it."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def request_done(self, record: RequestRecord) -> None:
        self._hub.publish("requests", "ended", shown_entry(entry_of(record)), owner=record.caller.id)
