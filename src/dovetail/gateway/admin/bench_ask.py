"""One question to one model and what its answer took: nothing is remembered, nothing was there before."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing
from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from dovetail.bench.meter import Looking, Meter
from dovetail.core.events import Event, Finished, Loading, ReasoningDelta, TextDelta
from dovetail.core.request import ChatPrompt, GenerateRequest, JsonObject, Message, Sampling, TextPart
from dovetail.gateway.answers import Answer
from dovetail.gateway.deps import CallerDep, Events, ServicesDep, generation, receive_body
from dovetail.gateway.openai import DONE, OpenAIErrors, new_id
from dovetail.gateway.openapi import answers, reads, streams
from dovetail.gateway.sampling import ModelName
from dovetail.gateway.services import Services
from dovetail.gateway.wire import Wire

router = APIRouter(tags=["benchmarks"])

_TELL_EVERY = 0.25  # seconds between two looks at the figures of an answer under way
_MIB = 1 << 20


class AskRequest(Wire):
    """One question."""

    model: ModelName
    prompt: Annotated[str, Field(min_length=1, max_length=1 << 20)]
    system: Annotated[str, Field(max_length=1 << 16)] | None = None
    stream: bool = Field(default=False, description="As it comes, with figures several times a second; else whole.")
    max_tokens: Annotated[int, Field(ge=1, le=1 << 20)] = 256
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None

    def request(self) -> GenerateRequest:
        messages = [Message("system", (TextPart(self.system),))] if self.system else []
        return GenerateRequest(
            id=new_id("ask"),
            model=self.model,
            prompt=ChatPrompt((*messages, Message("user", (TextPart(self.prompt),)))),
            sampling=Sampling(temperature=self.temperature),
            max_tokens=self.max_tokens,
            keep="nothing",
        )


class AskFigures(Answer):
    """What the answer took; null is what is not known yet, or cannot be read here.

    `tokens_per_second` counts from the first token on, `time_taken_s` includes a load, `load_s` of it was one.
    """

    input_tokens: int | None
    output_tokens: int
    tokens_per_second: float | None
    first_token_s: float | None
    time_taken_s: float
    max_ram_mb: float | None
    prompt_tokens_per_second: float | None
    load_s: float


class AskAnswer(Answer):
    """The whole answer."""

    text: str
    reasoning: str
    finish_reason: Literal["stop", "length", "tool_calls"] | None
    figures: AskFigures


class AskChunk(Answer):
    """A piece of the answer, or figures, or both; the last has the `finish_reason`."""

    text: str | None = None
    reasoning: str | None = None
    finish_reason: Literal["stop", "length", "tool_calls"] | None = None
    figures: AskFigures | None = None


class Watched:
    """Looks at an answer on its way: passes its events on, and notes what they took."""

    def __init__(self, meter: Meter, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._meter = meter
        self._loading = self._load = 0.0
        self._first: float | None = None
        self._pieces = 0
        self._finished: Finished | None = None

    async def events(self, source: Events) -> Events:
        async with self._meter, aclosing(source) as events:
            async for event in events:
                self._note(event)
                yield event

    def figures(self) -> JsonObject:
        """As they are now."""
        now, done = self._clock(), self._finished
        timings = done.timings if done is not None else None
        output = done.usage.completion if done is not None else self._pieces
        passed = 0.0 if self._first is None else now - self._first
        if timings is not None and timings.predicted_ms > 0:
            passed = timings.predicted_ms / 1e3
        peak = self._meter.peak.ram
        prefill = timings.prompt_n * 1e3 / timings.prompt_ms if timings is not None and timings.prompt_ms > 0 else None
        return {
            "input_tokens": None if done is None else done.usage.prompt,
            "output_tokens": output,
            "tokens_per_second": (output - 1) / passed if output > 1 and passed > 0 else None,
            "first_token_s": None if self._first is None else self._first - self._began - self._load,
            "time_taken_s": now - self._began,
            "max_ram_mb": None if peak is None else peak / _MIB,
            "prompt_tokens_per_second": prefill,
            "load_s": self._load,
        }

    def _note(self, event: Event) -> None:
        now = self._clock()
        if isinstance(event, Loading):
            self._loading = self._loading or now
            return
        if self._loading:
            self._load, self._loading = self._load + now - self._loading, 0.0
        if isinstance(event, TextDelta | ReasoningDelta):
            self._first = now if self._first is None else self._first
            self._pieces += 1
        elif isinstance(event, Finished):
            self._finished = event


class Asked(OpenAIErrors):
    """The answer, streamed or whole."""

    def __init__(self, watched: Watched, *, streamed: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self.streamed = streamed
        self._watched = watched
        self._clock = clock
        self._told = 0.0
        self._text: list[str] = []
        self._thought: list[str] = []
        self._finished: Finished | None = None

    def frames(self, event: Event) -> bytes:
        match event:
            case TextDelta(text) | ReasoningDelta(text):
                kind, kept = ("text", self._text) if isinstance(event, TextDelta) else ("reasoning", self._thought)
                if self.streamed:
                    return self._frame({kind: text, **self._now_and_then()})
                kept.append(text)
            case Finished():
                self._finished = event
            case _:
                pass
        return b""

    def end(self) -> bytes:
        reason = None if self._finished is None else self._finished.reason
        last: JsonObject = {"finish_reason": reason, "figures": self._watched.figures()}
        if self.streamed:
            return self._frame(last) + DONE
        return orjson.dumps({"text": "".join(self._text), "reasoning": "".join(self._thought), **last})

    def _now_and_then(self) -> JsonObject:
        now = self._clock()
        if now - self._told < _TELL_EVERY:
            return {}
        self._told = now
        return {"figures": self._watched.figures()}

    def _frame(self, body: JsonObject) -> bytes:
        return b"data: " + orjson.dumps(body) + b"\n\n"


@router.post("/api/v1/benchmarks/ask", operation_id="askBenchmark", response_model=None)
@reads(AskRequest)
@answers(AskAnswer)
@streams(AskChunk)
async def ask(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """Asks a model one question and measures the answer: tokens, speeds, first token, whole time, memory."""
    body = await receive_body(request, services, AskRequest)
    model = await asyncio.to_thread(services.catalog.find, body.model, None, caller)
    watched = Watched(Meter(lambda: _pid(services, model.id), Looking(services.sampler)))
    rendering = Asked(watched, streamed=body.stream)
    return generation(services, caller, body, [body.request()], rendering, watched.events)


def _pid(services: Services, model: str) -> int | None:
    status = services.pool.status(model)
    return status.pid if status.state == "ready" else None
