"""Work goes on when its worker dies: the same request is run once more, and compared with what has been sent."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Protocol

import structlog

from dovetail.core.errors import Busy, DovetailError, EngineFailure, InvalidRequest, WorkerCrashed, WorkerStalled
from dovetail.core.events import Event, Finished, Prefill, Progress, Timings, Usage
from dovetail.core.request import ChatPrompt, GenerateRequest, JsonObject, Message, PlainText, TextPart, TextPrompt
from dovetail.engines.base import WorkerCall
from dovetail.serving.transcript import Comparison, Differs, Transcript

log = structlog.stdlib.get_logger(__name__)

_DEATHS = (WorkerCrashed, WorkerStalled)


class Lease(Protocol):
    """What a run needs of `fleet.lease.Lease`."""

    def ready(self) -> AsyncGenerator[Progress, None]: ...

    def generate(
        self, request: GenerateRequest, index: int = 0, *, ahead: bool = False, cold: bool = False
    ) -> AsyncGenerator[Event, None]: ...

    async def tokenize(self, text: str, *, special: bool) -> tuple[int, ...]: ...


class Calls(Protocol):
    """What a call that is not streamed needs of it."""

    def ready(self) -> AsyncGenerator[Progress, None]: ...

    async def call(
        self, call: WorkerCall, within: float, *, ahead: bool = False, tell: Callable[[Progress], None] = ...
    ) -> JsonObject: ...


class Replay:
    """Choice `index` of a request whose seed is settled, run a second time if its worker dies, never a third.

    What has been sent stays true: the second run says it again unseen, and goes on from there. Where it says
    something else, or more than `limit` tokens were sent, plain text goes on behind what was sent, without a promise
    to be the same; the rest ends with WorkerCrashed.
    """

    def __init__(self, lease: Lease, request: GenerateRequest, index: int, limit: int) -> None:
        self._lease = lease
        self._request = request
        self._index = index
        self._limit = limit
        self._said = Transcript()

    async def events(self) -> AsyncGenerator[Event, None]:
        """Raises as `Lease.generate` does. Closing it ends the run that is under way."""
        said = self._said
        try:
            async with aclosing(self._lease.generate(self._request, self._index)) as events:
                async for event in events:
                    said.note(event)
                    yield event
        except _DEATHS as error:
            death = error
        else:
            return
        log.warning("request_runs_again", request=self._request.id, sent=said.tokens, reason=death.message)
        try:
            async with aclosing(self._again(death)) as events:
                async for event in events:
                    yield event
        except _DEATHS as error:
            raise _given_up(error) from error
        except (EngineFailure, Busy, InvalidRequest) as error:  # invalid is what we made of the request, for one
            if not said.tokens or error.code == "shutting_down":
                raise
            raise WorkerCrashed(f"{death.message}; it could not go on: {error.message}") from error

    async def _again(self, death: DovetailError) -> AsyncGenerator[Event, None]:
        said = self._said
        if said.tokens <= self._limit:
            comparison = Comparison(said)
            # A cached prefix rounds otherwise, so that a run without one is repeated without one.
            cold = said.prefill is not None and not said.prefill.cached
            run = self._lease.generate(self._request, self._index, ahead=True, cold=cold)
            try:
                async with aclosing(run) as events:
                    async for event in events:
                        for passed in comparison.feed(event):
                            yield passed
            except Differs:
                log.warning("replay_differs", request=self._request.id, sent=said.tokens)
            else:
                return
        async with aclosing(self._behind(death)) as events:
            async for event in events:
                yield event

    async def _behind(self, death: DovetailError) -> AsyncGenerator[Event, None]:
        """What the model writes behind the text that was sent."""
        text = self._said.plain()
        if text is None or not _free(self._request):
            raise WorkerCrashed(f"{death.message}; what was sent of it cannot be gone on from")
        async with aclosing(self._lease.ready()) as waiting:
            async for progress in waiting:
                yield progress
        # Pieces are fewer than tokens where characters take several, and the bound is on tokens.
        spent = len(await self._lease.tokenize(text, special=False))
        if self._request.max_tokens is not None and spent >= self._request.max_tokens:
            yield self._told(Finished("length", Usage(prompt=spent), Timings(), index=self._index), spent)
            return
        request = going_on(self._request, text, spent)
        async with aclosing(self._lease.generate(request, self._index, ahead=True)) as events:
            async for event in events:
                if isinstance(event, Finished):
                    yield self._told(event, spent)
                elif not isinstance(event, Prefill):
                    yield event

    def _told(self, last: Finished, spent: int) -> Finished:
        """The end of the whole answer: what was sent before counts as said, not as asked."""
        prompt = self._said.prefill.total if self._said.prefill is not None else last.usage.prompt - spent
        usage = replace(
            last.usage,
            prompt=prompt,
            completion=last.usage.completion + spent,
            cached=min(last.usage.cached, prompt),
        )
        return replace(last, usage=usage)


def _free(request: GenerateRequest) -> bool:
    """Whether an answer is nothing but text, so that it can go on anywhere."""
    if request.top_logprobs is not None or not isinstance(request.output, PlainText):
        return False
    chat = request.prompt
    return not isinstance(chat, ChatPrompt) or not chat.tools or chat.tool_choice == "none"


def going_on(request: GenerateRequest, text: str, spent: int) -> GenerateRequest:
    """The request for what comes behind `text`, which took `spent` tokens of the bound."""
    left = None if request.max_tokens is None else request.max_tokens - spent
    match request.prompt:
        case TextPrompt(suffix=str()) as prompt:
            return replace(request, prompt=replace(prompt, begun=prompt.begun + text), max_tokens=left)
        case TextPrompt() as prompt:
            longer = replace(prompt, parts=(*prompt.parts, text))
            return replace(request, prompt=longer, max_tokens=left)
        case ChatPrompt(messages=messages, continue_final=True) as chat:
            last = messages[-1]
            open_end = (*messages[:-1], replace(last, parts=(*last.parts, TextPart(text))))
            return replace(request, prompt=replace(chat, messages=open_end), max_tokens=left)
        case ChatPrompt(messages=messages) as chat:
            begun = (*messages, Message("assistant", (TextPart(text),)))
            return replace(request, prompt=replace(chat, messages=begun, continue_final=True), max_tokens=left)


async def answered(lease: Calls, call: WorkerCall, within: float, tell: Callable[[Progress], None]) -> JsonObject:
    """The answer to a call, made again once if the worker dies under it. Raises as `Lease.call` does."""
    try:
        return await lease.call(call, within, tell=tell)
    except _DEATHS as death:
        log.warning("call_runs_again", path=call.path, reason=death.message)
    async with aclosing(lease.ready()) as waiting:
        async for progress in waiting:
            tell(progress)
    try:
        return await lease.call(call, within, ahead=True, tell=tell)
    except _DEATHS as death:
        raise _given_up(death) from death


def _given_up(death: WorkerCrashed | WorkerStalled) -> WorkerCrashed | WorkerStalled:
    return type(death)(f"{death.message}; the request ran in two workers that died and is not tried a third time")
