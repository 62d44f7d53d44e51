"""Models that somebody else serves: any OpenAI-compatible server, asked with the fields of OpenAI's own API alone.

What such a server cannot be asked for is refused by name. What a request leaves open is left to that server.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from dovetail.core.embedding import EmbedRequest, Text
from dovetail.core.errors import Busy, DovetailError, EngineFailure, InvalidRequest, LoadFailed, UnsupportedField
from dovetail.core.events import Event, Finished, FinishReason, RefusalDelta, TextDelta, Timings, Usage
from dovetail.core.fields import SAMPLING
from dovetail.core.model import LoadOptions, Model
from dovetail.core.request import (
    ChatPrompt,
    GenerateRequest,
    Grammar,
    Json,
    JsonObject,
    JsonSchema,
    NamedTool,
    PlainText,
    Sampling,
    TextPrompt,
)
from dovetail.engines import structured, wire
from dovetail.engines.base import Command, Decoder, Endpoint, Machine, WorkerCall

DEFAULT_PARALLEL = 8
_WHY = "is no field of OpenAI's API, and the model is served by another server"
_SENT = ("temperature", "top_p", "frequency_penalty", "presence_penalty")
_SEED_RANGE = (1 << 32) - 1


class RemoteEngine:
    """Speaks with servers that it has not started."""

    name = "remote"
    embeds_apart = False
    adapters_apart = False
    numbered_slots = False

    def resolve(self, model: Model, options: LoadOptions, machine: Machine) -> LoadOptions:
        del model, machine
        return LoadOptions(context=options.context, parallel=options.parallel or DEFAULT_PARALLEL)

    def cache_key(self, options: LoadOptions) -> str:
        del options
        return ""

    def command(self, model: Model, options: LoadOptions, endpoint: Endpoint) -> Command:
        del options, endpoint
        raise LoadFailed(f"{model.id} is served elsewhere: there is nothing to start")

    def encode(self, request: GenerateRequest, index: int = 0) -> WorkerCall:
        body: JsonObject = {"stream": True, "stream_options": {"include_usage": True}}
        body |= _sampling(request.sampling, index)
        if request.stop:
            body["stop"] = list(request.stop)
        if request.max_tokens is not None:
            body["max_tokens"] = request.max_tokens
        match request.prompt:
            case ChatPrompt() as chat:
                return WorkerCall(
                    "/v1/chat/completions", body | _chat(chat) | _form(request), structured.names(request)
                )
            case TextPrompt() as text:
                return WorkerCall("/v1/completions", body | _text(request, text))

    def decoder(self, request: GenerateRequest, index: int = 0) -> Decoder:
        if isinstance(request.prompt, ChatPrompt):
            return ChatDecoder(index, request.top_logprobs or 0)
        return TextDecoder(index)


def embedding(request: EmbedRequest, inputs: Sequence[Text]) -> WorkerCall:
    """The call for some of a request's inputs; the vectors that come are of the length 1, as OpenAI's are."""
    if request.pooling is not None:
        raise UnsupportedField("pooling", _WHY)
    if not request.normalize:
        raise UnsupportedField("normalize", _WHY)
    texts: list[Json] = [text if isinstance(text, str) else list(text) for text in inputs]
    return WorkerCall("/v1/embeddings", {"input": texts, "encoding_format": "base64"})


class ChatDecoder(wire.ChatDecoder):
    """Frames of a chat completion, in the forms that servers give them."""

    def feed(self, frame: dict[str, Json]) -> Iterable[Event]:
        if frame.get("error"):
            raise error_from(frame)
        refusal = ""
        for choice in _choices(frame):
            delta = choice.get("delta")
            if isinstance(delta, dict):
                if "reasoning_content" not in delta and isinstance(thought := delta.get("reasoning"), str):
                    delta["reasoning_content"] = thought  # as vLLM and others name it
                refusal += str(delta.get("refusal") or "")
            _complete(choice.get("logprobs"))
        events = list(super().feed(frame))
        return [*events, RefusalDelta(refusal, self._index)] if refusal else events


class TextDecoder:
    """Frames of a text completion."""

    complete = False

    def __init__(self, index: int) -> None:
        self._index = index
        self._reason: FinishReason | None = None
        self._usage = Usage()

    def feed(self, frame: dict[str, Json]) -> Iterable[Event]:
        if frame.get("error"):
            raise error_from(frame)
        events: list[Event] = []
        for choice in _choices(frame):
            if text := choice.get("text"):
                events.append(TextDelta(str(text), self._index))
            if reason := choice.get("finish_reason"):
                self._reason = "length" if reason == "length" else "stop"
        if isinstance(usage := frame.get("usage"), dict):
            self._usage = wire.usage_from(usage)
        return events

    def end(self) -> Iterable[Event]:
        if self._reason is None:
            raise EngineFailure("the other server ended its answer without a finish reason; send the request again")
        return [Finished(self._reason, self._usage, Timings(), None, self._index)]


def error_from(
    payload: Json, status: int = 500, host: str = "the other server", names: Mapping[str, str] | None = None
) -> DovetailError:
    """The exception for another server's error body or error frame: what concerns its key is not our client's fault."""
    error = payload.get("error") if isinstance(payload, dict) else None
    told = error.get("message") if isinstance(error, dict) else error
    said = str(told or f"status {status} and no reason")[:500]
    if isinstance(error, dict) and isinstance(code := error.get("code"), int) and 400 <= code < 600:
        status = code
    if status in {401, 402, 403}:
        return LoadFailed(f"{host} refused the key it was given ({status}): look at key_env", code="remote_refused")
    if status == 404:
        return LoadFailed(f"{host} does not have the model: {said}", code="remote_refused")
    if status == 429:
        return Busy(f"{host} takes no more requests now: {said}", retry_after=5.0)
    if 400 <= status < 500 and status != 408:  # its own clock had run out
        return InvalidRequest(f"{host} refused the request: {said}", param=_param(error, names or {}))
    return EngineFailure(f"{host} failed: {said}", status=502)


def _param(error: Json, names: Mapping[str, str]) -> str | None:
    """The client's field that the other server names."""
    param = error.get("param") if isinstance(error, dict) else None
    if not isinstance(param, str):
        return None
    field = param.partition(".")[0]
    name = names.get(field, field)
    return param if name == field else name


