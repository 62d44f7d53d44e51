"""What a chat template's text says of thinking, read without rendering it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

# Each takes time in proportion to the text, which may be hostile.
_CODE = re.compile(r"\{[%{]")
_LITERAL = re.compile(r"'[^']*'|\"[^\"]*\"")
_VARIABLE = re.compile(r"(?<![.\w])thinking\b")
_OPENING = re.compile(r"<think>|\[THINK\]|<longcat_think>|<\|think:start\|>|<\|channel>thought|<\|open\|>think")


_TAGS = (("<think>", "</think>"), ("[THINK]", "[/THINK]"))


@dataclass(frozen=True, slots=True)
class ThinkingStyle:
    """How the models of one template think.

    switch   the variable that turns thinking on and off, None: it has no such variable
    tagged   the thought stands between tags that engines know: it can be closed early
    tags     those two, where the text names both and every engine knows them
    effort, budget   whether the template has a word for them (`reasoning_effort`, `thinking_budget`)
    """

    switch: Literal["enable_thinking", "thinking"] | None = None
    tagged: bool = False
    tags: tuple[str, str] | None = None
    effort: bool = False
    budget: bool = False

    @property
    def thinks(self) -> bool:
        return self.tagged or self.effort or self.switch is not None


def _code(template: str) -> Iterator[str]:
    """What stands between the template's braces, without its strings."""
    for part in _CODE.split(template)[1:]:
        ends = [at for end in ("%}", "}}") if (at := part.find(end)) >= 0]
        yield _LITERAL.sub("", part[: min(ends, default=len(part))])


@lru_cache(maxsize=256)
def thinking_style(template: str) -> ThinkingStyle:
    """The style of a template's source; "" for a model without one."""
    named = "enable_thinking" in template
    variable = "thinking" if any(map(_VARIABLE.search, _code(template))) else None
    return ThinkingStyle(
        switch="enable_thinking" if named else variable,
        tagged=_OPENING.search(template) is not None,
        tags=next((tags for tags in _TAGS if all(tag in template for tag in tags)), None),
        effort="reasoning_effort" in template,
        budget="thinking_budget" in template,
    )
