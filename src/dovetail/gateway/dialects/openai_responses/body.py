"""The requests of `/v1/responses` and of what counts their tokens: every field of OpenAI's published API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, Self, cast

from pydantic import Field, ModelWrapValidatorHandler, PrivateAttr, model_validator

from dovetail.core.errors import InvalidRequest, UnsupportedField
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
    Tool,
    ToolChoice,
)
from dovetail.core.responses_fields import INPUT_TOKENS, RESPONSES
from dovetail.gateway.dialects.openai_responses.items import ItemBody, is_foreign, messages_from, user
from dovetail.gateway.functions import Function, tools
from dovetail.gateway.sampling import Count, ModelName
from dovetail.gateway.schemas import reduced
from dovetail.gateway.structured import ANY_OBJECT, check_combination
from dovetail.gateway.thinking import EFFORT_BUDGETS
from dovetail.gateway.wire import Refused, Wire, of

LOGPROBS = "message.output_text.logprobs"
ENCRYPTED = "reasoning.encrypted_content"
_FORMAT = "text.format"
_ELSEWHERE = Literal[
    "file_search_call.results", "web_search_call.results", "web_search_call.action.sources",
    "message.input_image.image_url", "computer_call_output.output.image_url", "code_interpreter_call.outputs",
]  # fmt: skip
_Included = Literal["reasoning.encrypted_content", "message.output_text.logprobs"] | _ELSEWHERE
_Items = Annotated[list[ItemBody], Field(max_length=10_000, fail_fast=True)]
_Summary = Literal["auto", "concise", "detailed"]


class ResponseTool(Wire):
    """A tool; the model sees functions alone."""

    type: Annotated[str, Field(max_length=64)]
    name: Annotated[str | None, Field(pattern=r"^[\w.:/-]{1,128}$")] = None
    description: Annotated[str | None, Field(max_length=64 << 10)] = None
    parameters: dict[str, object] | None = None
    strict: Annotated[bool | None, Field(description="Honoured where tool_choice forces a call.")] = None
    allowed_callers: Annotated[object, Refused(["direct"])] = None
    defer_loading: Annotated[object, Refused(False)] = None
    output_schema: Annotated[object, Refused()] = None

    _sent: JsonObject = PrivateAttr(default_factory=dict)

    @model_validator(mode="wrap")
    @classmethod
    def _foreign(cls, sent: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """What a tool that is passed over as a whole has in it is not looked at, and comes back as it was sent."""
        match sent:
            case {"type": str(kind)} if kind != "function":
                tool = handler({"type": kind})
                tool._sent = cast("JsonObject", sent)  # noqa: SLF001  its own
                return tool
            case _:
                return handler(sent)

    @property
    def told(self) -> JsonObject:
        """The tool as it was sent."""
        return self._sent or cast("JsonObject", self.model_dump(mode="json", exclude_unset=True, by_alias=True))


_Tools = Annotated[list[ResponseTool], Field(max_length=512, fail_fast=True)]


class ReasoningBody(Wire):
    """How the model thinks, and in what form its thought comes."""

    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    summary: _Summary | None = None
    generate_summary: _Summary | None = None
    context: Annotated[object, Refused("auto", "all_turns")] = None
    mode: Annotated[object, Refused("standard")] = None


class ResponseForm(Wire):
    """The form of the answer. Schemas are always followed, `strict` or not."""

    type: Literal["text", "json_object", "json_schema"]
    name: Annotated[str | None, Field(pattern=r"^[\w.-]{1,128}$")] = None
    description: Annotated[str | None, Field(max_length=64 << 10)] = None
    schema_: Annotated[dict[str, object] | None, Field(alias="schema")] = None
    strict: bool | None = None


class TextBody(Wire):
    """How the answer is to be."""

    format: ResponseForm | None = None
    verbosity: Annotated[object, Refused("medium")] = None


class PromptBody(Wire):
    """What a prompt is made of."""

    model: Annotated[ModelName, of(RESPONSES["model"])]
    input: Annotated[str | _Items | None, of(RESPONSES["input"])] = None
    instructions: Annotated[str | None, of(RESPONSES["instructions"])] = None
    previous_response_id: Annotated[
        Annotated[str, Field(max_length=256)] | None, of(RESPONSES["previous_response_id"])
    ] = None
    reasoning: Annotated[ReasoningBody | None, of(RESPONSES["reasoning"])] = None
    text: Annotated[TextBody | None, of(RESPONSES["text"])] = None
    tools: Annotated[_Tools | None, of(RESPONSES["tools"])] = None
    tool_choice: Annotated[object, of(RESPONSES["tool_choice"])] = None
    parallel_tool_calls: Annotated[bool | None, of(RESPONSES["parallel_tool_calls"])] = None
    conversation: Annotated[object, of(RESPONSES["conversation"])] = None
    truncation: Annotated[object, of(RESPONSES["truncation"])] = None

    @property
    def items(self) -> Sequence[ItemBody]:
        """The input, one item where it is a text."""
        return [user(self.input)] if isinstance(self.input, str) else self.input or []

    def resolved(self, kept: Mapping[str, ItemBody]) -> Sequence[ItemBody]:
        """The input with those of its references replaced that are among `kept`."""
        return [kept.get(item.id or "", item) if item.kind == "item_reference" else item for item in self.items]

    def ignored(self) -> Sequence[str]:
        foreign = [i for i, item in enumerate(self.items) if is_foreign(item)]
        others = [f"tools[{i}] of the type {t.type}" for i, t in enumerate(self.tools or ()) if t.type != "function"]
        return [f"input[{i}].encrypted_content of another server" for i in foreign] + others

    def request(
        self, request_id: str, before: Sequence[ItemBody] = (), kept: Mapping[str, ItemBody] | None = None
    ) -> GenerateRequest:
        """The core's form, behind the items `before`; `kept`: those that references name. Raises InvalidRequest."""
        request = GenerateRequest(
            id=request_id, model=self.model, prompt=self._prompt(before, kept or {}), output=self._output()
        )
        return self._combined(request)

    def _combined(self, request: GenerateRequest) -> GenerateRequest:
        formed = not isinstance(request.output, PlainText)
        check_combination(request, _FORMAT if formed else "tool_choice")
        return request

    def _prompt(self, before: Sequence[ItemBody], kept: Mapping[str, ItemBody]) -> ChatPrompt:
        items = [("previous_response_id", item) for item in before]
        items += [(f"input[{i}]", item) for i, item in enumerate(self.resolved(kept))]
        messages = messages_from(self.instructions, items)
        if not messages:
            raise InvalidRequest("input: missing, and so is everything else that a prompt could be of", param="input")
        choice = self._tool_choice()
        return ChatPrompt(
            messages=messages,
            tools=self._tools(choice),
            tool_choice=choice,
            parallel_tool_calls=self.parallel_tool_calls,
            thinking=self._thinking(),
        )

    def _functions(self) -> list[Function]:
        found: list[Function] = []
        for i, tool in enumerate(self.tools or ()):
            if tool.type == "function":
                if tool.name is None:
                    raise InvalidRequest(f"tools[{i}].name: missing", param=f"tools[{i}].name")
                said = (tool.name, tool.description, tool.parameters, bool(tool.strict))
                found.append(Function(f"tools[{i}]", "parameters", *said))
        return found

    def _tools(self, choice: ToolChoice) -> tuple[Tool, ...]:
        return tools(self._functions(), choice, _allowed(self.tool_choice))

    def _tool_choice(self) -> ToolChoice:
        names = {function.name for function in self._functions()}
        allowed = _allowed(self.tool_choice) or set()
        match self.tool_choice:
            case None | "auto":
                return "auto"
            case "none":
                return "none"
            case "required" if names:
                return "required"
            case {"type": "function", "name": str(name)} if name in names:
                return NamedTool(name)
            case {"type": "allowed_tools", "mode": "required"} if allowed and allowed <= names:
                return "required"
            case {"type": "allowed_tools", "mode": "auto"}:
                raise UnsupportedField("tool_choice", 'of allowed_tools holds only with the mode "required"')
            case "required" | {"type": "function"} | {"type": "allowed_tools"}:
                raise InvalidRequest("tool_choice asks for a tool that is not among the tools", param="tool_choice")
            case {"type": str()}:
                raise UnsupportedField("tool_choice", "of this type is not supported by this server")
            case _:
                raise InvalidRequest(
                    'tool_choice: "auto", "none", "required", a function by its name, or allowed_tools',
                    param="tool_choice",
                )

    def _thinking(self) -> Thinking:
        said = self.reasoning.effort if self.reasoning else None
        if said is None:
            return Thinking()
        if said in {"none", "minimal"}:
            return Thinking(on=False, switch="reasoning.effort")
        effort = cast("Effort", said)
        return Thinking(True, EFFORT_BUDGETS[effort], effort, "reasoning.effort", "reasoning.effort")

    def _output(self) -> OutputFormat:
        form = self.text.format if self.text else None
        if form is None or form.type == "text":
            return PlainText()
        if form.type == "json_object":
            return JsonSchema(ANY_OBJECT, place=_FORMAT)
        if form.schema_ is None:
            raise InvalidRequest("text.format.schema: missing", param="text.format.schema")
        return JsonSchema(reduced(cast("JsonObject", form.schema_), _FORMAT), form.name or "answer", _FORMAT)


