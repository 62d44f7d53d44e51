"""The shapes of answers about people, keys and sessions."""

from __future__ import annotations

from typing import Literal

from dovetail.core.caller import Role
from dovetail.gateway.answers import Answer


class AuthStatus(Answer):
    """Whether there is an account, and who is asking; names are told to those who have one.

    `capture`: prompts and replies are written to a file now, which people are to be told.
    """

    initialized: bool
    setup_required: bool
    setup_needs_code: bool
    authenticated: bool
    superAdminId: str | None  # noqa: N815  the earlier server's name for it
    name: str | None
    role: Role | None
    capture: bool


class LoggedIn(Answer):
    """Who is logged in now; the session is a cookie."""

    ok: Literal[True]
    name: str
    role: Role


class Done(Answer):
    """It is done."""

    ok: Literal[True]


class CaptureAnswer(Answer):
    """Whether prompts and replies are written to a file, `until` when (seconds since 1970) at the latest."""

    on: bool
    path: str | None
    until: float | None
    bytes: int


class SessionObject(Answer):
    """A login; times are seconds since 1970."""

    id: str
    name: str
    created: float
    used: float
    address: str
    agent: str
    current: bool


class SessionList(Answer):
    """Sessions, the last used first."""

    data: list[SessionObject]


class LimitsAnswer(Answer):
    """How much a key may use; null is no limit."""

    requests_minute: int | None
    requests_day: int | None
    tokens_minute: int | None
    tokens_day: int | None
    concurrency: int | None


class UsageOfDay(Answer):
    """What a key did with a model on a day (UTC)."""

    model: str
    day: str
    requests: int
    prompt_tokens: int
    completion_tokens: int


class KeyObject(Answer):
    """A key without its secret; `used` is known to the minute, `usage` goes back thirty days."""

    id: str
    prefix: str
    name: str
    account: str | None
    role: Role
    models: list[str]
    endpoints: list[str]
    read_only: bool
    priority: int
    limits: LimitsAnswer
    created: float
    expires: float | None
    used: float | None
    usage: list[UsageOfDay]


class KeyList(Answer):
    """Keys, the newest first."""

    data: list[KeyObject]


class NewKeyAnswer(KeyObject):
    """A new key; `key` is shown this once."""

    key: str


class UserObject(Answer):
    """An account; the super-admin's beginning is not known."""

    name: str
    role: Role
    created: float | None
    super_admin: bool


class UserList(Answer):
    """Accounts, the super-admin first."""

    data: list[UserObject]