def _sampling(sampling: Sampling, index: int) -> JsonObject:
    body: JsonObject = {name: value for name in _SENT if (value := getattr(sampling, name)) is not None}
    for name, spec in SAMPLING.items():
        value = getattr(sampling, name, None)
        asks = value is not None and value is not False and value != spec.default and (name, value) != ("top_k", -1)
        if name in {*_SENT, "seed", "logit_bias"} or not asks:
            continue
        raise UnsupportedField(name, _WHY)
    if sampling.seed is not None:
        body["seed"] = (sampling.seed + index) % _SEED_RANGE
    if any(isinstance(token, str) for token in sampling.logit_bias):
        raise UnsupportedField("logit_bias", "by text cannot be had: the model is served by another server; use ids")
    if sampling.logit_bias:
        body["logit_bias"] = {str(token): bias for token, bias in sampling.logit_bias.items()}
    return body


def _chat(chat: ChatPrompt) -> JsonObject:
    if chat.continue_final:
        raise UnsupportedField("continue_final_message", _WHY)
    for name in chat.template_options:
        raise UnsupportedField(f"chat_template_kwargs.{name}", _WHY)
    body: JsonObject = {"messages": [wire.chat_message(each) for each in chat.messages]}
    if chat.thinking.effort is not None:
        body["reasoning_effort"] = chat.thinking.effort
    if chat.tools:
        body["tools"] = [_strict(wire.chat_tool(each), strict=each.strict) for each in chat.tools]
        choice = chat.tool_choice
        named: Json = {"type": "function", "function": {"name": choice.name}} if isinstance(choice, NamedTool) else None
        body["tool_choice"] = named or cast("str", choice)
        if chat.parallel_tool_calls is not None:
            body["parallel_tool_calls"] = chat.parallel_tool_calls
    return body


def _strict(tool: JsonObject, *, strict: bool) -> JsonObject:
    if strict and isinstance(function := tool["function"], dict):
        function["strict"] = True
    return tool


def _form(request: GenerateRequest) -> JsonObject:
    body: JsonObject = {}
    if request.top_logprobs is not None:
        body |= {"logprobs": True, "top_logprobs": request.top_logprobs}
    match request.output:
        case Grammar():
            raise UnsupportedField(request.output.place or "grammar", _WHY)
        case JsonSchema(schema, name):
            form: JsonObject = {"name": name, "schema": schema, "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
        case _:
            pass
    return body


def _text(request: GenerateRequest, text: TextPrompt) -> JsonObject:
    if request.top_logprobs is not None:
        raise UnsupportedField(
            request.listed_by, "of text completions are not known of a model served by another server"
        )
    match request.output:
        case Grammar():
            raise UnsupportedField(request.output.place or "grammar", _WHY)
        case JsonSchema():
            raise UnsupportedField(request.output.place or "json_schema", _WHY)
        case PlainText():
            pass
    if text.begun or text.around:
        raise UnsupportedField("prompt" if text.begun else "input_extra", "of a text with a gap " + _WHY)
    parts = text.parts
    if len(parts) == 1 and isinstance(parts[0], str):
        prompt: Json = parts[0]
    elif all(isinstance(part, int) for part in parts):
        prompt = list(parts)
    else:
        raise UnsupportedField("prompt", "of text and ids mixed " + _WHY)
    return {"prompt": prompt} if text.suffix is None else {"prompt": prompt, "suffix": text.suffix}


def _choices(frame: Mapping[str, Json]) -> list[dict[str, Json]]:
    found = frame.get("choices")
    return [choice for choice in found if isinstance(choice, dict)] if isinstance(found, list) else []


def _complete(logprobs: Json) -> None:
    """Gives each token its bytes, which not every server says."""
    entries = logprobs.get("content") if isinstance(logprobs, dict) else None
    for entry in entries if isinstance(entries, list) else ():
        if not isinstance(entry, dict):
            continue
        rivals = entry.get("top_logprobs")
        for each in (entry, *(rivals if isinstance(rivals, list) else ())):
            if isinstance(each, dict) and each.get("bytes") is None:
                each["bytes"] = list(str(each.get("token") or "").encode())
