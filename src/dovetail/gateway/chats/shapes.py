"""The shapes of conversations in answers, and those that come in."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from dovetail.gateway.answers import Answer, UsageAnswer
from dovetail.gateway.wire import Wire

Params = dict[str, object]


class ChatTextPart(Answer):
    """Text."""

    type: Literal["text"] = "text"
    text: str


class ChatReasoningPart(Answer):
    """What the model thought, and for how many seconds; null where that is not known."""

    type: Literal["reasoning"] = "reasoning"
    text: str
    seconds: float | None


class ChatToolCallPart(Answer):
    """A tool that the model calls; `arguments` is JSON text as the model wrote it, maybe not to its end."""

    type: Literal["tool_call"] = "tool_call"
    id: str
    name: str
    arguments: str


class ChatToolResultPart(Answer):
    """What a tool said."""

    type: Literal["tool_result"] = "tool_result"
    tool_call_id: str
    text: str


class ChatFilePart(Answer):
    """A file of the conversation: `GET /api/v1/files/{file_id}` has its bytes. A `file` is text."""

    type: Literal["image", "audio", "file"]
    file_id: str
    name: str
    media_type: str
    bytes: int


ChatPart = Annotated[
    ChatTextPart | ChatReasoningPart | ChatToolCallPart | ChatToolResultPart | ChatFilePart,
    Field(discriminator="type"),
]


class ChatTimings(Answer):
    """Milliseconds and tokens: by the server's clock, then by the worker's, null where it has not told.

    `ttft_ms` until the first piece of the answer, of which `queued_ms` in line and `loading_ms` for the model.
    """

    queued_ms: float
    loading_ms: float
    ttft_ms: float | None
    total_ms: float
    cache_n: int | None
    prompt_n: int | None
    prompt_ms: float | None
    prompt_per_second: float | None
    predicted_n: int | None
    predicted_ms: float | None
    predicted_per_second: float | None


class ChatError(Answer):
    """Why an answer is not whole: as an error of the API, `param` is the field at fault."""

    code: str
    message: str
    param: str | None


class ChatMessage(Answer):
    """A message; `parent_id` is null of one that begins the conversation. `created_at` in seconds since 1970.

    Of an answer: `model` and `params` that it was asked with, and the figures of its last run.
    """

    id: str
    parent_id: str | None
    role: Literal["user", "assistant", "tool", "system"]
    parts: list[ChatPart]
    model: str | None
    params: Params | None
    usage: UsageAnswer | None
    timings: ChatTimings | None
    finish_reason: Literal["stop", "length", "tool_calls"] | None
    status: Literal["streaming", "complete", "stopped", "error"]
    error: ChatError | None
    run_id: str | None
    created_at: float


class ChatSummary(Answer):
    """A conversation; `title_by` says who named it, `leaf_id` ends the branch shown, `running` is the run under way."""

    id: str
    title: str
    title_by: Literal["words", "user"]
    folder: str | None
    pinned: bool
    leaf_id: str | None
    model: str | None
    system_prompt: str
    params: Params
    created_at: float
    updated_at: float
    running: str | None


class ChatObject(ChatSummary):
    """A conversation with all its messages, in the order they came."""

    messages: list[ChatMessage]


class ChatListed(ChatSummary):
    """One of the list; `hit` is where the text that was looked for stands, `hit_id` in which message."""

    hit: str | None
    hit_id: str | None


class ChatList(Answer):
    """The pinned first, then those changed last; `next` is what `after` is for the page behind this one."""

    data: list[ChatListed]
    folders: list[str]
    next: str | None


class ChatsDeleted(Answer):
    """The ids of the conversations that are gone."""

    chats: list[str]


class ChatChanged(Answer):
    """A message that is new or changed, and its conversation."""

    chat: ChatSummary
    message: ChatMessage


class PresetObject(Answer):
    """A system prompt and parameters under a name."""

    id: str
    name: str
    system_prompt: str
    params: Params
    updated_at: float


class PresetList(Answer):
    """By name."""

    data: list[PresetObject]


class ChatDefaults(Answer):
    """What new conversations begin with; null for a model: the one that was used last."""

    model: str | None
    preset: PresetObject | None


_Title = Annotated[str, Field(min_length=1, max_length=200)]
_Folder = Annotated[str, Field(min_length=1, max_length=100)]
_Prompt = Annotated[str, Field(max_length=256 << 10)]
_Id = Annotated[str, Field(min_length=1, max_length=64)]
_Model = Annotated[str, Field(min_length=1, max_length=256)]
_Text = Annotated[str, Field(max_length=8 << 20)]
_Params = Annotated[Params, Field(max_length=64, description="Fields of /v1/chat/completions by their names.")]


class NewChat(Wire):
    """A conversation to begin."""

    title: _Title | None = None
    folder: _Folder | None = None
    model: _Model | None = None
    system_prompt: _Prompt = ""
    params: _Params = Field(default_factory=dict)


class ChatChange(Wire):
    """What is to change; what is not said stays. `folder` and `model` may become null."""

    title: _Title | None = None
    folder: _Folder | None = None
    pinned: bool | None = None
    leaf_id: _Id | None = None
    model: _Model | None = None
    system_prompt: _Prompt | None = None
    params: _Params | None = None


class NewPart(Wire):
    """A part: `text` with the text; `tool_result` with its `tool_call_id` and `text`; others with a `file_id`.

    `reasoning` and `tool_call` as they are in answers.
    """

    type: Literal["text", "reasoning", "tool_call", "tool_result", "image", "audio", "file"]
    text: _Text | None = None
    file_id: _Id | None = None
    tool_call_id: Annotated[str, Field(max_length=256)] | None = None
    id: Annotated[str, Field(max_length=256)] | None = None
    name: Annotated[str, Field(max_length=256)] | None = None
    arguments: _Text | None = None
    seconds: Annotated[float, Field(ge=0)] | None = None
    media_type: Annotated[object, Field(description="Of the file; what is sent here changes nothing.")] = None
    bytes: Annotated[object, Field(description="Of the file; what is sent here changes nothing.")] = None


_Parts = Annotated[list[NewPart], Field(min_length=1, max_length=256)]


class NewMessage(Wire):
    """A message; `parent_id` is the one it follows, null for one that begins the conversation anew."""

    parent_id: _Id | None = None
    role: Literal["user", "tool", "assistant"] = "user"
    parts: _Parts


class MessageChange(Wire):
    """Other parts; what follows the message stays."""

    parts: _Parts


class NewPreset(Wire):
    """A preset."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    system_prompt: _Prompt = ""
    params: _Params = Field(default_factory=dict)


class NewChatDefaults(Wire):
    """What new conversations are to begin with: a model's id and a preset's, null for none."""

    model: _Model | None = None
    preset: _Id | None = None


class NewRun(Wire):
    """An answer to be written behind `parent_id`; what is not said is as the conversation has it."""

    parent_id: _Id
    model: _Model | None = None
    params: _Params | None = Field(default=None, description="Over the conversation's own; null takes one back.")
    tools: Annotated[list[dict[str, object]], Field(max_length=512)] | None = Field(
        default=None, description="As in /v1/chat/completions."
    )
    goes_on: bool | None = Field(
        default=None, alias="continue", description="Go on with the assistant's message `parent_id` itself."
    )
