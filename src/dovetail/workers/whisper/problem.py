"""What is wrong with a request, in the words that its sender is told."""

from __future__ import annotations

from typing import Literal, TypeAlias

Kind: TypeAlias = Literal[
    "invalid_audio", "recording_too_long", "unsupported_language", "unsupported_task", "invalid_request_error"
]


class Problem(Exception):
    """A request that is refused: `kind` is the type of its error."""

    def __init__(self, kind: Kind, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message

    @property
    def status(self) -> int:
        return 413 if self.kind == "recording_too_long" else 400


def invalid(message: str) -> Problem:
    return Problem("invalid_audio", message)
