"""What two prompts have in common, known without the engine: a chain of hashes over a prompt's beginning.

A link covers everything up to its place, so the last link that two chains share says how far they agree. It is a
guess about tokens, good enough to choose by; the engine compares the tokens themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import TypeAlias

import orjson

from dovetail.core.request import Json, JsonObject

Chain: TypeAlias = tuple[bytes, ...]

LINK = 8  # bytes of a link
_FINE, _FINE_END, _COARSE = 32, 16_384, 256  # short prompts are told apart finely, long ones cheaply
_END = 4 << 20  # bytes of a prompt that are looked at


def chain_of(body: JsonObject, space: str = "") -> Chain:
    """The chain of a worker call's prompt. Chains of different spaces share nothing, nor do those of two scales.

    Not even of equal tools: the engine would go on with all that a file holds.
    """
    data = _beginning(body)
    state = blake2b(orjson.dumps([space, body.get("lora")]), digest_size=LINK)
    links: list[bytes] = []
    start = 0
    for end in _ends(min(len(data), _END)):
        state.update(data[start:end])
        links.append(state.digest())
        start = end
    return tuple(links)


def _beginning(body: JsonObject) -> bytes:
    """The prompt as bytes which a prompt that goes on with it begins with: nothing is closed at the end."""
    parts = [orjson.dumps(body.get("tools"))]
    match body.get("prompt"):
        case None:
            pass
        case prompt:
            parts.append(orjson.dumps(prompt)[:-1])
    match body.get("messages"):
        case list(messages):
            parts += (orjson.dumps(_short(message)) for message in messages)
        case _:
            pass
    return b"".join(parts)


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


def reach(links: int) -> int:
    """Bytes of the prompt that so many links cover."""
    fine = _FINE_END // _FINE
    return min(links, fine) * _FINE + max(0, links - fine) * _COARSE


def cut(chain: Chain, share: float) -> Chain:
    """As much of a chain as `share` of its prompt covers."""
    covered = reach(len(chain)) * share
    links = len(chain)
    while links and reach(links) > covered:
        links -= 1
    return chain[:links]


def _ends(size: int) -> Iterator[int]:
    yield from range(_FINE, min(size, _FINE_END) + 1, _FINE)
    yield from range(_FINE_END + _COARSE, size + 1, _COARSE)
