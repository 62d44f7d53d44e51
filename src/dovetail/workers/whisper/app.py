"""The worker's routes: health, props, and one recording after another as server-sent frames."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from dovetail.core.events import Prefill
from dovetail.core.request import Json, JsonObject
from dovetail.core.speech import MAX_TEMPERATURE, Recording, Segment, Task
from dovetail.workers.listener import Guard
from dovetail.workers.whisper.ear import Asked, Ear
from dovetail.workers.whisper.job import Job, Outcome
from dovetail.workers.whisper.problem import Problem

_MAX_BODY = 1 << 20
_TEXT_CONTEXT = 448  # tokens of a window's text, in every Whisper model
_END: Final = b"data: [DONE]\n\n"
log = logging.getLogger(__name__)


class Body(BaseModel):
    """What is asked, as `engines.whisper.transcription` writes it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    file: str
    task: Task
    language: str | None
    prompt: str | None
    temperature: float | None = Field(ge=0, le=MAX_TEMPERATURE)
    words: bool
    vad: bool
    start: float = Field(ge=0)
    most_seconds: float = Field(gt=0)

    def asked(self) -> Asked:
        return Asked(self.task, self.language, self.prompt, self.temperature, self.words, self.vad)


class _Left(Exception):
    """Nobody listens any more."""


class Routes:
    """The handlers, over one ear that loads in the background."""

    def __init__(self, model: Path) -> None:
        self._model = model
        self._thread = ThreadPoolExecutor(1, "ear")
        self.ear: Ear | None = None

    async def load(self, opened: Callable[[], Ear]) -> None:
        """On the thread that will use it. Raises what `opened` raises."""
        self.ear = await asyncio.get_running_loop().run_in_executor(self._thread, opened)

    def table(self) -> list[Route]:
        return [
            Route("/health", self.health),
            Route("/props", self.props),
            Route("/v1/audio/transcriptions", self.transcribe, methods=["POST"]),
        ]

    async def health(self, request: Request) -> Response:
        del request
        if self.ear is None:
            return _error("unavailable_error", "Loading model", 503)
        return _json({"status": "ok"})

    async def props(self, request: Request) -> Response:
        del request
        ear = self.ear
        languages: list[Json] = [*sorted(ear.languages)] if ear else []
        return _json(
            {
                "default_generation_settings": {"n_ctx": _TEXT_CONTEXT},
                "total_slots": 1,
                "model_alias": self._model.name,
                "model_path": str(self._model),
                "modalities": {"vision": False, "video": False, "audio": True},
                "languages": languages,
                "engine": ear.build if ear else "",
            }
        )

    async def transcribe(self, request: Request) -> Response:
        try:
            body = await _body(request)
        except Problem as problem:
            return _error(problem.kind, problem.message, problem.status)
        except ValidationError as error:
            return _error("invalid_request_error", type(error).__name__, 400)
        if (ear := self.ear) is None:
            return _error("unavailable_error", "Loading model", 503)
        job = Job(Path(body.file), body.asked(), body.start, body.most_seconds)
        return StreamingResponse(self._frames(ear, job), media_type="text/event-stream")

    async def _frames(self, ear: Ear, job: Job) -> AsyncGenerator[bytes, None]:
        """Closed when the client leaves: the thread ends at its next word, or at the packet that it decodes."""
        loop, left = asyncio.get_running_loop(), threading.Event()
        frames: asyncio.Queue[bytes] = asyncio.Queue()

        def put(frame: bytes) -> None:
            with suppress(RuntimeError):  # the loop is closed: the process ends
                loop.call_soon_threadsafe(frames.put_nowait, frame)

        def check() -> None:
            if left.is_set():
                raise _Left

        def tell(outcome: Outcome) -> None:
            check()
            put(_frame(_said(outcome)))

        work = loop.run_in_executor(self._thread, _work, partial(job.run, ear, tell, check), put)
        try:
            while (frame := await frames.get()) != _END:
                yield frame
            yield frame
        finally:
            left.set()
            await asyncio.wait({work})


def _work(run: Callable[[], tuple[int, int]], put: Callable[[bytes], None]) -> None:
    """On the ear's own thread; its last word is the end of the stream."""
    try:
        positions, written = run()
        usage = {"prompt_tokens": positions, "completion_tokens": written}
        put(_frame({"usage": {**usage, "total_tokens": positions + written}}))
    except _Left:
        pass
    except Problem as problem:
        put(_frame(_error_body(problem.kind, problem.message, problem.status)))
    except Exception as error:  # noqa: BLE001  the request's boundary; its text may quote what was said
        log.error("a transcription failed error=%s", type(error).__name__)  # noqa: TRY400
        put(_frame(_error_body("server_error", f"the engine failed: {type(error).__name__}", 500)))
    finally:
        put(_END)


def build_app(routes: Routes, secret: str | None) -> ASGIApp:
    """The application; with a `secret`, every request must carry it as a bearer token."""
    app = Starlette(routes=routes.table())
    return app if secret is None else Guard(app, secret)


async def _body(request: Request) -> Body:
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > _MAX_BODY:
            raise Problem("invalid_request_error", f"the body is larger than {_MAX_BODY} bytes")
    return Body.model_validate_json(bytes(data))


def _said(outcome: Outcome) -> JsonObject:
    match outcome:
        case Prefill(total, cached, done):
            return {"prompt_progress": {"total": total, "cache": cached, "processed": done}}
        case Recording(duration, language):
            return {"recording": {"duration": duration, "language": language}}
        case Segment():
            return {"segment": _segment(outcome)}


def _segment(segment: Segment) -> JsonObject:
    return {
        "start": segment.start,
        "end": segment.end,
        "text": segment.text,
        "tokens": list(segment.tokens),
        "temperature": segment.temperature,
        "avg_logprob": segment.log_probability,
        "compression_ratio": segment.compression_ratio,
        "no_speech_prob": segment.silence,
        "words": [
            {"start": word.start, "end": word.end, "word": word.text, "probability": word.probability}
            for word in segment.words
        ],
    }


def _frame(body: JsonObject) -> bytes:
    return b"data: " + orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY) + b"\n\n"


def _error_body(kind: str, message: str, status: int) -> JsonObject:
    return {"error": {"code": status, "message": message, "type": kind}}


def _error(kind: str, message: str, status: int) -> Response:
    return _json(_error_body(kind, message, status), status)


def _json(body: JsonObject, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")
