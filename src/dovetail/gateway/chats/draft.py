"""An answer while it is written: its parts so far, out of the events of a generation."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, cast

from dovetail.core.events import Delta, ReasoningDelta, ToolCallDelta
from dovetail.core.request import JsonObject

PieceKind: TypeAlias = Literal["text", "reasoning", "tool_call"]


@dataclass(slots=True)
class Piece:
    """A part being written; `began` by the draft's clock, None of one that was there before, as `seconds` says."""

    kind: PieceKind
    texts: list[str] = field(default_factory=list[str])
    id: str = ""
    name: str = ""
    call: int = -1
    began: float | None = None
    seconds: float | None = None

    def part(self) -> JsonObject:
        text = "".join(self.texts)
        if self.kind == "tool_call":
            return {"type": "tool_call", "id": self.id, "name": self.name, "arguments": text}
        if self.kind == "reasoning":
            return {"type": "reasoning", "text": text, "seconds": self.seconds}
        return {"type": "text", "text": text}


class Draft:
    """Begins with the parts that are there already, whose last text goes on."""

    def __init__(self, parts: Sequence[JsonObject] = (), clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pieces = [_piece(part) for part in parts]

    def take(self, delta: Delta) -> JsonObject:
        """The event that tells of it: a `RunDelta` or a `RunToolCall`, without its number."""
        if isinstance(delta, ToolCallDelta):
            return self._call(delta)
        kind: PieceKind = "reasoning" if isinstance(delta, ReasoningDelta) else "text"
        last = self._pieces[-1] if self._pieces else None
        if last is None or last.kind != kind:
            last = self._begin(Piece(kind))
        last.texts.append(delta.text)
        return {"type": "delta", "part": len(self._pieces) - 1, "kind": kind, "text": delta.text}

    def close(self) -> None:
        """Nothing more comes: a thought that goes on ends here."""
        last = self._pieces[-1] if self._pieces else None
        if last is not None and last.began is not None and last.seconds is None:
            last.seconds = round(self._clock() - last.began, 3)

    def parts(self) -> list[JsonObject]:
        return [piece.part() for piece in self._pieces]

    def _call(self, delta: ToolCallDelta) -> JsonObject:
        found = next((i for i, piece in enumerate(self._pieces) if piece.call == delta.call), None)
        if found is None:
            self._begin(Piece("tool_call", call=delta.call))
            found = len(self._pieces) - 1
        piece = self._pieces[found]
        piece.id, piece.name = delta.id or piece.id, delta.name or piece.name
        piece.texts.append(delta.arguments)
        return {"type": "tool_call", "part": found, "id": piece.id, "name": piece.name, "arguments": delta.arguments}

    def _begin(self, piece: Piece) -> Piece:
        self.close()
        piece.began = self._clock()
        self._pieces.append(piece)
        return piece


def _piece(part: JsonObject) -> Piece:
    text = str(part["arguments"] if part["type"] == "tool_call" else part["text"])
    seconds = cast("float | None", part.get("seconds"))
    kind = cast("PieceKind", part["type"])
    return Piece(kind, [text], str(part.get("id", "")), str(part.get("name", "")), seconds=seconds)
