"""The one path of embeddings and rankings: resolve, lease, wait until ready, ask in bounded pieces, record."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from dovetail.core.caller import Caller
from dovetail.core.embedding import Embeddings, EmbedRequest, Rank, Ranking, RankRequest, Text
from dovetail.core.errors import ContextTooLong, InvalidRequest
from dovetail.core.events import Progress
from dovetail.core.model import Adapter, Model, Pooling
from dovetail.core.observe import Observer
from dovetail.core.request import JsonObject
from dovetail.engines import embedding, remote
from dovetail.engines.base import WorkerCall
from dovetail.serving.course import Course
from dovetail.serving.generate import Models, Worker
from dovetail.serving.limits import check_texts, check_token_ids
from dovetail.serving.replay import answered
from dovetail.serving.requests import Ticket
from dovetail.serving.vectors import shaped

DEFAULT_POOLING: Pooling = "mean"
# One call to a worker: it holds a slot, and not every engine stops in the middle of one when the client leaves.
CALL_INPUTS = 32
CALL_SIZE = 1 << 15  # characters and ids
CALL_WITHIN = 300.0

TextT = TypeVar("TextT", str, Text)


class Lease(Protocol):
    """One use of a model; `fleet.lease.Lease` is one."""

    @property
    def worker(self) -> Worker:
        """Loaded once `ready` has ended."""
        ...

    def ready(self) -> AsyncGenerator[Progress, None]: ...

    async def call(
        self, call: WorkerCall, within: float, *, ahead: bool = False, tell: Callable[[Progress], None] = ...
    ) -> JsonObject: ...


class Leases(Protocol):
    """Where leases come from; `fleet.pool.Pool` is one."""

    def lease(
        self, model: Model, pooling: Pooling | None = None, *, caller: Caller
    ) -> AbstractAsyncContextManager[Lease]: ...


@dataclass(slots=True)
class _Use:
    """What is known of a request so far, for its record."""

    model: str
    ticket: Ticket
    course: Course
    tokens: int = 0

    def note(self, progress: Progress) -> None:
        self.ticket.note(progress)
        self.course.note(progress)


class Embedder:
    """Embeds and ranks. One instance serves every request; cancelling a call ends its work."""

    def __init__(
        self, catalog: Models, pool: Leases, observer: Observer, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._catalog = catalog
        self._pool = pool
        self._observer = observer
        self._clock = clock

    async def embed(self, request: EmbedRequest, caller: Caller, ticket: Ticket | None = None) -> Embeddings:
        """The vectors of `request`, computed by the model however it was made. Raises `core.errors`."""
        ticket = ticket or Ticket("embedding", caller, request.model)
        with self._recorded(request.id, ticket) as use:
            model = await self._find(use, request.adapter)
            request = replace(request, adapter=model.adapter)
            pooling = _pooling(request, model)
            check_token_ids((i for text in request.inputs if not isinstance(text, str) for i in text), model, "input")
            vectors: list[bytes] = []
            async with self._leased(model, pooling, use) as lease:
                _check_lengths(request.inputs, lease, "input")
                for inputs in pieces(request.inputs):
                    elsewhere = model.remote is not None
                    call = (
                        remote.embedding(request, inputs) if elsewhere else embedding.encode(request, inputs, pooling)
                    )
                    answer = await _ask(lease, call, "input", use)
                    found = embedding.decode(answer, len(inputs))
                    vectors += await asyncio.to_thread(
                        shaped, found.vectors, request.dimensions, normalize=request.normalize
                    )
                    use.tokens += found.tokens
            return Embeddings(tuple(vectors), use.tokens, use.course.loading)

    async def rank(self, request: RankRequest, caller: Caller, ticket: Ticket | None = None) -> Ranking:
        """The best of `request`'s documents, by a model made to rank. Raises `core.errors`."""
        ticket = ticket or Ticket("ranking", caller, request.model)
        with self._recorded(request.id, ticket) as use:
            model = await self._find(use, request.adapter)
            if model.pooling != "rank":
                raise InvalidRequest(
                    f"{model.id} cannot rank documents: that takes a GGUF file of a reranker, whose header gives the "
                    f"pooling type rank; or embed query and documents with /v1/embeddings and compare the vectors",
                    code="not_a_reranker",
                    param="model",
                )
            ranks: list[Rank] = []
            async with self._leased(model, "rank", use) as lease:
                _check_lengths([request.query], lease, "query")
                # One by one, and beside the loop: a thousand copies of a long query are gigabytes.
                pairs = (request.query + text for text in request.documents)
                await asyncio.to_thread(_check_lengths, pairs, lease, "documents")
                for documents in pieces(request.documents):
                    answer = await _ask(lease, embedding.encode_ranking(request.query, documents), "documents", use)
                    found = embedding.decode_ranking(answer, len(documents))
                    done = len(ranks)
                    ranks += [Rank(done + rank.document, rank.score) for rank in found.ranks]
                    use.tokens += found.tokens
            ranks.sort(key=lambda rank: -rank.score)
            return Ranking(tuple(ranks[: request.top_n]), use.tokens)

    async def _find(self, use: _Use, adapter: Adapter | None) -> Model:
        model = await asyncio.to_thread(self._catalog.find, use.model, adapter, use.ticket.caller)
        use.model = use.ticket.model = model.name
        return model

    @asynccontextmanager
    async def _leased(self, model: Model, pooling: Pooling, use: _Use) -> AsyncGenerator[Lease, None]:
        async with self._pool.lease(model, pooling, caller=use.ticket.caller) as lease:
            use.ticket.worker = lease.worker.model
            async with aclosing(lease.ready()) as waiting:
                async for progress in waiting:
                    use.note(progress)
            use.course.ready()
            yield lease

    @contextmanager
    def _recorded(self, request_id: str, ticket: Ticket) -> Generator[_Use]:
        use = _Use(ticket.model, ticket, Course(request_id, ticket, self._clock))
        try:
            yield use
        except BaseException as error:
            use.course.failed(error)
            raise
        finally:
            self._observer.request_done(use.course.record(use.model, use.tokens))


def pieces(texts: Sequence[TextT]) -> Iterator[Sequence[TextT]]:
    """The texts in order, as many at once as one call to a worker may hold."""
    start, size = 0, 0
    for index, text in enumerate(texts):
        if index > start and (index - start == CALL_INPUTS or size + len(text) > CALL_SIZE):
            yield texts[start:index]
            start, size = index, 0
        size += len(text)
    yield texts[start:]


def _pooling(request: EmbedRequest, model: Model) -> Pooling:
    if model.hears:
        raise InvalidRequest(f"{model.id} was made to write down speech and embeds no text", param="model")
    if model.pooling == "rank":
        raise InvalidRequest(
            f"{model.id} is a reranker, its output is a score: use /v1/rerank, or another model", param="model"
        )
    return request.pooling or model.pooling or DEFAULT_POOLING


def _check_lengths(texts: Iterable[Text], lease: Lease, param: str) -> None:
    """Raises ContextTooLong for a text that cannot fit, without tokenising it."""
    props = lease.worker.props
    context = props.context if props else 0
    for text in texts if context else ():
        if isinstance(text, str):
            check_texts([text], 0, context, param)
        elif len(text) > context:
            raise ContextTooLong(len(text), context, param)


async def _ask(lease: Lease, call: WorkerCall, param: str, use: _Use) -> JsonObject:
    try:
        return await answered(lease, call, CALL_WITHIN, use.note)
    except ContextTooLong as error:
        raise error.naming(param) from error
