"""What callers have kept of their answers, responses and chat completions, in one store with one set of bounds."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import TypeVar, cast

import orjson

from dovetail.core.caller import Caller
from dovetail.core.errors import DiskFull, InvalidRequest
from dovetail.core.request import JsonObject
from dovetail.gateway.services import Services
from dovetail.storage import responses
from dovetail.storage.responses import Bounds, Connection, Item, Kind, Stored, Wanted

_DAY = 86_400.0
T = TypeVar("T")


class Stock:
    """One caller's answers of one kind. Nobody finds another's, and nobody one that is older than it is kept.

    A key that is good for some models finds those of its models alone.
    """

    def __init__(self, services: Services, caller: Caller, kind: Kind) -> None:
        self._access = services.access
        self._said = services.settings.responses
        self._caller = caller
        self._may_use, self._narrow = caller.may_use, bool(caller.scope.models)
        self._known = services.catalog.known
        self._kind: Kind = kind

    @property
    def keeps(self) -> bool:
        """Whether anything is kept at all."""
        return self._access is not None and self._said.keep > 0

    async def add(
        self, answer_id: str, body: str, given: Sequence[Item], made: Sequence[Item], previous: str | None = None
    ) -> None:
        """Raises DiskFull for what is larger than all that may be kept, and what `Database.run` does."""
        stored = Stored(answer_id, self._caller.id, time.time(), previous, body, given, made, self._kind)
        bounds = Bounds(self._said.keep, self._since, self._said.max_bytes)
        # What is too old goes with the rest that is beyond the bounds.
        if not await self._transaction(lambda c: responses.add(c, replace(stored, caller=self._owner), bounds)):
            raise DiskFull(f"the answer was not kept: it has {stored.size} bytes, responses.max_bytes is {bounds.size}")

    async def found(self, answer_id: str) -> Stored:
        """Raises InvalidRequest with 404."""
        found = await self._run(lambda c: self._seen(c, answer_id))
        if found is None:
            raise self._gone(answer_id)
        return found

    async def page(self, wanted: Wanted) -> list[Stored]:
        """Raises InvalidRequest for an `after` that is not kept."""

        def fits(body: str) -> bool:
            return wanted.fits(body) and self._is_for(body)

        fitting = replace(wanted, fits=fits)
        found = await self._run(lambda c: responses.page(c, self._owner, self._kind, fitting))
        if found is None:
            raise InvalidRequest("after: nothing of that id is in the list", param="after")
        return found

    async def conversation(self, answer_id: str) -> list[str] | None:
        """The items of a response and of all that it goes on from; None where the caller finds one of them not."""
        return await self._run(lambda c: responses.conversation(c, self._owner, answer_id, self._is_for))

    async def items(self, item_ids: Collection[str]) -> dict[str, str]:
        """The items of those ids, of responses that the caller finds."""
        return await self._run(lambda c: responses.items(c, self._owner, item_ids, self._is_for))

    async def rewritten(self, answer_id: str, body: Callable[[str], str]) -> Stored:
        """The one of that id with another body, made of its own. Raises InvalidRequest with 404."""

        def rewrite(connection: Connection) -> Stored | None:
            found = self._seen(connection, answer_id)
            if found is None:
                return None
            new = replace(found, body=body(found.body))
            responses.rewrite(connection, new)
            return new

        new = await self._run(rewrite)
        if new is None:
            raise self._gone(answer_id)
        return new

    async def remove(self, answer_id: str) -> None:
        """Raises InvalidRequest with 404."""

        def remove(connection: Connection) -> bool:
            seen = self._seen(connection, answer_id) is not None
            return seen and responses.remove(connection, self._owner, answer_id, self._kind)

        if not await self._run(remove):
            raise self._gone(answer_id)

    async def _run(self, work: Callable[[Connection], T]) -> T:
        """What `work` finds when what is too old has gone. Raises InvalidRequest with 404 where nothing can be kept."""
        since = self._since

        def looked(connection: Connection) -> T:
            responses.expire(connection, since)
            return work(connection)

        return await self._transaction(looked)

    async def _transaction(self, work: Callable[[Connection], T]) -> T:
        if self._access is None:
            raise _missing(self._kind, "this server keeps no answers")
        return await self._access.database.run(work)

    @property
    def _owner(self) -> str:
        """Inside a transaction: whose what the caller keeps is by now."""
        return self._caller.id if self._access is None else self._access.people.keeper(self._caller)

    def _seen(self, connection: Connection, answer_id: str) -> Stored | None:
        """The one of that id, if the caller may know of it."""
        found = responses.response(connection, self._owner, answer_id, self._kind)
        return found if found is not None and self._is_for(found.body) else None

    def _gone(self, answer_id: str) -> InvalidRequest:
        return _missing(self._kind, f"no such answer is kept here: {answer_id[:64]!r}")

    def _is_for(self, body: str) -> bool:
        """Whether the caller may use the model that has answered."""
        if not self._narrow:
            return True
        name = str(cast("JsonObject", orjson.loads(body))["model"])
        model = self._known(name) or self._known(name.rpartition("+")[0])  # an adapter's
        return self._may_use(name if model is None else model.id)

    @property
    def _since(self) -> float:
        return time.time() - self._said.days * _DAY


def _missing(kind: Kind, said: str) -> InvalidRequest:
    if kind == "response":
        return InvalidRequest(said, code="response_not_found", status=404)
    return InvalidRequest(said, code="completion_not_found", status=404)
