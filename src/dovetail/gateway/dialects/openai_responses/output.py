"""What a response is made of: the items of its output as they grow, and the object around them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from dovetail.core.errors import DovetailError
from dovetail.core.events import Finished, TokenLogprob, Usage
from dovetail.core.request import GenerateRequest, Json, JsonObject
from dovetail.gateway.dialects.openai_responses.body import ENCRYPTED, ResponseBody
from dovetail.gateway.dialects.openai_responses.items import kept_thought
from dovetail.gateway.logprobs import chat_entries

Kind: TypeAlias = Literal["reasoning", "message", "refusal", "function_call"]
Status: TypeAlias = Literal["in_progress", "completed", "incomplete", "failed"]
_PREFIXES: Mapping[Kind, str] = {"reasoning": "rs", "message": "msg", "refusal": "msg", "function_call": "fc"}
# What is said of the request as it was sent.
_SHOWN = ("instructions", "max_output_tokens", "max_tool_calls", "metadata", "previous_response_id", "prompt_cache_key",
          "safety_identifier", "temperature", "top_p", "top_logprobs", "user")  # fmt: skip


def new_id(prefix: str) -> str:
    """A fresh id such as `msg_9f…`."""
    return f"{prefix}_{secrets.token_hex(16)}"


@dataclass(slots=True, eq=False)
class Item:
    """One item of the output; `call` numbers a function call among the calls."""

    kind: Kind
    id: str
    call: int = -1
    call_id: str = ""
    name: str = ""
    pieces: list[str] = field(default_factory=list[str])
    logprobs: list[TokenLogprob] = field(default_factory=list[TokenLogprob])

    @property
    def text(self) -> str:
        return "".join(self.pieces)


class Output:
    """The items so far, and how they and the response are told."""

    def __init__(self, request: GenerateRequest, body: ResponseBody, *, kept: bool) -> None:
        self.items: list[Item] = []
        self.finished: Finished | None = None
        self.kept = kept
        self.summarised = body.summarised
        self._encrypted = ENCRYPTED in (body.include or ())
        self._created = int(time.time())
        self._ended = 0
        self._shown: JsonObject = _shown(request, body)

    @property
    def status(self) -> Status:
        """What has become of it, once it has ended."""
        return "incomplete" if self.finished is not None and self.finished.reason == "length" else "completed"

    def _completed(self) -> int:
        """When it was first told of as complete: what is kept says the same as the answer."""
        self._ended = self._ended or int(time.time())
        return self._ended

    def begin(self, kind: Kind, call: int = -1, call_id: str = "", name: str = "") -> Item:
        """A new item, the last of them."""
        item = Item(kind, new_id(_PREFIXES[kind]), call, call_id, name)
        self.items.append(item)
        return item

    def last(self, kind: Kind, call: int = -1) -> Item | None:
        """The item that is growing, if it is that one."""
        item = self.items[-1] if self.items else None
        return item if item is not None and item.kind == kind and item.call == call else None

    def response(self, status: Status, error: DovetailError | None = None) -> JsonObject:
        """The object."""
        finished = self.finished
        last = len(self.items) - 1
        told: list[JsonObject] = []
        if status != "in_progress":
            # What a failure has cut is not complete; items have no word for it of their own.
            cut: Status = "incomplete" if status == "failed" else status
            told = [self.item(item, cut if i == last else "completed") for i, item in enumerate(self.items)]
        return {
            **self._shown,
            "created_at": self._created,
            "completed_at": self._completed() if status == "completed" else None,
            "status": status,
            "error": None if error is None else {"code": error.code, "message": error.message, "param": error.param},
            "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
            "output": [*told],
            "store": self.kept,
            "usage": None if finished is None else usage(finished.usage),
        }

    def item(self, item: Item, status: Status) -> JsonObject:
        """An item as it is now."""
        begun: JsonObject = {"id": item.id, "type": item.kind, "status": status}
        new = status == "in_progress"
        match item.kind:
            case "function_call":
                return {**begun, "call_id": item.call_id, "name": item.name, "arguments": item.text}
            case "reasoning":
                parts: list[Json] = [] if new else [self.part(item)]
                none: list[Json] = []
                summary, content = (parts, none) if self.summarised else (none, parts)
                told: JsonObject = {**begun, "summary": summary, "content": content}
                if self._encrypted:
                    told["encrypted_content"] = None if new else kept_thought(item.text)
                return told
            case _:
                said: list[Json] = [] if new else [self.part(item)]
                return {**begun, "type": "message", "role": "assistant", "content": said}

    def part(self, item: Item) -> JsonObject:
        """The one part of an item's content, or of its summary."""
        match item.kind:
            case "reasoning":
                return {"type": "summary_text" if self.summarised else "reasoning_text", "text": item.text}
            case "refusal":
                return {"type": "refusal", "refusal": item.text}
            case _:
                logprobs = chat_entries(item.logprobs)
                return {"type": "output_text", "text": item.text, "annotations": [], "logprobs": logprobs}


def usage(counts: Usage) -> JsonObject:
    """Token counts."""
    return {
        "input_tokens": counts.prompt,
        "input_tokens_details": {"cached_tokens": counts.cached, "cache_write_tokens": 0},
        "output_tokens": counts.completion,
        "output_tokens_details": {"reasoning_tokens": counts.reasoning or 0},
        "total_tokens": counts.prompt + counts.completion,
    }


def _shown(request: GenerateRequest, body: ResponseBody) -> JsonObject:
    said = body.model_dump(mode="json", exclude_unset=True, by_alias=True)
    same: JsonObject = {name: said.get(name) for name in _SHOWN}
    return {
        "id": request.id,
        "object": "response",
        "model": request.model,
        **same,
        "background": False,
        "parallel_tool_calls": body.parallel_tool_calls is not False,
        "reasoning": {"effort": None, "summary": None, **(said.get("reasoning") or {})},
        "service_tier": "default",
        "text": {"format": {"type": "text"}, "verbosity": "medium", **(said.get("text") or {})},
        "tool_choice": said.get("tool_choice") or "auto",
        "tools": [tool.told for tool in body.tools or ()],
        "truncation": "disabled",
    }
