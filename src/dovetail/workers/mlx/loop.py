"""The generation thread: it loads the model and does every MLX computation, one decode step and one chunk at a time."""

from __future__ import annotations

import contextlib
import gc
import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

import mlx.core as mx

from dovetail.workers.mlx.batch import Batch, Cache, Drawn, Prefill, Row
from dovetail.workers.mlx.events import Done, Event, Failed, Progress
from dovetail.workers.mlx.job import MAX_UNREAD, Job, Live
from dovetail.workers.mlx.load import Loaded, LoadError, load
from dovetail.workers.mlx.lora import space_of
from dovetail.workers.mlx.pooling import Text, Texts
from dovetail.workers.mlx.prompt_cache import PromptCache
from dovetail.workers.mlx.prompt_files import Conversations, PromptFiles
from dovetail.workers.mlx.protocol import RequestError
from dovetail.workers.mlx.sampling import processors

_IDLE_S = 1.0
SAVE_S = 3.0  # for prompt caches that have no file yet when the worker leaves
log = logging.getLogger(__name__)
Post: TypeAlias = Callable[[Sequence[tuple[Job, Event]]], None]


@dataclass(frozen=True, slots=True)
class Settings:
    """What the worker was started with."""

    path: Path
    parallel: int
    context: int
    prefill_step: int
    cache_bytes: int
    warmup: bool = True
    kv_folder: Path | None = None
    kv_bytes: int = 0
    chat_template: Path | None = None
    trusted: bool = False


class QueueFullError(Exception):
    """More requests wait than the worker holds."""


