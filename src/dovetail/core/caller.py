"""Who sends a request."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """The party a request is admitted, limited and recorded for; higher `priority` goes first."""

    id: str
    key: str | None = None
    priority: int = 0


LOCAL = Caller(id="local")
