"""A text with a gap, as the tokens that a model was trained to fill it by.

The order is prefix, suffix, middle, and texts name no special tokens, as in llama-server's `/infill`; the names of the
tokens are those that llama.cpp knows (`llama_vocab::impl::load`, b11549). Unlike there, nothing is cut.
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
    parts = ("", prefix, *before, suffix, *after, middle)
    return replace(request, prompt=TextPrompt(parts))


async def _markers(tokenizer: Tokenizer) -> Markers | None:
    for names in _NAMES:
        if len(await tokenizer.tokenize("".join(names), special=True)) != len(names):
            continue
        ids = [await tokenizer.tokenize(name, special=True) for name in names]
        if all(len(each) == 1 for each in ids):
            return ids[0][0], ids[1][0], ids[2][0]
    return None
