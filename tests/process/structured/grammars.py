"""Both engines' grammars of a schema over a vocabulary of bytes, and what they let through.

llama.cpp's is what its own server makes of the schema, matched by llguidance; the MLX worker's is llguidance's own.
"""

from __future__ import annotations

import itertools
import json
import random
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from dovetail.core.request import Json, JsonObject
from dovetail.workers.mlx.form import Gbnf, Schema
from dovetail.workers.mlx.grammar import Grammars
from dovetail.workers.mlx.vocabulary import Vocabulary

END = 256
MOST_ORDERS = 200
_SEPARATORS = ((", ", ": "), (",", ":"))  # llguidance's, and those that llama.cpp writes values with


class Bytes:
    """A vocabulary of every byte and an end of text."""

    eos = frozenset({END})
    hidden = frozenset({END})

    def piece(self, token: int) -> bytes:
        return bytes([token]) if token < END else b"<end>"

    def encode(self, text: str, *, add_special: bool, parse_special: bool = True) -> list[int]:
        del add_special, parse_special
        return list(text.encode())


class Grammar:
    """One engine's grammar of one schema."""

    def __init__(self, matcher: Any) -> None:
        self._matcher = matcher

    def lets_through(self, value: Json) -> bool:
        """Whether `value` can be written, in some order of its keys."""
        return any(self._matches(text) for text in itertools.islice(_texts(value), MOST_ORDERS))

    def _matches(self, text: str) -> bool:
        data = list(text.encode())
        self._matcher.reset()
        return self._matcher.try_consume_tokens(data) == len(data) and self._matcher.is_accepting()

    def walk(self, rng: random.Random, longest: int = 400) -> str | None:
        """A random text of the grammar, biased to its end; None where none was reached."""
        self._matcher.reset()
        text = bytearray()
        while len(text) < longest:
            mask = self._matcher.compute_bitmask()
            allowed = [token for token in range(END + 1) if mask[token >> 3] >> (token & 7) & 1]
            if END in allowed and (len(allowed) == 1 or rng.random() < 0.5):
                return text.decode()
            bytes_ = [token for token in allowed if token != END]
            closing = [token for token in bytes_ if token in b'"}]']
            token = rng.choice(closing if closing and rng.random() < 0.5 else bytes_)
            text.append(token)
            self._matcher.consume_token(token)
        return None


def of_mlx(schemas: Sequence[JsonObject]) -> list[Grammar]:
    grammars = Grammars(cast("Vocabulary", Bytes()), END + 1)
    return [Grammar(grammars.compile(Schema(json.dumps(schema)))) for schema in schemas]


def of_llama_cpp(schemas: Sequence[JsonObject]) -> list[Grammar]:
    script = Path(__file__).with_name("llama_server_grammars.py")
    done = subprocess.run(
        [sys.executable, script],
        input="\n".join(map(json.dumps, schemas)),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        timeout=120,
        check=True,
    )
    grammars = Grammars(cast("Vocabulary", Bytes()), END + 1)
    texts = [
        re.sub(r"(?m)^root ::=.*$", "root ::= response-format", json.loads(line))
        for line in done.stdout.split("\n")
        if line
    ]
    assert len(texts) == len(schemas)
    return [Grammar(grammars.compile(Gbnf(text))) for text in texts]


def _texts(value: Json) -> Iterator[str]:
    for ordered in _orders(value):
        for separators in _SEPARATORS:
            yield json.dumps(ordered, ensure_ascii=False, separators=separators)


def _orders(value: Json) -> Iterator[Json]:
    """`value` with the keys of its objects in every order; numbers as grammars write them."""
    if isinstance(value, float) and value.is_integer():
        yield int(value)
    elif isinstance(value, list):
        for items in itertools.product(*map(_listed, value)):
            yield list(items)
    elif isinstance(value, dict):
        for names in itertools.permutations(value):
            for inner in itertools.product(*(_listed(value[name]) for name in names)):
                yield dict(zip(names, inner, strict=True))
    else:
        yield value


def _listed(value: Json) -> list[Json]:
    return list(itertools.islice(_orders(value), MOST_ORDERS))
