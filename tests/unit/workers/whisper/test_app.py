"""The worker's answers, with an ear that tells what it was given."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, cast

import orjson
import pytest
from starlette.requests import Request
from starlette.responses import StreamingResponse

from dovetail.core.speech import Segment
from dovetail.workers.whisper import job
from dovetail.workers.whisper.app import Routes
from dovetail.workers.whisper.ear import Asked, Heard
from dovetail.workers.whisper.sound import Samples, Survey

from .test_sound import file

pytestmark = pytest.mark.anyio
WITHIN = 20.0


class Ear:
    build = "an ear"
    languages = frozenset({"en"})

    def __init__(self) -> None:
        self.heard: list[int] = []

    def hear(self, samples: Samples, asked: Asked, passed: Callable[[float], None]) -> Heard:
        del asked, passed
        self.heard.append(len(samples))
        return Heard("en", iter([Segment(0, 1, " yes")]))


async def frames(routes: Routes, path: Path) -> AsyncIterator[Any]:
    said = {"file": str(path), "task": "transcribe", "language": None, "prompt": None, "temperature": None}
    body = orjson.dumps({**said, "words": False, "vad": False, "start": 0.0, "most_seconds": 60.0})

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    answer = await routes.transcribe(Request({"type": "http", "method": "POST", "headers": []}, receive))
    assert isinstance(answer, StreamingResponse)
    return aiter(answer.body_iterator)


async def test_who_leaves_while_a_file_is_looked_through_leaves_no_work_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else each of them would keep a processor for as long as decoding may take."""
    routes = Routes(tmp_path)
    routes.ear = ear = Ear()
    looks, ended = threading.Event(), threading.Event()

    def survey(path: Path, most: float, check: Callable[[], None]) -> Survey:
        del path, most
        try:
            while True:
                check()
                looks.set()
        finally:
            ended.set()

    with monkeypatch.context() as patched:
        patched.setattr(job, "survey", survey)
        waits = asyncio.ensure_future(anext(await frames(routes, tmp_path / "bomb")))
        assert await asyncio.to_thread(looks.wait, WITHIN)
        waits.cancel()
        assert await asyncio.to_thread(ended.wait, WITHIN)
    async with asyncio.timeout(WITHIN):
        told = b"".join([cast("bytes", frame) async for frame in await frames(routes, file(tmp_path, 2))])
    assert b'"text":" yes"' in told
    assert told.endswith(b"data: [DONE]\n\n")
    assert ear.heard == [32_000]
