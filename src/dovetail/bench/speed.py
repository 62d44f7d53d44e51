"""One repeat of a cell: its requests sent at once, through the same line as everybody's, and what they came to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Protocol

from dovetail.bench.figures import Cell, Peak, Sample
from dovetail.core.errors import EngineFailure
from dovetail.core.events import Event, Finished, ReasoningDelta, TextDelta, Timings
from dovetail.core.request import GenerateRequest, Sampling, TextPrompt

_LEAST_PIECES = 4  # of each stream, from which on their pace together says something
SPACE = "bench"  # of prompt caches: nothing is shared with anybody


class Generates(Protocol):
    """What a repeat needs of a `fleet.lease.Lease`."""

    def generate(
        self, request: GenerateRequest, index: int = 0, *, ahead: bool = False, cold: bool = False
    ) -> AsyncGenerator[Event, None]: ...


@dataclass(slots=True)
class Stream:
    """One answer on its way: seconds on the clock."""

    sent: float
    pieces: list[float] = field(default_factory=list[float])
    ended: float = 0.0
    timings: Timings = field(default_factory=Timings)

    @property
    def own_decode(self) -> float:
        """Tokens a second: of n tokens the first comes with the prompt, so that n - 1 were decoded."""
        return (self.timings.predicted_n - 1) * 1e3 / self.timings.predicted_ms


async def repeat(
    lease: Generates,
    model: str,
    cell: Cell,
    prompts: Sequence[tuple[int, ...]],
    *,
    tell: Callable[[], None] = lambda: None,
    clock: Callable[[], float] = time.monotonic,
) -> Sample:
    """A sample without its peak of memory; `tell` hears of each piece of an answer. Cancelling it frees the slots.

    Raises EngineFailure where the worker did something else than was asked: took a part of a prompt from a cache, or
    ended an answer early.
    """
    began = clock()
    try:
        async with asyncio.TaskGroup() as group:
            running = [group.create_task(_stream(lease, _request(model, p, cell.gen), tell, clock)) for p in prompts]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return sample([each.result() for each in running], clock() - began)


def sample(streams: Sequence[Stream], seconds: float) -> Sample:
    """Of one stream the worker's own clock; of several how long they took together, as they reached the gateway."""
    prompt = sum(each.timings.prompt_n for each in streams)
    output = sum(each.timings.predicted_n for each in streams)
    if len(streams) == 1:
        prefill, decode = prompt * 1e3 / streams[0].timings.prompt_ms, streams[0].own_decode
    else:
        first = [each.pieces[0] for each in streams]
        prefill = prompt / (max(first) - min(each.sent for each in streams))
        decode = _together(streams)
    return Sample(
        prompt_tokens=prompt,
        output_tokens=output,
        prefill=prefill,
        decode=decode,
        stream_decode=tuple(each.own_decode for each in streams),
        ttft=tuple(each.pieces[0] - each.sent for each in streams),
        gaps=tuple(late - early for each in streams for early, late in zip(each.pieces, each.pieces[1:], strict=False)),
        seconds=seconds,
        peak=Peak(),
    )


def _together(streams: Sequence[Stream]) -> float:
    """Tokens a second while all of them write; where that is hardly ever, from the first piece to the last end.

    Before the last has begun, and after the first has ended, prompts are read or fewer write.
    """
    begins, ends = max(each.pieces[0] for each in streams), min(each.pieces[-1] for each in streams)
    pieces = [sum(begins < at <= ends for at in each.pieces) for each in streams]
    if sum(pieces) < _LEAST_PIECES * len(streams):
        written = sum(each.timings.predicted_n - 1 for each in streams)
        return written / (max(each.ended for each in streams) - min(each.pieces[0] for each in streams))
    # A piece may be several tokens: those of one character come together.
    tokens = [count * each.timings.predicted_n / len(each.pieces) for count, each in zip(pieces, streams, strict=True)]
    return sum(tokens) / (ends - begins)


def _request(model: str, prompt: tuple[int, ...], tokens: int) -> GenerateRequest:
    return GenerateRequest(
        id="bench",
        model=model,
        prompt=TextPrompt(prompt),
        sampling=Sampling(temperature=0.0, seed=0, ignore_eos=True),
        max_tokens=tokens,
        space=SPACE,
        keep="nothing",
    )


async def _stream(
    lease: Generates, request: GenerateRequest, tell: Callable[[], None], clock: Callable[[], float]
) -> Stream:
    stream, last = Stream(clock()), None
    async with aclosing(lease.generate(request)) as events:
        async for event in events:
            match event:
                case TextDelta() | ReasoningDelta():
                    stream.pieces.append(clock())
                    tell()
                case Finished():
                    last = event
                case _:
                    pass
    stream.ended = clock()
    _check(request, last)
    if last is not None:
        stream.timings = last.timings
    stream.pieces = stream.pieces or [stream.ended]  # it has written nothing that is a character
    return stream


def _check(request: GenerateRequest, last: Finished | None) -> None:
    asked = len(request.prompt.parts) if isinstance(request.prompt, TextPrompt) else 0
    timings = Timings() if last is None else last.timings
    if (timings.prompt_n, timings.predicted_n) != (asked, request.max_tokens) or min(
        timings.prompt_ms, timings.predicted_ms
    ) <= 0:
        raise EngineFailure(
            f"the worker computed {timings.prompt_n} prompt tokens ({timings.cache_n} from a cache) and wrote "
            f"{timings.predicted_n}, in {timings.prompt_ms:g} and {timings.predicted_ms:g} ms; {asked} and "
            f"{request.max_tokens} were asked for"
        )
