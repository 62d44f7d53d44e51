"""Who sends a request."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What one caller may have at once; None: as the settings say.

    concurrency  answers that are computed at the same time, over all models; more wait in line
    """

    concurrency: int | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """The party a request is admitted, limited and recorded for; higher `priority` goes first."""

    id: str
    key: str | None = None
    priority: int = 0
    limits: Limits = Limits()


LOCAL = Caller(id="local")
