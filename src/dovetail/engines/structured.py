"""Structured answers as workers are asked for them, and forced tool calls, which are such answers.

llama-server reads a named `tool_choice` as "auto" and lets text come before a "required" call (b11549). So the tools
stay in the prompt, the answer is held to a schema of the call, and what comes back is turned into tool-call events.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterable
from dataclasses import replace

from dovetail.core.errors import EngineFailure
from dovetail.core.events import Event, Finished, ReasoningDelta, TextDelta, ToolCallDelta
from dovetail.core.request import (
    ChatPrompt,
    GenerateRequest,
    Grammar,
    Json,
    JsonObject,
    JsonSchema,
    NamedTool,
    PlainText,
    Tool,
)
from dovetail.engines.base import Decoder
from dovetail.engines.one_call import OneCall

MAX_CALLS = 16  # in one answer
# On one line, so that no model writes white space for ever.
_SPACE: JsonObject = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
_HEAD = re.compile(r'[\s\[,}]*\{\s*"name"\s*:\s*("(?:[^"\\]|\\.)*")\s*,\s*"arguments"\s*:\s*(?=\{)')
_MAX_HEAD = 4096


def form(request: GenerateRequest) -> JsonObject:
    """The fields that hold the worker to `request.output`, or to the tool calls that its prompt forces."""
    chat = isinstance(request.prompt, ChatPrompt)
    output = request.output
    if isinstance(request.prompt, ChatPrompt) and forced(request.prompt):
        output = JsonSchema(_calls(request.prompt), "tool_calls")
    match output:
        case PlainText():
            return {}
        case Grammar(gbnf, thought) if thought is not None:
            return {"grammar": gbnf}
        case Grammar(gbnf) if isinstance(request.prompt, ChatPrompt):
            # Where a template can, it opens no thought: the grammar would hold inside of it.
            options: JsonObject = {"enable_thinking": False, **request.prompt.template_options}
            return {"grammar": gbnf, "chat_template_kwargs": options}
        case Grammar(gbnf):
            return {"grammar": gbnf}
        case JsonSchema(schema, name) if chat:
            named: JsonObject = {"name": name, "schema": schema, "strict": True}
            return {"response_format": {"type": "json_schema", "json_schema": named}}
        case JsonSchema(schema):
            return {"json_schema": {**schema, "x-guidance": _SPACE}}


def names(request: GenerateRequest) -> dict[str, str]:
    """The worker's fields that the client asks for by fields of its own, and what it calls them."""
    found: dict[str, str] = {}
    chat = isinstance(request.prompt, ChatPrompt)
    if isinstance(request.prompt, ChatPrompt) and request.prompt.tools and request.prompt.tool_choice != "none":
        found = {"tools": "tools", "response_format": "tools"}
    match request.output:
        case Grammar():
            found["grammar"] = request.output.place or "grammar"
        case JsonSchema():
            name = "response_format" if chat else "json_schema"
            found[name] = request.output.place or name
        case PlainText():
            pass
    if request.top_logprobs is not None:
        found |= dict.fromkeys(("logprobs", "n_probs"), request.listed_by)
    return found


def forced(chat: ChatPrompt) -> bool:
    """Whether the answer has to be tool calls and nothing else."""
    return bool(chat.tools) and (chat.tool_choice == "required" or isinstance(chat.tool_choice, NamedTool))


def decoding(request: GenerateRequest, inner: Decoder, index: int) -> Decoder:
    """`inner`, and around it what makes the answer to `form` the client's."""
    if not isinstance(request.prompt, ChatPrompt):
        return inner
    if forced(request.prompt):
        return ForcedCalls(inner, index)
    if request.prompt.tools and request.prompt.tool_choice == "auto" and request.prompt.parallel_tool_calls is False:
        return OneCall(inner)
    silent = isinstance(request.output, Grammar) and request.output.thought is None
    return Unthought(inner) if silent else inner


class Unthought:
    """A grammar that no thought precedes: where a template opened one all the same, its text is the answer."""

    complete = False

    def __init__(self, inner: Decoder) -> None:
        self._inner = inner

    def feed(self, frame: dict[str, Json]) -> Iterable[Event]:
        return [_as_text(event) for event in self._inner.feed(frame)]

    def end(self) -> Iterable[Event]:
        return [_as_text(event) for event in self._inner.end()]


