"""The request of `/v1/chat/completions`: every field of OpenAI's published API, and llama.cpp's extras."""

from __future__ import annotations

from typing import Annotated, Literal, cast

from pydantic import Field, ValidationError

from dovetail.core.errors import InvalidRequest, UnsupportedField
from dovetail.core.fields import CHAT
from dovetail.core.request import (
    ChatPrompt,
    GenerateRequest,
    Json,
    JsonObject,
    NamedTool,
    OutputFormat,
    PlainText,
    Tool,
    ToolChoice,
)
from dovetail.gateway import errors
from dovetail.gateway.adapters import adapter
from dovetail.gateway.dialects.openai_chat.messages import MessageBody, messages_from
from dovetail.gateway.functions import Function, tools
from dovetail.gateway.openai import StreamOptions
from dovetail.gateway.sampling import ModelName
from dovetail.gateway.structured import ResponseFormat, check_combination
from dovetail.gateway.thinking import ThinkingFields
from dovetail.gateway.wire import Wire, of

# The template variables a request may set: those that say how to think and what day it is. Anything else
# reaches the renderer's own arguments.
TEMPLATE_OPTIONS = frozenset(
    {"enable_thinking", "thinking", "preserve_thinking", "clear_thinking", "reasoning_effort", "thinking_budget"}
    | {"date_string"}
)


class FunctionBody(Wire):
    """A tool's function."""

    name: Annotated[str, Field(pattern=r"^[\w.:/-]{1,128}$")]
    description: Annotated[str | None, Field(max_length=64 << 10)] = None
    parameters: dict[str, object] | None = None
    strict: Annotated[bool | None, Field(description="Honoured where tool_choice forces a call.")] = None


class ToolBody(Wire):
    """A tool."""

    type: Literal["function"]
    function: FunctionBody


_Key = Annotated[str, Field(max_length=64)]
_Value = Annotated[str, Field(max_length=512)]
_Notes = Annotated[dict[_Key, _Value], Field(max_length=16)]
# What a completion that is stored tells of its request, as it was sent.
_SHOWN = ("frequency_penalty", "presence_penalty", "response_format", "seed", "temperature", "tool_choice", "tools",
          "top_p")  # fmt: skip
_Messages = Annotated[list[MessageBody], Field(min_length=1, max_length=10_000, fail_fast=True)]
_Tools = Annotated[list[ToolBody], Field(max_length=512, fail_fast=True)]


class NotesBody(Wire):
    """What can be changed of a completion that is stored."""

    metadata: _Notes | None


