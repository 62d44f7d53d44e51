"""The answers of `/api/chat` and `/api/generate`: lines of JSON, the last with counts and times, or that one alone."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime

import orjson

from dovetail.core.errors import DovetailError
from dovetail.core.events import Event, Finished, Loading, Queued, ReasoningDelta, TextDelta, ToolCallDelta
from dovetail.core.request import Json, JsonObject
from dovetail.gateway import errors
from dovetail.gateway.logprobs import chat_entries

_NANO = 1_000_000_000


def now() -> str:
    """As Ollama writes a moment."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


@dataclass(slots=True)
class _Call:
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list[str])


class OllamaReply:
    """One answer of either route; `chat` says of which."""

    lines = True

    def __init__(self, model: str, *, chat: bool, streamed: bool) -> None:
        self.streamed = streamed
        self._model = model
        self._chat = chat
        self._began = time.monotonic()
        self._loaded: float | None = None
        self._calls: dict[int, _Call] = {}
        self._finished: Finished | None = None
        self._text: list[str] = []
        self._thinking: list[str] = []
        self._called: list[Json] = []
        self._logprobs: list[Json] = []

    async def timed(self, events: AsyncGenerator[Event, None]) -> AsyncGenerator[Event, None]:
        """The same events; it is noted when the model was ready."""
        async with aclosing(events) as source:
            async for event in source:
                if self._loaded is None and not isinstance(event, Queued | Loading):
                    self._loaded = time.monotonic()
                yield event

    def frames(self, event: Event) -> bytes:
        match event:
            case TextDelta(text, _, logprobs):
                return self._say(text, "", [], chat_entries(logprobs))
            case ReasoningDelta(text, _, logprobs):
                return self._say("", text, [], chat_entries(logprobs))
            case ToolCallDelta():
                done = self._finish_calls() if event.call not in self._calls else b""
                call = self._calls.setdefault(event.call, _Call())
                call.id, call.name = event.id or call.id, event.name or call.name
                call.arguments.append(event.arguments)
                return done
            case Finished():
                self._finished = event
                return self._finish_calls()
            case _:
                return b""

    def end(self) -> bytes:
        frame = self._frame("".join(self._text), "".join(self._thinking), self._called, self._logprobs)
        return _line(frame | self._figures())

    def error_body(self, error: DovetailError) -> bytes:
        return errors.ollama_body(error)

    def error_frame(self, error: DovetailError) -> bytes:
        return errors.ollama_body(error) + b"\n"

    def _say(self, text: str, thinking: str, calls: list[Json], logprobs: list[Json]) -> bytes:
        if self.streamed:
            return _line(self._frame(text, thinking, calls, logprobs) | {"done": False})
        self._text.append(text)
        self._thinking.append(thinking)
        self._called += calls
        self._logprobs += logprobs
        return b""

    def _frame(self, text: str, thinking: str, calls: list[Json], logprobs: list[Json]) -> JsonObject:
        frame: JsonObject = {"model": self._model, "created_at": now()}
        if self._chat:
            message: JsonObject = {"role": "assistant", "content": text}
            if thinking:
                message["thinking"] = thinking
            if calls:
                message["tool_calls"] = calls
            frame["message"] = message
        else:
            frame["response"] = text
            if thinking:
                frame["thinking"] = thinking
        if logprobs:
            frame["logprobs"] = logprobs
        return frame

    def _finish_calls(self) -> bytes:
        """Calls whose arguments are whole; of one that was cut off, what there is of it as text."""
        calls: list[Json] = []
        rest = ""
        for number, call in sorted(self._calls.items()):
            text = "".join(call.arguments) or "{}"
            try:
                function: JsonObject = {"index": number, "name": call.name, "arguments": orjson.loads(text)}
                calls.append({"id": call.id, "function": function})
            except orjson.JSONDecodeError:
                rest += text
        self._calls = {}
        return self._say(rest, "", calls, []) if calls or rest else b""

    def _figures(self) -> JsonObject:
        finished = self._finished
        if finished is None:
            return {"done": True}
        spent = time.monotonic() - self._began
        loading = 0.0 if self._loaded is None else self._loaded - self._began
        times, usage = finished.timings, finished.usage
        return {
            "done": True,
            "done_reason": "length" if finished.reason == "length" else "stop",
            "total_duration": int(spent * _NANO),
            "load_duration": int(loading * _NANO),
            "prompt_eval_count": usage.prompt,
            "prompt_eval_duration": int(times.prompt_ms * 1e6),
            "eval_count": usage.completion,
            "eval_duration": int(times.predicted_ms * 1e6),
        }


def loaded(model: str, reason: str, *, chat: bool) -> bytes:
    """The answer to a request without a prompt: the model is there, or has gone."""
    said: JsonObject = {"message": {"role": "assistant", "content": ""}} if chat else {"response": ""}
    return _line({"model": model, "created_at": now(), **said, "done": True, "done_reason": reason})


def _line(value: JsonObject) -> bytes:
    return orjson.dumps(value) + b"\n"
