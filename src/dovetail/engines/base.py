"""What the gateway must know of an engine: how to start its worker, and how to speak with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Protocol

from typing_extensions import TypeVar

from dovetail.core.events import Event
from dovetail.core.model import LoadOptions, Model, Shape
from dovetail.core.request import GenerateRequest, Json, JsonObject


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a worker listens: a Unix socket, or loopback TCP with a bearer secret.

    Of somebody else's server: `base` stands in place of the `/v1` of paths, and `model` is the model's name there.
    """

    socket: Path | None = None
    host: str = "127.0.0.1"
    port: int = 0
    secret: str | None = field(default=None, repr=False)
    base: str | None = None
    tls: bool = False
    model: str | None = None

    @property
    def label(self) -> str:
        """For messages."""
        return f"http{'s' * self.tls}://{self.host}:{self.port}{self.base or ''}"


@dataclass(frozen=True, slots=True)
class Command:
    """A worker process to be: `env` is added to the cleared environment every worker gets."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class WorkerCall:
    """One POST to a worker, answered by a stream of server-sent frames.

    `names` has what the client calls fields of the body, for what the worker refuses.
    """

    path: str
    body: JsonObject
    names: Mapping[str, str] = field(default_factory=dict[str, str], compare=False)


@dataclass(frozen=True, slots=True)
class Machine:
    """The facts load options are resolved with.

    cores   physical ones
    gpu     whether one is there
    vram    whether it has memory of its own
    memory  bytes of RAM that all workers may take together, 0 where that is not known
    arch    the processor's architecture, as `platform.machine` has it
    """

    cores: int
    gpu: bool = False
    vram: bool = False
    memory: int = 0
    arch: str = ""


EventT_co = TypeVar("EventT_co", covariant=True, default=Event)


class Decoder(Protocol[EventT_co]):
    """Turns one request's frames into events; keeps what must be remembered between frames."""

    @property
    def complete(self) -> bool:
        """Whether the answer has all that it may have, though the worker has not ended it: `end` is due."""
        ...

    def feed(self, frame: dict[str, Json]) -> Iterable[EventT_co]:
        """Events of one `data:` frame. Raises a `core.errors` exception for an error frame."""
        ...

    def end(self) -> Iterable[EventT_co]:
        """Events owed when `[DONE]` arrives; raises WorkerCrashed when the stream was cut short."""
        ...


class Engine(Protocol):
    """One engine, seen from the gateway. Stateless: one instance serves every model of its format."""

    @property
    def name(self) -> str: ...

    @property
    def embeds_apart(self) -> bool:
        """Whether embeddings take a worker of their own, one for each pooling; else the model's one does all."""
        ...

    @property
    def adapters_apart(self) -> bool:
        """Whether each adapter takes a worker of its own; else one worker mixes them in a batch."""
        ...

    @property
    def numbered_slots(self) -> bool:
        """Whether a call may name its slot (`id_slot`), and slots are saved and restored by `POST /slots/N`."""
        ...

    def cache_key(self, options: LoadOptions) -> str:
        """The engine's build and whatever else decides, beside the model, if a prompt cache on disk fits a worker."""
        ...

    def resolve(self, model: Model, options: LoadOptions, machine: Machine) -> LoadOptions:
        """`options` with every None that matters to this engine replaced by Dovetail's choice."""
        ...

    def command(self, model: Model, options: LoadOptions, endpoint: Endpoint) -> Command:
        """How to start a worker for `model` with resolved options. Raises LoadFailed if the engine is missing."""
        ...

    def encode(self, request: GenerateRequest, index: int = 0) -> WorkerCall:
        """The worker's request for choice `index`. Raises UnsupportedField for what this engine cannot do."""
        ...

    def decoder(self, request: GenerateRequest, index: int = 0) -> Decoder:
        """A fresh decoder for the answer to `encode(request, index)`."""
        ...


DEFAULT_PARALLEL = 4
MANY_PARALLEL = 8  # from here on a batch writes more than one stream on any CPU, whatever the quantisation
_MANY_KV = 3 << 29  # bytes of KV cache that so many slots may take unasked


def default_parallel(shape: Shape, context: int) -> int:
    """Slots where nothing is said: many for a model whose KV cache is small, at 16 bits a number."""
    numbers = 2 * shape.layers * shape.kv_heads * shape.head_width * context
    return MANY_PARALLEL if 0 < numbers * 2 * MANY_PARALLEL <= _MANY_KV else DEFAULT_PARALLEL


def installed(package: str) -> str:
    """The version of an engine's package, without importing it; empty where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def template_key(options: LoadOptions) -> str:
    """What tells one chat template in place of the model's own from another; empty where there is none."""
    path = options.chat_template
    if path is None:
        return ""
    try:
        stat = path.stat()
    except OSError:
        return str(path)
    return f"{path} {stat.st_size} {stat.st_mtime_ns}"
