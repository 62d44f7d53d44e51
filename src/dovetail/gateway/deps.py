"""What every route needs: the services, the caller, a checked body, and the answer to a generation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from typing import Annotated, TypeAlias, TypeVar, cast

from fastapi import Depends, Request

from dovetail.access.access import Access
from dovetail.core.caller import Caller
from dovetail.core.errors import DovetailError, InvalidRequest
from dovetail.core.events import Event
from dovetail.core.request import GenerateRequest
from dovetail.gateway import guard, request_body, wire
from dovetail.gateway.model_paths import named
from dovetail.gateway.outline import outline
from dovetail.gateway.request_body import ClientLeft
from dovetail.gateway.rights import Right
from dovetail.gateway.services import Services
from dovetail.gateway.sse import Rendering, Reply, arrived, too_long
from dovetail.gateway.wire import Wire, WireT
from dovetail.serving.requests import Ticket

# From this size on a body is parsed in a thread, so that streams go on.
_LARGE = 256 << 10
# And from this size on its schemas, patterns and grammars are checked in one: 64 kB of them take up to 0.3 s.
_SLOW = 16 << 10
# Of a request that asks for no answer: a login, a key, a model's name.
SMALL_BODY = 64 << 10

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


async def may(request: Request, services: Services, right: Right) -> bool:
    """Whether the caller may do what takes `right`, beside what the route asks."""
    return services.guard is None or await services.guard.lets(request.scope, right)


async def receive_body(request: Request, services: Services, model: type[WireT]) -> WireT:
    """The request's body as a wire model. Raises InvalidRequest, or ClientLeft when it never came whole."""
    return await _parsed(model, await _received(request, services), named(request.scope))


async def receive_list(request: Request, services: Services, model: type[WireT]) -> WireT:
    """The same of a body that is a list: `model` has it in its only field."""
    (name,) = model.model_fields
    return await _parsed(model, b'{"%b":%b}' % (name.encode(), await _received(request, services)))


async def _received(request: Request, services: Services) -> bytes:
    server = services.settings.server
    large = guard.wanted(request.scope) in {None, Right.USE, Right.CHATS, Right.RUNS}
    limit = server.max_body if large else min(server.max_body, SMALL_BODY)
    body = await request_body.read(request, limit=limit, timeout=server.body_timeout)
    if not large and services.guard is not None:  # a body may have come for a minute
        await services.guard.check_still(request.scope)
    return body


async def _parsed(model: type[WireT], body: bytes, name: str | None = None) -> WireT:
    if len(body) < _LARGE:
        return wire.read(model, body, name)
    return await asyncio.to_thread(wire.read, model, body, name)


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
    *,
    ticket: Ticket | None = None,
) -> Reply:
    """The answer to `requests`, all of whose choices go into one rendering. Raises what `strict` refuses."""
    headers = wire.warnings(body, strict=services.settings.strict)
    ticket = ticket or Ticket("generation", caller, requests[0].model, outline(body))
    events = services.generator.run_all(requests, caller, ticket)
    if change is not None:
        events = change(events)
    return Reply(events, rendering, services.requests, ticket, services.timing, headers=headers)


async def while_connected(
    request: Request, services: Services, ticket: Ticket, work: Coroutine[object, object, T]
) -> T:
    """The result of `work`, cancelled when the client leaves, when `ticket` is ended and when it takes too long.

    Raises ClientLeft, or the error of the end.
    """
    ended: list[DovetailError] = []

    def end(error: DovetailError) -> None:
        ended.append(error)
        task.cancel()

    async def leave() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        task.cancel()

    whole = services.timing.whole
    timer = asyncio.get_running_loop().call_later(whole, lambda: ticket.end(too_long(whole)))
    try:
        with services.requests.under_way(ticket, arrived(ticket, request.scope), end):
            async with asyncio.TaskGroup() as tasks:
                task = tasks.create_task(work)
                watcher = tasks.create_task(leave())
                task.add_done_callback(lambda _: watcher.cancel())
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    finally:
        timer.cancel()
    if task.cancelled():
        raise ended[0] if ended else ClientLeft
    return task.result()
