"""The tools of a request: which of them the model sees, by what the conversation has loaded, added and withdrawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, cast

from pydantic import Field, model_validator

from dovetail.core.errors import InvalidRequest
from dovetail.gateway.wire import Inert, Refused, Wire

_SEARCH = "tool_search_tool_"  # the types of Anthropic's own tools that load deferred ones


class AnthropicTool(Wire):
    """A tool; one with a type of its own is known to Anthropic's models and servers alone."""

    type: Annotated[str | None, Field(max_length=64)] = None
    name: Annotated[str, Field(pattern=r"^[\w.:/-]{1,128}$")]
    description: Annotated[str | None, Field(max_length=64 << 10)] = None
    input_schema: dict[str, object] | None = None
    strict: Annotated[bool | None, Field(description="Honoured where tool_choice forces a call.")] = None
    defer_loading: Annotated[bool | None, Field(description="Not shown until a tool_reference names it.")] = None
    cache_control: Annotated[object, Inert()] = None
    eager_input_streaming: Annotated[object, Inert()] = None
    allowed_callers: Annotated[object, Refused(["direct"])] = None
    input_examples: Annotated[object, Refused([])] = None

    @model_validator(mode="before")
    @classmethod
    def _foreign(cls, sent: object) -> object:
        """What a tool that is passed over as a whole has in it is not looked at."""
        match sent:
            case {"type": str(kind)} if kind != "custom":
                tool = cast("dict[str, object]", sent)
                return {name: tool[name] for name in ("type", "name", "defer_loading") if name in tool}
            case _:
                return sent

    @property
    def known(self) -> bool:
        """Whether it is a function of the client's."""
        return self.type in {None, "custom"}


@dataclass(frozen=True, slots=True)
class Change:
    """What a block at `place` says of a tool: that it can be called from there on, or no longer."""

    place: str
    name: str
    on: bool
    definition: AnthropicTool | None = None


def offered(tools: Sequence[AnthropicTool], changes: Iterable[Change]) -> list[tuple[str, AnthropicTool]]:
    """The functions that the model sees, each with its place in the request. Raises InvalidRequest.

    What is loaded later comes last, so that the prompt's beginning stays as it was for as long as that can be.
    Where only Anthropic's own search could load deferred tools, which nobody runs here, none is held back.
    """
    searched = any((tool.type or "").startswith(_SEARCH) for tool in tools)
    declared = {tool.name: (f"tools[{i}]", tool) for i, tool in enumerate(tools)}
    shown = {tool.name: declared[tool.name] for tool in tools if searched or not tool.defer_loading}
    for change in changes:
        if change.definition is not None:
            declared[change.name] = (f"{change.place}.definition", change.definition)
        if change.name not in declared:
            raise InvalidRequest(f"{change.place}: no tool is named {change.name!r}", param=change.place)
        if change.on:
            shown.setdefault(change.name, declared[change.name])
        else:
            shown.pop(change.name, None)
    return [(place, tool) for place, tool in shown.values() if tool.known]
