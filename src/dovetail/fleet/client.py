"""A worker's socket, as events: one connection a request, frames decoded as they arrive."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, Self, cast
from weakref import WeakSet

import orjson
from typing_extensions import TypeVar

from dovetail.core.errors import Busy, DovetailError, EngineFailure, InvalidRequest, WorkerCrashed, WorkerStalled
from dovetail.core.events import Event, Prefill
from dovetail.core.request import GenerateRequest, Json, JsonObject
from dovetail.engines import remote, wire
from dovetail.engines.base import Decoder, Endpoint, Engine, WorkerCall
from dovetail.fleet.exchange import Exchange, Unreachable

MAX_FRAME = 8 << 20
MAX_BODY = 64 << 20
_CONNECT_WITHIN = 5.0
_HEALTH_WITHIN = 0.4
_DONE = b"[DONE]"
EventT = TypeVar("EventT", default=Event)

# What a decoder may trip over when a frame is JSON of another shape than the protocol's.
_MISSHAPEN = (ArithmeticError, AttributeError, IndexError, KeyError, TypeError, ValueError)


class WorkerUnreachable(WorkerCrashed):
    """The worker took no connection: it has seen nothing of the request, which may be sent to its successor."""


class WorkerClient:
    """Speaks with one worker. Made and closed inside a running loop; closing it cuts every stream.

    Once the worker has been asked to leave, what breaks is no crash of it, but what `dismissed` says.
    """

    def __init__(self, endpoint: Endpoint, *, first_token: float = 300.0, token_gap: float = 60.0) -> None:
        self.endpoint = endpoint
        self._first_token = first_token
        self._token_gap = token_gap
        self.dismissed: Callable[[], Busy] | None = None
        self.allocated: int | None = None  # bytes that its engine says it holds, as of the last `health`
        self._exchanges: WeakSet[Exchange] = WeakSet()
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        for exchange in tuple(self._exchanges):
            exchange.close()

    async def generate(self, engine: Engine, request: GenerateRequest, index: int = 0) -> AsyncGenerator[Event, None]:
        """The events of choice `index`. Closing the generator closes the connection at once.

        Raises what the worker's error says, WorkerCrashed when the connection is lost, WorkerStalled after silence.
        """
        with await self.open(engine, request, index) as stream:
            while batch := await stream.read():
                for event in batch:
                    yield event

    async def open(
        self, engine: Engine, request: GenerateRequest, index: int = 0, call: WorkerCall | None = None
    ) -> Stream:
        """The same as `generate`, for a caller that saves a generator by reading batches, or has the `call` ready."""
        began = time.monotonic()
        exchange = await self._post(call or engine.encode(request, index))
        return Stream(
            self, exchange, engine.decoder(request, index), Patience(began, self._first_token, self._token_gap)
        )

    async def listen(self, call: WorkerCall, decoder: Decoder[EventT]) -> Stream[EventT]:
        """The answer to a call that is no generation. It may be silent for as long as before its first event."""
        began = time.monotonic()
        exchange = await self._post(call)
        return Stream(self, exchange, decoder, Patience(began, self._first_token, self._first_token))

    async def _post(self, call: WorkerCall) -> Exchange:
        if self._closed:
            raise self.dismissed() if self.dismissed else WorkerUnreachable("the model's worker process has ended")
        try:
            async with asyncio.timeout(self._first_token):
                exchange = await self._begin("POST", call.path, self._data(call.body))
                if exchange.status == 200:
                    return exchange
                answer = await _json(exchange)
        except Unreachable as error:
            raise WorkerUnreachable("the model's worker process takes no connections") from error
        except TimeoutError as error:
            raise _stalled(self._first_token) from error
        except OSError as error:
            raise self.lost() from error
        raise self._refusal(answer, exchange.status, call.names)

    async def _begin(self, method: str, path: str, body: bytes = b"") -> Exchange:
        """An exchange whose status is known. The caller has a deadline."""
        try:
            async with asyncio.timeout(_CONNECT_WITHIN):
                exchange = await Exchange.begin(self.endpoint, method, path, body)
        except TimeoutError as error:
            raise Unreachable(f"no connection within {_CONNECT_WITHIN:g} s") from error
        self._exchanges.add(exchange)
        if self._closed:
            exchange.close()
        try:
            await exchange.headed()
        except BaseException:
            exchange.close()
            raise
        return exchange

    async def health(self, *, within: float = _HEALTH_WITHIN) -> bool:
        """Whether the worker answers, and says that it can serve."""
        try:
            async with asyncio.timeout(within):
                exchange = await self._begin("GET", self._health_path)
        except (OSError, TimeoutError):
            return False
        if exchange.status == 200 and self.endpoint.base is None:
            with suppress(OSError, TimeoutError, EngineFailure):
                async with asyncio.timeout(within):
                    self.allocated = _allocated(await _json(exchange))
        exchange.close()
        return exchange.status == 200

    async def look(self, path: str) -> tuple[int, Json]:
        """The status of `path` and the JSON that came with it. The caller has a deadline; raises OSError."""
        exchange = await self._begin("GET", path)
        return exchange.status, await _json(exchange)

    def _data(self, body: Mapping[str, Json]) -> bytes:
        model = self.endpoint.model
        return orjson.dumps(body if model is None else {"model": model, **body})

    def _refusal(self, answer: Json, status: int, names: Mapping[str, str] | None = None) -> DovetailError:
        if self.endpoint.base is not None:
            return remote.error_from(answer, status, self.endpoint.label, names)
        return wire.error_from(answer, status, names)

    @property
    def _health_path(self) -> str:
        return "/health" if self.endpoint.base is None else "/v1/models"

    async def get(self, path: str, *, within: float = 30.0) -> JsonObject:
        return await self._call("GET", path, None, within)

    async def post(self, path: str, body: Mapping[str, Json], *, within: float = 60.0) -> JsonObject:
        """The JSON object `path` answers; raises what its error says, or as `generate` does."""
        return await self._call("POST", path, body, within)

    def lost(self) -> DovetailError:
        """What a broken connection means."""
        return self.dismissed() if self.dismissed else _crashed()

    async def _call(self, method: str, path: str, body: Mapping[str, Json] | None, within: float) -> JsonObject:
        if self._closed:
            raise self.lost()
        if self.endpoint.base is not None and not path.startswith("/v1/"):
            raise InvalidRequest(f"the model is served by {self.endpoint.label}, which has no {path}", param="model")
        data = b"" if body is None else self._data(body)
        try:
            async with asyncio.timeout(within):
                exchange = await self._begin(method, path, data)
                answer = await _json(exchange)
        except TimeoutError as error:
            raise _stalled(within) from error
        except OSError as error:
            raise self.lost() from error
        if exchange.status != 200:
            raise self._refusal(answer, exchange.status)
        if not isinstance(answer, dict):
            raise EngineFailure(f"the worker answered {path} with something else than an object")
        return answer


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a worker may be silent: up to the first token since `began`, then between two, in seconds."""

    began: float
    first_token: float
    token_gap: float


