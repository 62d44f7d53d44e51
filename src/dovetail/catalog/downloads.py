"""Downloads under way: queued, paused, tried again, and gone on with after a restart.

Each is a record in a small file of the home folder; how far it is, the files themselves say.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias, cast

import structlog

from dovetail.catalog.delivery import Delivery, Order, check_room, wait_before
from dovetail.catalog.errands import Errands
from dovetail.catalog.transfer import Pace, RemoteFile, Stop, Stopped, Unreachable
from dovetail.core.errors import Conflict, DovetailError, InvalidRequest
from dovetail.core.request import Json, JsonObject
from dovetail.settings import HubSettings
from dovetail.settings.document import replace_file

log = structlog.stdlib.get_logger(__name__)

State: TypeAlias = Literal["queued", "running", "retrying", "paused", "done", "failed", "cancelled"]

ATTEMPTS = 10  # in a row without a byte, after which it has failed
TOLD_EVERY = 0.5  # seconds between two words of progress
WINDOW = 3.0  # seconds over which the speed is taken
MOST = 100  # under way or paused
KNOWN_WITHIN = 10.0  # seconds that reading the record may take
KEPT = 50  # ended ones that are still shown
_UNDER_WAY: frozenset[State] = frozenset({"queued", "running", "retrying"})


@dataclass(slots=True)
class Download:
    """One of them; `retry_at` on the service's clock, `created` in seconds since 1970.

    waiting   clients that wait for it; where it is `tied`, they set it going, and it is to stop with the last of them
    """

    id: str
    order: Order
    created: float
    state: State = "queued"
    done: int = 0
    attempt: int = 0
    retry_at: float | None = None
    error: DovetailError | None = None
    path: Path | None = None
    waiting: int = 0
    tied: bool = False
    stop: Stop = field(default_factory=Stop)
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    samples: deque[tuple[float, int]] = field(default_factory=deque[tuple[float, int]])

    def speed(self, now: float) -> float:
        """Bytes a second over the last moments, 0 where nothing moves."""
        self.samples.append((now, self.done))
        while len(self.samples) > 2 and now - self.samples[1][0] >= WINDOW:
            self.samples.popleft()
        then, had = self.samples[0]
        return max(0.0, (self.done - had) / (now - then)) if now > then else 0.0


@dataclass(frozen=True, slots=True)
class Around:
    """What the service works with.

    models    the folder that models go to; `record` the file with what is under way
    settings  how many at once, and how fast
    tell      is told of each change: a word for it, and the download
    arrived   is awaited when a model is whole
    """

    models: Path
    record: Path
    settings: Callable[[], HubSettings]
    tell: Callable[[str, JsonObject], None]
    arrived: Callable[[], Awaitable[None]]
    endpoint: str | None = None
    clock: Callable[[], float] = time.monotonic


class Downloads:
    """Owns them, on one event loop. They move while `run` does; what it left under way goes on with the next."""

    def __init__(self, around: Around) -> None:
        self._around = around
        self._all: dict[str, Download] = {}
        self._moving: set[str] = set()
        self._woken = asyncio.Event()
        self._saving = asyncio.Lock()
        self._starting = asyncio.Lock()
        self._known = asyncio.Event()  # the record has been read: it must not be written before
        self._pace = Pace(lambda: around.settings().bandwidth)
        self.errands = Errands()

    async def run(self) -> None:
        """Carries them, until it is cancelled."""
        try:
            await asyncio.to_thread(self._restore)
            self._known.set()
            async with asyncio.TaskGroup() as tasks:
                while True:
                    self._woken.clear()
                    for download in [each for each in self._all.values() if each.state == "queued"]:
                        if len(self._moving) < self._around.settings().parallel and download.id not in self._moving:
                            self._moving.add(download.id)
                            tasks.create_task(self._carry(download), name=f"download {download.order.repo}")
                    await self._woken.wait()
        finally:
            self.errands.close()

    def list(self) -> Sequence[Download]:
        """The newest first."""
        return sorted(self._all.values(), key=lambda each: -each.created)

    def find(self, download_id: str) -> Download:
        """Raises InvalidRequest."""
        try:
            return self._all[download_id]
        except KeyError:
            raise InvalidRequest("there is no such download", code="download_not_found", status=404) from None

    async def start(self, order: Order) -> Download:
        """Queues it. Raises Conflict where the same is under way, DiskFull where there is no room for it."""
        async with asyncio.timeout(KNOWN_WITHIN):
            await self._known.wait()
        async with self._starting:  # of two that ask for the same one is told of the other
            for other in self._all.values():
                if other.state in {*_UNDER_WAY, "paused"} and (other.order.repo, other.order.files) == (
                    order.repo,
                    order.files,
                ):
                    raise Conflict(f"{order.repo} is being downloaded already ({other.id})", code="download_exists")
            if sum(each.state in {*_UNDER_WAY, "paused"} for each in self._all.values()) >= MOST:
                raise Conflict(f"{MOST} downloads are under way: wait for some, or cancel them", code="download_exists")
            download = Download(secrets.token_hex(6), order, time.time())
            download.done = await asyncio.to_thread(lambda: self._delivery(download).have())
            left = sum(each.order.total - each.done for each in self._all.values() if each.state in _UNDER_WAY)
            await asyncio.to_thread(check_room, order, self._around.models, download.done, left)
            self._all[download.id] = download
        await self._changed(download, "queued")
        return download

    async def pause(self, download_id: str) -> Download:
        """Stops it where it is; what has come stays."""
        return await self._ended(download_id, "paused", _UNDER_WAY)

    async def cancel(self, download_id: str) -> Download:
        """Stops it, and throws away what has come."""
        download = await self._ended(download_id, "cancelled", {*_UNDER_WAY, "paused", "failed"})
        if download.id not in self._moving:
            await asyncio.to_thread(lambda: self._delivery(download).discard())
        return download

    async def resume(self, download_id: str) -> Download:
        """Goes on with one that is paused, has failed, or waits to be tried again; at once."""
        download = self.find(download_id)
        if download.state == "retrying":
            download.woken.set()
            return download
        if download.state not in {"paused", "failed"}:
            raise InvalidRequest(f"it is {download.state}: there is nothing to go on with", code="download_state")
        download.attempt, download.error, download.tied = 0, None, False
        await self._changed(download, "queued")
        return download

    async def forget(self, download_id: str) -> None:
        """Takes one that has ended off the list; of one that failed nothing stays."""
        if self.find(download_id).state in {*_UNDER_WAY, "paused"}:
            raise InvalidRequest("it has not ended: cancel it first", code="download_state")
        download = self._all.pop(download_id)
        self._around.tell("gone", {"id": download.id})
        if download.state == "failed":
            await asyncio.to_thread(lambda: self._delivery(download).discard())
        await self._save()

    def shown(self, download: Download) -> JsonObject:
        """As it is told."""
        order, now = download.order, self._around.clock()
        speed = download.speed(now) if download.state == "running" else 0.0
        files: list[Json] = [{"name": file.name, "bytes": file.size} for file in order.files]
        wait = None if download.retry_at is None else max(0.0, round(download.retry_at - now, 1))
        error = download.error
        return {
            "id": download.id,
            "repo": order.repo,
            "choice": order.choice,
            "revision": order.revision,
            "files": files,
            "total": order.total,
            "done": download.done,
            "speed": round(speed),
            "eta": round((order.total - download.done) / speed, 1) if speed else None,
            "state": download.state,
            "attempt": download.attempt,
            "retry_in": wait,
            "error": None if error is None else {"code": error.code, "message": error.message},
            "created": download.created,
            "path": None if download.path is None else str(download.path),
        }

    async def _ended(self, download_id: str, state: State, out_of: frozenset[State] | set[State]) -> Download:
        download = self.find(download_id)
        if download.state not in out_of:
            raise InvalidRequest(f"it is {download.state}: it cannot be {state}", code="download_state")
        download.stop.set()
        await self._changed(download, state)
        download.woken.set()
        return download

    async def _carry(self, download: Download) -> None:
        """Tries one, in a place among those that move; while it waits to be tried again the place is another's."""
        had, failed = download.done, None
        try:
            try:
                await self._attempt(download)
            except Stopped:
                pass
            except Unreachable as error:
                failed = error
            except DovetailError as error:
                await self._failed(download, error)
            except OSError as error:
                await self._failed(download, DovetailError(f"it cannot be written: {error.strerror or error}"))
            except Exception:  # the boundary of one download: the others go on
                log.exception("download_broke", repo=download.order.repo)
                await self._failed(download, DovetailError("it failed for a reason that the log tells"))
            if download.state == "cancelled":
                await asyncio.to_thread(lambda: self._delivery(download).discard())
        finally:
            self._moving.discard(download.id)
            self._woken.set()
        if failed is not None:
            await self._again(download, failed, moved=download.done > had)

    async def _attempt(self, download: Download) -> None:
        download.stop, download.retry_at = Stop(), None
        download.samples.clear()
        await self._changed(download, "running")

        def moved(done: int, _total: int) -> None:
            download.done = done

        work = self.errands.run(lambda: self._delivery(download).run(moved))
        try:
            while not work.done():
                await asyncio.wait([work], timeout=TOLD_EVERY)
                if not work.done():
                    self._around.tell("progress", self.shown(download))
            download.path = work.result()
        finally:
            if not work.done():
                download.stop.set()
                with suppress(Stopped, DovetailError, OSError):
                    await work
        download.done = download.order.total
        await self._around.arrived()
        log.info("downloaded", repo=download.order.repo, bytes=download.order.total)
        if download.state == "running":
            await self._changed(download, "done")

    async def _again(self, download: Download, error: Unreachable, *, moved: bool) -> None:
        """Waits for the next try. Whoever moves on begins to count anew."""
        if _state(download) != "running":  # paused or cancelled at the same moment
            return
        download.attempt = 1 if moved else download.attempt + 1
        if download.attempt >= ATTEMPTS:
            await self._failed(download, error)
            return
        wait = wait_before(download.attempt + 1, error.retry_after)
        download.error, download.retry_at = error, self._around.clock() + wait
        download.woken.clear()
        await self._changed(download, "retrying")
        with suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await download.woken.wait()
        if _state(download) == "retrying":
            download.state = "queued"
            self._woken.set()

    async def _failed(self, download: Download, error: DovetailError) -> None:
        if _state(download) != "running":
            return
        download.error = error
        log.warning("download_failed", repo=download.order.repo, reason=error.message)
        download.done = await asyncio.to_thread(lambda: self._delivery(download).have())
        await self._changed(download, "failed")

    async def _changed(self, download: Download, state: State) -> None:
        download.state = state
        if state in {"running", "done"}:
            download.error = None
        if state != "retrying":
            download.retry_at = None
        self._around.tell("changed", self.shown(download))
        self._woken.set()
        await self._save()

    def _delivery(self, download: Download) -> Delivery:
        """Blocks on the disk."""
        return Delivery(download.order, self._around.models, self._around.endpoint, stop=download.stop, pace=self._pace)

    # The record

    async def _save(self) -> None:
        ended = [each.id for each in self.list() if each.state not in {*_UNDER_WAY, "paused"}]
        for download_id in ended[KEPT:]:
            del self._all[download_id]
        async with self._saving:
            text = json.dumps({"version": 1, "downloads": [_written(each) for each in self._all.values()]})
            try:
                await asyncio.to_thread(replace_file, self._around.record, text.encode())
            except (OSError, DovetailError) as error:
                log.warning("downloads_not_written", reason=str(error))

    def _restore(self) -> None:
        """What was under way is queued again."""
        try:
            said = cast("object", json.loads(self._around.record.read_text("utf-8")))
            records = cast("JsonObject", said)["downloads"] if isinstance(said, dict) else []
            found = [_read(cast("JsonObject", each)) for each in cast("list[Json]", records)]
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("downloads_not_read", reason=str(error))
            return
        for download in found:
            if download.state in {*_UNDER_WAY, "paused", "failed"}:
                download.done = self._delivery(download).have()
            self._all[download.id] = download


