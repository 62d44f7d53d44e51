"""The dialect both workers speak, as llama-server serves it: requests encoded, frames decoded.

Field names: llama.cpp tools/server README (completion, chat completions); measured in llama.cpp b11549.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import cast

from dovetail.core.errors import (
    AdapterMismatch,
    ContextTooLong,
    DovetailError,
    EngineFailure,
    InvalidRequest,
    WorkerCrashed,
)
from dovetail.core.events import (
    Event,
    Finished,
    FinishReason,
    Prefill,
    ReasoningDelta,
    TextDelta,
    Timings,
    TokenLogprob,
    ToolCallDelta,
    TopLogprob,
    Usage,
)
from dovetail.core.field import MAX_INT
from dovetail.core.fields import SAMPLING
from dovetail.core.model import Adapter
from dovetail.core.request import (
    ChatPrompt,
    GenerateRequest,
    Json,
    JsonObject,
    Message,
    Sampling,
    TextPrompt,
    Tool,
)
from dovetail.engines import media, structured
from dovetail.engines.base import Decoder, WorkerCall

# What a request that says nothing gets, on every engine: the model's distribution as it is.
DEFAULT_SAMPLING: Mapping[str, Json] = {
    name: spec.default for name, spec in SAMPLING.items() if spec.default is not None
}
# Put before the tag that closes a thought at its budget. Without it llama-server does not close one of no tokens.
THOUGHT_END = "\n"
_SEED_RANGE = (1 << 32) - 1  # the number after the last means "random" to both engines

# What llama-server says, as a 500, of a text that it would have to pool and cannot hold in one pass.
_TOO_LARGE = re.compile(r"input \((\d+) tokens\) is too large to process.*\(current batch size: (\d+)\)")

# How both workers name a field they refuse; and the fields that become a grammar inside of llama-server.
_NAMED_FIELD = re.compile(r"^(?:Field|invalid type for) ['\"](\w+)['\"]")
_FORMS = ("tools", "grammar", "json_schema", "response_format")

# Finish reasons as workers name them.
_FINISH: Mapping[str, FinishReason] = {"stop": "stop", "length": "length", "tool_calls": "tool_calls"}


def encode(request: GenerateRequest, index: int = 0) -> WorkerCall:
    """The worker's call for choice `index`; each choice draws from seed + index."""
    body: JsonObject = {"stream": True, "return_progress": True, **_sampling(request.sampling, index)}
    if request.stop:
        body["stop"] = list(request.stop)
    match request.prompt:
        case ChatPrompt() as chat:
            body |= _chat(chat)
            body["stream_options"] = {"include_usage": True}
            body["max_tokens"] = -1 if request.max_tokens is None else request.max_tokens
            if request.top_logprobs is not None:
                body |= {"logprobs": True, "top_logprobs": max(request.top_logprobs, 1)}
            return WorkerCall("/v1/chat/completions", body | structured.form(request), structured.names(request))
        case TextPrompt(parts):
            body["prompt"] = parts[0] if len(parts) == 1 and isinstance(parts[0], str) else list(parts)
            body["n_predict"] = -1 if request.max_tokens is None else request.max_tokens
            if request.top_logprobs is not None:
                body["n_probs"] = max(request.top_logprobs, 1)  # 0 would be none at all
            return WorkerCall("/completion", body | structured.form(request), structured.names(request))


def adapter(applied: Adapter) -> JsonObject:
    """The MLX worker's form; llama-server loads one at its start, and takes its scale by number."""
    return {"name": applied.name, "path": str(applied.path), "scale": applied.scale}


def decoder(request: GenerateRequest, index: int = 0) -> Decoder:
    """A decoder for the answer to `encode(request, index)`."""
    top, names = request.top_logprobs or 0, structured.names(request)
    kind = ChatDecoder if isinstance(request.prompt, ChatPrompt) else CompletionDecoder
    inner = kind(index, top, names)
    return structured.decoding(request, inner, index)


def error_from(payload: Json, status: int = 500, names: Mapping[str, str] | None = None) -> DovetailError:
    """The exception for a worker's error body or error frame, whose text is the engine's own; `names` as calls have."""
    error = payload.get("error") if isinstance(payload, dict) else None
    if not isinstance(error, dict):
        return EngineFailure(f"the worker answered with status {status} and no reason")
    message = str(error.get("message") or "the worker gave no reason")
    if isinstance(code := error.get("code"), int):
        status = code
    if (refusal := _recognised(error, message)) is not None:
        return refusal
    if 400 <= status < 500:
        return InvalidRequest(message, param=_at_fault(message, names or {}))
    return EngineFailure(message, code="model_output_invalid" if error.get("type") == "model_output_invalid" else None)


def _recognised(error: Mapping[str, Json], message: str) -> DovetailError | None:
    """What a client has to be told in words of its own, whatever status the worker gave it."""
    if error.get("type") == "exceed_context_size_error":
        needed, available = _int(error.get("n_prompt_tokens")), _int(error.get("n_ctx"))
        return ContextTooLong(needed, available, at_least=error.get("at_least") is True)
    if found := _TOO_LARGE.search(message):
        return ContextTooLong(int(found[1]), int(found[2]))
    if error.get("type") == "adapter_mismatch":
        return AdapterMismatch(message)
    return media.recording_refusal(error.get("type"), message) or media.refusal(message)


