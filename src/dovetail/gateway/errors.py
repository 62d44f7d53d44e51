"""From anything that can be raised to a status and a body: the only place where an error meets HTTP.

The body is OpenAI's, `{"error": {"message", "type", "param", "code"}}`, where the route's dialect has no other.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Literal

import orjson
import structlog
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from dovetail.core.errors import (
    Busy,
    DovetailError,
    InvalidRequest,
    LoadFailed,
    NotAllowed,
    QueueFull,
    RateLimited,
    Unauthenticated,
    UnsupportedField,
)
from dovetail.gateway import request_body

log = structlog.stdlib.get_logger(__name__)

# The type of the validation error that means UnsupportedField.
UNSUPPORTED: Literal["unsupported_field"] = "unsupported_field"

OLLAMA_PATHS = frozenset(
    f"/api/{name}"
    for name in (
        *("chat", "generate", "tags", "show", "ps", "version", "embed", "embeddings", "pull", "delete"),
        *("push", "copy", "create"),
    )
)
OLLAMA_BLOBS = "/api/blobs/"
ERROR = "dovetail.error"  # in a request's scope, once it has failed: the code that says why

ANTHROPIC = "/v1/messages"
REQUEST_ID = "dovetail.request_id"  # in a request's scope
KNOWN = "dovetail.known"  # in a request's scope: who comes with it

_DEFAULT_RETRY = 1.0
_TAIL_LINES = 6
_TAIL_LINE_LENGTH = 200
_MESSAGE_LENGTH = 4000
# What pydantic adds to the location of an error inside a union.
_UNION_TAGS = frozenset(
    {
        "str",
        "int",
        "float",
        "bool",
        "none",
        "dict",
        "list",
        "constrained-str",
        "constrained-int",
        "AdapterBody",
        "Cutting",
    }
)
_SHOULD = "Input should be "
_CLASS = re.compile(r" or instance of \w+")


def as_dovetail(failure: BaseException) -> DovetailError:
    """The error to show for `failure`. An unknown one is logged with its traceback and shown without a detail."""
    match failure:
        case DovetailError():
            return failure
        case ValidationError() | RequestValidationError():
            return _invalid(failure)
        case HTTPException():
            return _from_http(failure)
        case _:
            log.error("request_failed", exc_info=failure)
            return DovetailError("something went wrong in the server; its log has the details")


def kind(error: DovetailError) -> str:
    """OpenAI's `type` for an error."""
    match error:
        case Unauthenticated():
            return "authentication_error"
        case RateLimited() | QueueFull():
            return "rate_limit_error"
        case NotAllowed():
            return "permission_error"
        case InvalidRequest() | LoadFailed(status=422):
            # A file or an option that no other try will make loadable is the caller's to change.
            return "invalid_request_error"
        case _:
            return "server_error"


def body(error: DovetailError) -> bytes:
    """OpenAI's error object as JSON."""
    fields = {"message": _message(error), "type": kind(error), "param": error.param, "code": error.code}
    return orjson.dumps({"error": fields})


def ollama_body(error: DovetailError) -> bytes:
    """Ollama's: a text, and beside it what OpenAI's has."""
    return orjson.dumps({"error": _message(error), "code": error.code, "param": error.param})


def anthropic_body(error: DovetailError, request_id: str) -> bytes:
    """Anthropic's, and in it what OpenAI's has."""
    told = {"type": _anthropic_kind(error), "message": _message(error), "param": error.param, "code": error.code}
    return orjson.dumps({"type": "error", "error": told, "request_id": request_id})


def _anthropic_kind(error: DovetailError) -> str:
    if isinstance(error, Busy) and not isinstance(error, QueueFull):
        return "overloaded_error"
    by_status = {404: "not_found_error", 413: "request_too_large", 504: "timeout_error"}
    ours = kind(error)
    return by_status.get(error.status) or ("api_error" if ours == "server_error" else ours)


def _told(error: DovetailError, path: str, request_id: str) -> bytes:
    """The body, as the dialect that `path` belongs to has it."""
    if path.startswith(ANTHROPIC):
        return anthropic_body(error, request_id)
    return ollama_body(error) if path in OLLAMA_PATHS or path.startswith(OLLAMA_BLOBS) else body(error)


def frame(error: DovetailError) -> bytes:
    """OpenAI's error object as a server-sent event."""
    return b"data: " + body(error) + b"\n\n"