class Stream(Generic[EventT]):
    """One answer on its way, closed by leaving it. Its patience is counted only while somebody reads."""

    def __init__(self, client: WorkerClient, exchange: Exchange, decoder: Decoder[EventT], patience: Patience) -> None:
        self._client = client
        self._exchange = exchange
        self._decoder = decoder
        self._token_gap = patience.token_gap
        self._patience = patience.first_token
        self._prefilling = True
        self._rest = b""
        self._ended = False
        self._stalled = False
        self._waiting_since: float | None = patience.began  # the head took its part of the time to the first token
        # One timer a stream: a timeout for each read would cost more than reading.
        wait = min(patience.began + patience.first_token - time.monotonic(), patience.token_gap)
        self._timer = asyncio.get_running_loop().call_later(wait, self._check)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def read(self) -> list[EventT]:
        """The next events, at least one; an empty list when the answer is complete."""
        events: list[EventT] = []
        while not events and not self._ended:
            if self._waiting_since is None:
                self._waiting_since = time.monotonic()
            try:
                chunk = await self._exchange.read()
            except OSError as error:
                raise (_stalled(self._patience) if self._stalled else self._client.lost()) from error
            if chunk:
                self._decode(chunk, events)
            else:
                self._end(events)
        return events

    def close(self) -> None:
        """Ends the request: the worker sees the connection close and frees the slot."""
        self._timer.cancel()
        self._exchange.close()

    def _decode(self, chunk: bytes, events: list[EventT]) -> None:
        data = self._rest + chunk if self._rest else chunk
        if b"\r" in data:  # JSON escapes it, so it only ever ends a line
            data = data.replace(b"\r\n", b"\n")
        frames = data.split(b"\n\n")
        self._rest = frames.pop()
        if len(self._rest) > MAX_FRAME:
            raise EngineFailure(f"the worker sent a frame of more than {MAX_FRAME >> 20} MB")
        for frame in frames:
            payload = frame[6:] if frame.startswith(b"data: ") and b"\n" not in frame else _payload(frame)
            if payload == _DONE:
                self._end(events)
                return
            if payload:
                self._feed(payload, events)
                if self._decoder.complete:
                    self._end(events)
                    return

    def _feed(self, payload: bytes, events: list[EventT]) -> None:
        try:
            events.extend(self._decoder.feed(orjson.loads(payload)))
        except _MISSHAPEN as error:
            raise EngineFailure("the worker sent a frame that does not follow the protocol") from error
        except EngineFailure as error:
            if self._client.dismissed:  # its last words, an error frame of no meaning
                raise self._client.dismissed() from error
            raise
        self._waiting_since = None  # a comment is no sign of life: an HTTP thread sends it for a dead engine too
        if self._prefilling and any(type(event) is not Prefill for event in events):
            self._prefilling = False
            self._patience = self._token_gap

    def _end(self, events: list[EventT]) -> None:
        self._ended = True
        try:
            events.extend(self._decoder.end())
        except WorkerCrashed as error:
            raise (self._client.dismissed() if self._client.dismissed else error) from error

    def _check(self) -> None:
        now = time.monotonic()
        since = now if self._waiting_since is None else self._waiting_since
        left = since + self._patience - now
        if left <= 0:
            self._stalled = True
            self._exchange.close()
        else:
            self._timer = asyncio.get_running_loop().call_later(min(left, self._token_gap), self._check)


