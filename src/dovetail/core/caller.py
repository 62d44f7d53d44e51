"""Who sends a request, and what they may."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Role: TypeAlias = Literal["viewer", "member", "admin"]
ROLES: tuple[Role, ...] = ("viewer", "member", "admin")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a caller may use; None is no limit, or the settings'. Minutes and days slide.

    concurrency  answers that are computed at the same time, over all models; more wait in line
    """

    requests_minute: int | None = None
    requests_day: int | None = None
    tokens_minute: int | None = None
    tokens_day: int | None = None
    concurrency: int | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """What a key is good for; empty is everything its role may. `read_only`: nothing but GET."""

    models: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()
    read_only: bool = False


OPERATOR = "operator"  # whoever runs the server: by the key given at its start, or from its home folder
UNLIMITED = Limits()
EVERYTHING = Scope()


@dataclass(frozen=True, slots=True)
class Caller:
    """The party a request is admitted, limited and recorded for; higher `priority` goes first.

    key, session  the id of what it came with, if it was one
    """

    id: str
    key: str | None = None
    priority: int = 0
    role: Role = "admin"
    limits: Limits = UNLIMITED
    scope: Scope = EVERYTHING
    session: str | None = None

    @property
    def is_made_key(self) -> bool:
        """Whether it comes with a key of the database, not with a login nor as whoever runs the server."""
        return self.key is not None and self.key != OPERATOR

    def may(self, role: Role) -> bool:
        """Whether this caller's role is that one or above it."""
        return ROLES.index(self.role) >= ROLES.index(role)

    def may_use(self, model: str) -> bool:
        """Whether its key is good for the model of that id."""
        return not self.scope.models or model in self.scope.models


# Whoever is let in without a name: before the first account with all rights, then with a member's.
LOCAL = Caller(id="local")
GUEST = Caller(id=LOCAL.id, role="member")
