"""Recordings on their way through a worker that may die."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from dovetail.core.caller import LOCAL
from dovetail.core.errors import InvalidRequest, WorkerCrashed
from dovetail.core.events import Finished, Loading, Prefill, Progress, Timings, Usage
from dovetail.core.model import Capability, Model
from dovetail.core.speech import Recording, Segment, SpeechEvent, TranscribeRequest
from dovetail.engines.base import WorkerCall
from dovetail.serving.transcribe import Transcriber

from . import fakes

pytestmark = pytest.mark.anyio
END = Finished("stop", Usage(500, 9), Timings())
HEARS = Model("ear", "whisper", Path("/ear"), capabilities=frozenset({Capability.TRANSCRIPTION}))
REQUEST = TranscribeRequest("r", "ear", Path("/upload"))


class Lease:
    """Says what it is told to, one list a call; a list that does not end is a worker that dies."""

    def __init__(self, *says: list[SpeechEvent]) -> None:
        self.says = list(says)
        self.asked: list[WorkerCall] = []
        self.ahead: list[bool] = []
        self.worker: Any = type("Worker", (), {"model": "ear", "props": None})()

    async def ready(self) -> AsyncGenerator[Progress, None]:
        yield Loading("ear")

    async def stream(
        self, call: WorkerCall, decoder: object, cost: int, *, ahead: bool = False
    ) -> AsyncGenerator[SpeechEvent, None]:
        del decoder, cost
        self.asked.append(call)
        self.ahead.append(ahead)
        events = self.says.pop(0)
        for event in events:
            yield event
        if END not in events:
            raise WorkerCrashed("it died")

    @asynccontextmanager
    async def lease(self, model: Model, *, caller: object) -> AsyncGenerator["Lease", None]:
        del model, caller
        yield self


class Names:
    def __init__(self, model: Model) -> None:
        self.model = model

    def find(self, name: str, adapter: object = None, caller: object = None) -> Model:
        del name, adapter, caller
        return self.model

    def known(self, name: str) -> Model | None:
        return self.find(name)


async def heard(lease: Lease, model: Model = HEARS) -> list[SpeechEvent]:
    transcriber = Transcriber(Names(model), lease, fakes.Recorder())
    return [event async for event in transcriber.run(REQUEST, LOCAL)]


async def test_what_a_dead_worker_has_said_is_gone_on_from() -> None:
    first, second = Segment(0, 2.5, " one"), Segment(2.5, 4, " two")
    lease = Lease([Recording(4, "de"), Prefill(200, 0, 0), first], [Recording(4, "de"), second, END])
    events = await heard(lease)
    assert [e for e in events if isinstance(e, Recording | Segment)] == [Recording(4, "de"), first, second]
    assert events[-1] == END
    assert [call.body["start"] for call in lease.asked] == [0.0, 2.5]
    assert [call.body["language"] for call in lease.asked] == [None, "de"]
    assert lease.ahead == [False, True]


async def test_it_is_not_tried_for_ever() -> None:
    lease = Lease([], [], [])
    with pytest.raises(WorkerCrashed):
        await heard(lease)
    assert len(lease.asked) == 3


async def test_a_model_that_writes_does_not_hear() -> None:
    with pytest.raises(InvalidRequest, match="does not write down speech"):
        await heard(Lease(), Model("m", "gguf", Path("/m")))
