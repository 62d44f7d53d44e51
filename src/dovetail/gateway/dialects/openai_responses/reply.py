"""The answers of `/v1/responses`: numbered events for a stream, one object otherwise."""

from __future__ import annotations

import orjson

from dovetail.core.errors import ContextTooLong, DovetailError
from dovetail.core.events import Delta, Event, Finished, ReasoningDelta, RefusalDelta, TextDelta, ToolCallDelta
from dovetail.core.request import JsonObject
from dovetail.gateway import errors
from dovetail.gateway.dialects.openai_responses.output import Item, Kind, Output, Status
from dovetail.gateway.logprobs import chat_entries
from dovetail.gateway.sse import PROGRESS

# What events of an item's text are called, and its pieces in them.
_EVENTS: dict[Kind, tuple[str, str]] = {
    "message": ("response.output_text", "text"),
    "refusal": ("response.refusal", "refusal"),
    "reasoning": ("response.reasoning_text", "text"),
    "function_call": ("response.function_call_arguments", "arguments"),
}
_SUMMARY = ("response.reasoning_summary_text", "text")


def kind_of(event: Delta) -> Kind:
    """The kind of item that a delta belongs to."""
    match event:
        case TextDelta():
            return "message"
        case ReasoningDelta():
            return "reasoning"
        case RefusalDelta():
            return "refusal"
        case ToolCallDelta():
            return "function_call"


class _Reply:
    """What streamed and whole answers share."""

    lines = False

    def __init__(self, output: Output) -> None:
        self.output = output

    def error_body(self, error: DovetailError) -> bytes:
        return errors.body(_named(error))

    def _grown(self, event: Delta) -> tuple[Item, bool]:
        """The item that `event` belongs to, and whether it begins with it."""
        kind = kind_of(event)
        call = event.call if isinstance(event, ToolCallDelta) else -1
        item = self.output.last(kind, call)
        begins = item is None
        if item is None:
            call_id, name = (event.id, event.name) if isinstance(event, ToolCallDelta) else ("", "")
            item = self.output.begin(kind, call, call_id or "", name or "")
        item.pieces.append(event.arguments if isinstance(event, ToolCallDelta) else event.text)
        if isinstance(event, TextDelta):
            item.logprobs += event.logprobs
        return item, begins


class ResponseWhole(_Reply):
    """One `response` object."""

    streamed = False

    def frames(self, event: Event) -> bytes:
        if isinstance(event, Finished):
            self.output.finished = event
        elif not isinstance(event, PROGRESS):
            self._grown(event)
        return b""

    def end(self) -> bytes:
        return orjson.dumps(self.output.response(self.output.status))

    def error_frame(self, error: DovetailError) -> bytes:
        return self.error_body(error)


class ResponseStream(_Reply):
    """response.created and in_progress, then each item from its beginning to its end, then how it ended."""

    streamed = True

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        self._number = -1
        self._open: Item | None = None

    def frames(self, event: Event) -> bytes:
        if isinstance(event, Finished):
            self.output.finished = event
            return b""
        if isinstance(event, PROGRESS):
            return b""
        item, begins = self._grown(event)
        before = self._close("completed") + self._start(item) if begins else b""
        piece = event.arguments if isinstance(event, ToolCallDelta) else event.text
        return before + self._delta(item, piece, event) if piece else before

    def end(self) -> bytes:
        status = self.output.status
        last = self._close(status)
        return last + self._emit(f"response.{status}", {"response": self.output.response(status)})

    def error_frame(self, error: DovetailError) -> bytes:
        response = self.output.response("failed", _named(error))
        return self._begun() + self._emit("response.failed", {"response": response})

    def _begun(self) -> bytes:
        """The first two events, unless they have been."""
        if self._number >= 0:
            return b""
        response: JsonObject = {"response": self.output.response("in_progress")}
        return self._emit("response.created", response) + self._emit("response.in_progress", response)

    def _place(self, item: Item) -> JsonObject:
        place: JsonObject = {"item_id": item.id, "output_index": len(self.output.items) - 1}
        if item.kind == "function_call":
            return place
        return {**place, "summary_index" if self._is_summary(item) else "content_index": 0}

    def _is_summary(self, item: Item) -> bool:
        return item.kind == "reasoning" and self.output.summarised

    def _names(self, item: Item) -> tuple[str, str]:
        return _SUMMARY if self._is_summary(item) else _EVENTS[item.kind]

    def _part_event(self, item: Item, what: str) -> str:
        return f"response.{'reasoning_summary_part' if self._is_summary(item) else 'content_part'}.{what}"

    def _start(self, item: Item) -> bytes:
        self._open = item
        pieces, item.pieces = item.pieces, []  # it begins empty
        added: JsonObject = {"output_index": len(self.output.items) - 1, "item": self.output.item(item, "in_progress")}
        frames = self._emit("response.output_item.added", added)
        if item.kind != "function_call":
            logprobs, item.logprobs = item.logprobs, []
            part: JsonObject = {**self._place(item), "part": self.output.part(item)}
            frames += self._emit(self._part_event(item, "added"), part)
            item.logprobs = logprobs
        item.pieces = pieces
        return frames

    def _delta(self, item: Item, piece: str, event: Delta) -> bytes:
        told: JsonObject = {**self._place(item), "delta": piece}
        if isinstance(event, TextDelta):
            told["logprobs"] = chat_entries(event.logprobs)
        return self._emit(f"{self._names(item)[0]}.delta", told)

    def _close(self, status: Status) -> bytes:
        """The end of the item that is open; before the first one the beginning of the response."""
        item, self._open = self._open, None
        if item is None:
            return self._begun()
        # The item that begins now is already among them.
        index = self.output.items.index(item)
        place: JsonObject = {**self._place(item), "output_index": index}
        name, text = self._names(item)
        done: JsonObject = {**place, text: item.text}
        if item.kind == "message":
            done["logprobs"] = chat_entries(item.logprobs)
        if item.kind == "function_call":
            done["name"] = item.name
        frames = self._emit(f"{name}.done", done)
        if item.kind != "function_call":
            frames += self._emit(self._part_event(item, "done"), {**place, "part": self.output.part(item)})
        ended: JsonObject = {"output_index": index, "item": self.output.item(item, status)}
        return frames + self._emit("response.output_item.done", ended)

    def _emit(self, event: str, data: JsonObject) -> bytes:
        self._number += 1
        told = orjson.dumps({"type": event, "sequence_number": self._number, **data})
        return b"event: " + event.encode() + b"\ndata: " + told + b"\n\n"


def _named(error: DovetailError) -> DovetailError:
    """The same of the field that this dialect has a prompt in."""
    return error.naming("input") if isinstance(error, ContextTooLong) else error
