"""Everything that can go wrong, as one tree.

DovetailError
├── InvalidRequest                 400  the request itself is wrong
│   ├── ModelNotFound              404
│   ├── AdapterNotFound            404
│   ├── AdapterMismatch            422  the adapter is none, or was made for another model
│   ├── UnsupportedField           400  a field Dovetail knows and does not honour
│   ├── Conflict                   409  somebody else has changed it first
│   └── ContextTooLong             400
├── NotAllowed                     403
│   ├── Unauthenticated            401
│   ├── Forbidden                  403
│   └── RateLimited                429
├── Cancelled                      499  ended by somebody else than its client
├── Busy                           503
│   ├── QueueFull                  429
│   ├── NoRoom                     507
│   └── DiskFull                   507
└── EngineFailure                  500
    ├── LoadFailed                 503
    ├── WorkerCrashed              503
    └── WorkerStalled              504

Raised where the cause is known, mapped to a status and a dialect's body once, in the gateway.
"""

from __future__ import annotations

from collections.abc import Sequence


class DovetailError(Exception):
    """Base of the tree. `code` is stable and part of the API; `message` says what to do next."""

    status: int = 500
    code: str = "internal_error"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        status: int | None = None,
        param: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code if code is not None else type(self).code
        self.status = status if status is not None else type(self).status
        self.param = param
        self.retry_after = retry_after


class InvalidRequest(DovetailError):
    """The request cannot be served as it stands; `param` names the field at fault."""

    status = 400
    code = "invalid_request"


class ModelNotFound(InvalidRequest):
    """No model of that name; the message lists the names that exist."""

    status = 404
    code = "model_not_found"

    def __init__(self, name: str, known: Sequence[str]) -> None:
        listed = ", ".join(known[:20]) if known else "none yet (put a .gguf file or an MLX folder into models/)"
        super().__init__(f"model {name[:256]!r} does not exist; models here: {listed}", param="model")


class AdapterNotFound(InvalidRequest):
    """No adapter of that name for models of this format; the message lists the names that exist."""

    status = 404
    code = "adapter_not_found"

    def __init__(self, name: str, form: str, known: Sequence[str]) -> None:
        listed = ", ".join(known[:20]) if known else "none yet (put a folder into adapters/)"
        super().__init__(
            f"adapter {name[:128]!r} does not exist for {form} models; adapters here: {listed}", param="adapter"
        )


class AdapterMismatch(InvalidRequest):
    """The adapter cannot be applied to the model; the message names the first thing that does not fit."""

    status = 422
    code = "invalid_adapter"

    def __init__(self, message: str) -> None:
        super().__init__(message, param="adapter")


class UnsupportedField(InvalidRequest):
    """A field that a published API has and that Dovetail does not honour."""

    code = "unsupported_field"

    def __init__(self, field: str, why: str = "is not supported by this server") -> None:
        super().__init__(f"{field} {why}; remove it from the request", param=field)


class Conflict(InvalidRequest):
    """What is to be changed is not what the caller has read."""

    status = 409
    code = "config_conflict"


class ContextTooLong(InvalidRequest):
    """The prompt needs more tokens than one slot has; `at_least` that many where they were not all counted."""

    code = "context_length_exceeded"

    def __init__(self, needed: int, available: int, param: str = "messages", *, at_least: bool = False) -> None:
        super().__init__(
            f"the prompt needs {'at least ' * at_least}{needed} tokens and the model's context is {available}: "
            f"shorten the prompt, or load the model with a larger context",
            param=param,
        )
        self.needed = needed
        self.available = available
        self.at_least = at_least

    def naming(self, param: str) -> ContextTooLong:
        """The same of the field `param`."""
        return ContextTooLong(self.needed, self.available, param, at_least=self.at_least)


class NotAllowed(DovetailError):
    """The caller may not do this."""

    status = 403
    code = "forbidden"


class Unauthenticated(NotAllowed):
    """No valid credentials came with the request."""

    status = 401
    code = "invalid_api_key"


class Forbidden(NotAllowed):
    """The caller is known and lacks the right."""


class RateLimited(NotAllowed):
    """The caller sent too much; `retry_after` says when to come back."""

    status = 429
    code = "rate_limit_exceeded"


class Cancelled(DovetailError):
    """The request was ended on the server. Its status is one that no client library tries again."""

    status = 499
    code = "cancelled"


class Busy(DovetailError):
    """Nothing is wrong with the request; there is no capacity for it now."""

    status = 503
    code = "busy"


class QueueFull(Busy):
    """The model's queue is at its bound."""

    status = 429
    code = "queue_full"


class NoRoom(Busy):
    """The model fits nowhere beside what is in use."""

    status = 507
    code = "insufficient_memory"


class DiskFull(Busy):
    """What was to be written has no room; what was there before is as it was."""

    status = 507
    code = "insufficient_storage"


class EngineFailure(DovetailError):
    """A worker process failed."""

    status = 500
    code = "engine_failure"


class LoadFailed(EngineFailure):
    """The worker could not load the model; `log_tail` holds its last lines."""

    status = 503
    code = "model_failed"

    def __init__(
        self,
        message: str,
        *,
        log_tail: Sequence[str] = (),
        code: str | None = None,
        status: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, code=code, status=status, retry_after=retry_after)
        self.log_tail = tuple(log_tail)


class WorkerCrashed(EngineFailure):
    """The worker process ended while it served."""

    status = 503
    code = "worker_crashed"


class WorkerStalled(EngineFailure):
    """The worker lives and produces nothing within its deadline."""

    status = 504
    code = "worker_stalled"
