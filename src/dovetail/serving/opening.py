"""Whether a prompt opens a thought, which the grammar behind it has to know: the worker's template says it."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from dovetail.core.errors import UnsupportedField
from dovetail.core.request import ChatPrompt, GenerateRequest, Grammar
from dovetail.serving.thinking import silent


class Renderer(Protocol):
    """A loaded model's template; `fleet.lease.Lease` is one."""

    async def rendered(self, request: GenerateRequest) -> str: ...


async def opened(request: GenerateRequest, renderer: Renderer) -> GenerateRequest:
    """`request`; before its grammar, if a thought may come, it is known where the prompt leaves off.

    None may where it would be shown as the answer. Raises UnsupportedField where one was asked for then.
    """
    output, chat = request.output, request.prompt
    if not isinstance(output, Grammar) or output.thought is None or not isinstance(chat, ChatPrompt):
        return request
    prompt = await renderer.rendered(request)
    thought = replace(output.thought, opened=prompt.rstrip().endswith(output.thought.start))
    if thought.opened or thought.told:
        return replace(request, output=replace(output, thought=thought))
    if chat.thinking.on:
        raise UnsupportedField(
            chat.thinking.switch,
            "cannot be had with a grammar: llama.cpp takes its thoughts for text",
        )
    return silent(request, chat, output)
