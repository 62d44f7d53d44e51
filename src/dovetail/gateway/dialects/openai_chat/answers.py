"""The shapes of chat completions that are stored, for the OpenAPI document and the tests, see `gateway.answers`."""

from __future__ import annotations

from typing import Literal

from dovetail.gateway.answers import Answer, ChatCompletion, ToolCallAnswer


class StoredCompletion(ChatCompletion):
    """A chat completion as it was answered, and what was said of it; of the request as it was sent."""

    request_id: str
    metadata: dict[str, str]
    service_tier: Literal["default"]
    input_user: object
    frequency_penalty: float | None
    presence_penalty: float | None
    response_format: object
    seed: int | None
    temperature: float | None
    tool_choice: object
    tools: list[object] | None
    top_p: float | None


class StoredCompletions(Answer):
    """Some of them."""

    object: Literal["list"]
    data: list[StoredCompletion]
    first_id: str | None
    last_id: str | None
    has_more: bool


class StoredMessage(Answer):
    """A message that the model was given; `content_parts` where it came in parts, and `content` their texts."""

    id: str
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | None
    refusal: str | None
    name: str | None
    content_parts: list[object] | None
    reasoning_content: str | None = None
    tool_calls: list[ToolCallAnswer] | None = None
    tool_call_id: str | None = None


class StoredMessages(Answer):
    """Some of them."""

    object: Literal["list"]
    data: list[StoredMessage]
    first_id: str | None
    last_id: str | None
    has_more: bool


class RemovedCompletion(Answer):
    """It is gone."""

    id: str
    object: Literal["chat.completion.deleted"]
    deleted: Literal[True]
