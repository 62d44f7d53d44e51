"""The application over a scripted pool, called as an ASGI server calls it."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any, cast

from starlette.types import ASGIApp, Message

from dovetail.access.access import Access
from dovetail.catalog.adapters import Adapters
from dovetail.catalog.catalog import Catalog
from dovetail.core.caller import LOCAL, Caller
from dovetail.core.errors import NoRoom
from dovetail.core.events import Loading, Progress
from dovetail.core.model import LoadOptions, Model, Pooling
from dovetail.core.observe import Observer
from dovetail.core.request import GenerateRequest, Json, JsonObject
from dovetail.engines.base import Machine
from dovetail.engines.gguf import GgufEngine
from dovetail.engines.mlx import MlxEngine
from dovetail.fleet.estimate import Estimate
from dovetail.fleet.pool import Pool as RealPool
from dovetail.fleet.pool import WorkerStatus
from dovetail.fleet.props import Props
from dovetail.gateway.configuration import Live
from dovetail.gateway.insight import Insight
from dovetail.gateway.loads import Loads
from dovetail.gateway.panel import Panel
from dovetail.gateway.services import Services
from dovetail.gateway.sse import Timing
from dovetail.gateway.streams import Streams
from dovetail.hardware.sampler import sampler
from dovetail.serving.embed import Embedder
from dovetail.serving.generate import Generator
from dovetail.serving.requests import Requests
from dovetail.serving.transcribe import Transcriber
from dovetail.settings import Settings
from dovetail.telemetry import Observers
from dovetail.telemetry.metrics import Metrics

# One set of stand-ins for the folders that need them.
from ..fleet.fakes import FakeLauncher, Plan  # noqa: TID252
from ..fleet.fakes import Recorder as StateRecorder  # noqa: TID252
from ..serving import fakes as serving  # noqa: TID252
from ..serving.fakes import Say, finished, model, says  # noqa: TID252

__all__ = ["FakeLauncher", "Plan", "Say", "StateRecorder", "finished", "model", "says"]


@dataclass
class Answer:
    """What a client got. `chunks` are the body's pieces as they were sent."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict[str, str])
    chunks: list[bytes] = field(default_factory=list[bytes])
    complete: bool = False

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks)

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> tuple[int, str, str, str | None]:
        error = self.json()["error"]
        return self.status, error["type"], error["code"], error["param"]

    def frames(self) -> list[Any]:
        """Data frames as JSON, `[DONE]` as it is; comments left out."""
        blocks = [block for block in self.body.decode().split("\n\n") if block.startswith("data: ")]
        return [block[6:] if block == "data: [DONE]" else json.loads(block[6:]) for block in blocks]

    def comments(self) -> list[str]:
        return [block[2:] for block in self.body.decode().split("\n\n") if block.startswith(": ")]


class Client:
    """One request to an application. `leave` closes the connection; `stuck` takes no bytes after the head."""

    def __init__(
        self,
        app: ASGIApp,
        method: str,
        path: str,
        body: Sequence[bytes] = (b"",),
        headers: Mapping[str, str] | None = None,
        *,
        stuck: bool = False,
        scheme: str = "http",
        address: str = "127.0.0.1",
    ) -> None:
        self.answer = Answer()
        self.aborted = False
        self.sent = asyncio.Event()
        self._left = asyncio.Event()
        self._app = app
        self._body = list(body)
        self._stuck = stuck
        raw = [(k.lower().encode(), v.encode()) for k, v in (headers or {}).items()]
        path, _, query = path.partition("?")
        self._scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "scheme": scheme,
            "headers": raw,
            "server": ("localhost", 80),
            "client": (address, 1),
            "state": {},
            "dovetail.abort": self._abort,
        }

    def leave(self) -> None:
        self._left.set()

    def _abort(self) -> None:
        self.aborted = True
        self.leave()

    async def run(self) -> Answer:
        async with asyncio.timeout(10):
            await self._app(self._scope, self._receive, self._send)
        return self.answer

    async def _receive(self) -> Message:
        if self._body:
            chunk = self._body.pop(0)
            return {"type": "http.request", "body": chunk, "more_body": bool(self._body)}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.answer.status = message["status"]
            self.answer.headers = {k.decode(): v.decode("latin-1") for k, v in message["headers"]}
            return
        if self._stuck:
            await asyncio.Event().wait()
        self.answer.chunks.append(message.get("body", b""))
        self.sent.set()
        if not message.get("more_body", False):
            self.answer.complete = True
            self.leave()


async def call(app: ASGIApp, method: str, path: str, body: object = None, **headers: str) -> Answer:
    """One request with a JSON body, or with bytes as they are."""
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return await Client(app, method, path, [raw], {k.replace("_", "-"): v for k, v in headers.items()}).run()