def _state(download: Download) -> State:
    """As it is now: others change it at any await."""
    return download.state


def _written(download: Download) -> JsonObject:
    files: list[Json] = [
        {"name": each.name, "size": each.size, "sha256": each.sha256, "blob": each.blob}
        for each in download.order.files
    ]
    error = download.error
    return {
        "id": download.id,
        "repo": download.order.repo,
        "revision": download.order.revision,
        "choice": download.order.choice,
        "files": files,
        "created": download.created,
        "state": "queued" if download.state in _UNDER_WAY else download.state,
        "error": None if error is None else {"code": error.code, "message": error.message},
        "path": None if download.path is None else str(download.path),
    }


def _read(said: JsonObject) -> Download:
    """Raises KeyError, TypeError, ValueError for what is no record."""
    files = tuple(
        RemoteFile(str(each["name"]), int(str(each["size"])), _text(each.get("sha256")), _text(each.get("blob")))
        for each in cast("list[JsonObject]", said["files"])
    )
    order = Order(str(said["repo"]), str(said["revision"]), files, _text(said.get("choice")))
    state = str(said["state"])
    if state not in {"queued", "paused", "done", "failed", "cancelled"}:
        raise ValueError(f"unknown state {state}")
    failure = cast("JsonObject | None", said.get("error"))
    error = None if failure is None else DovetailError(str(failure["message"]), code=str(failure["code"]))
    path = _text(said.get("path"))
    return Download(
        str(said["id"]),
        order,
        float(str(said["created"])),
        cast("State", state),
        done=order.total if state == "done" else 0,
        error=error,
        path=None if path is None else Path(path),
    )


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) else None
