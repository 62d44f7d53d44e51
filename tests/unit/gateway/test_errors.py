"""Every error has one status, type and body."""

import json

import pytest
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException

from dovetail.core import errors as core
from dovetail.gateway import errors, wire
from dovetail.gateway.dialects.openai_completions import CompletionBody
from dovetail.gateway.dialects.openai_embeddings import EmbeddingBody

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


@pytest.mark.parametrize(
    ("model", "fields", "message"),
    [
        (CompletionBody, {"stop": ["a"] * 17}, "stop: List should have at most 16 items after validation, not 17"),
        (CompletionBody, {"stop": 5}, "stop: Input should be a valid string or a valid list"),
        (CompletionBody, {"stop": ["a", 5]}, "stop[1]: Input should be a valid string"),
        (CompletionBody, {"max_tokens": 0}, "max_tokens: Input should be greater than or equal to 1"),
        (CompletionBody, {"max_tokens": "a"}, "max_tokens: Input should be a valid integer or -1"),
        (CompletionBody, {"adapter": 5}, "adapter: Input should be a valid string or a valid dictionary"),
        (CompletionBody, {"prompt": ["a"] * 33}, "prompt: List should have at most 32 items after validation, not "),
        (EmbeddingBody, {"input": []}, "input: List should have at least 1 item after validation, not 0"),
        (EmbeddingBody, {"input": ["a", 5]}, "input[1]: Input should be a valid string"),
        (EmbeddingBody, {"input": [1, -1]}, "input[1]: Input should be greater than or equal to 0"),
    ],
)
def test_of_several_forms_the_one_that_was_meant_is_explained(
    model: type[wire.Wire], fields: dict[str, object], message: str
) -> None:
    body = {"model": "m", "prompt": "a", "input": "a", **fields}
    with pytest.raises(core.InvalidRequest) as caught:
        wire.read(model, json.dumps(body).encode())
    assert caught.value.message.startswith(message)
    assert caught.value.param == message.partition(":")[0]
