"""The answers of `/v1/chat/completions`: chunks for a stream, one object otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import orjson

from dovetail.core.events import (
    Delta,
    Event,
    Finished,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    TokenLogprob,
    ToolCallDelta,
)
from dovetail.core.request import GenerateRequest, Json, JsonObject
from dovetail.gateway.logprobs import chat_entries
from dovetail.gateway.openai import DONE, FINGERPRINT, OpenAIErrors, cache_usage, timings, usage
from dovetail.gateway.sse import PROGRESS


class ChatStream(OpenAIErrors):
    """Chunks. What does not change between two of them is encoded once."""

    streamed = True

    def __init__(
        self, request: GenerateRequest, created: int, *, include_usage: bool, with_cache: bool = False
    ) -> None:
        self._with_cache = with_cache
        common = orjson.dumps(_common(request, "chat.completion.chunk", created))
        self._head = b"data: " + common[:-1] + b',"choices":['
        self._rest = b',"usage":null}\n\n' if include_usage else b"}\n\n"
        self._text_tail = b'},"logprobs":null,"finish_reason":null}]' + self._rest
        self._text_heads: dict[int, bytes] = {}
        self._finished: list[Finished] = []
        self._n = request.n
        self._include_usage = include_usage

    def frames(self, event: Event) -> bytes:
        if isinstance(event, PROGRESS):
            return b""
        head = self._text_heads.get(event.index)
        if head is None:
            return self._open(event.index) + self.frames(event)
        if type(event) is TextDelta and not event.logprobs:
            return head + orjson.dumps(event.text) + self._text_tail
        return self._frame(event)

    def _frame(self, event: Delta | Finished) -> bytes:
        index = event.index
        match event:
            case TextDelta(text):
                return self._with_logprobs(index, text, event.logprobs)
            case ReasoningDelta(text):
                return self._delta(index, {"reasoning_content": text, "reasoning": text})
            case RefusalDelta(text):
                return self._delta(index, {"refusal": text})
            case ToolCallDelta():
                return self._delta(index, {"tool_calls": [_call_delta(event)]})
            case Finished():
                return self._finish(event)

    def end(self) -> bytes:
        if not self._include_usage:
            return DONE
        cache = cache_usage(self._finished, self._n) if self._with_cache else {}
        total = orjson.dumps(usage(self._finished, self._n) | cache)
        return self._head + b'],"usage":' + total + self._timings() + b"}\n\n" + DONE

    def _open(self, index: int) -> bytes:
        self._text_heads[index] = self._head + b'{"index":%d,"delta":{"content":' % index
        return self._delta(index, {"role": "assistant", "content": ""})

    def _delta(self, index: int, delta: JsonObject) -> bytes:
        return self._head + b'{"index":%d,"delta":' % index + orjson.dumps(delta) + self._text_tail[1:]

    def _with_logprobs(self, index: int, text: str, logprobs: Sequence[TokenLogprob]) -> bytes:
        entries = {"content": chat_entries(logprobs), "refusal": None}
        choice = {"index": index, "delta": {"content": text}, "logprobs": entries, "finish_reason": None}
        return self._head + orjson.dumps(choice) + b"]" + self._rest

    def _finish(self, event: Finished) -> bytes:
        self._finished.append(event)
        choice: JsonObject = {"index": event.index, "delta": {}, "logprobs": None, "finish_reason": event.reason}
        extra = b"" if self._include_usage else self._timings()
        return self._head + orjson.dumps(choice) + b"]" + extra + self._rest

    def _timings(self) -> bytes:
        if self._n > 1 or not self._finished:
            return b""
        return b',"timings":' + orjson.dumps(timings(self._finished[0].timings))


@dataclass(slots=True)
class _Call:
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list[str])


@dataclass(slots=True)
class _Choice:
    text: list[str] = field(default_factory=list[str])
    reasoning: list[str] = field(default_factory=list[str])
    refusal: list[str] = field(default_factory=list[str])
    calls: dict[int, _Call] = field(default_factory=dict[int, _Call])
    logprobs: list[TokenLogprob] = field(default_factory=list[TokenLogprob])


class ChatWhole(OpenAIErrors):
    """One `chat.completion` object, gathered from the events."""

    streamed = False

    def __init__(self, request: GenerateRequest, created: int, *, with_cache: bool = False) -> None:
        self._with_cache = with_cache
        self._request = request
        self._created = created
        self._choices = [_Choice() for _ in range(request.n)]
        self._finished: list[Finished] = []

    def frames(self, event: Event) -> bytes:
        match event:
            case TextDelta(text, index):
                self._choices[index].text.append(text)
                self._choices[index].logprobs += event.logprobs
            case ReasoningDelta(text, index):
                self._choices[index].reasoning.append(text)
            case RefusalDelta(text, index):
                self._choices[index].refusal.append(text)
            case ToolCallDelta():
                call = self._choices[event.index].calls.setdefault(event.call, _Call())
                call.id = event.id or call.id
                call.name = event.name or call.name
                call.arguments.append(event.arguments)
            case Finished():
                self._finished.append(event)
            case _:
                pass
        return b""

    def end(self) -> bytes:
        return orjson.dumps(self.whole())

    def whole(self) -> JsonObject:
        """The object, once everything has come."""
        whole: JsonObject = _common(self._request, "chat.completion", self._created)
        finished = sorted(self._finished, key=lambda f: f.index)
        asked = self._request.top_logprobs is not None
        whole["choices"] = [_choice(f, self._choices[f.index], logprobs=asked) for f in finished]
        cache = cache_usage(finished, self._request.n) if self._with_cache else {}
        whole["usage"] = usage(finished, self._request.n) | cache
        if len(finished) == 1:
            whole["timings"] = timings(finished[0].timings)
        return whole


def _common(request: GenerateRequest, kind: str, created: int) -> JsonObject:
    return {
        "id": request.id,
        "object": kind,
        "created": created,
        "model": request.model,
        "system_fingerprint": FINGERPRINT,
    }


def _call_delta(event: ToolCallDelta) -> JsonObject:
    function: JsonObject = {"arguments": event.arguments}
    if event.name is not None:
        function["name"] = event.name
    delta: JsonObject = {"index": event.call, "function": function}
    if event.id is not None:
        delta |= {"id": event.id, "type": "function"}
    return delta


def _choice(finished: Finished, choice: _Choice, *, logprobs: bool) -> JsonObject:
    text = "".join(choice.text)
    message: JsonObject = {"role": "assistant", "content": text if text or not choice.calls else None}
    message["refusal"] = "".join(choice.refusal) or None
    if choice.reasoning:
        message["reasoning_content"] = message["reasoning"] = "".join(choice.reasoning)
    if choice.calls:
        calls: list[Json] = []
        for _, call in sorted(choice.calls.items()):
            function: JsonObject = {"name": call.name, "arguments": "".join(call.arguments)}
            calls.append({"id": call.id, "type": "function", "function": function})
        message["tool_calls"] = calls
    entries: Json = {"content": chat_entries(choice.logprobs), "refusal": None} if logprobs else None
    return {"index": finished.index, "message": message, "logprobs": entries, "finish_reason": finished.reason}
