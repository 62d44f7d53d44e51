"""What is counted, and that nothing a client writes becomes a label."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dovetail.core.caller import LOCAL, Caller
from dovetail.core.events import Finished, Timings, Usage
from dovetail.core.observe import GAPS, Answered, RequestRecord
from dovetail.telemetry.metrics import MOST_CALLERS, MOST_MODELS, NONE, OTHERS, Histogram, Metrics, joined


def record(model: str = "m", *, caller: Caller = LOCAL, status: int = 200) -> RequestRecord:
    """Four tokens, of which half of the prompt was cached: 0.1 s in line, first token after 0.3 s, whole in 0.5 s."""
    usage, timings = Usage(8, 4, 4), Timings(4, 4, 100.0, 4, 200.0)
    finished = (Finished("stop", usage, timings),) if status == 200 else ()
    gaps = (*(0 for _ in GAPS[:6]), 3, *(0 for _ in GAPS[6:]))
    return RequestRecord(
        id="r",
        caller=caller,
        model=model,
        started=10.0,
        first_output=10.3,
        ended=10.5,
        choices=finished,
        error=None if status == 200 else "nope",
        status=status,
        endpoint="/v1/completions",
        queued=0.1,
        gaps=gaps,
        between=0.2,
    )


def test_a_request_is_counted_with_its_tokens_and_times() -> None:
    metrics = Metrics(lambda name: name == "m")
    metrics.request_done(record())
    metrics.request_done(record("m+shout"))
    metrics.request_done(record(status=503))
    counts = metrics.models["m"]
    assert counts.requests == {("/v1/completions", 200): 2, ("/v1/completions", 503): 1}
    assert (counts.failed, counts.prompt, counts.cached, counts.generated, counts.prefilled) == (1, 16, 8, 8, 8)
    assert (counts.prefill_seconds, counts.decode_seconds) == (pytest.approx(0.2), pytest.approx(0.4 + 0.2))
    assert (counts.hits, counts.prompts, counts.longest) == (2, 2, 12)
    assert (counts.duration.count, counts.duration.sum) == (3, pytest.approx(1.5))
    assert (counts.ttft.count, counts.ttft.sum) == (3, pytest.approx(0.9))
    assert (counts.queued.count, counts.queued.sum) == (3, pytest.approx(0.3))
    assert (counts.gaps.counts[6], counts.gaps.count, counts.gaps.sum) == (9, 9, pytest.approx(0.6))
    caller = metrics.callers["local"]
    assert (caller.requests, caller.prompt, caller.generated) == (3, 16, 8)


def test_an_embedding_has_missed_no_prompt_cache() -> None:
    metrics = Metrics(lambda name: name == "m")
    read = (Finished("stop", Usage(8), Timings()),)
    metrics.request_done(replace(record(), kind="embedding", choices=read, gaps=()))
    counts = metrics.models["m"]
    assert (counts.prompt, counts.prompts, counts.hits) == (8, 0, 0)


def test_loads_and_restarts_are_the_model_s_whatever_its_worker_is_called() -> None:
    metrics = Metrics(lambda name: name == "m")
    for worker in ("m", "m#2", "m+shout", "m:mean", "m+shout@0.25:mean"):
        metrics.model_loaded(worker, 2.0)
    metrics.worker_restarted("m#2", "it was killed")
    metrics.worker_restarted("m", None)  # it left to come back with other threads
    assert (metrics.models["m"].loads.count, metrics.models["m"].restarts) == (5, 1)
    assert list(metrics.models) == ["m"]


def test_no_client_invents_a_label() -> None:
    metrics = Metrics(lambda name: name.startswith("real"))
    for number in range(MOST_MODELS + 50):
        metrics.request_done(record(f"made up {number}", status=404))
        metrics.request_done(record(f"real-{number}"))
        metrics.answered(Answered(f"METHOD{number}", "", 404, 0.1, "not_found"))
    assert len(metrics.models) == MOST_MODELS
    assert metrics.models[NONE].requests["/v1/completions", 404] == MOST_MODELS + 50
    assert metrics.answers == {(OTHERS, "", 404): MOST_MODELS + 50}


def test_callers_are_counted_up_to_a_bound() -> None:
    metrics = Metrics(lambda _: True)
    for number in range(MOST_CALLERS + 10):
        metrics.request_done(record(caller=Caller(f"c{number}")))
    metrics.request_done(record(caller=Caller("c1")))
    assert len(metrics.callers) == MOST_CALLERS + 1
    assert (metrics.callers[OTHERS].requests, metrics.callers["c1"].requests) == (10, 2)


def test_limits_are_what_turned_a_request_away() -> None:
    metrics = Metrics(lambda _: True)
    for status, code in (
        (429, "queue_full"),
        (413, "request_too_large"),
        (507, "insufficient_memory"),
        (404, "not_found"),
    ):
        metrics.answered(Answered("POST", "/v1/completions", status, 0.1, code))
    metrics.answered(Answered("POST", "/v1/completions", 503, 0.1, "worker_crashed"))
    metrics.answered(Answered("GET", "/ready", 503, 0.1))  # it says that it loads
    metrics.answered(Answered("POST", "/v1/completions", 200, 9.0, "queue_timeout"))  # the last frame of a stream
    assert metrics.limits == {"queue_full": 1, "request_too_large": 1, "insufficient_memory": 1, "queue_timeout": 1}


@given(st.lists(st.floats(0, 40), min_size=1), st.sampled_from([0.5, 0.95, 0.99]))
def test_a_quantile_lies_in_the_class_of_the_value_it_stands_for(values: list[float], q: float) -> None:
    histogram = Histogram((1.0, 5.0, 20.0))
    for value in values:
        histogram.observe(value)
    found = histogram.quantile(q)
    values.sort()
    exact = next(value for at, value in enumerate(values, 1) if at >= q * len(values))
    assert found is not None
    low = max((bound for bound in (0.0, 1.0, 5.0) if bound < exact), default=0.0)
    high = min((bound for bound in (1.0, 5.0, 20.0) if bound >= exact), default=20.0)
    assert min(low, high) <= found <= high or exact > 20.0 == found


@given(st.lists(st.lists(st.floats(0, 40)), max_size=4))
def test_histograms_are_joined_as_if_they_were_one(parts: list[list[float]]) -> None:
    one, several = Histogram(GAPS), list[Histogram]()
    for values in parts:
        several.append(Histogram(GAPS))
        for value in values:
            one.observe(value)
            several[-1].observe(value)
    whole = joined(several, GAPS)
    assert whole.counts == one.counts
    assert whole.sum == pytest.approx(one.sum)


def test_of_nothing_there_is_no_quantile() -> None:
    assert Histogram(GAPS).quantile(0.5) is None
