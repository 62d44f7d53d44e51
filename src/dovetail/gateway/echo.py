"""`echo`: the prompt as the beginning of each of its choices."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing

from dovetail.core.caller import Caller
from dovetail.core.events import Event, Finished, TextDelta
from dovetail.core.request import GenerateRequest, TextPrompt
from dovetail.gateway.services import Services
from dovetail.serving.worker_call import ask


async def echoed(
    events: AsyncGenerator[Event, None],
    requests: Sequence[GenerateRequest],
    detokenize: Callable[[GenerateRequest], Awaitable[str]],
) -> AsyncGenerator[Event, None]:
    """`events` of `requests` in their order, with a prompt's text before the first event of each of its choices."""
    owners = [request for request in requests for _ in range(request.n)]
    waiting = set(range(len(owners)))
    async with aclosing(events):
        async for event in events:
            if isinstance(event, TextDelta | Finished) and event.index in waiting:
                waiting.discard(event.index)
                yield TextDelta(await detokenize(owners[event.index]), event.index)
            yield event


class Detokenizer:
    """The text of prompts. That of ids is asked of the model, once; it is loaded when the first choice begins."""

    def __init__(self, services: Services, caller: Caller) -> None:
        self._services = services
        self._caller = caller
        self._known: dict[str, str] = {}

    async def __call__(self, request: GenerateRequest) -> str:
        if request.id not in self._known:
            self._known[request.id] = await self._text(request)
        return self._known[request.id]

    async def _text(self, request: GenerateRequest) -> str:
        parts = request.prompt.parts if isinstance(request.prompt, TextPrompt) else ()
        ids = [part for part in parts if isinstance(part, int)]
        if not ids:
            return "".join(part for part in parts if isinstance(part, str))
        # With its adapter: another worker might wait for the place of the one that generates, which waits for it.
        find = self._services.catalog.find
        model = await asyncio.to_thread(find, request.model, request.adapter, self._caller)
        answer = await ask(self._services.pool, model, "/detokenize", {"tokens": [*ids]}, self._caller)
        return str(answer.get("content", ""))
