"""The tokenizer as the worker needs it: text to ids, ids to bytes, and the ids that end or hide."""

from __future__ import annotations

import copy
import threading
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from dovetail.workers.mlx.detokenize import Detokenizer, token_bytes


class Encoding(Protocol):
    @property
    def ids(self) -> list[int]: ...


class Backend(Protocol):
    """What of `tokenizers.Tokenizer` is used here; it is safe to share between threads."""

    encode_special_tokens: bool

    def encode(self, sequence: str, *, add_special_tokens: bool) -> Encoding: ...
    def id_to_token(self, id: int) -> str | None: ...  # noqa: A002  the library's name
    def get_vocab_size(self, *, with_added_tokens: bool) -> int: ...
    @property
    def decoder(self) -> object: ...


class AddedToken(Protocol):
    @property
    def content(self) -> str: ...
    @property
    def special(self) -> bool: ...


class Vocabulary:
    """Ids and text of one model. `markup` names special tokens that are shown because parsers look for them."""

    def __init__(
        self,
        shared: Backend,
        added: Mapping[int, AddedToken],
        *,
        eos: Collection[int],
        bos_token: str,
        eos_token: str,
        markup: Collection[str],
    ) -> None:
        self._shared = shared
        self._plain: Backend | None = None
        self._making = threading.Lock()
        self.eos = frozenset(eos)
        self.bos_token = bos_token
        self.eos_token = eos_token
        size = shared.get_vocab_size(with_added_tokens=True)
        tokens = [shared.id_to_token(index) for index in range(max([size, *(i + 1 for i in added)]))]
        content = {index: token.content for index, token in added.items()}
        self.bytes: Sequence[bytes] = token_bytes(tokens, content, byte_level=_byte_level(shared))
        self.longest = max(map(len, self.bytes), default=1)
        special = {index for index, token in added.items() if token.special and token.content not in markup}
        self.hidden = frozenset(special | self.eos)

    def encode(self, text: str, *, add_special: bool, parse_special: bool = True) -> list[int]:
        """Blocks for as long as the text is long: not on an event loop."""
        backend = self._shared if parse_special else self._literal()
        # A lone surrogate is no text; the tokenizer would refuse it with a TypeError.
        clean = text.encode("utf-8", "replace").decode("utf-8")
        return backend.encode(clean, add_special_tokens=add_special).ids

    def _literal(self) -> Backend:
        """The tokenizer that takes control tokens in a text for text. Made when first asked for: copying is slow."""
        with self._making:
            if self._plain is None:
                self._plain = copy.deepcopy(self._shared)
                self._plain.encode_special_tokens = True
            return self._plain

    def decode(self, tokens: Sequence[int]) -> str:
        """All the text, special tokens too."""
        return b"".join(map(self.piece, tokens)).decode("utf-8", "replace")

    def piece(self, token: int) -> bytes:
        return self.bytes[token] if token < len(self.bytes) else b""

    def at_least(self, text: str) -> int:
        """Tokens that `text` cannot take fewer than: no token stands for more bytes than the longest."""
        return len(text.encode("utf-8", "replace")) // max(self.longest, 1)

    def detokenizer(self, *, special: bool = False) -> Detokenizer:
        """`special` shows control tokens, which some tool call formats are made of."""
        return Detokenizer(self.bytes, self.eos if special else self.hidden)


def _byte_level(backend: Backend) -> bool:
    """Whether the vocabulary is byte-level BPE: its decoder, or one in its sequence of decoders, says so."""
    return "ByteLevel(" in repr(backend.decoder)