def _at_fault(message: str, names: Mapping[str, str]) -> str | None:
    """The client's field that a worker's refusal is about, where it says so."""
    if named := _NAMED_FIELD.search(message):
        return names.get(named[1], named[1])
    if "grammar" in message or "schema" in message:
        return next((names[name] for name in _FORMS if name in names), None)
    return None


class ChatDecoder:
    """Frames of `/v1/chat/completions`."""

    complete = False

    def __init__(self, index: int, top: int = 0, names: Mapping[str, str] | None = None) -> None:
        self._index = index
        self._top = top
        self._names = names
        self._reason: FinishReason | None = None
        self._stop_string: str | None = None
        self._usage: Usage | None = None
        self._timings: dict[str, Json] = {}
        self._predicted = 0
        self._thought: int | None = 0  # tokens up to the thought's last; None: there is one, and nobody counts

    def feed(self, frame: dict[str, Json]) -> Iterable[Event]:
        choices = frame.get("choices")
        if choices:
            choice = cast("dict[str, Json]", cast("list[Json]", choices)[0])
            events = _deltas(cast("dict[str, Json]", choice.get("delta") or {}), self._index)
            if events and (logprobs := choice.get("logprobs")):
                events[-1] = _with_logprobs(events[-1], cast("dict[str, Json]", logprobs).get("content"), self._top)
            if reason := choice.get("finish_reason"):
                self._reason = _FINISH.get(str(reason), "stop")
        elif "error" in frame:
            raise error_from(frame, names=self._names)
        else:
            events = []
        if (usage := frame.get("usage")) is not None:
            self._usage = usage_from(cast("dict[str, Json]", usage))
        if (timings := frame.get("timings")) is not None:
            self._timings = cast("dict[str, Json]", timings)
            self._predicted = _int(self._timings.get("predicted_n"))
        if events and isinstance(events[0], ReasoningDelta):
            self._thought = None if timings is None else self._predicted
        if (progress := frame.get("prompt_progress")) is not None:
            events.append(_prefill(cast("dict[str, Json]", progress)))
        if self._reason is not None and self._stop_string is None:
            self._stop_string = _stop_string(frame)
        return events

    def end(self) -> Iterable[Event]:
        if self._reason is None:
            raise WorkerCrashed("the worker ended its answer without a finish reason; send the request again")
        timings = _timings(self._timings)
        usage = self._usage or Usage(
            prompt=timings.prompt_n + timings.cache_n, completion=timings.predicted_n, cached=timings.cache_n
        )
        if usage.reasoning is None:
            usage = replace(usage, reasoning=self._thought)
        return [Finished(self._reason, usage, timings, self._stop_string, self._index)]


class CompletionDecoder:
    """Frames of `/completion`."""

    complete = False

    def __init__(self, index: int, top: int = 0, names: Mapping[str, str] | None = None) -> None:
        self._index = index
        self._top = top
        self._names = names
        self._finished: Finished | None = None

    def feed(self, frame: dict[str, Json]) -> Iterable[Event]:
        if "error" in frame:
            raise error_from(frame, names=self._names)
        events: list[Event] = []
        if (progress := frame.get("prompt_progress")) is not None:
            events.append(_prefill(cast("dict[str, Json]", progress)))
        elif content := frame.get("content"):
            text = TextDelta(str(content), self._index)
            probabilities = frame.get("completion_probabilities")
            events.append(_with_logprobs(text, probabilities, self._top) if probabilities else text)
        if frame.get("stop") is True:
            self._finished = self._finish(frame)
        return events

    def _finish(self, frame: dict[str, Json]) -> Finished:
        timings = _timings(cast("dict[str, Json]", frame.get("timings") or {}))
        usage = Usage(
            prompt=_int(frame.get("tokens_evaluated")),
            completion=_int(frame.get("tokens_predicted")),
            cached=timings.cache_n,
        )
        reason: FinishReason = "length" if frame.get("stop_type") == "limit" else "stop"
        word = frame.get("stopping_word")
        return Finished(reason, usage, timings, str(word) if word else None, self._index)

    def end(self) -> Iterable[Event]:
        if self._finished is None:
            raise WorkerCrashed("the worker ended its answer without a last frame; send the request again")
        return [self._finished]


def _stop_string(frame: dict[str, Json]) -> str | None:
    """The one that ended the text, as the MLX worker says it, or llama-server where it was asked to."""
    told = frame.get("__verbose")
    word = frame.get("stopping_word") or (told.get("stopping_word") if isinstance(told, dict) else None)
    return str(word) if word else None


