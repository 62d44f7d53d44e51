"""What a chat template's text says of thinking, read without rendering it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

# A variable, not a message's attribute or a string: `thinking`, as in DeepSeek's and Granite's templates.
_VARIABLE = re.compile(r"\{[%{](?:[^%}'\"]|\"[^\"]*\"|'[^']*')*?(?<![.\w'\"])thinking(?![\w'\"])")
_TAGS = re.compile(r"<think>|\[THINK\]|<longcat_think>|<\|think:start\|>|<\|channel>thought|<\|open\|>think")


@dataclass(frozen=True, slots=True)
class ThinkingStyle:
    """How the models of one template think.

    switch   the variable that turns thinking on and off, None: it has no such variable
    tagged   the thought stands between tags that engines know: it can be closed early
    effort, budget   whether the template has a word for them (`reasoning_effort`, `thinking_budget`)
    """

    switch: Literal["enable_thinking", "thinking"] | None = None
    tagged: bool = False
    effort: bool = False
    budget: bool = False

    @property
    def thinks(self) -> bool:
        return self.tagged or self.effort or self.switch is not None


@lru_cache(maxsize=256)
def thinking_style(template: str) -> ThinkingStyle:
    """The style of a template's source; "" for a model without one."""
    named = "enable_thinking" in template
    variable = "thinking" if _VARIABLE.search(template) else None
    return ThinkingStyle(
        switch="enable_thinking" if named else variable,
        tagged=_TAGS.search(template) is not None,
        effort="reasoning_effort" in template,
        budget="thinking_budget" in template,
    )
