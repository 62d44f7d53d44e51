"""The fields of a chat request that say whether and how long the model thinks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from dovetail.core.errors import InvalidRequest
from dovetail.core.fields import CHAT
from dovetail.core.request import Effort, Thinking
from dovetail.gateway.sampling import SamplingBody
from dovetail.gateway.wire import of

# Tokens of a thought; None: no bound.
EFFORT_BUDGETS: Mapping[Effort, int | None] = {"low": 1024, "medium": 4096, "high": 16384, "xhigh": None, "max": None}
_SWITCHES = ("enable_thinking", "thinking")


class ThinkingFields(SamplingBody):
    """OpenAI's `reasoning_effort`, the token budget by the names it has in the field, and the template's switches."""

    reasoning_effort: Annotated[
        Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None, of(CHAT["reasoning_effort"])
    ] = None
    enable_thinking: Annotated[bool | None, of(CHAT["enable_thinking"])] = None
    # Refused on the other routes.
    reasoning_budget_tokens: Annotated[int | None, of(CHAT["reasoning_budget_tokens"])] = None  # pyright: ignore[reportIncompatibleVariableOverride]
    reasoning_format: Annotated[object, of(CHAT["reasoning_format"])] = None
    chat_template_kwargs: Annotated[dict[str, object] | None, of(CHAT["chat_template_kwargs"])] = None

    def thinking(self) -> Thinking:
        """The core's form. Raises InvalidRequest naming the fields that contradict each other."""
        switches = self._switches()
        on = switches[0][1] if switches else None
        for field, value in switches[1:]:
            if value is not on:
                raise InvalidRequest(
                    f"{switches[0][0]} and {field} contradict each other: thinking is either on or off", param=field
                )
        self._check_words()
        effort: Effort | None = None
        if self.reasoning_effort not in ("none", "minimal"):
            effort = self.reasoning_effort
        budget, bound = self.reasoning_budget_tokens, self.said("reasoning_budget_tokens")
        if budget is None and effort is not None:
            budget, bound = EFFORT_BUDGETS[effort], "reasoning_effort"
        switch = switches[0][0] if switches else ""
        return Thinking(on, None if budget == -1 else budget, effort, switch, bound)

    def _switches(self) -> list[tuple[str, bool]]:
        """The fields that say on or off, and which."""
        found: list[tuple[str, bool]] = []
        if self.reasoning_effort is not None:
            found.append(("reasoning_effort", self.reasoning_effort not in {"none", "minimal"}))
        if self.enable_thinking is not None:
            found.append(("enable_thinking", self.enable_thinking))
        for name in _SWITCHES:
            value = (self.chat_template_kwargs or {}).get(name)
            if value is not None and not isinstance(value, bool):
                param = f"chat_template_kwargs.{name}"
                raise InvalidRequest(f"{param}: true or false", param=param)
            if value is not None:
                found.append((f"chat_template_kwargs.{name}", value))
        if self.reasoning_budget_tokens == 0:
            found.append((self.said("reasoning_budget_tokens"), False))
        return found

    def _check_words(self) -> None:
        """What a template is told by name has to be what the fields say."""
        words = {"reasoning_effort": self.reasoning_effort, "thinking_budget": self.reasoning_budget_tokens}
        for name, said in words.items():
            told = (self.chat_template_kwargs or {}).get(name)
            if said is not None and told is not None and told != said:
                field = name if name == "reasoning_effort" else self.said("reasoning_budget_tokens")
                param = f"chat_template_kwargs.{name}"
                raise InvalidRequest(f"{field} and {param} say different things", param=param)