class ResponseCountBody(PromptBody):
    """The request body of `/v1/responses/input_tokens`."""

    personality: Annotated[object, of(INPUT_TOKENS["personality"])] = None


class ResponseBody(PromptBody):
    """The request body."""

    store: Annotated[bool | None, of(RESPONSES["store"])] = None
    stream: Annotated[bool | None, of(RESPONSES["stream"])] = None
    include: Annotated[Annotated[list[_Included], Field(max_length=64)] | None, of(RESPONSES["include"])] = None
    max_output_tokens: Annotated[Count | None, of(RESPONSES["max_output_tokens"])] = None
    temperature: Annotated[float | None, of(RESPONSES["temperature"])] = None
    top_p: Annotated[float | None, of(RESPONSES["top_p"])] = None
    top_logprobs: Annotated[int | None, of(RESPONSES["top_logprobs"])] = None
    metadata: Annotated[object, of(RESPONSES["metadata"])] = None
    client_metadata: Annotated[object, of(RESPONSES["client_metadata"])] = None
    max_tool_calls: Annotated[object, of(RESPONSES["max_tool_calls"])] = None
    prompt_cache_key: Annotated[object, of(RESPONSES["prompt_cache_key"])] = None
    prompt_cache_options: Annotated[object, of(RESPONSES["prompt_cache_options"])] = None
    prompt_cache_retention: Annotated[object, of(RESPONSES["prompt_cache_retention"])] = None
    safety_identifier: Annotated[object, of(RESPONSES["safety_identifier"])] = None
    stream_options: Annotated[object, of(RESPONSES["stream_options"])] = None
    user: Annotated[object, of(RESPONSES["user"])] = None
    access_programs: Annotated[object, of(RESPONSES["access_programs"])] = None
    background: Annotated[object, of(RESPONSES["background"])] = None
    context_management: Annotated[object, of(RESPONSES["context_management"])] = None
    image: Annotated[object, of(RESPONSES["image"])] = None
    moderation: Annotated[object, of(RESPONSES["moderation"])] = None
    prompt: Annotated[object, of(RESPONSES["prompt"])] = None
    service_tier: Annotated[object, of(RESPONSES["service_tier"])] = None

    def request(
        self, request_id: str, before: Sequence[ItemBody] = (), kept: Mapping[str, ItemBody] | None = None
    ) -> GenerateRequest:
        request = GenerateRequest(
            id=request_id,
            model=self.model,
            prompt=self._prompt(before, kept or {}),
            sampling=Sampling(temperature=self.temperature, top_p=self.top_p),
            max_tokens=self.max_output_tokens,
            bound_said=self.max_output_tokens is not None,
            top_logprobs=self._top_logprobs(),
            listed_by="top_logprobs" if self.top_logprobs is not None else "include",
            output=self._output(),
        )
        return self._combined(request)

    @property
    def summarised(self) -> bool:
        """Whether a thought is to come as its summary."""
        return self.reasoning is not None and (self.reasoning.summary or self.reasoning.generate_summary) is not None

    def _top_logprobs(self) -> int | None:
        if LOGPROBS not in (self.include or ()) and not self.top_logprobs:
            return None
        if self.tools:
            raise UnsupportedField("top_logprobs", "cannot be said of answers with tools")
        return self.top_logprobs or 0


def _allowed(choice: object) -> set[str] | None:
    """The names that `allowed_tools` has, None where the choice is another."""
    match choice:
        case {"type": "allowed_tools", "tools": list()}:
            return {_function_name(tool) for tool in cast("dict[str, list[object]]", choice)["tools"]}
        case _:
            return None


def _function_name(tool: object) -> str:
    match tool:
        case {"type": "function", "name": str(name)}:
            return name
        case _:
            raise InvalidRequest("tool_choice: allowed_tools has functions by their names", param="tool_choice")
