from __future__ import annotations

import io
import json

import pytest

from dovetail import log
from dovetail.core.caller import LOCAL
from dovetail.core.events import Finished, Timings, Usage
from dovetail.core.observe import Answered, Observer, RequestRecord
from dovetail.telemetry import LogObserver


@pytest.fixture
def stream() -> io.StringIO:
    stream = io.StringIO()
    log.setup("json", "debug", stream)
    return stream


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def record(error: str | None = None, choices: int = 2) -> RequestRecord:
    finished = Finished("stop", Usage(prompt=10, completion=5, cached=4), Timings())
    return RequestRecord(
        id="chatcmpl-1",
        caller=LOCAL,
        model="tiny-gguf",
        started=1.0,
        first_output=1.25 if choices else None,
        ended=2.5,
        choices=(finished,) * choices,
        error=error,
    )


def test_a_finished_request_is_one_line_of_figures(stream: io.StringIO) -> None:
    observer: Observer = LogObserver()
    with log.request_context("from-the-client"):
        observer.request_done(record())
    (line,) = lines(stream)
    assert {key: line[key] for key in ("level", "message", "id", "request_id", "model", "caller")} == {
        "level": "info",
        "message": "request",
        "id": "chatcmpl-1",
        "request_id": "from-the-client",
        "model": "tiny-gguf",
        "caller": "local",
    }
    assert (line["duration_ms"], line["ttft_ms"], line["status"]) == (1500.0, 250.0, 200)
    assert (line["prompt_tokens"], line["cached_tokens"], line["completion_tokens"]) == (10, 4, 10)
    assert line["finish"] == "stop"


def test_a_failed_request_is_a_warning_with_its_code(stream: io.StringIO) -> None:
    LogObserver().request_done(record(error="worker_crashed", choices=0))
    (line,) = lines(stream)
    assert (line["level"], line["error"], line["completion_tokens"]) == ("warning", "worker_crashed", 0)
    assert "ttft_ms" not in line


def test_states_of_models(stream: io.StringIO) -> None:
    LogObserver().model_state("m", "ready")
    LogObserver().model_state("m", "failed", "no such tensor")
    ready, failed = lines(stream)
    assert (ready["level"], ready["message"], ready["model"]) == ("info", "model ready", "m")
    assert (failed["level"], failed["reason"]) == ("error", "no such tensor")


@pytest.mark.parametrize(
    ("line", "level", "message"),
    [
        ("0.00.512.003 E llama_model_load: error", "error", "llama_model_load: error"),
        ("0.00.512.003 W warming", "warning", "warming"),
        ("0.00.512.003 I srv  init", "debug", "srv  init"),
        ("ERROR: no config.json", "error", "no config.json"),
        ("WARNING slow", "warning", "slow"),
        ("INFO:     started", "debug", "started"),
        ("0.00.512.003 W slot   operator(): id  0 | task 6 | n_past was set to 17", "debug", None),
        ("Traceback (most recent call last):", "debug", "Traceback (most recent call last):"),
        ("", "debug", ""),
    ],
)
def test_lines_of_workers_keep_their_level_and_name_their_model(
    stream: io.StringIO, line: str, level: str, message: str | None
) -> None:
    LogObserver().worker_line("tiny-mlx", line)
    (written,) = lines(stream)
    assert (written["level"], written["message"], written["model"]) == (
        level,
        line if message is None else message,
        "tiny-mlx",
    )


def test_every_answer_is_a_line_for_those_who_look_closely(stream: io.StringIO) -> None:
    refused = Answered("POST", "/v1/completions", 401, 0.0015, "invalid_api_key")
    LogObserver().answered(refused)
    log.set_level("info")
    LogObserver().answered(refused)
    (line,) = lines(stream)
    assert {name: line[name] for name in line if name != "timestamp"} == {
        "level": "debug",
        "message": "answer",
        "method": "POST",
        "endpoint": "/v1/completions",
        "status": 401,
        "duration_ms": 1.5,
        "error": "invalid_api_key",
    }
