"""The chat format the tiny model is trained on: its special tokens and its template."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import jinja2

TEMPLATE = (Path(__file__).parent / "chat_template.jinja").read_text("utf-8")

END_OF_TEXT, TURN_START, TURN_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
THINK_START, THINK_END = "<think>", "</think>"

CONTROL_TOKENS = (END_OF_TEXT, TURN_START, TURN_END)
"""Never part of the visible text."""

VISIBLE_TOKENS = (
    THINK_START,
    THINK_END,
    "<tool_call>",
    "</tool_call>",
    "<tool_response>",
    "</tool_response>",
)
"""One id each, but shown in the output text, as in Qwen3: engines parse them there."""


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True)  # noqa: S701 - text, not HTML
    # jinja2's own tojson escapes for HTML, which no engine does
    environment.filters["tojson"] = _to_json
    return environment.from_string(TEMPLATE)


def _to_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def render(
    messages: Sequence[Mapping[str, object]],
    tools: Sequence[Mapping[str, object]] = (),
    *,
    thinking: bool = False,
) -> str:
    """The prompt an engine would build, up to where the assistant starts to write."""
    return _template().render(
        messages=messages, tools=tools or None, enable_thinking=thinking, add_generation_prompt=True
    )