def headers(error: DovetailError) -> dict[str, str]:
    """The headers an error's answer carries beside its type and length."""
    named: dict[str, str] = {}
    retry_after = error.retry_after
    if retry_after is None and isinstance(error, Busy):
        retry_after = _DEFAULT_RETRY
    if retry_after is not None:
        named["retry-after"] = str(max(1, math.ceil(retry_after)))
    if isinstance(error, Unauthenticated):
        named["www-authenticate"] = "Bearer"
    return named


def reply(
    error: DovetailError, extra: Mapping[str, str] | None = None, *, path: str = "", request_id: str = ""
) -> Response:
    """The whole answer for an error of a request for `path`."""
    told = _told(error, path, request_id)
    return Response(told, error.status, {**headers(error), **(extra or {})}, "application/json")


async def handle(request: Request, failure: Exception) -> Response:
    """FastAPI's exception handler for everything the routes raise."""
    allow = failure.headers if isinstance(failure, HTTPException) else None
    error = as_dovetail(failure)
    request.scope[ERROR] = error.code
    request_id = str(request.scope.get(REQUEST_ID, ""))
    answer = reply(error, allow, path=request.url.path, request_id=request_id)
    if request_body.unread(request.scope):
        answer.headers["connection"] = "close"
        # A client that was too slow has nothing under way that could reset the connection.
        return answer if answer.status_code == 408 else _Lingering(answer)
    return answer


class _Lingering(Response):
    """An answer to a request whose body was not read: it is read to its end, within bounds, before the close.

    A socket closed over unread bytes is reset, and the reset can overtake the answer.
    """

    def __init__(self, answer: Response) -> None:
        super().__init__(answer.body, answer.status_code)
        self.raw_headers = answer.raw_headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        await request_body.drain(receive)
        await send({"type": "http.response.body", "body": b""})


def _invalid(failure: ValidationError | RequestValidationError) -> InvalidRequest:
    if isinstance(failure, ValidationError):
        first, reason = _at_fault(failure.errors(include_url=False, include_context=False, include_input=False))
        location = first["loc"]
        if first["type"] == UNSUPPORTED:
            return UnsupportedField(_param(location))
    else:
        location, reason = failure.errors()[0]["loc"][1:], failure.errors()[0]["msg"]
    param = _param(location)
    return InvalidRequest(f"{param}: {reason}" if param else reason, param=param or None)


def _at_fault(errors: Sequence[ErrorDetails]) -> tuple[ErrorDetails, str]:
    """The first value's error, and what it says.

    A union reports each of its members: the one says most that took the value's form, then the one that came furthest
    into it; where none took the form, each says its own.
    """
    where = _param(errors[0]["loc"])
    found = [(_rank(e), e) for e in errors if re.match(rf"{re.escape(where)}([.\[]|$)", _param(e["loc"]))]
    best = max(rank for rank, _ in found)
    equal = [error for rank, error in found if rank == best]
    first = equal[0]
    if best[0]:
        return first, first["msg"]
    forms = dict.fromkeys(_CLASS.sub("", e["msg"].removeprefix(_SHOULD)) for e in equal)
    return first, _SHOULD + " or ".join(forms)


def _rank(error: ErrorDetails) -> tuple[bool, int, list[int]]:
    kind, location = error["type"], error["loc"]
    other_form = kind.endswith("_type") or kind in {"literal_error", "none_required"}
    return not other_form, len(location), [step for step in location if isinstance(step, int)]


def _param(location: tuple[int | str, ...]) -> str:
    path = ""
    for step in location:
        if isinstance(step, int):
            path += f"[{step}]"
        elif step not in _UNION_TAGS and "[" not in step:
            path += f".{step[:64]}" if path else step[:64]
    return path


def _from_http(failure: HTTPException) -> DovetailError:
    match failure.status_code:
        case 404:
            return InvalidRequest("there is nothing at this address", code="not_found", status=404)
        case 405:
            return InvalidRequest("this address does not answer that method", code="method_not_allowed", status=405)
        case status:
            return InvalidRequest(str(failure.detail), status=status)


def _message(error: DovetailError) -> str:
    message = error.message
    if isinstance(error, LoadFailed) and error.log_tail:
        lines = [line.strip()[:_TAIL_LINE_LENGTH] for line in error.log_tail[-_TAIL_LINES:]]
        message += " (the worker's last lines: " + " | ".join(line for line in lines if line) + ")"
    # Lone surrogates and the like from a worker or a request must not make the answer unencodable.
    return message[:_MESSAGE_LENGTH].encode("utf-8", "replace").decode("utf-8")
