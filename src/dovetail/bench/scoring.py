"""What a model thinks of each token of a text, asked for over the protocol that every worker speaks.

No worker says what it thinks of a prompt. So the text is forced: for each place one request, whose prompt is all that
stands before it, of one token, which a bias makes the one that stands there. What is reported of it are the numbers of
the model as it is, without the bias. The prompt of each is the one before with a token more, which the worker still
has: a place costs about as much as a token of an answer, on any engine.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Protocol

from dovetail.bench.quality import Position, Window
from dovetail.core.errors import EngineFailure
from dovetail.core.events import Event, Finished, ReasoningDelta, TextDelta, TokenLogprob, TopLogprob
from dovetail.core.request import GenerateRequest, Sampling, TextPrompt

MOST_TOP = 100  # tokens that are compared by themselves at most
_RIVALS = (
    MOST_TOP,
    1 << 15,
)  # of how many one that is not shown is looked for among: first few, then megabytes of them
_BIAS = 1e4  # no logit outweighs it
_LEAST = -100.0  # what is less is no number to an engine that counts in 32 bits


class Generates(Protocol):
    """What scoring needs of a `fleet.lease.Lease`."""

    def generate(
        self, request: GenerateRequest, index: int = 0, *, ahead: bool = False, cold: bool = False
    ) -> AsyncGenerator[Event, None]: ...


class Scoring:
    """The places of one text under one model; `tell` hears of each that is done."""

    def __init__(
        self, lease: Generates, model: str, tokens: Sequence[int], top: int, tell: Callable[[], None] = lambda: None
    ) -> None:
        self._lease = lease
        self._model = model
        self._tokens = tuple(tokens)
        self._top = top
        self._tell = tell
        self._shown: int | None = None  # a token that is text by itself

    async def score(self, windows: Sequence[Window], streams: int) -> list[Position]:
        """In the text's order, `streams` windows at once; a place whose token is no text by itself may be missing."""
        turns = asyncio.Semaphore(streams)

        async def one(window: Window, number: int) -> list[Position]:
            async with turns:
                return await self._window(window, f"bench-{number}")

        try:
            async with asyncio.TaskGroup() as group:
                running = [group.create_task(one(window, number)) for number, window in enumerate(windows)]
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        return [position for each in running for position in each.result()]

    async def _window(self, window: Window, space: str) -> list[Position]:
        found: list[Position] = []
        for place in range(window.scored, window.end):
            position = await self._place(window, place, space)
            if position is not None:
                found.append(position)
            self._tell()
        return found

    async def _place(self, window: Window, place: int, space: str) -> Position | None:
        before, token = self._tokens[window.start : place], self._tokens[place]
        told = await self._ask(before, token, self._top, space)
        if told is not None and told.id == token:
            self._shown = token
            return Position(place, token, max(told.logprob, _LEAST), _tops(told, self._top))
        if self._shown is None:
            return None
        # Half a character is not shown, and neither are its numbers: it is looked for among a shown one's rivals.
        for count in _RIVALS:
            told = await self._ask(before, self._shown, count, space)
            rival = next((each for each in told.top if each.id == token), None) if told is not None else None
            if told is not None and rival is not None:
                return self._among(place, rival, told)
        return None

    def _among(self, place: int, rival: TopLogprob, told: TokenLogprob) -> Position:
        token = rival.id
        return Position(place, token, max(rival.logprob, _LEAST), _tops(told, self._top))

    async def _ask(self, before: Sequence[int], token: int, top: int, space: str) -> TokenLogprob | None:
        request = GenerateRequest(
            id="bench",
            model=self._model,
            prompt=TextPrompt(("", *before)),  # the empty text brings what the model wants every text to begin with
            sampling=Sampling(temperature=0.0, seed=0, logit_bias={token: _BIAS}),
            max_tokens=1,
            top_logprobs=top,
            space=space,
            keep="memory",
        )
        told: TokenLogprob | None = None
        ended = False
        async with aclosing(self._lease.generate(request)) as events:
            async for event in events:
                if isinstance(event, TextDelta | ReasoningDelta) and event.logprobs:
                    told = event.logprobs[-1]
                ended = ended or isinstance(event, Finished)
        if not ended:
            raise EngineFailure("the worker ended an answer without a last word")
        return told


def _tops(told: TokenLogprob, top: int) -> tuple[tuple[int, float], ...]:
    return tuple((each.id, max(each.logprob, _LEAST)) for each in told.top[:top])
