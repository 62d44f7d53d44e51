"""What two prompts have in common, known without the engine: a chain of hashes over a prompt's beginning.

A link covers everything up to its place, so the last link that two chains share says how far they agree. It is a
guess about tokens, good enough to choose by; the engine compares the tokens themselves.
"""

from __future__ import annotations

from collections.abc import Collection
from hashlib import blake2b
from itertools import accumulate
from typing import TypeAlias

import orjson

from dovetail.core.request import Json, JsonObject

Chain: TypeAlias = tuple[bytes, ...]

LINK = 12  # bytes of a link: a hash, and the place up to which it is one
_HASH = 8
_FINE, _FINE_END, _COARSE = 32, 16_384, 256  # short prompts are told apart finely, long ones cheaply
_END = 4 << 20  # bytes of a prompt that are looked at


def chain_of(body: JsonObject, space: str = "") -> Chain:
    """The chain of a worker call's prompt. Chains of different spaces share nothing, nor do those of two scales.

    Not even of equal tools: the engine would go on with all that a file holds.
    """
    head, messages = _beginning(body)
    data = b"".join([head, *messages])
    state = blake2b(orjson.dumps([space, body.get("lora")]), digest_size=_HASH)
    links: list[bytes] = []
    start = 0
    for end in _ends(min(len(data), _END), list(accumulate(map(len, messages), initial=len(head)))[1:]):
        state.update(data[start:end])
        links.append(state.digest() + end.to_bytes(LINK - _HASH, "big"))
        start = end
    return tuple(links)


def _beginning(body: JsonObject) -> tuple[bytes, list[bytes]]:
    """The prompt as bytes which a prompt that goes on with it begins with, each message apart; no text is closed."""
    prompt, messages = body.get("prompt"), body.get("messages")
    head = orjson.dumps(body.get("tools")) + (b"" if prompt is None else orjson.dumps(prompt)[:-1])
    return head, [orjson.dumps(_short(m)) for m in messages] if isinstance(messages, list) else []


def _short(message: Json) -> Json:
    """A message with digests for its images and sounds, whose megabytes are no more than some hundred tokens."""
    if not isinstance(message, dict) or not isinstance(content := message.get("content"), list):
        return message
    short: list[Json] = [part if isinstance(part, dict) and "text" in part else _digest(part) for part in content]
    return {**message, "content": short}


def _digest(part: Json) -> str:
    return blake2b(orjson.dumps(part), digest_size=16).hexdigest()


def common(a: Chain, b: Chain) -> int:
    """How many links two chains share, by bisection: a link that is equal vouches for all before it."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[middle - 1] == b[middle - 1]:
            low = middle
        else:
            high = middle - 1
    return low


def reach(chain: Chain, links: int | None = None) -> int:
    """Bytes of the prompt that a chain covers, or so many links of it."""
    count = len(chain) if links is None else links
    return int.from_bytes(chain[count - 1][_HASH:], "big") if count else 0


def sound(chain: Chain) -> bool:
    """Whether `chain` is one: a card may be of another version's making."""
    places = [reach(chain, count) for count in range(1, len(chain) + 1)]
    return bool(chain) and all(len(link) == LINK for link in chain) and places == sorted(set(places))


def cut(chain: Chain, share: float) -> Chain:
    """As much of a chain as `share` of its prompt covers."""
    covered = reach(chain) * share
    links = len(chain)
    while links and reach(chain, links) > covered:
        links -= 1
    return chain[:links]


def _ends(size: int, messages: Collection[int]) -> list[int]:
    """Where links end: at every message's end, since a short one may be all that two long prompts differ in."""
    fine, coarse = range(_FINE, min(size, _FINE_END) + 1, _FINE), range(_FINE_END + _COARSE, size + 1, _COARSE)
    return sorted({*fine, *coarse, *(end for end in messages if end <= size)})
