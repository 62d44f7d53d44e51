"""All answers being written into conversations: they go on whoever listens, are kept every second, and end in order."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, contextmanager

import structlog

from dovetail.core.errors import Busy, DovetailError, RateLimited
from dovetail.core.events import Event
from dovetail.gateway import errors
from dovetail.gateway.chats.archive import Archive
from dovetail.gateway.chats.run import Run
from dovetail.gateway.chats.shelf import running
from dovetail.gateway.sse import too_long
from dovetail.serving.requests import Requests
from dovetail.storage import chats
from dovetail.storage.chats import Message, Status

log = structlog.stdlib.get_logger(__name__)

KEEP_EVERY = 1.0
MOST_OF_ONE = 16
MOST = 512
_CLOSED_WITHIN = 5.0


class Runs:
    """One conversation has one run at a time.

    whole    says how many seconds an answer may take
    within   the seconds in which one that is stopped has to end
    """

    def __init__(
        self,
        archive: Archive,
        requests: Requests,
        whole: Callable[[], float] = lambda: 3600.0,
        within: float = _CLOSED_WITHIN,
    ) -> None:
        self.archive = archive
        self._requests = requests
        self._whole = whole
        self._within = within
        self._by_chat: dict[str, Run | None] = {}
        self._owners: dict[str, str] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._works: dict[str, asyncio.Task[None]] = {}

    def running(self, chat_id: str) -> Run | None:
        """The run under way in a conversation."""
        return self._by_chat.get(chat_id)

    def run(self, owner: str, run_id: str) -> Run | None:
        """One of `owner`'s that is under way."""
        found = next((run for run in self._by_chat.values() if run is not None and run.id == run_id), None)
        return found if found is not None and self._owners[found.message.chat] == owner else None

    async def hand_over(self, owner: str, to: str) -> None:
        """What `owner` has kept, and what is being written of it, is somebody else's."""
        await self.archive.hand_over(owner, to)
        self._owners = {chat: to if each == owner else each for chat, each in self._owners.items()}

    @contextmanager
    def reserved(self, chat_id: str, owner: str) -> Generator[None]:
        """Around all that leads to `start`. Raises InvalidRequest where one is under way, RateLimited for too many."""
        if chat_id in self._by_chat:
            raise running()
        if Counter(self._owners.values())[owner] >= MOST_OF_ONE or len(self._owners) >= MOST:
            raise RateLimited(
                f"{MOST_OF_ONE} answers of yours are being written, or {MOST} of all; wait for one, or stop it",
                code="too_many_runs",
                retry_after=1.0,
            )
        self._by_chat[chat_id], self._owners[chat_id] = None, owner
        try:
            yield
        finally:
            if self._by_chat[chat_id] is None:
                self._forget(chat_id)

    def start(self, run: Run, events: AsyncGenerator[Event, None], request_id: str) -> None:
        """Begins to write what `events` tell, in a conversation that is `reserved`."""
        self._by_chat[run.message.chat] = run
        work = asyncio.create_task(_generate(run, events), name=f"generation of {run.id}")
        life = asyncio.create_task(self._live(run, work, request_id), name=f"run {run.id}")
        self._works[run.id], self._tasks[run.id] = work, life
        life.add_done_callback(lambda _: self._tasks.pop(run.id, None))

    def of(self, owner: str) -> list[Run]:
        """All of one owner's that are under way."""
        return [run for chat, run in self._by_chat.items() if run is not None and self._owners[chat] == owner]

    async def stop(self, *runs: Run) -> None:
        """Until they have ended; their slots are free then. Raises Busy where that takes too long."""
        for run in runs:
            if (work := self._works.get(run.id)) is not None:
                _cut(work)
        try:
            async with asyncio.timeout(self._within):
                for run in runs:
                    await run.ended.wait()
                    if (life := self._tasks.get(run.id)) is not None:
                        await asyncio.wait({life})
        except TimeoutError:
            raise Busy(f"the answer has not ended within {self._within:g} seconds; it is being stopped") from None

    async def keep(self, every: float = KEEP_EVERY) -> None:
        """Writes down what is new, until cancelled."""
        while True:
            await asyncio.sleep(every)
            await self._keep()

    async def quiet(self, within: float) -> bool:
        """Waits until nothing is being written, at most `within` seconds."""
        if self._tasks:
            await asyncio.wait(tuple(self._tasks.values()), timeout=within)
        return not self._tasks

    async def aclose(self) -> None:
        """Ends all, with their text kept."""
        for work in tuple(self._works.values()):
            _cut(work)
        await self.quiet(self._within)
        await self._keep()

    async def _live(self, run: Run, work: asyncio.Task[None], request_id: str) -> None:
        ended: list[DovetailError] = []

        def end(error: DovetailError) -> None:
            ended.append(error)
            _cut(work)

        whole = self._whole()
        timer = asyncio.get_running_loop().call_later(whole, lambda: run.ticket.end(too_long(whole)))
        try:
            with self._requests.under_way(run.ticket, request_id, end):
                await asyncio.wait({work})
                status, error = _outcome(work, ended)
                try:
                    run.close(status, error)
                except Exception as failure:  # noqa: BLE001  one answer's boundary: it ends, and so do the others
                    run.give_up(errors.as_dovetail(failure))
                # Whoever hears that the request is gone finds the answer kept, and the conversation at rest.
                await self._keep()
        finally:
            timer.cancel()
            del self._works[run.id]
        run.tell_end()

    async def _keep(self) -> None:
        """One transaction for all; what cannot be stored now is tried again a second later."""
        fresh = [run for run in self._by_chat.values() if run is not None and run.is_new]
        if not fresh:
            return
        rows: list[tuple[Run, Message, bool]] = []
        for run in fresh:
            run.is_new = False
            try:
                rows.append((run, run.message, run.closed))
            except Exception as failure:  # noqa: BLE001  one answer's boundary: it ends, and the others are kept
                run.ticket.end(errors.as_dovetail(failure))

        def work(connection: chats.Connection) -> None:
            for _, message, _ in rows:
                chats.put_message(connection, message)

        try:
            await self.archive.run(work)
        except DovetailError as failure:
            log.warning("answers_not_kept", runs=len(rows), reason=failure.message)
            for run, _, _ in rows:
                run.is_new = True
            return
        for run, message, over in rows:
            if over and self._by_chat.get(message.chat) is run:
                self._forget(message.chat)

    def _forget(self, chat_id: str) -> None:
        del self._by_chat[chat_id], self._owners[chat_id]


async def _generate(run: Run, events: AsyncGenerator[Event, None]) -> None:
    async with aclosing(events):
        async for event in events:
            run.take(event)


def _cut(work: asyncio.Task[None]) -> None:
    """Once: a second time would cut short how it leaves its worker."""
    if work.cancelling() == 0:
        work.cancel()


def _outcome(work: asyncio.Task[None], ended: list[DovetailError]) -> tuple[Status, DovetailError | None]:
    if work.cancelled():
        return ("error", ended[0]) if ended else ("stopped", None)
    failure = work.exception()
    return ("complete", None) if failure is None else ("error", errors.as_dovetail(failure))
