"""What every route needs: the services, the caller, a checked body, and the answer to a generation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Annotated, TypeAlias, TypeVar, cast

from fastapi import Depends, Request
from starlette.types import Receive

from dovetail.access.access import Access
from dovetail.core.caller import Caller
from dovetail.core.errors import DovetailError, InvalidRequest
from dovetail.core.events import Event
from dovetail.core.request import GenerateRequest
from dovetail.gateway import guard, request_body, wire
from dovetail.gateway.request_body import ClientLeft
from dovetail.gateway.services import Services
from dovetail.gateway.sse import Rendering, Replies, Reply
from dovetail.gateway.wire import Wire, WireT

# From this size on a body is parsed in a thread, so that streams go on.
_LARGE = 256 << 10
# And from this size on its schemas, patterns and grammars are checked in one: 64 kB of them take up to 0.3 s.
_SLOW = 16 << 10

Events: TypeAlias = AsyncGenerator[Event, None]
T = TypeVar("T")


async def _services(request: Request) -> Services:
    return cast("Services", request.app.state.services)


async def _caller(request: Request) -> Caller:
    return guard.known(request.scope).caller


async def _access(request: Request) -> Access:
    services = cast("Services", request.app.state.services)
    if services.access is None:
        raise InvalidRequest("this server keeps no accounts", code="not_found", status=404)
    return services.access


ServicesDep = Annotated[Services, Depends(_services)]
CallerDep = Annotated[Caller, Depends(_caller)]
AccessDep = Annotated[Access, Depends(_access)]


async def receive_body(request: Request, services: Services, model: type[WireT]) -> WireT:
    """The request's body as a wire model. Raises InvalidRequest, or ClientLeft when it never came whole."""
    server = services.settings.server
    body = await request_body.read(request, limit=server.max_body, timeout=server.body_timeout)
    if len(body) < _LARGE:
        return wire.read(model, body)
    return await asyncio.to_thread(wire.read, model, body)


async def translated(request: Request, work: Callable[[], T]) -> T:
    """What `work` makes of the body of `request`, without keeping the event loop from its streams."""
    if request_body.size_of(request.scope) < _SLOW:
        return work()
    return await asyncio.to_thread(work)


def generation(  # noqa: PLR0917  called by routes
    services: Services,
    caller: Caller,
    body: Wire,
    requests: Sequence[GenerateRequest],
    rendering: Rendering,
    change: Callable[[Events], Events] | None = None,
) -> Reply:
    """The answer to `requests`, all of whose choices go into one rendering. Raises what `strict` refuses."""
    headers = wire.warnings(body, strict=services.settings.strict)
    events = services.generator.run_all(requests, caller)
    if change is not None:
        events = change(events)
    return Reply(events, rendering, services.replies, services.timing, headers)


async def while_connected(receive: Receive, replies: Replies, work: Coroutine[object, object, T]) -> T:
    """The result of `work`, which is cancelled when the client leaves or `replies` are cut.

    Raises ClientLeft, or the error of the cut.
    """

    async def leave() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        task.cancel()

    try:
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(work)
            watcher = tasks.create_task(leave())
            task.add_done_callback(lambda _: watcher.cancel())
            replies.add(call := _Call(task))
            task.add_done_callback(lambda _: replies.discard(call))
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    if task.cancelled():
        raise call.failure or ClientLeft
    return task.result()


@dataclass(slots=True, eq=False)
class _Call:
    """Work under way for one answer."""

    task: asyncio.Task[object]
    failure: DovetailError | None = None

    def fail(self, error: DovetailError) -> None:
        self.failure = error
        self.task.cancel()