class WorkerClient:
    async def post(self, path: str, body: Mapping[str, Json]) -> JsonObject:
        return {"tokens": [1, 2, 3]} if path == "/tokenize" else {"content": f"{body['tokens']}", "extra": True}


@dataclass
class Worker:
    props: serving.Props | None = None
    model: str = "m"
    client: WorkerClient = field(default_factory=WorkerClient)


class Lease(serving.Lease):
    def __init__(self, pool: "Pool") -> None:
        super().__init__(pool)
        self.one_by_one = False
        self.worker = Worker()  # pyright: ignore[reportIncompatibleUnannotatedOverride]  with a client


@dataclass
class Pool(serving.Pool):
    """Knows the states a test gives it."""

    statuses: dict[str, WorkerStatus] = field(default_factory=dict[str, WorkerStatus])
    loaded: list[str] = field(default_factory=list[str])
    said: dict[str, Props] = field(default_factory=dict[str, Props])
    taken: list[Model] = field(default_factory=list[Model])
    askers: list[Caller] = field(default_factory=list[Caller])  # of leases, loads and what one would take
    budget: int = 1 << 30

    @asynccontextmanager
    async def lease(
        self,
        model: Model,
        pooling: Pooling | None = None,
        *,
        caller: Caller = LOCAL,
        request: GenerateRequest | None = None,
    ) -> AsyncGenerator[serving.Lease]:
        del pooling, request
        self.taken.append(model)
        self.askers.append(caller)
        async with super().lease(model, caller=caller):
            yield Lease(self)

    def models(self) -> list[WorkerStatus]:
        return self.states()

    def states(self) -> list[WorkerStatus]:
        return list(self.statuses.values())

    def status(self, model_id: str, adapter: str | None = None) -> WorkerStatus:
        return self.statuses.get(f"{model_id}+{adapter}" if adapter else model_id, WorkerStatus(model_id))

    def props(self, model_id: str, adapter: str | None = None) -> Props | None:
        return self.said.get(f"{model_id}+{adapter}" if adapter else model_id)

    async def load(
        self, model: Model, tell: Callable[[Progress], None] = lambda _: None, caller: Caller = LOCAL
    ) -> None:
        self.askers.append(caller)
        async for progress in Lease(self).ready():
            tell(progress)
        self.loaded.append(model.id)

    async def estimate(self, model: Model, options: LoadOptions, engine_key: str, caller: Caller) -> Estimate:
        del model, options, engine_key
        self.askers.append(caller)
        raise NoRoom("of nothing")

    async def unload(self, model_id: str, adapter: str | None = None) -> bool:
        del adapter
        return model_id in self.statuses


class Models(serving.Catalog):
    adapters = Adapters(())

    def models(self) -> tuple[Model, ...]:
        return tuple(sorted(self.by_name.values(), key=lambda m: m.id))

    def called(self, name: str, caller: Caller = LOCAL) -> bool:
        return name in self.by_name and caller.may_use(name)


def services(
    say: Say | None = None,
    *models: Model,
    timing: Timing | None = None,
    settings: Settings | None = None,
    access: Access | None = None,
    observer: Observer | None = None,
    **pool: Any,
) -> Services:
    """Services over scripted parts; without models there is one, `m`."""
    catalog = Models(*(models or (serving.model(),)))
    leases = Pool(say or serving.says("Hello", " there"), **pool)
    live = Live(_timed(settings or Settings(home=Path("/nowhere")), timing))
    requests, streams = Requests(), Streams()
    counted = Metrics(lambda name: name in catalog.by_name)
    told = Observers(observer or serving.Recorder(), counted)
    panel = Panel(cast("RealPool", leases), requests, streams, counted, sampler(), lambda: live.current)
    return Services(
        live=live,
        catalog=cast("Catalog", catalog),
        pool=cast("RealPool", leases),
        generator=Generator(catalog, leases, told),
        embedder=Embedder(catalog, cast("RealPool", leases), told),
        transcriber=Transcriber(catalog, cast("RealPool", leases), told),
        engines={"gguf": GgufEngine(), "mlx": MlxEngine()},
        machine=Machine(2),
        other_programs=list,
        panel=panel,
        loads=Loads(cast("RealPool", leases), requests),
        requests=requests,
        streams=streams,
        insight=Insight(told, metrics=counted),
        access=access,
    )


def _timed(settings: Settings, timing: Timing | None) -> Settings:
    if timing is None:
        return settings
    names = ("stream_header_after", "keep_alive_every", "stall_timeout", "request_timeout")
    told = zip(names, astuple(timing), strict=True)
    return settings.model_copy(update={"server": settings.server.model_copy(update=dict(told))})


async def loading_for_ever() -> AsyncGenerator[Progress, None]:
    while True:
        yield Loading("m")
        await asyncio.sleep(0.01)
