"""Every error has one status, type and body."""

import json

import pytest
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException

from dovetail.core import errors as core
from dovetail.gateway import errors

TABLE = [
    (core.InvalidRequest("x", param="p"), 400, "invalid_request_error", "invalid_request"),
    (core.ModelNotFound("x", ["a"]), 404, "invalid_request_error", "model_not_found"),
    (core.UnsupportedField("f"), 400, "invalid_request_error", "unsupported_field"),
    (core.ContextTooLong(9, 8), 400, "invalid_request_error", "context_length_exceeded"),
    (core.Unauthenticated("x"), 401, "authentication_error", "invalid_api_key"),
    (core.Forbidden("x"), 403, "permission_error", "forbidden"),
    (core.RateLimited("x"), 429, "rate_limit_error", "rate_limit_exceeded"),
    (core.Busy("x"), 503, "server_error", "busy"),
    (core.QueueFull("x"), 429, "rate_limit_error", "queue_full"),
    (core.NoRoom("x"), 507, "server_error", "insufficient_memory"),
    (core.EngineFailure("x"), 500, "server_error", "engine_failure"),
    (core.LoadFailed("x"), 503, "server_error", "model_failed"),
    (
        core.LoadFailed("x", code="invalid_model_file", status=422),
        422,
        "invalid_request_error",
        "invalid_model_file",
    ),
    (core.WorkerCrashed("x"), 503, "server_error", "worker_crashed"),
    (core.WorkerStalled("x"), 504, "server_error", "worker_stalled"),
    (core.DovetailError("x"), 500, "server_error", "internal_error"),
]


def shown(error: core.DovetailError) -> dict[str, str | None]:
    return json.loads(errors.body(error))["error"]


@pytest.mark.parametrize(("error", "status", "kind", "code"), TABLE, ids=lambda v: type(v).__name__)
def test_the_table(error: core.DovetailError, status: int, kind: str, code: str) -> None:
    answer = errors.reply(error)
    assert answer.status_code == status
    assert shown(error) == {"message": error.message, "type": kind, "param": error.param, "code": code}
    assert answer.headers["content-type"] == "application/json"


def test_an_error_frame_is_one_event() -> None:
    frame = errors.frame(core.Busy("a\nb"))
    assert frame.startswith(b"data: {")
    assert frame.endswith(b"}\n\n")
    assert frame.count(b"\n") == 2


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (core.QueueFull("x"), "1"),
        (core.QueueFull("x", retry_after=2.2), "3"),
        (core.LoadFailed("x"), None),
        (core.RateLimited("x", retry_after=0.1), "1"),
    ],
)
def test_retry_after_is_whole_seconds(error: core.DovetailError, seconds: str | None) -> None:
    assert errors.headers(error).get("retry-after") == seconds


def test_a_401_says_how_to_authenticate() -> None:
    assert errors.headers(core.Unauthenticated("x"))["www-authenticate"] == "Bearer"


def test_a_failed_load_carries_the_last_lines_compactly() -> None:
    error = core.LoadFailed("no", log_tail=["first", *("x" * 500 for _ in range(20)), "  last  ", ""])
    message = shown(error)["message"]
    assert message
    assert message.startswith("no (the worker's last lines: ")
    assert message.endswith("| last)")
    assert len(message) < 1500
    assert "first" not in message


def test_a_huge_message_is_cut_and_bad_text_replaced() -> None:
    assert len(errors.body(core.InvalidRequest("x" * 100_000))) < 5000
    assert shown(core.InvalidRequest("a\ud800b"))["message"] == "a?b"


def test_an_unknown_exception_tells_the_log_and_not_the_client(capsys: pytest.CaptureFixture[str]) -> None:
    error = errors.as_dovetail(ZeroDivisionError("secret detail"))
    assert (error.status, error.code) == (500, "internal_error")
    assert "secret" not in error.message
    assert "secret detail" in capsys.readouterr().out


def test_http_exceptions() -> None:
    assert errors.as_dovetail(HTTPException(404)).code == "not_found"
    assert errors.as_dovetail(HTTPException(405)).code == "method_not_allowed"
    other = errors.as_dovetail(HTTPException(418, "teapot"))
    assert (other.status, other.message) == (418, "teapot")


def test_a_validation_error_names_the_first_field() -> None:
    class Two(BaseModel):
        a: int
        b: int

    with pytest.raises(ValidationError) as caught:
        Two.model_validate({"a": "x", "b": "y"})
    assert errors.as_dovetail(caught.value).param == "a"
