"""A pool whose models say what the test scripts."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from dovetail.core.caller import LOCAL, Caller
from dovetail.core.errors import ModelNotFound
from dovetail.core.events import Event, Finished, Progress, TextDelta, Timings, Usage
from dovetail.core.model import Adapter, Model, Shape
from dovetail.core.observe import Answered, Observer, RequestRecord
from dovetail.core.request import ChatPrompt, GenerateRequest, TextPart, TextPrompt

Say = Callable[[GenerateRequest, int], AsyncGenerator[Event, None]]


def model(name: str = "m", vocabulary: int = 100, invalid: str | None = None) -> Model:
    return Model(name, "gguf", Path(f"/{name}.gguf"), shape=Shape(vocabulary=vocabulary), invalid=invalid)


def request(text: str = "hi", n: int = 1, name: str = "m") -> GenerateRequest:
    return GenerateRequest(f"id-{text}", name, TextPrompt((text,)), n=n)


def finished(index: int = 0, completion: int = 1) -> Finished:
    return Finished("stop", Usage(2, completion), Timings(), None, index)


def says(*texts: str) -> Say:
    async def say(request: GenerateRequest, index: int) -> AsyncGenerator[Event, None]:
        del request
        for text in texts:
            yield TextDelta(text, index)
            await asyncio.sleep(0)
        yield finished(index, len(texts))

    return say


@dataclass
class Props:
    context: int


@dataclass
class Worker:
    props: Props | None = None
    model: str = "m"


@dataclass
class Recorder(Observer):
    records: list[RequestRecord] = field(default_factory=list[RequestRecord])
    answers: list[Answered] = field(default_factory=list[Answered])

    def request_done(self, record: RequestRecord) -> None:
        self.records.append(record)

    def answered(self, answer: Answered) -> None:
        self.answers.append(answer)


class Catalog:
    def __init__(self, *models: Model) -> None:
        self.by_name = {m.id: m for m in models}
        self.asked: list[str] = []

    def known(self, name: str) -> Model | None:
        return self.by_name.get(name) if name in self.asked else None

    def find(self, name: str, adapter: Adapter | None = None, caller: Caller = LOCAL) -> Model:
        self.asked.append(name)
        if name not in self.by_name or not caller.may_use(self.by_name[name].id):
            raise ModelNotFound(name, [each for each in self.by_name if caller.may_use(each)])
        return replace(self.by_name[name], adapter=adapter)


class Lease:
    def __init__(self, pool: "Pool") -> None:
        self.worker = Worker(Props(pool.context) if pool.context else None)
        self._pool = pool

    async def ready(self) -> AsyncGenerator[Progress, None]:
        if isinstance(self._pool.progress, AsyncGenerator):
            async for progress in self._pool.progress:
                yield progress
        else:
            for progress in self._pool.progress:
                yield progress
        if self._pool.failure is not None:
            raise self._pool.failure

    async def tokenize(self, text: str, *, special: bool) -> tuple[int, ...]:
        return tuple(self._pool.special.get(text, ()) if special else text.encode())

    async def rendered(self, request: GenerateRequest) -> str:
        assert isinstance(request.prompt, ChatPrompt)
        texts = [part.text for m in request.prompt.messages for part in m.parts if isinstance(part, TextPart)]
        return "".join(texts)

    async def generate(
        self, request: GenerateRequest, index: int = 0, *, ahead: bool = False, cold: bool = False
    ) -> AsyncGenerator[Event, None]:
        self._pool.runs.append((ahead, cold))
        pool = self._pool
        pool.running += 1
        try:
            async for event in pool.say(request, index):
                yield event
        finally:
            pool.running -= 1


@dataclass
class Pool:
    say: Say
    progress: Sequence[Progress] | AsyncGenerator[Progress, None] = ()
    failure: Exception | None = None
    context: int = 0
    leased: int = 0
    running: int = 0
    runs: list[tuple[bool, bool]] = field(default_factory=list[tuple[bool, bool]])
    asked: list[GenerateRequest] = field(default_factory=list[GenerateRequest])
    special: Mapping[str, Sequence[int]] = field(default_factory=dict[str, Sequence[int]])

    @asynccontextmanager
    async def lease(
        self, model: Model, *, caller: Caller, request: GenerateRequest | None = None
    ) -> AsyncGenerator[Lease]:
        del model, caller, request
        self.leased += 1
        try:
            yield Lease(self)
        finally:
            self.leased -= 1


class Clock:
    """Goes on by one second each time it is read."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now