class ForcedCalls:
    """JSON text of one call or a list of calls, as tool-call events whose arguments come in pieces."""

    complete = False

    def __init__(self, inner: Decoder, index: int) -> None:
        self._inner = inner
        self._index = index
        self._head = ""
        self._calls = 0
        self._depth = 0
        self._quoted = False
        self._escaped = False

    def feed(self, frame: dict[str, Json]) -> Iterable[Event]:
        return [out for event in self._inner.feed(frame) for out in self._turned(event)]

    def end(self) -> Iterable[Event]:
        return [out for event in self._inner.end() for out in self._turned(event)]

    def _turned(self, event: Event) -> list[Event]:
        if isinstance(event, TextDelta):
            return self._read(event.text)
        if isinstance(event, Finished) and event.reason == "stop" and event.stop_string is None:
            if not self._calls or self._depth:
                raise EngineFailure("the model ended its answer without the tool call that was asked for")
            return [replace(event, reason="tool_calls")]
        return [event]

    def _read(self, text: str) -> list[Event]:
        events: list[Event] = []
        while text:
            if self._depth:
                text, arguments = self._arguments(text)
                events.append(ToolCallDelta(self._calls - 1, arguments=arguments, index=self._index))
                continue
            self._head += text
            found = _HEAD.match(self._head)
            if found is None:
                if len(self._head) > _MAX_HEAD:
                    raise EngineFailure("the model wrote something else than the tool call that was asked for")
                break
            name: str = json.loads(found[1])
            events.append(ToolCallDelta(self._calls, f"call_{secrets.token_hex(12)}", name, index=self._index))
            text, self._head = self._head[found.end() :], ""
            self._calls += 1
            self._depth = 1
            events.append(ToolCallDelta(self._calls - 1, arguments=text[0], index=self._index))
            text = text[1:]
        return events

    def _arguments(self, text: str) -> tuple[str, str]:
        """What follows the arguments, and their part of `text`."""
        for at, char in enumerate(text):
            if self._escaped:
                self._escaped = False
            elif self._quoted:
                self._escaped, self._quoted = char == "\\", char != '"'
            elif char == '"':
                self._quoted = True
            elif char in "{[":
                self._depth += 1
            elif char in "}]":
                self._depth -= 1
                if not self._depth:
                    return text[at + 1 :], text[: at + 1]
        return "", text


def _calls(chat: ChatPrompt) -> JsonObject:
    """The schema of the calls that `chat` forces; definitions move to its root under the tool's number."""
    choice = chat.tool_choice
    tools = [tool for tool in chat.tools if not isinstance(choice, NamedTool) or tool.name == choice.name]
    definitions: JsonObject = {}
    calls = [_call(tool, number, definitions) for number, tool in enumerate(tools)]
    call: JsonObject = calls[0] if len(calls) == 1 else {"anyOf": [*calls]}
    several = choice == "required" and chat.parallel_tool_calls is not False
    whole: JsonObject = {"type": "array", "items": call, "minItems": 1, "maxItems": MAX_CALLS} if several else call
    return {**whole, "$defs": definitions} if definitions else whole


def _call(tool: Tool, number: int, definitions: JsonObject) -> JsonObject:
    schema = {**(tool.arguments or {"additionalProperties": True}), "type": "object"}
    own = schema.pop("$defs", {})
    prefix = f"t{number}."
    if isinstance(own, dict) and own:
        definitions.update({prefix + name: _moved(inner, prefix) for name, inner in own.items()})
        schema = {key: _moved(value, prefix) for key, value in schema.items()}
    return {
        "type": "object",
        "properties": {"name": {"enum": [tool.name]}, "arguments": schema},
        "required": ["name", "arguments"],
        "additionalProperties": False,
    }


def _moved(value: Json, prefix: str) -> Json:
    if isinstance(value, list):
        return [_moved(item, prefix) for item in value]
    if not isinstance(value, dict):
        return value
    ref = value.get("$ref")
    if isinstance(ref, str) and len(value) == 1:
        return {"$ref": "#/$defs/" + prefix + ref.removeprefix("#/$defs/")}
    return {key: _moved(inner, prefix) for key, inner in value.items()}


def _as_text(event: Event) -> Event:
    match event:
        case ReasoningDelta():
            return TextDelta(event.text, event.index, event.logprobs)
        case Finished():
            return replace(event, usage=replace(event.usage, reasoning=0))
        case _:
            return event
