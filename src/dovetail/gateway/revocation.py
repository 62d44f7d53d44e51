"""What ends answers under way once the key or login they were asked with is no more, or may less."""

from __future__ import annotations

import asyncio

import structlog

from dovetail.access.access import Access
from dovetail.core.errors import DovetailError, Unauthenticated
from dovetail.gateway.streams import Streams
from dovetail.serving.requests import Requests

log = structlog.stdlib.get_logger(__name__)

LOOK_EVERY = 10.0


async def watch(access: Access, requests: Requests, streams: Streams, every: float = LOOK_EVERY) -> None:
    """Looks until cancelled."""
    while True:
        await asyncio.sleep(every)
        try:
            await look(access, requests, streams)
        except DovetailError as failure:  # a database that is busy is asked again
            log.warning("revocations_not_seen", reason=failure.message)


async def look(access: Access, requests: Requests, streams: Streams) -> None:
    """Ends what has lost its credential. Raises what the database raises."""
    callers = {ticket.caller for ticket in requests} | streams.callers
    for caller in await access.ended(callers):
        error = Unauthenticated(
            "the key or login of this request has been revoked, or may less now", code="access_revoked"
        )
        ended = requests.turn_out(caller, error) + streams.turn_out(caller, error)
        log.info("requests_turned_out", caller=caller.id, requests=ended)
