"""What guesses ahead of a model: a draft model, which has to have the same vocabulary, or the text itself.

The rules are llama.cpp's (`common_speculative_are_compatible`, b11549), which goes on without the draft where they do
not hold, and says so in its log alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from dovetail.catalog.files import Stamp, stamp
from dovetail.catalog.gguf import read_tokens
from dovetail.catalog.gguf_header import GgufHeader
from dovetail.catalog.headers import Headers
from dovetail.catalog.invalid import InvalidModelFile
from dovetail.core.model import Model, Ngram

MOST_MORE = 128  # tokens that one vocabulary may have more than the other
_FIRST = 5  # ids before it are control tokens, whose names may differ
_ADDED = (("add_bos_token", "bos_token_id"), ("add_eos_token", "eos_token_id"))  # and the token, where it is


@dataclass(frozen=True, slots=True)
class Guesses:
    """What the settings say: `draft` is a model's id, or a file."""

    draft: str | Path | None = None
    ngram: Ngram | None = None


def with_guesses(model: Model, guesses: Guesses, others: Mapping[str, Model], headers: Headers) -> Model:
    """`model` with what guesses ahead of it; `invalid` says why a draft cannot. Reads both vocabularies, once."""
    if model.format != "gguf" or model.invalid is not None or guesses == Guesses():
        return model
    model = replace(model, ngram=guesses.ngram)
    if guesses.draft is None:
        return model
    what = f"models.{model.id}.draft"
    named = others.get(guesses.draft) if isinstance(guesses.draft, str) else None
    path = named.path if named is not None else guesses.draft
    if isinstance(path, str):
        return replace(model, invalid=f"{what}: there is no model {path}, and a file's path ends in .gguf")
    try:
        draft = headers.gguf(path)
        reason = _unfit(headers.gguf(model.path), draft) or _mismatch(model.path, stamp(model.path), path, stamp(path))
    except InvalidModelFile as error:
        reason = error.reason
    if reason:
        return replace(model, invalid=f"{what}: {path.name} cannot guess for it: {reason}")
    return replace(model, draft=path)


def _unfit(header: GgufHeader, draft: GgufHeader) -> str:
    if draft.kind != "model":
        return f"it is no language model but a file of kind {draft.kind}"
    words = ["model"]
    for added, token in _ADDED:
        said = [found.metadata.get(f"tokenizer.ggml.{added}") for found in (header, draft)]
        words += [added] if None not in said else []
        words += [token] if all(said) else []
    for word in words:
        one, other = (found.metadata.get(f"tokenizer.ggml.{word}") for found in (header, draft))
        if one != other:
            return f"its tokenizer.ggml.{word} is {other}, the model's {one}"
    one, other = header.shape.vocabulary, draft.shape.vocabulary
    if abs(one - other) > MOST_MORE:
        return f"its vocabulary has {other} tokens, the model's {one}, and at most {MOST_MORE} may be missing"
    return ""


@lru_cache(maxsize=64)
def _mismatch(path: Path, _stamp: Stamp | None, draft: Path, _draft_stamp: Stamp | None) -> str:
    """The first token that differs; the stamps are there for the files' sake, which may change."""
    pairs = enumerate(zip(read_tokens(path), read_tokens(draft), strict=False))
    found = next(((n, one, other) for n, (one, other) in pairs if n >= _FIRST and one != other), None)
    if found is None:
        return ""
    number, one, other = found
    return (
        f"token {number} is {other[:32].decode(errors='replace')!r} in its vocabulary "
        f"and {one[:32].decode(errors='replace')!r} in the model's"
    )
