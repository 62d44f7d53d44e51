"""The sampling fields that the OpenAI dialects and llama.cpp's share, and llama.cpp's that are not honoured."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from dovetail.core.errors import InvalidRequest
from dovetail.core.fields import LLAMA, SAMPLING
from dovetail.core.request import Sampling
from dovetail.gateway.adapters import AdapterField
from dovetail.gateway.structured import StructuredFields
from dovetail.gateway.wire import of

MAX_STOPS = 16

ModelName = Annotated[str, Field(min_length=1, max_length=256, description="A model's id or one of its aliases.")]
Count = Annotated[int, Field(ge=1, lt=1 << 31)]
TokenId = Annotated[int, Field(ge=0, lt=1 << 31)]
StopString = Annotated[str, Field(min_length=1, max_length=1024)]
Stop = StopString | Annotated[list[StopString], Field(max_length=MAX_STOPS)]
Breaker = Annotated[str, Field(min_length=1, max_length=64)]
Breakers = Annotated[list[Breaker], Field(min_length=1, max_length=64)]
Biased = Annotated[str, Field(min_length=1, max_length=256)]
Bias = Annotated[float, Field(ge=-100, le=100)]

# Fields that have the core's names and forms.
_SHARED = (
    *("top_p", "min_p", "typical_p", "repeat_penalty", "repeat_last_n", "frequency_penalty", "presence_penalty"),
    *("top_n_sigma", "xtc_probability", "xtc_threshold", "mirostat", "mirostat_tau", "mirostat_eta"),
    *("dynatemp_range", "dynatemp_exponent"),
    *("dry_multiplier", "dry_base", "dry_allowed_length", "dry_penalty_last_n"),
)
_MAX_DIGITS = 9


class LlamaExtras(StructuredFields):
    """llama.cpp's sampling fields in common use, taken by every text dialect; then its private ones, refused."""

    top_k: Annotated[int | None, of(SAMPLING["top_k"])] = None
    top_p: Annotated[float | None, of(SAMPLING["top_p"])] = None
    min_p: Annotated[float | None, of(SAMPLING["min_p"])] = None
    typical_p: Annotated[float | None, of(SAMPLING["typical_p"])] = None
    repeat_penalty: Annotated[float | None, of(SAMPLING["repeat_penalty"])] = None
    repeat_last_n: Annotated[int | None, of(SAMPLING["repeat_last_n"])] = None
    dynatemp_range: Annotated[float | None, of(SAMPLING["dynatemp_range"])] = None
    dynatemp_exponent: Annotated[float | None, of(SAMPLING["dynatemp_exponent"])] = None
    frequency_penalty: Annotated[float | None, of(SAMPLING["frequency_penalty"])] = None
    presence_penalty: Annotated[float | None, of(SAMPLING["presence_penalty"])] = None
    top_n_sigma: Annotated[float | None, of(SAMPLING["top_n_sigma"])] = None
    xtc_probability: Annotated[float | None, of(SAMPLING["xtc_probability"])] = None
    xtc_threshold: Annotated[float | None, of(SAMPLING["xtc_threshold"])] = None
    dry_multiplier: Annotated[float | None, of(SAMPLING["dry_multiplier"])] = None
    dry_base: Annotated[float | None, of(SAMPLING["dry_base"])] = None
    dry_allowed_length: Annotated[int | None, of(SAMPLING["dry_allowed_length"])] = None
    dry_penalty_last_n: Annotated[int | None, of(SAMPLING["dry_penalty_last_n"])] = None
    dry_sequence_breakers: Annotated[Breakers | None, of(SAMPLING["dry_sequence_breakers"])] = None
    mirostat: Annotated[Literal[0, 1, 2] | None, of(SAMPLING["mirostat"])] = None
    mirostat_tau: Annotated[float | None, of(SAMPLING["mirostat_tau"])] = None
    mirostat_eta: Annotated[float | None, of(SAMPLING["mirostat_eta"])] = None
    ignore_eos: Annotated[bool | None, of(SAMPLING["ignore_eos"])] = None
    stop: Annotated[Stop | None, of(SAMPLING["stop"])] = None
    adapter: Annotated[AdapterField, of(SAMPLING["adapter"])] = None
    max_tokens: Annotated[Count | Literal[-1] | None, of(SAMPLING["max_tokens"])] = None

    adaptive_decay: Annotated[object, of(LLAMA["adaptive_decay"])] = None
    adaptive_target: Annotated[object, of(LLAMA["adaptive_target"])] = None
    backend_sampling: Annotated[object, of(LLAMA["backend_sampling"])] = None
    cache_prompt: Annotated[object, of(LLAMA["cache_prompt"])] = None
    chat_format: Annotated[object, of(LLAMA["chat_format"])] = None
    chat_template: Annotated[object, of(LLAMA["chat_template"])] = None
    complete_text: Annotated[object, of(LLAMA["complete_text"])] = None
    grammar_lazy: Annotated[object, of(LLAMA["grammar_lazy"])] = None
    grammar_triggers: Annotated[object, of(LLAMA["grammar_triggers"])] = None
    id_slot: Annotated[object, of(LLAMA["id_slot"])] = None
    lora: Annotated[object, of(LLAMA["lora"])] = None
    min_keep: Annotated[object, of(LLAMA["min_keep"])] = None
    min_tokens: Annotated[object, of(LLAMA["min_tokens"])] = None
    n_cache_reuse: Annotated[object, of(LLAMA["n_cache_reuse"])] = None
    n_cmpl: Annotated[object, of(LLAMA["n_cmpl"])] = None
    n_discard: Annotated[object, of(LLAMA["n_discard"])] = None
    n_indent: Annotated[object, of(LLAMA["n_indent"])] = None
    n_keep: Annotated[object, of(LLAMA["n_keep"])] = None
    post_sampling_probs: Annotated[object, of(LLAMA["post_sampling_probs"])] = None
    preserved_tokens: Annotated[object, of(LLAMA["preserved_tokens"])] = None
    reasoning_budget_message: Annotated[object, of(LLAMA["reasoning_budget_message"])] = None
    reasoning_budget_tokens: Annotated[object, of(LLAMA["reasoning_budget_tokens"])] = None
    reasoning_control: Annotated[object, of(LLAMA["reasoning_control"])] = None
    reasoning_format: Annotated[object, of(LLAMA["reasoning_format"])] = None
    response_fields: Annotated[object, of(LLAMA["response_fields"])] = None
    return_progress: Annotated[object, of(LLAMA["return_progress"])] = None
    return_tokens: Annotated[object, of(LLAMA["return_tokens"])] = None
    samplers: Annotated[object, of(LLAMA["samplers"])] = None
    speculative: Annotated[object, of(LLAMA["speculative"])] = None
    speculative_n_max: Annotated[object, of(LLAMA["speculative.n_max"])] = None
    speculative_n_min: Annotated[object, of(LLAMA["speculative.n_min"])] = None
    speculative_p_min: Annotated[object, of(LLAMA["speculative.p_min"])] = None
    speculative_type: Annotated[object, of(LLAMA["speculative.type"])] = None
    speculative_ngram_size_n: Annotated[object, of(LLAMA["speculative.ngram_size_n"])] = None
    speculative_ngram_size_m: Annotated[object, of(LLAMA["speculative.ngram_size_m"])] = None
    speculative_ngram_min_hits: Annotated[object, of(LLAMA["speculative.ngram_min_hits"])] = None
    sse_ping_interval: Annotated[object, of(LLAMA["sse_ping_interval"])] = None
    t_max_predict_ms: Annotated[object, of(LLAMA["t_max_predict_ms"])] = None
    timings_per_token: Annotated[object, of(LLAMA["timings_per_token"])] = None
    verbose: Annotated[object, of(LLAMA["verbose"])] = None

    def shared(self) -> Sampling:
        """The core's form of the fields that mean the same in every dialect."""
        said = {name: getattr(self, name) for name in _SHARED}
        top_k = None if self.top_k is None else max(self.top_k, 0)
        breakers = None if self.dry_sequence_breakers is None else tuple(self.dry_sequence_breakers)
        return Sampling(**said, top_k=top_k, dry_sequence_breakers=breakers, ignore_eos=bool(self.ignore_eos))

    def stops(self) -> tuple[str, ...]:
        """The stop strings, one or many."""
        if self.stop is None:
            return ()
        return (self.stop,) if isinstance(self.stop, str) else tuple(self.stop)

    def limit(self) -> int | None:
        """The bound on generated tokens; None when it was not said or is to be the context."""
        return None if self.max_tokens == -1 else self.max_tokens


class SamplingBody(LlamaExtras):
    """OpenAI's sampling fields, with OpenAI's ranges."""

    temperature: Annotated[float | None, of(SAMPLING["temperature"])] = None
    seed: Annotated[int | None, of(SAMPLING["seed"])] = None
    logit_bias: Annotated[Annotated[dict[Biased, Bias], Field(max_length=1024)] | None, of(SAMPLING["logit_bias"])] = (
        None
    )

    def sampling(self) -> Sampling:
        """The core's form of these fields. Raises InvalidRequest for a number that is no token id."""
        bias = {_biased(token): value for token, value in (self.logit_bias or {}).items()}
        return replace(self.shared(), temperature=self.temperature, seed=self.seed, logit_bias=bias)


def _biased(key: str) -> int | str:
    """Digits are an id: what JSON has no other key for."""
    if not (key.isascii() and key.isdigit()):
        return key
    if len(key) > _MAX_DIGITS:
        raise InvalidRequest(f"logit_bias: {key[:32]} is no token id", param="logit_bias")
    return int(key)