class ChatBody(ThinkingFields):
    """The request body."""

    model: Annotated[ModelName, of(CHAT["model"])] = Field(default_factory=str)  # none: `X-Model-Id` says it
    messages: Annotated[_Messages, of(CHAT["messages"])]
    n: Annotated[int | None, of(CHAT["n"])] = None
    stream: Annotated[bool | None, of(CHAT["stream"])] = None
    stream_options: Annotated[StreamOptions | None, of(CHAT["stream_options"])] = None
    tools: Annotated[_Tools | None, of(CHAT["tools"])] = None
    tool_choice: Annotated[object, of(CHAT["tool_choice"])] = None
    parallel_tool_calls: Annotated[bool | None, of(CHAT["parallel_tool_calls"])] = None
    response_format: Annotated[ResponseFormat | None, of(CHAT["response_format"])] = None
    continue_final_message: Annotated[bool | None, of(CHAT["continue_final_message"])] = None
    add_generation_prompt: Annotated[bool | None, of(CHAT["add_generation_prompt"])] = None
    logprobs: Annotated[bool | None, of(CHAT["logprobs"])] = None
    top_logprobs: Annotated[int | None, of(CHAT["top_logprobs"])] = None
    use_kv_cache: Annotated[bool | None, of(CHAT["use_kv_cache"])] = None
    kv_cache_threshold: Annotated[object, of(CHAT["kv_cache_threshold"])] = None
    metadata: Annotated[object, of(CHAT["metadata"])] = None
    prompt_cache_key: Annotated[object, of(CHAT["prompt_cache_key"])] = None
    prompt_cache_options: Annotated[object, of(CHAT["prompt_cache_options"])] = None
    prompt_cache_retention: Annotated[object, of(CHAT["prompt_cache_retention"])] = None
    safety_identifier: Annotated[object, of(CHAT["safety_identifier"])] = None
    user: Annotated[object, of(CHAT["user"])] = None
    apply_chat_template: Annotated[object, of(CHAT["apply_chat_template"])] = None
    audio: Annotated[object, of(CHAT["audio"])] = None
    function_call: Annotated[object, of(CHAT["function_call"])] = None
    functions: Annotated[object, of(CHAT["functions"])] = None
    modalities: Annotated[object, of(CHAT["modalities"])] = None
    moderation: Annotated[object, of(CHAT["moderation"])] = None
    n_probs: Annotated[object, of(CHAT["n_probs"])] = None
    prediction: Annotated[object, of(CHAT["prediction"])] = None
    service_tier: Annotated[object, of(CHAT["service_tier"])] = None
    store: Annotated[bool | None, of(CHAT["store"])] = None
    verbosity: Annotated[object, of(CHAT["verbosity"])] = None
    web_search_options: Annotated[object, of(CHAT["web_search_options"])] = None

    def request(self, request_id: str) -> GenerateRequest:
        """The core's form. Raises InvalidRequest for what only several fields together can show."""
        request = GenerateRequest(
            id=request_id,
            model=self.model,
            prompt=self._prompt(),
            sampling=self.sampling(),
            max_tokens=self.limit(),
            bound_said=self.max_tokens is not None,
            stop=self.stops(),
            n=self.n or 1,
            top_logprobs=self._top_logprobs(),
            output=self.output(),
            adapter=adapter(self.adapter),
        )
        check_combination(request, self.form() or "tool_choice")
        return request

    def forms(self) -> list[str]:
        text = self.response_format is not None and self.response_format.type == "text"
        return [name for name in super().forms() if not (text and name == "response_format")]

    def output(self) -> OutputFormat:
        given = PlainText() if self.response_format is None else self.response_format.output()
        other = super().output()
        return other if isinstance(given, PlainText) else given

    def include_usage(self) -> bool:
        """Whether a stream ends with a usage chunk."""
        return bool(self.stream_options and self.stream_options.include_usage)

    def notes(self) -> dict[str, str]:
        """The metadata, as they can be stored. Raises InvalidRequest."""
        try:
            return NotesBody.model_validate({"metadata": self.metadata}).metadata or {}
        except ValidationError as failure:
            raise errors.as_dovetail(failure) from None

    def shown(self) -> JsonObject:
        """What a completion that is stored tells of the request, null where nothing was said."""
        said = self.model_dump(mode="json", exclude_unset=True, by_alias=True, include={*_SHOWN})
        return {"input_user": cast("Json", self.user), **{name: said.get(name) for name in _SHOWN}}

    def _prompt(self) -> ChatPrompt:
        messages = messages_from(self.messages)
        if self.continue_final_message and messages[-1].role != "assistant":
            raise InvalidRequest(
                "continue_final_message needs an assistant message at the end", param="continue_final_message"
            )
        if self.add_generation_prompt is not None and self.add_generation_prompt is bool(self.continue_final_message):
            raise UnsupportedField("add_generation_prompt", "has to be the opposite of continue_final_message")
        choice = self._tool_choice()
        return ChatPrompt(
            messages=messages,
            tools=self._tools(choice),
            tool_choice=choice,
            parallel_tool_calls=self.parallel_tool_calls,
            continue_final=bool(self.continue_final_message),
            template_options=self._template_options(),
            thinking=self.thinking(),
        )

    def _tools(self, choice: ToolChoice) -> tuple[Tool, ...]:
        functions = [
            Function(f"tools[{i}]", "function.parameters", f.name, f.description, f.parameters, bool(f.strict))
            for i, f in enumerate(tool.function for tool in self.tools or ())
        ]
        return tools(functions, choice, _allowed(self.tool_choice))

    def _tool_choice(self) -> ToolChoice:
        names = {tool.function.name for tool in self.tools or ()}
        match self.tool_choice:
            case None | "auto":
                return "auto"
            case "none":
                return "none"
            case "required" if names:
                return "required"
            case {"type": "function", "function": {"name": str(name)}} if name in names:
                return NamedTool(name)
            case {"type": "allowed_tools", "allowed_tools": {"mode": "required"}} if _among(self.tool_choice, names):
                return "required"
            case {"type": "allowed_tools", "allowed_tools": {"mode": "auto"}}:
                raise UnsupportedField("tool_choice", 'of allowed_tools holds only with the mode "required"')
            case "required" | {"type": "function", "function": {"name": str()}} | {"type": "allowed_tools"}:
                raise InvalidRequest("tool_choice asks for a tool that is not among the tools", param="tool_choice")
            case {"type": "custom"}:
                raise UnsupportedField("tool_choice", "of this type is not supported by this server")
            case _:
                raise InvalidRequest(
                    'tool_choice: "auto", "none", "required", a function by its name, or allowed_tools',
                    param="tool_choice",
                )

    def _top_logprobs(self) -> int | None:
        if not self.logprobs:
            if self.top_logprobs:
                raise InvalidRequest("top_logprobs: needs logprobs to be true", param="top_logprobs")
            return None
        if self.tools:
            raise UnsupportedField("logprobs", "cannot be said of answers with tools")
        return self.top_logprobs or 0

    def _template_options(self) -> dict[str, Json]:
        options: dict[str, Json] = {}
        for name, value in (self.chat_template_kwargs or {}).items():
            if name not in TEMPLATE_OPTIONS:
                raise UnsupportedField(f"chat_template_kwargs.{name[:64]}")
            param = f"chat_template_kwargs.{name}"
            if not isinstance(value, bool | int | str) or (isinstance(value, str) and len(value) > 256):
                raise InvalidRequest(f"{param}: a boolean, an integer or a short string", param=param)
            options[name] = value
        return options


def _allowed(choice: object) -> set[str] | None:
    """The names that `allowed_tools` has, None where the choice is another."""
    match choice:
        case {"type": "allowed_tools", "allowed_tools": {"tools": list()}}:
            tools = cast("dict[str, dict[str, list[object]]]", choice)["allowed_tools"]["tools"]
            return {_function_name(tool) for tool in tools}
        case _:
            return None


def _among(choice: object, names: set[str]) -> bool:
    allowed = _allowed(choice)
    return bool(allowed) and allowed <= names


def _function_name(tool: object) -> str:
    match tool:
        case {"type": "function", "function": {"name": str(name)}}:
            return name
        case _:
            raise InvalidRequest("tool_choice: allowed_tools has functions by their names", param="tool_choice")