def _sampling(sampling: Sampling, index: int) -> JsonObject:
    said: JsonObject = {name: value for name in DEFAULT_SAMPLING if (value := getattr(sampling, name)) is not None}
    body: JsonObject = {**DEFAULT_SAMPLING, **said}
    if sampling.seed is not None:
        body["seed"] = (sampling.seed + index) % _SEED_RANGE
    if sampling.dry_sequence_breakers is not None:
        body["dry_sequence_breakers"] = list(sampling.dry_sequence_breakers)
    if sampling.logit_bias:
        body["logit_bias"] = [[token, bias] for token, bias in sampling.logit_bias.items()]
    if sampling.ignore_eos:
        body["ignore_eos"] = True
    return body


def _chat(chat: ChatPrompt) -> JsonObject:
    body: JsonObject = {"messages": [chat_message(m) for m in chat.messages]}
    if chat.tools and chat.tool_choice != "none":
        body["tools"] = [chat_tool(t) for t in chat.tools]
        if chat.parallel_tool_calls is not None:
            body["parallel_tool_calls"] = chat.parallel_tool_calls
    if chat.template_options:
        body["chat_template_kwargs"] = dict(chat.template_options)
    if chat.thinking.budget is not None:
        body |= {"thinking_budget_tokens": chat.thinking.budget, "reasoning_budget_message": THOUGHT_END}
    if chat.continue_final:
        body["continue_final_message"] = True
        body["add_generation_prompt"] = False
    return body


def chat_message(message: Message) -> JsonObject:
    wire: JsonObject = {"role": message.role, "content": media.content(message.parts)}
    if message.name is not None:
        wire["name"] = message.name
    if message.reasoning is not None:
        wire["reasoning_content"] = message.reasoning
    if message.tool_call_id is not None:
        wire["tool_call_id"] = message.tool_call_id
    if message.tool_calls:
        wire["tool_calls"] = [
            {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.arguments}}
            for c in message.tool_calls
        ]
    return wire


def chat_tool(tool: Tool) -> JsonObject:
    # In the order of OpenAI's documents: a template prints them as they come, and models were trained on that order.
    function: JsonObject = {"name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    function["parameters"] = tool.parameters or {"type": "object", "properties": {}}
    return {"type": "function", "function": function}


def _deltas(delta: dict[str, Json], index: int) -> list[Event]:
    events: list[Event] = []
    if reasoning := delta.get("reasoning_content"):
        events.append(ReasoningDelta(str(reasoning), index))
    if content := delta.get("content"):
        events.append(TextDelta(str(content), index))
    for call in cast("list[dict[str, Json]]", delta.get("tool_calls") or []):
        function = cast("dict[str, Json]", call.get("function") or {})
        name = cast("str | None", function.get("name"))
        events.append(
            ToolCallDelta(
                call=_int(call.get("index")),
                # A call without an id could not be answered.
                id=cast("str | None", call.get("id")) or (f"call_{secrets.token_hex(12)}" if name else None),
                name=name,
                arguments=str(function.get("arguments") or ""),
                index=index,
            )
        )
    return events


def _with_logprobs(event: Event, entries: Json, top: int) -> Event:
    if not isinstance(event, TextDelta | ReasoningDelta):
        return event
    return replace(event, logprobs=tuple(_logprob(e, top) for e in cast("list[dict[str, Json]]", entries or [])))


def _logprob(entry: dict[str, Json], top: int) -> TokenLogprob:
    rivals = cast("list[dict[str, Json]]", entry.get("top_logprobs") or [])[:top]
    return TokenLogprob(*_token(entry), top=tuple(TopLogprob(*_token(rival)) for rival in rivals))


def _token(entry: dict[str, Json]) -> tuple[int, str, float, tuple[int, ...]]:
    # The text is made from the bytes: llama-server and Python show half a character differently.
    data = tuple(cast("list[int]", entry.get("bytes") or []))
    return _int(entry.get("id")), bytes(data).decode("utf-8", "replace"), _float(entry.get("logprob")), data


def _prefill(progress: dict[str, Json]) -> Prefill:
    return Prefill(
        total=_int(progress.get("total")), cached=_int(progress.get("cache")), done=_int(progress.get("processed"))
    )


def usage_from(usage: dict[str, Json]) -> Usage:
    details, made = usage.get("prompt_tokens_details"), usage.get("completion_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else 0
    thought = made.get("reasoning_tokens") if isinstance(made, dict) else None
    reasoning = _int(thought) if isinstance(thought, int) else None
    return Usage(_int(usage.get("prompt_tokens")), _int(usage.get("completion_tokens")), _int(cached), reasoning)


def _timings(timings: dict[str, Json]) -> Timings:
    return Timings(
        cache_n=_int(timings.get("cache_n")),
        prompt_n=_int(timings.get("prompt_n")),
        prompt_ms=_float(timings.get("prompt_ms")),
        predicted_n=_int(timings.get("predicted_n")),
        predicted_ms=_float(timings.get("predicted_ms")),
    )


def _int(value: Json) -> int:
    """A count. Another server may say anything, and what it says is added up."""
    return max(0, min(int(value), MAX_INT)) if isinstance(value, int | float) else 0


def _float(value: Json) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
