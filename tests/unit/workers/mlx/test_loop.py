"""The generation thread over a small random model: whatever one request does, the others and the loop go on."""

from __future__ import annotations

import queue
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

pytest.importorskip("mlx_lm")

from dovetail.workers.mlx.adapters import Adapters
from dovetail.workers.mlx.detokenize import Detokenizer
from dovetail.workers.mlx.events import Done, Event, Failed, Piece, Progress
from dovetail.workers.mlx.job import Job
from dovetail.workers.mlx.load import Loaded, LoadError
from dovetail.workers.mlx.loop import Generation, QueueFullError, Settings
from dovetail.workers.mlx.protocol import RequestError
from dovetail.workers.mlx.sampling import GREEDY, Sampling
from dovetail.workers.mlx.template import Template
from dovetail.workers.mlx.vocabulary import Vocabulary

if TYPE_CHECKING:
    from tests.unit.workers.mlx.conftest import Build

VOCABULARY = 97


class Letters:
    """A vocabulary in which every token is one letter."""

    eos: frozenset[int] = frozenset()

    def detokenizer(self, *, special: bool = False) -> Detokenizer:
        del special
        return Detokenizer([bytes([33 + token % 90]) for token in range(VOCABULARY)])


class Running:
    """A generation thread and the events of its jobs."""

    def __init__(self, build: Build, **options: Any) -> None:
        self.inbox: queue.Queue[tuple[Job, Event] | None] = queue.Queue()
        self.poison = False
        self.posted = 0
        self.posted_before_chunks: list[int] = []
        settings = Settings(Path("/none"), parallel=3, context=200, prefill_step=16, cache_bytes=1 << 20)

        def load() -> Loaded:
            small = build("plain")

            def model(tokens: Any, cache: Any) -> Any:
                if tokens.shape[1] > 1:
                    self.posted_before_chunks.append(self.posted)
                if self.poison:
                    raise MemoryError("no room for this batch")
                return small.model(tokens, cache=cache)

            vocabulary = cast("Vocabulary", cast("object", Letters()))
            template, adapters = cast("Template", None), Adapters(small.model, small.fresh)
            return Loaded(
                model,
                vocabulary,
                template,
                None,
                VOCABULARY,
                Path("/none"),
                small.fresh,
                batched=True,
                adapters=adapters,
            )

        self.generation = Generation(settings, self._post, lambda: self.inbox.put(None), loader=load, **options)

    def _post(self, events: Sequence[tuple[Job, Event]]) -> None:
        for pair in events:
            self.posted += 1
            self.inbox.put(pair)

    def submit(self, prompt: Sequence[int], **fields: Any) -> Job:
        options: dict[str, Any] = {"max_tokens": 12, **fields}
        job = Job(tuple(prompt), Sampling(GREEDY, 1), **options)
        self.generation.submit(job)
        return job

    def finish(self, *jobs: Job) -> list[list[Event]]:
        """The events of each job, once all have ended."""
        events: dict[Job, list[Event]] = {job: [] for job in jobs}
        while not all(found and isinstance(found[-1], Done | Failed) for found in events.values()):
            pair = self.inbox.get(timeout=20)
            assert pair is not None, "the generation thread ended"
            if pair[0] in events:
                events[pair[0]].append(pair[1])
        return list(events.values())

    def text(self, job: Job) -> str:
        (events,) = self.finish(job)
        return "".join(event.text for event in events if isinstance(event, Piece))


@pytest.fixture
def running(build: Build) -> Generator[Running]:
    found = Running(build)
    found.generation.start()
    yield found
    found.generation.stop()
    while found.inbox.get(timeout=20) is not None:
        pass


def test_what_is_known_is_told_before_a_chunk_is_computed(running: Running) -> None:
    running.finish(running.submit(range(40), max_tokens=1, progress=True))
    assert running.posted_before_chunks == [1, 2, 3]


def raising(history: Sequence[int], last: Any, logits: Any) -> Any:
    del history, last, logits
    raise ZeroDivisionError("of this request alone")


def test_a_raising_processor_ends_its_request_and_no_other(running: Running) -> None:
    wanted = running.text(running.submit([1, 2, 3]))
    sick, healthy = running.submit([4, 5], processors=(raising,)), running.submit([1, 2, 3])
    failed, fine = running.finish(sick, healthy)
    assert failed[-1] == Failed("ZeroDivisionError: of this request alone")
    assert "".join(event.text for event in fine if isinstance(event, Piece)) == wanted
    assert isinstance(fine[-1], Done)


