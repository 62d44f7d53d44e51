"""The answers of `/v1/messages`: events for a stream, one message otherwise."""

from __future__ import annotations

from typing import cast

import orjson
from pydantic_core import from_json

from dovetail.core.errors import DovetailError
from dovetail.core.events import Event, Finished, ReasoningDelta, RefusalDelta, TextDelta, ToolCallDelta, Usage
from dovetail.core.request import GenerateRequest, Json, JsonObject
from dovetail.gateway import errors
from dovetail.serving.requests import Ticket

# Nothing is signed, and no signature that comes back is looked at.
UNSIGNED = "unsigned"
_PING = b'event: ping\ndata: {"type":"ping"}\n\n'
_STOPPED = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
_DELTA = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":{"type":"%b","%b":'
_DELTA_END = b"}}\n\n"


class Outcome:
    """How an answer ended, in Anthropic's words."""

    def __init__(self, request: GenerateRequest) -> None:
        self._most = request.max_tokens
        self.refused = False
        self.finished: Finished | None = None

    @property
    def usage(self) -> JsonObject:
        return usage(self.finished.usage if self.finished else Usage())

    @property
    def stop(self) -> JsonObject:
        """`stop_reason` and `stop_sequence`."""
        finished = self.finished
        if finished is None:
            return {"stop_reason": None, "stop_sequence": None}
        if finished.stop_string is not None:
            return {"stop_reason": "stop_sequence", "stop_sequence": finished.stop_string}
        return {"stop_reason": self._reason(finished), "stop_sequence": None}

    def _reason(self, finished: Finished) -> str:
        if finished.reason == "length":
            full = self._most is not None and finished.usage.completion < self._most
            return "model_context_window_exceeded" if full else "max_tokens"
        if finished.reason == "tool_calls":
            return "tool_use"
        return "refusal" if self.refused else "end_turn"


class AnthropicErrors:
    """The half of a Rendering that streamed and whole messages share."""

    lines = False

    def __init__(self, request_id: str) -> None:
        self._request_id = request_id

    def error_body(self, error: DovetailError) -> bytes:
        return errors.anthropic_body(error, self._request_id)

    def error_frame(self, error: DovetailError) -> bytes:
        return b"event: error\ndata: " + errors.anthropic_body(error, self._request_id) + b"\n\n"


class MessageStream(AnthropicErrors):
    """Events: message_start, then for each block its start, deltas and stop, then message_delta and message_stop."""

    streamed = True

    def __init__(self, request: GenerateRequest, ticket: Ticket, request_id: str, *, hides_thoughts: bool) -> None:
        super().__init__(request_id)
        self._request = request
        self._ticket = ticket
        self._outcome = Outcome(request)
        self._hides = hides_thoughts
        self._begun = False
        self._index = -1
        self._open = ""  # the type of the block that has begun
        self._call = -1
        self._head = b""

    def frames(self, event: Event) -> bytes:
        match event:
            case TextDelta(text) | RefusalDelta(text):
                self._outcome.refused |= isinstance(event, RefusalDelta)
                begun = b"" if self._open == "text" else self._start("text", {"type": "text", "text": ""}, b"text")
                return begun + self._head + orjson.dumps(text) + _DELTA_END
            case ReasoningDelta(text):
                block: JsonObject = {"type": "thinking", "thinking": "", "signature": ""}
                begun = b"" if self._open == "thinking" else self._start("thinking", block, b"thinking")
                return begun if self._hides else begun + self._head + orjson.dumps(text) + _DELTA_END
            case ToolCallDelta():
                return self._called(event)
            case Finished():
                self._outcome.finished = event
                return b""
            case _:
                return b""

    def end(self) -> bytes:
        begun = b"" if self._begun else self._begin()
        told: JsonObject = {"type": "message_delta", "delta": self._outcome.stop, "usage": self._outcome.usage}
        return begun + self._stop() + _frame("message_delta", told) + _STOPPED

    def _called(self, event: ToolCallDelta) -> bytes:
        begun = b""
        if event.call != self._call:
            self._call = event.call
            block: JsonObject = {"type": "tool_use", "id": event.id or "", "name": event.name or "", "input": {}}
            begun = self._start("tool_use", block, b"input_json")
        if not event.arguments:
            return begun
        return begun + self._head + orjson.dumps(event.arguments) + _DELTA_END

    def _start(self, kind: str, block: JsonObject, delta: bytes) -> bytes:
        """The end of the block before, and the beginning of one."""
        before = self._stop() if self._begun else self._begin()
        first = self._index < 0
        self._index += 1
        self._open = kind
        field = b"partial_json" if delta == b"input_json" else delta
        self._head = _DELTA % (self._index, delta + b"_delta", field)
        start: JsonObject = {"type": "content_block_start", "index": self._index, "content_block": block}
        return before + _frame("content_block_start", start) + (_PING if first else b"")

    def _stop(self) -> bytes:
        if not self._open:
            return b""
        signed = b""
        if self._open == "thinking":
            signed = _DELTA % (self._index, b"signature_delta", b"signature") + orjson.dumps(UNSIGNED) + _DELTA_END
        self._open = ""
        return signed + _frame("content_block_stop", {"type": "content_block_stop", "index": self._index})

    def _begin(self) -> bytes:
        self._begun = True
        read = usage(Usage(self._ticket.prompt, 0, self._ticket.cached))
        message = whole(self._request, [], {"stop_reason": None, "stop_sequence": None}, read)
        return _frame("message_start", {"type": "message_start", "message": message})


