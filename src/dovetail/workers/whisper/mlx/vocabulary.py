"""Whisper's tokens: the text's, and those that say language, task, time and silence."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tokenizers import Tokenizer

from dovetail.core.languages import NAMES
from dovetail.core.speech import Task

STEP = 0.02  # seconds from one time to the next
TIMES = 1501  # in every model
# Written one after another without spaces: a word ends where a character does.
_UNSPACED = frozenset({"zh", "ja", "th", "lo", "my", "yue"})
# Never written: what tells of noises or of who speaks, as published.
_SYMBOLS = '"#()*+/:;<=>@[\\]^_`{|}~「」『』'
_LONGER = "<< >> <<< >>> -- --- -( -[ (' (\" (( )) ((( ))) [[ ]] {{ }} ♪♪ ♪♪♪"
_NOTES = "♩♪♫♬♭♮♯"
_BROKEN = "\ufffd"


@dataclass(frozen=True, slots=True)
class Word:
    """`text` with the space before it."""

    text: str
    tokens: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """`languages` by code, empty where the model knows English alone; `times` is the first of TIMES tokens."""

    tokenizer: Tokenizer
    end: int
    start: int
    previous: int
    silence: int
    times: int
    tasks: Mapping[Task, int]
    languages: Mapping[str, int]
    suppressed: tuple[int, ...] = field(default=())

    def encode(self, text: str) -> list[int]:
        return _encoded(self.tokenizer, text)

    def decode(self, tokens: Sequence[int]) -> str:
        """The text alone."""
        return self.tokenizer.decode([token for token in tokens if token < self.end])

    def opening(self, language: str, task: Task) -> list[int]:
        """What an answer begins with."""
        if not self.languages:
            return [self.start]
        return [self.start, self.languages[language], self.tasks[task]]

    def words(self, tokens: Sequence[int], language: str) -> list[Word]:
        """The words that text tokens make, punctuation by itself."""
        parts = self._characters(tokens)
        if language in _UNSPACED:
            return parts
        words: list[Word] = []
        for part in parts:
            if words and not part.text.startswith(" ") and part.text.strip() not in string.punctuation:
                words[-1] = Word(words[-1].text + part.text, words[-1].tokens + part.tokens)
            else:
                words.append(part)
        return words

    def _characters(self, tokens: Sequence[int]) -> list[Word]:
        """The shortest runs of tokens that are whole characters."""
        whole = self.decode(tokens)
        found, held, at = list[Word](), list[int](), 0
        for token in tokens:
            held.append(token)
            text = self.decode(held)
            broken = text.find(_BROKEN)
            # A character that cannot be shown may be what was meant.
            if broken < 0 or whole[at + broken : at + broken + 1] == _BROKEN:
                found.append(Word(text, tuple(held)))
                at, held = at + len(text), []
        return found


def read(file: Path, size: int) -> Vocabulary:
    """That of a `tokenizer.json` for a model of `size` tokens. Raises ValueError where it is none, or another's."""
    tokenizer = Tokenizer.from_file(str(file))
    start, end = _special(tokenizer, "startoftranscript"), _special(tokenizer, "endoftext")
    tasks: dict[Task, int] = {
        "transcribe": _special(tokenizer, "transcribe"),
        "translate": _special(tokenizer, "translate"),
    }
    silence = _special(tokenizer, "nospeech", "nocaptions")
    model, previous = _special(tokenizer, "startoflm"), _special(tokenizer, "startofprev")
    times = _special(tokenizer, "notimestamps") + 1
    if times + TIMES != size:
        raise ValueError(
            f"tokenizer.json belongs to another model: it has {times + TIMES} tokens and config.json says {size}"
        )
    known = {code: tokenizer.token_to_id(f"<|{code}|>") for code in NAMES}
    # Those for English alone count their languages and never ask for one.
    several = size >= 51_865
    return Vocabulary(
        tokenizer,
        end,
        start,
        previous,
        silence,
        times,
        tasks,
        {code: token for code, token in known.items() if token is not None} if several else {},
        tuple(sorted({*_unspoken(tokenizer), *tasks.values(), start, previous, model, silence, times - 1})),
    )


def _special(tokenizer: Tokenizer, *names: str) -> int:
    for name in names:
        if (found := tokenizer.token_to_id(f"<|{name}|>")) is not None:
            return found
    raise ValueError(f"tokenizer.json is not that of a Whisper model: it has no <|{names[0]}|>")


def _unspoken(tokenizer: Tokenizer) -> set[int]:
    """Tokens of symbols; a hyphen and an apostrophe may be within a word, not before one."""
    found = {_encoded(tokenizer, " -")[0], _encoded(tokenizer, " '")[0]}
    for symbol in [*_SYMBOLS, *_LONGER.split(), *_NOTES]:
        for tokens in (_encoded(tokenizer, symbol), _encoded(tokenizer, f" {symbol}")):
            if len(tokens) == 1 or symbol in _NOTES:
                found.add(tokens[0])
    return found


def _encoded(tokenizer: Tokenizer, text: str) -> list[int]:
    return tokenizer.encode(text, add_special_tokens=False).ids
