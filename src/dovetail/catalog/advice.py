"""What a model's makers wrote into its files for those who generate with it: sampling values, tokens to fill gaps.

GGUF: `general.sampling.*` and `tokenizer.ggml.fim_*_token_id` (gguf.constants.Keys). MLX: `generation_config.json`,
as transformers reads it, but for `do_sample`, which GGUF has no word for. A value that is out of a request's range is
passed over with a log line: it must not keep a model from being used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias, cast

import structlog

from dovetail.catalog.gguf_header import GgufHeader
from dovetail.core.fields import SAMPLING
from dovetail.core.model import Model

log = structlog.stdlib.get_logger(__name__)

Advice: TypeAlias = tuple[tuple[str, int | float], ...]

_GGUF: Mapping[str, str] = {
    "general.sampling.temp": "temperature",
    "general.sampling.top_k": "top_k",
    "general.sampling.top_p": "top_p",
    "general.sampling.min_p": "min_p",
    "general.sampling.xtc_probability": "xtc_probability",
    "general.sampling.xtc_threshold": "xtc_threshold",
    "general.sampling.penalty_repeat": "repeat_penalty",
    "general.sampling.penalty_last_n": "repeat_last_n",
    "general.sampling.mirostat": "mirostat",
    "general.sampling.mirostat_tau": "mirostat_tau",
    "general.sampling.mirostat_eta": "mirostat_eta",
}
_MLX: Mapping[str, str] = {
    "temperature": "temperature",
    "top_k": "top_k",
    "top_p": "top_p",
    "min_p": "min_p",
    "typical_p": "typical_p",
    "repetition_penalty": "repeat_penalty",
}
_WHOLE = frozenset({"top_k", "repeat_last_n", "mirostat"})
_MIROSTATS = (0, 1, 2)
# The names since 2024, and those before.
_FIM = (
    tuple(f"tokenizer.ggml.fim_{part}_token_id" for part in ("pre", "suf", "mid")),
    tuple(f"tokenizer.ggml.{part}_token_id" for part in ("prefix", "suffix", "middle")),
)


def of_gguf(header: GgufHeader) -> Advice:
    return _advice(header.metadata, _GGUF)


def of_mlx(generation_config: Mapping[str, object]) -> Advice:
    return _advice(generation_config, _MLX)


def with_sampling(model: Model, said: Advice) -> Model:
    """`model` with values that go before its makers'."""
    if not said:
        return model
    values = {**dict(model.sampling), **dict(said)}
    if "top_k" in values:
        values["top_k"] = max(values["top_k"], 0)  # -1 and 0 both keep every token
    return replace(model, sampling=tuple(values.items()))


@dataclass(frozen=True, slots=True)
class Defaults:
    """Of what a request leaves open, what no maker of a model advises; a bias by a token's id or a text."""

    max_tokens: int | None = None
    logit_bias: Mapping[str, float] = field(default_factory=dict[str, float])


def with_defaults(model: Model, said: Defaults | None) -> Model:
    """`model` with them. An id that its vocabulary does not have is left out: no engine survives one."""
    if said is None:
        return model
    bias: list[tuple[int | str, float]] = []
    for key, value in said.logit_bias.items():
        token = int(key) if key.isascii() and key.isdigit() else key
        if isinstance(token, int) and token >= (model.shape.vocabulary or 1 << 31):
            log.warning("logit_bias_ignored", model=model.id, token=key[:32])
        else:
            bias.append((token, value))
    return replace(model, max_tokens=said.max_tokens, logit_bias=tuple(bias))


def fim_of(header: GgufHeader) -> tuple[int, int, int] | None:
    """Ids of the tokens for prefix, suffix and middle, where the header names all three."""
    for keys in _FIM:
        ids = [header.metadata.get(key) for key in keys]
        if all(_token(value, header.shape.vocabulary) for value in ids):
            return cast("tuple[int, int, int]", tuple(ids))
    return None


def _advice(said: Mapping[str, object], names: Mapping[str, str]) -> Advice:
    found: list[tuple[str, int | float]] = []
    for key, name in names.items():
        value = said.get(key)
        if value is None:
            continue
        number = _number(name, value)
        if number is None:
            log.warning("sampling_advice_ignored", key=key, value=str(value)[:32])
        else:
            found.append((name, number))
    return tuple(found)


def _number(name: str, value: object) -> int | float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not SAMPLING[name].admits(value):
        return None
    if name not in _WHOLE:
        return float(f"{value:.6g}")  # GGUF holds 32 bits: 0.7 is to be the same number in both formats
    if value != int(value) or (name == "mirostat" and value not in _MIROSTATS):
        return None
    return max(int(value), 0) if name == "top_k" else int(value)


def _token(value: object, vocabulary: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < vocabulary
