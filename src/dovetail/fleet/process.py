"""One worker: started, ready, stopped, started again. Its state has one owner, the task that lives with its process."""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections import deque
from collections.abc import Awaitable, Callable

from dovetail.core.errors import Busy, DovetailError, LoadFailed, NoRoom, WorkerCrashed
from dovetail.core.model import ModelState
from dovetail.core.observe import Observer
from dovetail.fleet.backoff import Backoff, again, broken
from dovetail.fleet.child import Child
from dovetail.fleet.client import WorkerClient, unloaded
from dovetail.fleet.launch import Launched
from dovetail.fleet.life import Life
from dovetail.fleet.props import Props, props_of
from dovetail.fleet.reason import reason, reason_in_service, want_of_memory
from dovetail.hardware.usage import stopped, usage
from dovetail.settings import FleetSettings

Launch = Callable[[Callable[[str], None]], Awaitable[Launched]]

KEPT_LINES = 100
LINES_A_SECOND = 100  # passed on to the observer; of a flood the rest stays in `last_lines` alone
ABANDON_AFTER = 0.25  # seconds a start goes on when nobody waits for it any more
FROZEN = 3  # heartbeats that a worker may be stopped for while it loads
_FIRST_POLL, _LONGEST_POLL = 0.01, 0.25


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
        watch: Callable[[WorkerClient], Awaitable[None]] | None = None,
        stopped: Callable[[int], bool] = stopped,
        allowance: Callable[[], int | None] = lambda: None,
        weigh: Callable[[int], int | None] = lambda pid: usage(pid).private,
    ) -> None:
        """`allowance`: bytes of its own that a process may take while it loads, None for any number."""
        self.model = model
        self.last_lines: deque[str] = deque(maxlen=KEPT_LINES)
        self.reason: str | None = None
        self.loaded_at: float | None = None
        self.load_seconds: float | None = None  # that the last start took which succeeded
        self.props: Props | None = None
        self._launch = launch
        self._settings = settings
        self._observer = observer
        self.clock = clock
        self._farewell = farewell
        self._watch = watch
        self._stopped = stopped
        self._allowance = allowance
        self._weigh = weigh
        self._state: ModelState = "unloaded"
        self._life = Life()
        self._task: asyncio.Task[None] | None = None
        self._waiters = 0
        self._retired = False
        self._failure: LoadFailed | None = None
        self._fell = False  # it failed by a death, behind which the next start is worth waiting for
        self._backoff = Backoff(clock)
        self._second, self._told = 0, 0

    @property
    def state(self) -> ModelState:
        return self._state

    @property
    def alive(self) -> bool:
        """Whether a process exists, or may."""
        return self._task is not None and not self._task.done()

    @property
    def ailing(self) -> bool:
        """Whether it has died and is not ready again, or has failed and is not tried again yet."""
        if self._state == "failed":
            return self.alive or self._backoff.wait > 0
        return self._state == "starting" and self._life.healing

    @property
    def pid(self) -> int | None:
        return self._life.child.pid if self._life.child is not None and self.alive else None

    @property
    def allocated(self) -> int | None:
        """Bytes that its engine holds, as it said at the last heartbeat; None where it does not say, as llama.cpp."""
        return None if self._life.client is None or self._state != "ready" else self._life.client.allocated

    @property
    def client(self) -> WorkerClient:
        """Raises WorkerCrashed when the worker is not ready (any more)."""
        if self._state != "ready" or self._life.client is None:
            raise WorkerCrashed(f"the worker of {self.model} is gone: {self.reason or 'it was stopped'}")
        return self._life.client

    @property
    def settings(self) -> FleetSettings:
        return self._settings

    async def ensure_ready(self) -> None:
        """Returns once the worker is ready, started by the first of its waiters. Raises LoadFailed, or Busy if retired.

        A start whose waiters have all been cancelled is stopped. A load that failed a moment ago, or too often, fails
        again at once; of loads that were killed each waiter is spared the first, and the next is waited for.
        """
        spared = False
        self._waiters += 1
        try:
            while self._state != "ready":
                if self.alive and self._state != "starting":
                    await self.gone()
                    continue
                if not self.alive:
                    self._begin()
                life = self._life
                if failure := await asyncio.shield(life.settled):
                    if spared or not life.killed or self._retired or self._backoff.broken:
                        raise again(failure, self._backoff.wait)
                    spared = True
        finally:
            self._waiters -= 1

    def reconfigure(self, settings: FleetSettings) -> None:
        """Other deadlines, of what has not begun yet."""
        self._settings = settings

    def forget_failure(self) -> None:
        """Lets the next `ensure_ready` try again, however recently it failed."""
        self._failure = None
        self._backoff.forget()

    def begin_stop(self, why: str | None = None) -> None:
        """Asks the worker to leave: from here on it is not ready. Does nothing when it does not run.

        With `why` something is wrong with it: what it does has failed, and it is started again.
        """
        life = self._life
        life.again = life.again and why is not None
        if not self.alive or (life.stop.done() and (why is not None or not life.ill)):
            return
        if not life.stop.done():
            life.stop.set_result(None)
        life.ill = why is not None  # one that leaves because it is ill, and is then dismissed, has no successor
        if life.client is not None:
            life.client.dismissed = None if why else shutting_down if self._retired else unloaded
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
        """Waits until the worker is known not to be ready: a socket breaks a moment before its process is reaped.

        Somebody else's server has no process to be reaped: it is asked.
        """
        client = self._life.client
        if client is not None and client.endpoint.base is not None and not await client.health(within=within):
            self.give_up(client, "it no longer answered")
        try:
            async with asyncio.timeout(within):
                await self._life.over.wait()
        except TimeoutError:
            return False
        return True

    def give_up(self, client: WorkerClient, why: str) -> None:
        """The same of the one that `client` speaks with, not of its successor."""
        if self._life.client is client:
            self.begin_stop(why)

    async def stop(self) -> None:
        """Ends the worker: SIGTERM, then SIGKILL after `stop_timeout`."""
        self.begin_stop()
        await self.gone()

    async def restart(self) -> bool:
        """Ends a ready worker and starts it again; whether it is ready. Cancelling it leaves the start to itself.

        Whoever asks the worker to leave meanwhile has their way.
        """
        if self._state != "ready":
            return False
        self.begin_stop()
        life = self._life
        life.again = True
        await self.gone()
        return self._life is not life and await asyncio.shield(self._life.settled) is None

    def _begin(self) -> None:
        if self._retired:
            raise shutting_down()
        if self._failure is not None and self._backoff.wait and (self._backoff.broken or not self._fell):
            raise again(self._failure, self._backoff.wait)
        self._start(Life())

    def _start(self, life: Life, why: str | None = None) -> None:
        self.last_lines.clear()
        self._life = life
        self._enter("starting", why)
        if life.healing:
            self._observer.worker_restarted(self.model, why)
        # A context of its own: the worker outlives the request that started it, whose id its lines must not carry.
        self._task = asyncio.create_task(
            self._live(life), name=f"worker of {self.model}", context=contextvars.Context()
        )

    async def _live(self, life: Life) -> None:
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
        self._end(life, failure)

    def _end(self, life: Life, failure: LoadFailed | None) -> None:
        """Settles what comes after a life: nothing where it was asked to end, else a failure, often another life."""
        served = None if life.ready_at is None else self.clock() - life.ready_at
        if life.stop.done() and not life.ill:
            if served is not None and served >= self._settings.good_service:
                self.forget_failure()
            self._enter("unloaded")
            if life.again and not self._retired:
                self._start(Life(healing=True))
                return
        else:
            self._backoff.failed(0.0 if life.killed else served, self._settings.good_service)
            failure = failure or LoadFailed(f"{self.model} has failed: {self.reason}", log_tail=self.last_lines)
            if self._backoff.broken:
                failure = broken(failure)
            self._failure, self._fell = failure, life.killed or served is not None
            if self._state != "failed" or self._backoff.broken:
                crash = served is not None and not self._backoff.broken
                self._enter("failed", self.reason if crash else failure.message)
        if not life.settled.done():
            life.settled.set_result(failure or LoadFailed(f"{self.model} was unloaded before it was ready"))
        fallen = life.healing or served is not None
        if self._state == "failed" and fallen and not self._backoff.broken and not self._retired:
            self._start(Life(healing=True), self.reason)

    async def _run(self, life: Life) -> None:
        if self._backoff.wait:
            await asyncio.wait({life.stop}, timeout=self._backoff.wait)
            if not life.healing and not self._waiters:
                self.begin_stop()
            if life.stop.done():
                return
        await life.begins()
        began = self.clock()
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
            self.loaded_at = life.ready_at = self.clock()
            self.load_seconds = life.ready_at - began
            self._enter("ready")
            self._observer.model_loaded(self.model, self.load_seconds)
            life.settled.set_result(None)
            await self._serve(life, child, client)
            if not life.stop.done():
                starved = await life.out_of_memory()
                self._enter("failed", reason_in_service(self.last_lines, child.status, out_of_memory=starved))
            elif self._farewell is not None and self.reason is None:  # in good health: it has things to put away
                await self._farewell(client)

    async def _serve(self, life: Life, child: Child, client: WorkerClient) -> None:
        """Returns when the process has ended or `life.stop` is done; meanwhile it is watched."""
        async with asyncio.TaskGroup() as tasks:
            watching = None if self._watch is None else tasks.create_task(_awaited(self._watch(client)))
            await child.exited_or(life.stop)
            if watching is not None:
                watching.cancel()

    async def _load(self, life: Life, child: Child, client: WorkerClient) -> None:
        """Returns when the worker is ready or `life.stop` is done; raises LoadFailed."""
        if client.endpoint.base is not None:  # somebody else's: that it answers was seen when it was reached
            self.props = Props(0, 0, {})
            return
        started = waited = self.clock()
        pause = _FIRST_POLL
        while not await client.health():
            await child.exited_or(life.stop, within=pause)
            pause = min(pause * 1.5, _LONGEST_POLL)
            now = self.clock()
            waited = now if self._waiters or life.healing else waited
            if now - waited > ABANDON_AFTER:
                self.begin_stop()
            if life.stop.done():
                return
            if child.status is not None:
                raise await self._ended(life, child.status)
            self._look(life, now)
            await self._weighed(life, now)
            if now - started > self._settings.load_timeout:
                raise self._failed(f"it was not ready within {self._settings.load_timeout:g} s")
        self.props = props_of(await client.get("/props"))

    def _look(self, life: Life, now: float) -> None:
        """Raises LoadFailed when the process has been stopped, as by SIGSTOP, for some heartbeats."""
        patience = FROZEN * self._settings.heartbeat
        stopped = self.pid is not None and self._stopped(self.pid)
        if life.frozen_for(now, stopped=stopped) >= patience:
            life.killed = True  # as it will be now
            raise self._failed(f"its process was stopped, by a signal, for {patience:g} s")

    async def _weighed(self, life: Life, now: float) -> None:
        """Raises LoadFailed when the process takes far more than was reckoned, as a hostile template makes it do."""
        allowed, pid = self._allowance(), self.pid
        if allowed is None or pid is None or not life.due(now):
            return
        taken = await asyncio.to_thread(self._weigh, pid)
        if taken is not None and taken > allowed:
            raise self._failed(f"it took {taken / 1e9:.1f} GB while it loaded; {allowed / 1e9:.1f} GB is the bound")

    async def _ended(self, life: Life, status: int) -> LoadFailed:
        """Why a process that was to load is no more."""
        killed = status < 0 and await life.out_of_memory()
        starved = killed or want_of_memory(self.last_lines)
        life.killed = status < 0 and not starved
        return self._failed(reason(self.last_lines, status, out_of_memory=killed), starved=starved)

    def _failed(self, why: str, *, starved: bool = False) -> LoadFailed:
        message = f"{self.model} could not be loaded: {why}"
        if starved:
            return LoadFailed(message, log_tail=self.last_lines, code=NoRoom.code, status=NoRoom.status)
        return LoadFailed(message, log_tail=self.last_lines)

    def _enter(self, state: ModelState, why: str | None = None) -> None:
        self._state, self.reason = state, why
        if state != "ready":
            self.loaded_at = None
        if state not in {"starting", "ready"}:
            self._life.over.set()
        self._observer.model_state(self.model, state, why)

    def _note(self, line: str) -> None:
        self.last_lines.append(line)
        if (second := int(self.clock())) != self._second:
            self._second, self._told = second, 0
        self._told += 1
        if self._told <= LINES_A_SECOND:
            self._observer.worker_line(self.model, line)


def shutting_down() -> Busy:
    return Busy("the server is shutting down: try again in a moment", code="shutting_down")


async def _awaited(done: Awaitable[None]) -> None:
    await done
