"""The shapes of responses, for the OpenAPI document and the tests, see `gateway.answers`."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, RootModel

from dovetail.gateway.answers import Answer, ChatToken

Status = Literal["in_progress", "completed", "incomplete", "failed"]


class OutputText(Answer):
    """A text."""

    type: Literal["output_text"]
    text: str
    annotations: list[object]
    logprobs: list[ChatToken]


class Refusal(Answer):
    """What was said instead of an answer."""

    type: Literal["refusal"]
    refusal: str


class ReasoningText(Answer):
    """A thought, or its summary, which is the same."""

    type: Literal["reasoning_text", "summary_text"]
    text: str


class OutputMessage(Answer):
    """What the model says."""

    id: str
    type: Literal["message"]
    status: Status
    role: Literal["assistant"]
    content: list[OutputText | Refusal]


class ReasoningItem(Answer):
    """What the model thinks. `encrypted_content` is encoded, not encrypted: for a client to bring back."""

    id: str
    type: Literal["reasoning"]
    status: Status
    summary: list[ReasoningText]
    content: list[ReasoningText]
    encrypted_content: str | None = None


class FunctionCall(Answer):
    """A call of a function; `arguments` is JSON text."""

    id: str
    type: Literal["function_call"]
    status: Status
    call_id: str
    name: str
    arguments: str


OutputItem = OutputMessage | ReasoningItem | FunctionCall


class InputDetails(Answer):
    """Of the prompt's tokens."""

    cached_tokens: int
    cache_write_tokens: int


class OutputDetails(Answer):
    """Of the answer's tokens."""

    reasoning_tokens: int


class ResponseUsage(Answer):
    """Token counts."""

    input_tokens: int
    input_tokens_details: InputDetails
    output_tokens: int
    output_tokens_details: OutputDetails
    total_tokens: int


class ResponseFailure(Answer):
    """Why it failed."""

    code: str
    message: str
    param: str | None


class Incomplete(Answer):
    """Why it is not complete."""

    reason: Literal["max_output_tokens"]


class ResponseAnswer(Answer):
    """A response; what is said of the request is as it was sent."""

    id: str
    object: Literal["response"]
    created_at: int
    completed_at: int | None
    status: Status
    model: str
    output: list[OutputItem]
    error: ResponseFailure | None
    incomplete_details: Incomplete | None
    usage: ResponseUsage | None
    store: bool
    background: Literal[False]
    parallel_tool_calls: bool
    reasoning: object
    service_tier: Literal["default"]
    text: object
    tool_choice: object
    tools: list[object]
    truncation: Literal["disabled"]
    instructions: str | None
    max_output_tokens: int | None
    max_tool_calls: object
    metadata: object
    previous_response_id: str | None
    prompt_cache_key: object
    safety_identifier: object
    temperature: float | None
    top_p: float | None
    top_logprobs: int | None
    user: object


class ResponseChange(Answer):
    """The beginning or the end of a response."""

    type: Literal[
        "response.created", "response.in_progress", "response.completed", "response.incomplete", "response.failed"
    ]
    sequence_number: int
    response: ResponseAnswer


class ItemChange(Answer):
    """The beginning or the end of an item."""

    type: Literal["response.output_item.added", "response.output_item.done"]
    sequence_number: int
    output_index: int
    item: OutputItem


class _InItem(Answer):
    """What happens in an item: in its content, or in its summary."""

    sequence_number: int
    item_id: str
    output_index: int
    content_index: int | None = None
    summary_index: int | None = None


class PartChange(_InItem):
    """The beginning or the end of an item's part."""

    type: Literal[
        "response.content_part.added", "response.content_part.done",
        "response.reasoning_summary_part.added", "response.reasoning_summary_part.done",
    ]  # fmt: skip
    part: OutputText | Refusal | ReasoningText


class ItemDelta(_InItem):
    """More of an item."""

    type: Literal[
        "response.output_text.delta", "response.refusal.delta", "response.reasoning_text.delta",
        "response.reasoning_summary_text.delta", "response.function_call_arguments.delta",
    ]  # fmt: skip
    delta: str
    logprobs: list[ChatToken] | None = None


class ItemText(_InItem):
    """The whole of an item's text."""

    type: Literal[
        "response.output_text.done", "response.refusal.done", "response.reasoning_text.done",
        "response.reasoning_summary_text.done", "response.function_call_arguments.done",
    ]  # fmt: skip
    text: str | None = None
    refusal: str | None = None
    arguments: str | None = None
    name: str | None = None
    logprobs: list[ChatToken] | None = None


class ResponseEvent(RootModel[ResponseChange | ItemChange | PartChange | ItemDelta | ItemText]):
    """An event of a streamed response, under its `type` as the event's name; they are numbered from 0."""


class InputItem(Answer):
    """An input item, as it was sent."""

    model_config = ConfigDict(extra="allow")

    id: str
    type: str
    status: str


class InputItems(Answer):
    """Input items."""

    object: Literal["list"]
    data: list[InputItem]
    first_id: str | None
    last_id: str | None
    has_more: bool


class RemovedResponse(Answer):
    """It is gone."""

    id: str
    object: Literal["response"]
    deleted: Literal[True]
