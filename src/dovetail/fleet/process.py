"""One worker: started, ready, stopped. Its state has one owner, the task that lives as long as its process."""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from dovetail.core.errors import Busy, DovetailError, LoadFailed, WorkerCrashed
from dovetail.core.model import ModelState
from dovetail.core.observe import Observer
from dovetail.core.request import Json, JsonObject
from dovetail.fleet.child import Child
from dovetail.fleet.client import WorkerClient
from dovetail.fleet.launch import Launched
from dovetail.fleet.reason import reason
from dovetail.settings import FleetSettings

Launch = Callable[[Callable[[str], None]], Awaitable[Launched]]

KEPT_LINES = 100
LINES_A_SECOND = 100  # passed on to the observer; of a flood the rest stays in `last_lines` alone
RETRY_AFTER = 1.0  # seconds in which a failed load is not tried again, doubled with each failure in a row
LONGEST_RETRY = 60.0
ABANDON_AFTER = 0.25  # seconds a start goes on when nobody waits for it any more
_FIRST_POLL, _LONGEST_POLL = 0.01, 0.25


@dataclass(frozen=True, slots=True)
class Props:
    """What a ready worker says of itself: tokens for each slot, slots, and the whole of its /props."""

    context: int
    slots: int
    raw: JsonObject


class _Life:
    """One run of the process.

    settled  it is ready or has failed
    stop     it has been asked to leave
    over     it is no longer ready, whether asked or not
    """

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.settled: asyncio.Future[LoadFailed | None] = loop.create_future()
        self.stop: asyncio.Future[None] = loop.create_future()
        self.over = asyncio.Event()
        self.child: Child | None = None
        self.client: WorkerClient | None = None


