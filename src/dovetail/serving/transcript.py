"""What a client has been sent of one answer, and a second run of it compared with that, character by character."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from dovetail.core.events import (
    Delta,
    Event,
    Finished,
    Loading,
    Prefill,
    Queued,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    TokenLogprob,
    ToolCallDelta,
)


class Differs(Exception):
    """The second run says something else than the first has said."""


@dataclass(slots=True)
class _Channel:
    """One stream of text within an answer, and the pieces that log probabilities were told of."""

    pieces: list[str] = field(default_factory=list[str])
    tokens: list[str] = field(default_factory=list[str])


class Transcript:
    """What one choice has said so far, by channel: text, thought, refusal, and of each call its name and arguments.

    tokens   pieces that were sent, a token each but for characters made of several
    prefill  what the worker said of the prompt last
    """

    def __init__(self) -> None:
        self.channels: dict[str, _Channel] = {}
        self.tokens = 0
        self.prefill: Prefill | None = None

    def note(self, event: Event) -> None:
        """To be told of every event that was sent."""
        if isinstance(event, Prefill):
            self.prefill = event
        elif isinstance(event, Delta):
            self.tokens += 1
            if isinstance(event, ToolCallDelta):
                if event.name is not None:
                    self._channel(_name(event)).pieces.append(event.name)
                self._channel(_arguments(event)).pieces.append(event.arguments)
            else:
                channel = self._channel(type(event).__name__)
                channel.pieces.append(event.text)
                if not isinstance(event, RefusalDelta) and event.logprobs:
                    channel.tokens += (entry.token for entry in event.logprobs)

    def plain(self) -> str | None:
        """The text, where it is all that was said."""
        if self.channels.keys() - {TextDelta.__name__}:
            return None
        return "".join(piece for channel in self.channels.values() for piece in channel.pieces)

    def _channel(self, name: str) -> _Channel:
        return self.channels.setdefault(name, _Channel())


class _Track:
    """How far the second run has come in one channel of the first."""

    def __init__(self, channel: _Channel) -> None:
        self._text = "".join(channel.pieces)
        self._tokens = channel.tokens
        self._at = self._token_at = 0

    @property
    def done(self) -> bool:
        return self._at == len(self._text) and self._token_at == len(self._tokens)

    def beyond(self, text: str) -> str:
        """What of `text` was not sent before. Raises Differs."""
        sent = self._text[self._at : self._at + len(text)]
        if not text.startswith(sent):
            raise Differs
        self._at += len(sent)
        return text[len(sent) :]

    def entries_beyond(self, entries: tuple[TokenLogprob, ...]) -> tuple[TokenLogprob, ...]:
        sent = self._tokens[self._token_at : self._token_at + len(entries)]
        if any(entry.token != token for entry, token in zip(entries, sent, strict=False)):
            raise Differs
        self._token_at += len(sent)
        return entries[len(sent) :]


class Comparison:
    """A second run of the answer in `transcript`: what is equal is swallowed, what is new comes out.

    Frames may be cut differently. Nothing comes out before all that was sent has been said again, in every channel.
    """

    def __init__(self, transcript: Transcript) -> None:
        self._tracks = {name: _Track(channel) for name, channel in transcript.channels.items()}
        self._open = [track for track in self._tracks.values() if not track.done]
        self._held: list[Event] = []
        self._begun = bool(self._tracks)

    def feed(self, event: Event) -> Iterable[Event]:
        """The events that are to be sent now. Raises Differs, after which nothing of this run may be sent."""
        match event:
            case Finished():
                if self._open:
                    raise Differs
                return (event,)
            case Prefill():
                return () if self._begun else (event,)
            case Queued() | Loading():
                return (event,)
            case TextDelta() | ReasoningDelta() | RefusalDelta() | ToolCallDelta():
                return self._compared(event)

    def _compared(self, event: Delta) -> Iterable[Event]:
        if not self._open:
            return (event,)
        self._held += self._rest(event)
        self._open = [track for track in self._open if not track.done]
        if self._open:
            return ()
        held, self._held = self._held, []
        return held

    def _rest(self, event: Delta) -> tuple[Delta, ...]:
        if isinstance(event, ToolCallDelta):
            return self._rest_of_call(event)
        track = self._tracks.get(type(event).__name__)
        if track is None:
            return (event,)
        text = track.beyond(event.text)
        if isinstance(event, RefusalDelta):
            return (replace(event, text=text),) if text else ()
        entries = track.entries_beyond(event.logprobs)
        return (replace(event, text=text, logprobs=entries),) if text or entries else ()

    def _rest_of_call(self, event: ToolCallDelta) -> tuple[Delta, ...]:
        name, arguments = self._tracks.get(_name(event)), self._tracks.get(_arguments(event))
        if arguments is None:
            return (event,)
        unnamed = event.name if name is None else None
        if name is not None and event.name is not None and (name.beyond(event.name) or not name.done):
            raise Differs
        rest = arguments.beyond(event.arguments)
        # The client knows the call by the id that the first run gave it.
        return (replace(event, id=None, name=unnamed, arguments=rest),) if rest or unnamed else ()


def _name(event: ToolCallDelta) -> str:
    return f"{event.call} name"


def _arguments(event: ToolCallDelta) -> str:
    return f"{event.call} arguments"
