"""Whether a prompt opens a thought, which the grammar behind it has to know: the worker's template says it."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from dovetail.core.request import GenerateRequest, Grammar


class Renderer(Protocol):
    """A loaded model's template; `fleet.lease.Lease` is one."""

    async def rendered(self, request: GenerateRequest) -> str: ...


async def opened(request: GenerateRequest, renderer: Renderer) -> GenerateRequest:
    """`request`; before its grammar, if a thought may come, it is known where the prompt leaves off."""
    output = request.output
    if not isinstance(output, Grammar) or output.thought is None:
        return request
    prompt = await renderer.rendered(request)
    thought = replace(output.thought, opened=prompt.rstrip().endswith(output.thought.start))
    return replace(request, output=replace(output, thought=thought))