def _payload(frame: bytes) -> bytes:
    """The data of a frame in any of its legal forms; comments and other fields have none."""
    lines: list[bytes] = []
    for line in frame.split(b"\n"):
        name, _, value = line.partition(b":")
        if name in {b"data", b"error"}:  # older llama-servers name an error frame so
            lines.append(value.removeprefix(b" "))
    return b"\n".join(lines)


async def _json(exchange: Exchange) -> Json:
    """The body, or None when it is not JSON. Raises EngineFailure for one beyond all measure."""
    body = bytearray()
    try:
        while piece := await exchange.read():
            body += piece
            if len(body) > MAX_BODY:
                raise EngineFailure(f"the worker answered with more than {MAX_BODY >> 20} MB")
    finally:
        exchange.close()
    try:
        return cast("Json", orjson.loads(body))
    except orjson.JSONDecodeError:
        return None


def _allocated(health: Json) -> int | None:
    """Of what MLX reports of its memory, what it holds: in use, and kept to be used again."""
    match health:
        case {"memory": {"active": int(active), "cache": int(cache)}}:
            return active + cache
        case _:
            return None


def unloaded() -> Busy:
    return Busy("the model was unloaded while the request ran; send it again", code="model_unloaded")


def _crashed() -> WorkerCrashed:
    return WorkerCrashed("the model's worker process ended before its answer was complete")


def _stalled(seconds: float) -> WorkerStalled:
    return WorkerStalled(f"the model's worker process was silent for {seconds:g} s")
