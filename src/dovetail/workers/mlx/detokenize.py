"""Token ids to text, one at a time: every token is a fixed run of bytes, joined by an incremental UTF-8 decoder."""

from __future__ import annotations

import codecs
import re
from collections.abc import Collection, Mapping, Sequence

_BYTE_TOKEN = re.compile(r"<0x([0-9A-Fa-f]{2})>\Z")
_WORD_START = "\u2581"


def byte_alphabet() -> dict[str, int]:
    """The printable stand-ins of byte-level BPE, one for each byte (the GPT-2 encoder's table)."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    rest = [byte for byte in range(256) if byte not in set(printable)]
    return {chr(b): b for b in printable} | {chr(256 + n): b for n, b in enumerate(rest)}


def token_bytes(tokens: Sequence[str | None], added: Mapping[int, str], *, byte_level: bool) -> list[bytes]:
    """The bytes of every id. `tokens` are vocabulary entries by id (None: a hole), `added` are taken as they are."""
    alphabet = byte_alphabet()
    table: list[bytes] = []
    for index, token in enumerate(tokens):
        if index in added:
            table.append(added[index].encode("utf-8", "replace"))
        elif token is None:
            table.append(b"")
        elif byte_level:
            table.append(_from_alphabet(token, alphabet))
        elif match := _BYTE_TOKEN.match(token):
            table.append(bytes([int(match[1], 16)]))
        else:
            table.append(token.replace(_WORD_START, " ").encode("utf-8", "replace"))
    return table


def _from_alphabet(token: str, alphabet: Mapping[str, int]) -> bytes:
    if all(char in alphabet for char in token):
        return bytes(alphabet[char] for char in token)
    return token.encode("utf-8", "replace")


class Detokenizer:
    """Streams one sequence. A character made of several tokens comes out whole; invalid bytes become U+FFFD."""

    def __init__(self, table: Sequence[bytes], hidden: Collection[int] = ()) -> None:
        self._table = table
        self._hidden = hidden
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""

    def push(self, token: int) -> str:
        """The text that `token` completes; a token that ends inside a character waits for the next."""
        if token in self._hidden or token >= len(self._table):
            return ""
        text, held = self._decoder.decode(self._table[token]), self._held
        if held or not self._decoder.getstate()[0]:
            self._held = ""
            return held + text
        self._held = text
        return ""

    def finish(self) -> str:
        """What is left; of a character that the end cut in two nothing is, as in llama-server."""
        held, self._held = self._held, ""
        return held
