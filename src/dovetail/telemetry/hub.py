"""The one event hub: what happens, by topic, for whoever listens and for whoever comes back in a moment.

Nobody's messages are kept but the topics' own last ones: a listener is a place in them, and one that falls behind
what is kept is told to begin again (`resync`), then how things stand (`snapshot`).
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

from dovetail.core.request import Json

Topic: TypeAlias = Literal["metrics", "models", "downloads", "requests", "bench", "logs"]
TOPICS: tuple[Topic, ...] = get_args(Topic)
KEPT = 256  # messages of a topic
Snapshot: TypeAlias = "Callable[[Listening], Awaitable[Json]]"


@dataclass(frozen=True, slots=True)
class Message:
    """`seq` orders the messages of all topics; `owner` is the caller whom it is about, None: it is about nobody.

    `whole` is False of what a listener must not come back to: more belongs to it.
    """

    seq: int
    topic: Topic
    type: str
    data: Json
    owner: str | None = None
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Listening:
    """What a listener asks for.

    own    the caller whose messages alone it may see, beside those about nobody; None: it may see all
    after  the last message it has seen, None: it has seen none
    marks  by topic the last entry it has, in the topic's own numbers, for the snapshot to go on from
    """

    topics: frozenset[Topic]
    own: str | None = None
    after: int | None = None
    marks: Mapping[Topic, int] = field(default_factory=dict[Topic, int])


class _Ring:
    """A topic's last messages; `lost` is the seq up to which they are not kept."""

    def __init__(self, lost: int) -> None:
        self.lost = lost
        self.messages: deque[Message] = deque()
        self.most = KEPT
        self.snapshot: Snapshot | None = None

    def add(self, message: Message) -> None:
        self.messages.append(message)
        while len(self.messages) > self.most:
            self.lost = self.messages.popleft().seq

    def since(self, seq: int) -> list[Message]:
        found: list[Message] = []
        for message in reversed(self.messages):
            if message.seq <= seq:
                break
            found.append(message)
        return found


class Hub:
    """Everything on one event loop; nothing blocks but `listen`, which waits."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        # Microseconds: what a client has seen of an earlier process is below, and is taken for a gap.
        self._seq = int(now() * 1_000_000)
        self._rings: dict[Topic, _Ring] = {topic: _Ring(self._seq) for topic in TOPICS}
        self._listeners: dict[asyncio.Event, frozenset[Topic]] = {}
        self._came = asyncio.Event()
        self._closed = False

    def offer(self, topic: Topic, snapshot: Snapshot, kept: int = KEPT) -> None:
        """How `topic` stands, for whoever begins to listen, and how many messages of it are kept."""
        ring = self._rings[topic]
        ring.snapshot, ring.most = snapshot, kept

    def publish(self, topic: Topic, type: str, data: Json, *, owner: str | None = None) -> None:  # noqa: A002
        """Tells all who listen. A message says how something stands now: a snapshot before it may have said so too."""
        self._seq += 1
        self._rings[topic].add(Message(self._seq, topic, type, data, owner))
        self._wake(topic)

    def listened(self, *topics: Topic) -> bool:
        """Whether anybody listens to one of them."""
        return any(not listening.isdisjoint(topics) for listening in self._listeners.values())

    async def awaited(self, *topics: Topic) -> None:
        """Returns once somebody listens to one of them."""
        while not self.listened(*topics):
            self._came.clear()
            await self._came.wait()

    def close(self) -> None:
        """Ends every `listen`."""
        self._closed = True
        for woken in self._listeners:
            woken.set()

    async def listen(self, wanted: Listening) -> AsyncGenerator[Sequence[Message], None]:
        """Messages in order, those that are there together: a topic's snapshot first, unless all since `after` is kept.

        Ends when the hub closes.
        """
        woken = asyncio.Event()
        self._listeners[woken] = wanted.topics
        self._came.set()
        seen = dict.fromkeys(wanted.topics, -1 if wanted.after is None else wanted.after)
        try:
            while not self._closed:
                woken.clear()
                told = await self._told(wanted, seen)
                if told:
                    yield told
                else:
                    await woken.wait()
        finally:
            del self._listeners[woken]

    async def _told(self, wanted: Listening, seen: dict[Topic, int]) -> list[Message]:
        """What comes behind `seen`, which is moved on."""
        begun: list[Message] = []
        for topic in TOPICS:
            if topic in seen and not self._rings[topic].lost <= seen[topic] <= self._seq:
                begun += await self._begun(topic, wanted, seen)
        found = [message for topic, after in seen.items() for message in self._rings[topic].since(after)]
        found.sort(key=lambda message: message.seq)
        for message in found:
            seen[message.topic] = message.seq
        mine = [message for message in found if wanted.own is None or message.owner in {None, wanted.own}]
        if begun and not mine:
            last = begun[-1]
            begun[-1] = Message(last.seq, last.topic, last.type, last.data)
        return begun + mine

    async def _begun(self, topic: Topic, wanted: Listening, seen: dict[Topic, int]) -> list[Message]:
        again, ring, at = seen[topic] >= 0, self._rings[topic], self._seq
        seen[topic] = at  # what is published meanwhile comes behind the snapshot
        told = [Message(at, topic, "resync", {}, whole=False)] if again else []
        if ring.snapshot is not None:
            told.append(Message(at, topic, "snapshot", await ring.snapshot(wanted), whole=False))
        return told

    def _wake(self, topic: Topic) -> None:
        for woken, topics in self._listeners.items():
            if topic in topics:
                woken.set()
