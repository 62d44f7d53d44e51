"""The shapes of what is told of an answer while it is written."""

from __future__ import annotations

from typing import Literal

from pydantic import RootModel

from dovetail.gateway.answers import Answer
from dovetail.gateway.chats.shapes import ChatMessage, ChatSummary


class RunStarted(Answer):
    """An answer has begun: `message_id` is the message that it is written into."""

    run_id: str
    message_id: str
    chat: ChatSummary
    message: ChatMessage


class RunStopped(Answer):
    """How the answer is now that it has ended."""

    run_id: str
    message: ChatMessage


class RunPhase(Answer):
    """What the answer waits for, or does; figures that have no place in the phase are null.

    `position` in line and about how many seconds (`wait`); `progress` of the load of `model`, 0 to 1; prompt tokens in
    all (`total`), known before (`cached`) and read until now (`done`), how many a second and about how many seconds
    more (`wait`), once it has been read for half a second; `tokens` written and how many a second.
    """

    seq: int
    type: Literal["phase"]
    phase: Literal["starting", "queued", "loading", "reading", "thinking", "answering"]
    position: int | None
    wait: float | None
    model: str | None
    progress: float | None
    total: int | None
    cached: int | None
    done: int | None
    tokens: int | None
    per_second: float | None


class RunPhaseNow(RunPhase):
    """The phase that a listener finds."""

    seq: int = 0


class RunSnapshot(Answer):
    """The message so far, with which every listener begins; what was heard before is void. `phase`: null at the end."""

    seq: int
    type: Literal["snapshot"]
    message: ChatMessage
    phase: RunPhaseNow | None


class RunDelta(Answer):
    """More text for part number `part`, which begins with it where there is none of that number."""

    seq: int
    type: Literal["delta"]
    part: int
    kind: Literal["text", "reasoning"]
    text: str


class RunToolCall(Answer):
    """More `arguments` for the tool call that is part number `part`."""

    seq: int
    type: Literal["tool_call"]
    part: int
    id: str
    name: str
    arguments: str


class RunDone(Answer):
    """The last event: the whole message as it is kept, with its figures, and why if it is not whole."""

    seq: int
    type: Literal["done"]
    message: ChatMessage


class RunEvent(RootModel[RunSnapshot | RunPhase | RunDelta | RunToolCall | RunDone]):
    """One event of a run; `seq` is its `id`, behind which a client that comes back goes on."""