def test_an_answer_that_ends_before_a_processors_error_is_no_error(running: Running) -> None:
    first = running.text(running.submit([4, 5], max_tokens=1))

    def later(history: Sequence[int], last: Any, logits: Any) -> Any:
        return raising(history, last, logits) if len(history) > 1 else logits

    for more in ({"max_tokens": 1}, {"stops": (first,)} if first else {"max_tokens": 1}):
        (events,) = running.finish(running.submit([4, 5], processors=(later,), **more))
        assert isinstance(events[-1], Done)
    (events,) = running.finish(running.submit([4, 5], processors=(later,)))
    assert "".join(event.text for event in events if isinstance(event, Piece)) == first
    assert isinstance(events[-1], Failed)


def test_what_a_processor_cannot_do_for_a_request_is_the_requests_fault(running: Running) -> None:
    def refusing(history: Sequence[int], last: Any, logits: Any) -> Any:
        del history, last, logits
        raise RequestError("failed to parse grammar: no")

    for tokens in (1, 8):  # and no token that nothing has held is passed on before it
        (events,) = running.finish(running.submit([4, 5], processors=(refusing,), max_tokens=tokens))
        assert events == [Failed("failed to parse grammar: no", 400, "invalid_request_error")]


def test_a_batch_that_fails_ends_its_requests_and_the_next_one_is_served(running: Running) -> None:
    wanted = running.text(running.submit([1, 2, 3]))
    running.poison = True
    for found in running.finish(running.submit([1, 2, 9]), running.submit([7])):
        assert isinstance(found[-1], Failed)
        assert "no room" in found[-1].message
    running.poison = False
    assert running.text(running.submit([1, 2, 3])) == wanted


def test_output_that_is_no_number_is_an_error(running: Running) -> None:
    def poison(history: Sequence[int], last: Any, logits: Any) -> Any:
        del last
        return logits * float("nan") if len(history) > 5 else logits

    (events,) = running.finish(running.submit([1, 2, 3], processors=(poison,)))
    assert isinstance(events[-1], Failed)
    assert events[-1].type == "model_output_invalid"
    assert [event for event in events if isinstance(event, Piece)]


def test_jobs_beyond_the_rows_are_served_in_turn(running: Running) -> None:
    jobs = [running.submit([n + 1] * (n + 1), max_tokens=5) for n in range(9)]
    assert all(isinstance(events[-1], Done) for events in running.finish(*jobs))


def test_a_cancelled_job_is_let_go_and_its_work_kept(running: Running) -> None:
    job = running.submit(list(range(60)), max_tokens=100)
    while True:
        pair = running.inbox.get(timeout=20)
        if pair is not None and isinstance(pair[1], Piece):
            break
    job.cancelled = True
    again = running.submit([*range(60), 1], progress=True)
    (events,) = running.finish(again)
    assert isinstance(events[0], Progress)
    assert events[0].cached == 60


def test_a_stop_string_ends_a_job(running: Running) -> None:
    whole = running.text(running.submit([1, 2, 3]))
    (events,) = running.finish(running.submit([1, 2, 3], stops=(whole[4:7],)))
    last = events[-1]
    assert isinstance(last, Done)
    assert (last.stop, last.word) == ("word", whole[4:7])
    assert "".join(event.text for event in events if isinstance(event, Piece)) == whole[: whole.index(whole[4:7])]


def test_a_reader_that_never_reads_is_cut_off(running: Running) -> None:
    (events,) = running.finish(running.submit([1], sent=9000, max_tokens=100))
    assert events[-1] == Failed("the client does not read its answer")


def test_what_waits_is_bounded(build: Build) -> None:
    idle = Running(build, queue_limit=2)
    idle.submit([1])
    idle.submit([1])
    with pytest.raises(QueueFullError):
        idle.submit([1])


def test_shutting_down_tells_everyone(running: Running) -> None:
    jobs = [running.submit([5] * 50, max_tokens=140) for _ in range(6)]
    running.generation.stop()
    ends = [events[-1] for events in running.finish(*jobs)]
    assert Failed("the worker is shutting down", 503, "unavailable_error") in ends


def test_a_model_that_does_not_load_leaves_its_reason() -> None:
    ended: queue.Queue[None] = queue.Queue()

    def load() -> Loaded:
        raise LoadError("config.json is missing")

    settings = Settings(Path("/none"), 1, 10, 10, 10)
    generation = Generation(settings, lambda _: None, lambda: ended.put(None), loader=load)
    generation.start()
    ended.get(timeout=5)
    assert generation.failure == "the model could not be loaded: config.json is missing"
    assert generation.loaded is None