class MessageWhole(AnthropicErrors):
    """One message, gathered from the events."""

    streamed = False

    def __init__(self, request: GenerateRequest, request_id: str, *, hides_thoughts: bool) -> None:
        super().__init__(request_id)
        self._request = request
        self._outcome = Outcome(request)
        self._hides = hides_thoughts
        self._blocks: list[tuple[JsonObject, list[str]]] = []
        self._call = -1

    def frames(self, event: Event) -> bytes:
        match event:
            case TextDelta(text) | RefusalDelta(text):
                self._outcome.refused |= isinstance(event, RefusalDelta)
                self._block("text").append(text)
            case ReasoningDelta(text):
                self._block("thinking").append(text)
            case ToolCallDelta():
                if event.call != self._call:
                    self._call = event.call
                    block: JsonObject = {"type": "tool_use", "id": event.id or "", "name": event.name or ""}
                    self._blocks.append((block, []))
                self._blocks[-1][1].append(event.arguments)
            case Finished():
                self._outcome.finished = event
            case _:
                pass
        return b""

    def end(self) -> bytes:
        content: list[Json] = [self._told(block, "".join(pieces)) for block, pieces in self._blocks]
        return orjson.dumps(whole(self._request, content, self._outcome.stop, self._outcome.usage))

    def _block(self, kind: str) -> list[str]:
        if not self._blocks or self._blocks[-1][0]["type"] != kind:
            self._blocks.append(({"type": kind}, []))
        return self._blocks[-1][1]

    def _told(self, block: JsonObject, text: str) -> JsonObject:
        match block["type"]:
            case "thinking":
                return {**block, "thinking": "" if self._hides else text, "signature": UNSIGNED}
            case "tool_use":
                return {**block, "input": arguments(text)}
            case _:
                return {**block, "text": text}


def whole(request: GenerateRequest, content: list[Json], stop: JsonObject, counts: JsonObject) -> JsonObject:
    """A message."""
    named: JsonObject = {"id": request.id, "type": "message", "role": "assistant", "model": request.model}
    return {**named, "content": content, **stop, "usage": counts}


def usage(counts: Usage) -> JsonObject:
    """Token counts; Anthropic's `input_tokens` are those that no cache had."""
    told: JsonObject = {
        "input_tokens": max(counts.prompt - counts.cached, 0),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": counts.cached,
        "output_tokens": counts.completion,
    }
    if counts.reasoning is not None:
        told["output_tokens_details"] = {"thinking_tokens": counts.reasoning}
    return told


def arguments(text: str) -> JsonObject:
    """A call's input; of one that a limit has cut what there is of it."""
    try:
        found = cast("Json", from_json(text or "{}", allow_partial=True))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _frame(event: str, data: JsonObject) -> bytes:
    return b"event: " + event.encode() + b"\ndata: " + orjson.dumps(data) + b"\n\n"