class Worker:
    """The worker of one model. Callers say `ensure_ready`; none looks at the state and then acts on it."""

    def __init__(  # noqa: PLR0917  called once, by the pool
        self,
        model: str,
        launch: Launch,
        settings: FleetSettings,
        observer: Observer,
        clock: Callable[[], float] = time.monotonic,
        farewell: Callable[[WorkerClient], Awaitable[None]] | None = None,
    ) -> None:
        self.model = model
        self.last_lines: deque[str] = deque(maxlen=KEPT_LINES)
        self.reason: str | None = None
        self.loaded_at: float | None = None
        self.props: Props | None = None
        self._launch = launch
        self._settings = settings
        self._observer = observer
        self._clock = clock
        self._farewell = farewell
        self._state: ModelState = "unloaded"
        self._life = _Life()
        self._task: asyncio.Task[None] | None = None
        self._waiters = 0
        self._retired = False
        self._failure: LoadFailed | None = None
        self._failures, self._retry_at = 0, 0.0
        self._second, self._told = 0, 0

    @property
    def state(self) -> ModelState:
        return self._state

    @property
    def alive(self) -> bool:
        """Whether a process exists, or may."""
        return self._task is not None and not self._task.done()

    @property
    def pid(self) -> int | None:
        return self._life.child.pid if self._life.child is not None and self.alive else None

    @property
    def client(self) -> WorkerClient:
        """Raises WorkerCrashed when the worker is not ready (any more)."""
        if self._state != "ready" or self._life.client is None:
            raise WorkerCrashed(f"the worker of {self.model} is gone: {self.reason or 'it was stopped'}")
        return self._life.client

    async def ensure_ready(self) -> None:
        """Returns once the worker is ready, started by the first of its waiters. Raises LoadFailed, or Busy if retired.

        A start whose waiters have all been cancelled is stopped. A load that failed a moment ago fails again at once.
        """
        self._waiters += 1
        try:
            while self._state != "ready":
                if self.alive and self._state != "starting":
                    await self.gone()
                    continue
                if not self.alive:
                    self._begin()
                if failure := await asyncio.shield(self._life.settled):
                    raise _again(failure)
        finally:
            self._waiters -= 1

    def reconfigure(self, settings: FleetSettings) -> None:
        """Other deadlines, of what has not begun yet."""
        self._settings = settings

    def forget_failure(self) -> None:
        """Lets the next `ensure_ready` try again, however recently it failed."""
        self._failure, self._failures = None, 0

    def begin_stop(self, why: str | None = None) -> None:
        """Asks the worker to leave: from here on it is not ready. Does nothing when it does not run."""
        if self.alive and not self._life.stop.done():
            self._life.stop.set_result(None)
            if self._life.client is not None:
                self._life.client.dismissed = why is None
            self._enter("stopping", why)

    def retire(self) -> None:
        """Asks the worker to leave for good: those who wait for it, or will, get Busy instead of a successor."""
        self._retired = True
        self.begin_stop()

    async def gone(self) -> None:
        """Waits until no process is left; the process's end is bounded by `stop_timeout`."""
        if self._task is not None:
            await asyncio.wait({self._task})

    async def fallen(self, within: float) -> bool:
        """Waits until the worker is known not to be ready: a socket breaks a moment before its process is reaped."""
        try:
            async with asyncio.timeout(within):
                await self._life.over.wait()
        except TimeoutError:
            return False
        return True

    async def examine(self, within: float) -> None:
        """Stops a ready worker that does not even answer /health within `within` seconds."""
        life = self._life
        if life.client is None or await life.client.health(within=within):
            return
        if life is self._life:  # not its successor's
            self.begin_stop("it no longer answered")

    async def stop(self) -> None:
        """Ends the worker: SIGTERM, then SIGKILL after `stop_timeout`."""
        self.begin_stop()
        await self.gone()

    def _begin(self) -> None:
        if self._retired:
            raise shutting_down()
        if self._failure is not None and self._clock() < self._retry_at:
            raise _again(self._failure)
        self.last_lines.clear()
        self._life = _Life()
        self._enter("starting")
        # A context of its own: the worker outlives the request that started it, whose id its lines must not carry.
        self._task = asyncio.create_task(
            self._live(self._life), name=f"worker of {self.model}", context=contextvars.Context()
        )

    async def _live(self, life: _Life) -> None:
        failure: LoadFailed | None = None
        try:
            await self._run(life)
        except LoadFailed as error:
            failure = error
        except DovetailError as error:  # what /props said
            failure = self._failed(error.message)
        except Exception as error:  # noqa: BLE001  the boundary of a worker's task: whatever it is, the model failed
            failure = self._failed(repr(error))
        life.client = None
        if failure is not None and not life.stop.done():
            self._failure = failure
            self._retry_at = self._clock() + min(RETRY_AFTER * 2**self._failures, LONGEST_RETRY)
            self._failures += 1
            self._enter("failed", failure.message)
        elif self._state != "failed":
            self._enter("unloaded", self.reason)
        if not life.settled.done():
            life.settled.set_result(failure or LoadFailed(f"{self.model} was unloaded before it was ready"))

    async def _run(self, life: _Life) -> None:
        launched = await self._launch(self._note)
        settings = self._settings
        async with (
            Child(launched) as child,
            WorkerClient(
                launched.endpoint, first_token=settings.first_token_timeout, token_gap=settings.token_timeout
            ) as client,
        ):
            life.child = child
            await self._load(life, child, client)
            if life.stop.done():
                return
            child.patience = settings.stop_timeout  # before it was ready it had nothing to put away
            life.client = client
            self.loaded_at = self._clock()
            self.forget_failure()
            self._enter("ready")
            life.settled.set_result(None)
            await child.exited_or(life.stop)
            if not life.stop.done():
                self._enter("failed", reason(self.last_lines, child.status))
            elif self._farewell is not None and self.reason is None:  # in good health: it has things to put away
                await self._farewell(client)

    async def _load(self, life: _Life, child: Child, client: WorkerClient) -> None:
        """Returns when the worker is ready or `life.stop` is done; raises LoadFailed."""
        started = waited = self._clock()
        pause = _FIRST_POLL
        while not await client.health():
            await child.exited_or(life.stop, within=pause)
            pause = min(pause * 1.5, _LONGEST_POLL)
            now = self._clock()
            waited = now if self._waiters else waited
            if now - waited > ABANDON_AFTER:
                self.begin_stop()
            if life.stop.done():
                return
            if child.status is not None:
                raise self._failed(reason(self.last_lines, child.status))
            if now - started > self._settings.load_timeout:
                raise self._failed(f"it was not ready within {self._settings.load_timeout:g} s")
        self.props = _props(await client.get("/props"))

    def _failed(self, why: str) -> LoadFailed:
        return LoadFailed(f"{self.model} could not be loaded: {why}", log_tail=self.last_lines)

    def _enter(self, state: ModelState, why: str | None = None) -> None:
        self._state, self.reason = state, why
        if state != "ready":
            self.loaded_at = None
        if state not in {"starting", "ready"}:
            self._life.over.set()
        self._observer.model_state(self.model, state, why)

    def _note(self, line: str) -> None:
        self.last_lines.append(line)
        if (second := int(self._clock())) != self._second:
            self._second, self._told = second, 0
        self._told += 1
        if self._told <= LINES_A_SECOND:
            self._observer.worker_line(self.model, line)


def shutting_down() -> Busy:
    return Busy("the server is shutting down: try again in a moment", code="shutting_down")


def _again(failure: LoadFailed) -> LoadFailed:
    """A copy for one more waiter: a traceback belongs to one raise."""
    return LoadFailed(failure.message, log_tail=failure.log_tail, code=failure.code, status=failure.status)


def _props(raw: JsonObject) -> Props:
    defaults = raw.get("default_generation_settings")
    context = defaults.get("n_ctx") if isinstance(defaults, dict) else None
    return Props(_count(context), _count(raw.get("total_slots")), raw)


def _count(value: Json) -> int:
    return value if isinstance(value, int) else 0