class Generation:
    """Owns the thread. `submit`, `stop` and the plain attributes may be used from any other; the rest may not."""

    def __init__(
        self,
        settings: Settings,
        post: Post,
        end: Callable[[], None],
        *,
        queue_limit: int = 256,
        clock: Callable[[], float] = time.monotonic,
        loader: Callable[[], Loaded] | None = None,
    ) -> None:
        self._settings = settings
        self._post = post
        self._end = end
        self._clock = clock
        self._loader = loader or partial(
            load,
            settings.path,
            warmup=settings.warmup,
            chat_template=settings.chat_template,
            trusted=settings.trusted,
        )
        self._inbox: queue.Queue[Job | None] = queue.Queue(maxsize=queue_limit)
        self._events: list[tuple[Job, Event]] = []
        self._waiting: deque[Job] = deque()
        self._filling: deque[Live] = deque()
        self._live: dict[Row, Live] = {}
        memory: PromptCache[Cache] = PromptCache(settings.cache_bytes)
        files = None if settings.kv_folder is None else PromptFiles(settings.kv_folder, settings.kv_bytes)
        self._kept = Conversations(memory, files)
        self._texts = Texts()
        self._stopping = False
        self._rows = settings.parallel
        self.loaded: Loaded | None = None
        self.failure: str | None = None
        self.beat = clock()
        self._thread = threading.Thread(target=self._run, name="generation", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Queue a job, first in first out.

        Raises:
            QueueFullError: the worker already holds as many as it may.
        """
        try:
            self._inbox.put_nowait(job)
        except queue.Full:
            raise QueueFullError from None

    def embed(self, text: Text) -> None:
        """Queue a text to embed, first in first out.

        Raises:
            QueueFullError: the worker already holds as many as it may.
        """
        try:
            self._texts.submit(text)
        except queue.Full:
            raise QueueFullError from None
        with contextlib.suppress(queue.Full):  # a full inbox wakes the thread too
            self._inbox.put_nowait(None)

    def stop(self) -> None:
        self._stopping = True
        with contextlib.suppress(queue.Full):
            self._inbox.put_nowait(None)

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            self.loaded = self._loader()
            self._rows = self._settings.parallel if self.loaded.batched else 1
            self._serve(self.loaded)
        except LoadError as error:
            self.failure = f"the model could not be loaded: {error}"
        except BaseException as error:
            self.failure = f"the generation thread ended: {type(error).__name__}: {error}"
            raise
        finally:
            self._texts.abandon(RequestError("the worker is shutting down", status=503, type_="unavailable_error"))
            self._end()

    def _serve(self, loaded: Loaded) -> None:
        batch = Batch(loaded.model)
        while not self._stopping:
            self.beat = self._clock()
            try:
                self._turn(loaded, batch)
            except Exception as error:  # noqa: BLE001  the batch is of no more use; the loop is
                batch = self._start_over(loaded, error)
            self._flush()
        self._keep_all(batch)
        self._kept.save_all(SAVE_S)
        self._abandon(Failed("the worker is shutting down", 503, "unavailable_error"))
        self._flush()
        # Arrays are freed on the thread that made them.
        del batch
        gc.collect()
        mx.clear_cache()

    def _turn(self, loaded: Loaded, batch: Batch) -> None:
        self._receive()
        self._reap(batch)
        self._start(loaded)
        self._decode(loaded, batch)
        self._flush()  # a chunk can take seconds: nobody's token waits for another's prompt
        self._prefill(batch)
        self._texts.advance(loaded, self._settings.prefill_step)

    def _start_over(self, loaded: Loaded, error: Exception) -> Batch:
        """A computation that all rows share has failed: they end, and memory is freed for those that come."""
        log.error("the batch failed error=%s", type(error).__name__)
        self._abandon(Failed(f"{type(error).__name__}: {error}"))
        mx.clear_cache()
        return Batch(loaded.model)

    def _abandon(self, failure: Failed) -> None:
        jobs = [live.job for live in (*self._live.values(), *self._filling)]
        if self._stopping:
            with contextlib.suppress(queue.Empty):
                while True:
                    self._waiting += [job for job in [self._inbox.get_nowait()] if job is not None]
            jobs += self._waiting
            self._waiting.clear()
        self._events += [(job, failure) for job in jobs]
        self._live.clear()
        self._filling.clear()
        self._kept.clear()

    def _receive(self) -> None:
        """Take what has arrived; with nothing to do, wait for it."""
        idle = not (self._live or self._filling or self._waiting or self._texts.pending)
        # The bounded inbox is the queue: no more is taken out of it than can start soon.
        while len(self._waiting) < self._rows:
            try:
                job = self._inbox.get(timeout=_IDLE_S) if idle else self._inbox.get_nowait()
            except queue.Empty:
                if idle:
                    self._kept.save_next()
                return
            idle = False
            if job is not None and not job.cancelled:
                self._waiting.append(job)

    def _reap(self, batch: Batch) -> None:
        """Let go of rows whose client has left, keeping what was computed for them."""
        gone = [live for live in self._live.values() if live.job.cancelled]
        for live in gone:
            self._keep(live, lambda row=live.row: batch.cache(row))
            del self._live[live.row]
        batch.leave([live.row for live in gone])
        for live in [live for live in self._filling if live.job.cancelled]:
            self._filling.remove(live)
            self._keep(live, live.prefill.cache)
        self._waiting = deque(job for job in self._waiting if not job.cancelled)

    def _start(self, loaded: Loaded) -> None:
        while self._waiting and len(self._live) + len(self._filling) < self._rows:
            job = self._waiting.popleft()
            try:
                self._begin(loaded, job)
            except Exception as error:  # noqa: BLE001  this request's failure, not the loop's
                self._fail(job, error)

    def _begin(self, loaded: Loaded, job: Job) -> None:
        now = self._clock()
        adapter = loaded.adapters.apply(job.adapter)
        kept, covered = self._kept.fetch(job.prompt, space_of(job.space, adapter)) if job.reuse else (None, 0)
        row = Row(job.prompt, job.sampling, (*processors(job.sampling), *job.processors), job.top_logprobs, adapter)
        prefill = Prefill(loaded.model, row, loaded.fresh_cache(), kept, covered)
        live = Live(job, row, prefill, covered, loaded.vocabulary.detokenizer(special=job.special), now)
        self._filling.append(live)
        self._progress(live, covered)

    def _prefill(self, batch: Batch) -> None:
        """One chunk of one prompt; the prompts take turns."""
        if not self._filling:
            return
        live = self._filling.popleft()
        try:
            live.prefill.advance(self._settings.prefill_step)
            if live.prefill.at_checkpoint:
                self._keep(live, live.prefill.cache)
            if not live.prefill.done:
                self._filling.append(live)
                self._progress(live, len(live.row.tokens))
                return
            live.prefilled_at = self._clock()
            self._progress(live, len(live.job.prompt))
            if live.job.max_tokens == 0:
                self._keep(live, live.prefill.cache)
                self._events.append((live.job, Done("limit", "", live.timings(self._clock()))))
                return
            batch.join(live.prefill)
            self._live[live.row] = live
        except Exception as error:  # noqa: BLE001
            self._fail(live.job, error)

    def _decode(self, loaded: Loaded, batch: Batch) -> None:
        if not batch.rows:
            return
        ended = [found.row for found in batch.step() if self._take(loaded, batch, found)]
        batch.leave(ended)
        for row in ended:
            del self._live[row]

    def _take(self, loaded: Loaded, batch: Batch, drawn: Drawn) -> bool:
        """Pass one token on; whether it was its row's last."""
        live = self._live[drawn.row]
        job = live.job
        if drawn.error is not None:
            self._fail(job, drawn.error)
            return True
        if (failure := _failure(drawn, job)) is not None:
            log.error("a request failed type=%s", failure.type)
            self._events.append((job, failure))
            return True
        try:
            eos = drawn.token in loaded.vocabulary.eos and not job.ignore_eos
            events = live.take(drawn, self._clock(), eos=eos, room=self._settings.context - len(job.prompt))
        except Exception as error:  # noqa: BLE001
            self._fail(job, error)
            return True
        self._events += [(job, event) for event in events]
        job.sent += len(events)
        ended = bool(events) and isinstance(events[-1], Done)
        if ended:
            self._keep(live, lambda: batch.cache(drawn.row))
        return ended

    def _keep(self, live: Live, cache: Callable[[], Cache]) -> None:
        """Keep a row's cache for the next turn; a failure costs that turn time, nothing else."""
        keep = live.job.keep
        if not live.row.tokens or self._settings.cache_bytes <= 0 or keep == "nothing":
            return
        try:
            self._kept.keep(live.row.tokens, cache(), live.space, lasting=keep == "disk")
        except Exception as error:  # noqa: BLE001
            log.warning("a prompt cache was not kept error=%s", type(error).__name__)

    def _keep_all(self, batch: Batch) -> None:
        """Keep what is under way when the worker leaves; nothing of it will be computed again either."""
        for live in self._live.values():
            self._keep(live, lambda row=live.row: batch.cache(row))
        for live in self._filling:
            self._keep(live, live.prefill.cache)

    def _progress(self, live: Live, processed: int) -> None:
        if live.job.progress:
            now = self._clock()
            timings = live.timings(now)
            event = Progress(len(live.job.prompt), live.cached, processed, (now - live.started) * 1e3, timings)
            self._events.append((live.job, event))

    def _fail(self, job: Job, error: Exception) -> None:
        if isinstance(error, RequestError):  # the client's to mend
            self._events.append((job, Failed(str(error), error.status, error.type)))
            return
        log.error("a request failed error=%s", type(error).__name__)
        self._events.append((job, Failed(f"{type(error).__name__}: {error}")))

    def _flush(self) -> None:
        if self._events:
            events, self._events = self._events, []
            self._post(events)


def _failure(drawn: Drawn, job: Job) -> Failed | None:
    """Why this token cannot be passed on, if it cannot."""
    if not drawn.sound:
        return Failed("the model's output is not a number", 500, "model_output_invalid")
    if job.sent - job.read > MAX_UNREAD:
        return Failed("the client does not read its answer")
    return None
