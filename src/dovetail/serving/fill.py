"""A text with a gap, as the tokens that a model was trained to fill it by.

The order is prefix, suffix, middle, and texts name no special tokens, as in llama-server's `/infill`; the names of the
tokens are those that llama.cpp knows (`llama_vocab::impl::load`, b11549). Unlike there, nothing is cut. Other files
stand before: each behind its name where the model has a token that separates files, else behind a line that says so.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol, TypeAlias

from dovetail.core.errors import UnsupportedField
from dovetail.core.model import Model
from dovetail.core.request import GenerateRequest, TextPrompt

Markers: TypeAlias = tuple[int, int, int]
_NAMES = (
    ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"),
    ("<fim_prefix>", "<fim_suffix>", "<fim_middle>"),
    ("<fim-prefix>", "<fim-suffix>", "<fim-middle>"),
    ("<\uff5cfim\u2581begin\uff5c>", "<\uff5cfim\u2581hole\uff5c>", "<\uff5cfim\u2581end\uff5c>"),
    ("\u2581<PRE>", "\u2581<SUF>", "\u2581<MID>"),
    ("<PRE>", "<SUF>", "<MID>"),
    ("<|code_prefix|>", "<|code_suffix|>", "<|code_middle|>"),
    ("<|prefix|>", "<|suffix|>", "<|middle|>"),
)

# Of a model that reads whole repositories: the token before a repository's name, and the one before a file's.
_REPOSITORIES = ("<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>")
_SEPARATORS = ("<|file_sep|>", "<file_sep>", "<|file_separator|>")
_REPOSITORY, _OWN = "repository\n", "file\n"  # names, where a request has none
_SNIPPET = "\n\n--- snippet ---\n\n"


class Tokenizer(Protocol):
    """A loaded model's; `fleet.lease.Lease` is one."""

    async def tokenize(self, text: str, *, special: bool) -> tuple[int, ...]: ...


async def filled(request: GenerateRequest, model: Model, tokenizer: Tokenizer) -> GenerateRequest:
    """`request` without a suffix: its prompt is made of ids. Raises UnsupportedField for a model that fills no gaps."""
    prompt = request.prompt
    if not isinstance(prompt, TextPrompt) or prompt.suffix is None or model.remote is not None:
        return request  # another server fills it by itself
    markers = model.fim or await _markers(tokenizer)
    if markers is None:
        raise UnsupportedField("suffix", f"takes a model with fill-in-the-middle tokens, and {model.id} has none")
    prefix, suffix, middle = markers
    before: list[int] = []
    for part in prompt.parts:
        before += [part] if isinstance(part, int) else await tokenizer.tokenize(part, special=False)
    after = await tokenizer.tokenize(prompt.suffix, special=False)
    # The empty text stands for the token that opens a text, where the model has one.
    around = await _around(prompt, tokenizer)
    begun = await tokenizer.tokenize(prompt.begun, special=False) if prompt.begun else ()
    parts = ("", *around, prefix, *before, suffix, *after, middle, *begun)
    return replace(request, prompt=TextPrompt(parts))


async def _around(prompt: TextPrompt, tokenizer: Tokenizer) -> list[int]:
    """The other files."""
    if not prompt.around:
        return []

    async def plain(text: str) -> tuple[int, ...]:
        return await tokenizer.tokenize(text, special=False)

    separator = await _one(_SEPARATORS, tokenizer)
    repository = await _one(_REPOSITORIES, tokenizer)
    found = [] if repository is None or separator is None else [repository, *await plain(_REPOSITORY)]
    for file in prompt.around:
        if separator is None:
            found += await plain(_SNIPPET)
        else:
            found += [separator, *await plain(f"{file.name}\n")]
        found += await plain(file.text)
    return found if separator is None else [*found, separator, *await plain(_OWN)]


async def _one(names: tuple[str, ...], tokenizer: Tokenizer) -> int | None:
    """The first of `names` that is a token of the model's."""
    for name in names:
        ids = await tokenizer.tokenize(name, special=True)
        if len(ids) == 1:
            return ids[0]
    return None


async def _markers(tokenizer: Tokenizer) -> Markers | None:
    for names in _NAMES:
        if len(await tokenizer.tokenize("".join(names), special=True)) != len(names):
            continue
        ids = [await tokenizer.tokenize(name, special=True) for name in names]
        if all(len(each) == 1 for each in ids):
            return ids[0][0], ids[1][0], ids[2][0]
    return None
