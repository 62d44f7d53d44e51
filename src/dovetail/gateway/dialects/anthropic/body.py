"""The requests of `/v1/messages` and `/v1/messages/count_tokens`: every field of Anthropic's published API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, cast

from pydantic import Field

from dovetail.core.anthropic_fields import MESSAGES
from dovetail.core.errors import InvalidRequest
from dovetail.core.request import (
    ChatPrompt,
    Effort,
    GenerateRequest,
    JsonObject,
    JsonSchema,
    NamedTool,
    OutputFormat,
    PlainText,
    Sampling,
    Thinking,
    ToolChoice,
)
from dovetail.gateway.dialects.anthropic.messages import AnthropicMessage, BlockBody, messages_from, tool_changes
from dovetail.gateway.dialects.anthropic.tools import AnthropicTool, offered
from dovetail.gateway.functions import Function, tools
from dovetail.gateway.sampling import MAX_STOPS, Count, ModelName, StopString
from dovetail.gateway.schemas import reduced
from dovetail.gateway.structured import check_combination
from dovetail.gateway.thinking import EFFORT_BUDGETS
from dovetail.gateway.wire import Refused, Wire, of

_FORMAT = "output_config.format"
_CHOSEN = {"auto": "auto", "none": "none", "any": "required"}


class ToolChoiceBody(Wire):
    """Whether and which tool is called."""

    type: Literal["auto", "any", "tool", "none"]
    name: Annotated[str | None, Field(max_length=128)] = None
    disable_parallel_tool_use: bool | None = None


class ThinkingBody(Wire):
    """Whether and how long the model thinks; `omitted` leaves the thought's text out of the answer."""

    type: Literal["enabled", "disabled", "adaptive"]
    budget_tokens: Count | None = None
    display: Literal["summarized", "omitted"] | None = None


class FormatBody(Wire):
    """The form of the answer."""

    type: Literal["json_schema"]
    schema_: Annotated[dict[str, object], Field(alias="schema")]


class OutputConfig(Wire):
    """How the answer is to be."""

    effort: Effort | None = None
    format: FormatBody | None = None
    task_budget: Annotated[object, Refused()] = None


_Messages = Annotated[list[AnthropicMessage], Field(min_length=1, max_length=10_000, fail_fast=True)]
_Tools = Annotated[list[AnthropicTool], Field(max_length=512, fail_fast=True)]
_System = str | Annotated[list[BlockBody], Field(max_length=1024, fail_fast=True)]


