"""`parallel_tool_calls: false`, where the engine pays it no heed (llama-server b11549)."""

from __future__ import annotations

from collections.abc import Iterable

from dovetail.core.events import Event, ToolCallDelta
from dovetail.core.request import Json
from dovetail.engines.base import Decoder

_LAST: dict[str, Json] = {"choices": [{"delta": {}, "finish_reason": "tool_calls"}]}


class OneCall:
    """The answer of `inner` up to its second call, with which it is complete: the worker is left to itself then."""

    def __init__(self, inner: Decoder) -> None:
        self._inner = inner
        self.complete = False

    def feed(self, frame: dict[str, Json]) -> Iterable[Event]:
        events: list[Event] = []
        for event in self._inner.feed(frame):
            if isinstance(event, ToolCallDelta) and event.call > 0:
                self.complete = True
                self._inner.feed(_LAST)
                break
            events.append(event)
        return events

    def end(self) -> Iterable[Event]:
        return self._inner.end()