class CountBody(Wire):
    """What a prompt is made of."""

    model: Annotated[ModelName, of(MESSAGES["model"])]
    messages: Annotated[_Messages, of(MESSAGES["messages"])]
    system: Annotated[_System | None, of(MESSAGES["system"])] = None
    thinking: Annotated[ThinkingBody | None, of(MESSAGES["thinking"])] = None
    output_config: Annotated[OutputConfig | None, of(MESSAGES["output_config"])] = None
    tools: Annotated[_Tools | None, of(MESSAGES["tools"])] = None
    tool_choice: Annotated[ToolChoiceBody | None, of(MESSAGES["tool_choice"])] = None
    cache_control: Annotated[object, of(MESSAGES["cache_control"])] = None
    context_management: Annotated[object, of(MESSAGES["context_management"])] = None
    mcp_servers: Annotated[object, of(MESSAGES["mcp_servers"])] = None
    output_format: Annotated[object, of(MESSAGES["output_format"])] = None
    speed: Annotated[object, of(MESSAGES["speed"])] = None
    billing_policy: Annotated[object, of(MESSAGES["billing_policy"])] = None
    compaction: Annotated[object, of(MESSAGES["compaction"])] = None

    def request(self, request_id: str) -> GenerateRequest:
        """The core's form. Raises InvalidRequest for what only several fields together can show."""
        request = GenerateRequest(id=request_id, model=self.model, prompt=self._prompt(), output=self._output())
        check_combination(request, _FORMAT if self._format() else "tool_choice")
        return request

    def ignored(self) -> Sequence[str]:
        return [f"tools[{i}] of the type {t.type}" for i, t in enumerate(self.tools or ()) if not t.known]

    def _prompt(self) -> ChatPrompt:
        messages = messages_from(self.messages, self.system)
        last = messages[-1]
        if last.role == "assistant" and last.tool_calls:
            raise InvalidRequest("messages: the last one calls a tool, and its result is missing", param="messages")
        functions = self._functions()
        choice = self._tool_choice({function.name for function in functions})
        one = self.tool_choice is not None and self.tool_choice.disable_parallel_tool_use
        return ChatPrompt(
            messages=messages,
            tools=tools(functions, choice),
            tool_choice=choice,
            parallel_tool_calls=False if one else None,
            continue_final=last.role == "assistant",
            thinking=self._thinking(),
        )

    def _functions(self) -> list[Function]:
        functions: list[Function] = []
        for place, tool in offered(self.tools or (), tool_changes(self.messages)):
            if tool.input_schema is None:
                raise InvalidRequest(f"{place}.input_schema: missing", param=f"{place}.input_schema")
            said = (tool.name, tool.description, tool.input_schema, bool(tool.strict))
            functions.append(Function(place, "input_schema", *said))
        return functions

    def _tool_choice(self, names: set[str]) -> ToolChoice:
        chosen = self.tool_choice
        if chosen is None:
            return "auto"
        if (chosen.type == "any" and not names) or (chosen.type == "tool" and chosen.name not in names):
            raise InvalidRequest("tool_choice asks for a tool that is not among the tools", param="tool_choice")
        if chosen.type == "tool":
            return NamedTool(chosen.name or "")
        return cast("ToolChoice", _CHOSEN[chosen.type])

    def _thinking(self) -> Thinking:
        asked, effort = self.thinking, self.output_config.effort if self.output_config else None
        if asked is None:  # who does not ask for thoughts is not to get any
            return Thinking(on=False, effort=effort)
        if (asked.budget_tokens is None) is (asked.type == "enabled"):
            raise InvalidRequest(
                'thinking.budget_tokens: goes with the type "enabled", and with no other',
                param="thinking.budget_tokens",
            )
        budget, bound = asked.budget_tokens, "thinking.budget_tokens"
        if budget is None and effort is not None:
            budget, bound = EFFORT_BUDGETS[effort], "output_config.effort"
        on = {"enabled": True, "disabled": False}.get(asked.type)
        return Thinking(on, budget if on is not False else None, effort, "thinking.type", bound)

    def _format(self) -> FormatBody | None:
        return self.output_config.format if self.output_config else None

    def _output(self) -> OutputFormat:
        said = self._format()
        return (
            PlainText()
            if said is None
            else JsonSchema(reduced(cast("JsonObject", said.schema_), _FORMAT), place=_FORMAT)
        )


class MessagesBody(CountBody):
    """The request body."""

    max_tokens: Annotated[Count, of(MESSAGES["max_tokens"])]
    stop_sequences: Annotated[
        Annotated[list[StopString], Field(max_length=MAX_STOPS)] | None, of(MESSAGES["stop_sequences"])
    ] = None
    stream: Annotated[bool | None, of(MESSAGES["stream"])] = None
    temperature: Annotated[float | None, of(MESSAGES["temperature"])] = None
    top_k: Annotated[int | None, of(MESSAGES["top_k"])] = None
    top_p: Annotated[float | None, of(MESSAGES["top_p"])] = None
    metadata: Annotated[object, of(MESSAGES["metadata"])] = None
    diagnostics: Annotated[object, of(MESSAGES["diagnostics"])] = None
    container: Annotated[object, of(MESSAGES["container"])] = None
    fallback_credit_token: Annotated[object, of(MESSAGES["fallback_credit_token"])] = None
    fallbacks: Annotated[object, of(MESSAGES["fallbacks"])] = None
    inference_geo: Annotated[object, of(MESSAGES["inference_geo"])] = None
    service_tier: Annotated[object, of(MESSAGES["service_tier"])] = None
    thread: Annotated[object, of(MESSAGES["thread"])] = None

    def request(self, request_id: str) -> GenerateRequest:
        request = GenerateRequest(
            id=request_id,
            model=self.model,
            prompt=self._prompt(),
            sampling=Sampling(temperature=self.temperature, top_k=self.top_k, top_p=self.top_p),
            max_tokens=self.max_tokens,
            stop=tuple(self.stop_sequences or ()),
            output=self._output(),
        )
        check_combination(request, _FORMAT if self._format() else "tool_choice")
        return request

    @property
    def hides_thoughts(self) -> bool:
        """Whether the text of a thought is left out of the answer."""
        return self.thinking is not None and self.thinking.display == "omitted"
