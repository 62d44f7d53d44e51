"""The sampling fields that the OpenAI dialects and llama.cpp's share, and llama.cpp's that are not honoured."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from dovetail.core.errors import InvalidRequest
from dovetail.core.request import Sampling
from dovetail.gateway.structured import StructuredFields
from dovetail.gateway.wire import Refused, also

MAX_STOPS = 16

ModelName = Annotated[str, Field(min_length=1, max_length=256, description="A model's id or one of its aliases.")]
Count = Annotated[int, Field(ge=1, lt=1 << 31)]
TokenId = Annotated[int, Field(ge=0, lt=1 << 31)]
Probability = Annotated[float, Field(ge=0, le=1)]
Penalty = Annotated[float, Field(ge=-2, le=2)]
StopString = Annotated[str, Field(min_length=1, max_length=1024)]
Stop = StopString | Annotated[list[StopString], Field(max_length=MAX_STOPS)]
Breaker = Annotated[str, Field(min_length=1, max_length=64)]
Biased = Annotated[str, Field(min_length=1, max_length=256)]
Bias = Annotated[float, Field(ge=-100, le=100)]

# Fields that have the core's names and forms.
_SHARED = (
    *("top_p", "min_p", "typical_p", "repeat_penalty", "repeat_last_n", "frequency_penalty", "presence_penalty"),
    *("top_n_sigma", "xtc_probability", "xtc_threshold", "mirostat", "mirostat_tau", "mirostat_eta"),
    *("dry_multiplier", "dry_base", "dry_allowed_length", "dry_penalty_last_n"),
)
_MAX_DIGITS = 9


class LlamaExtras(StructuredFields):
    """llama.cpp's sampling fields in common use, taken by every text dialect; then its private ones, refused."""

    top_k: Annotated[int | None, Field(ge=-1, lt=1 << 31, description="0 and -1 keep every token.")] = None
    min_p: Probability | None = None
    typical_p: Annotated[Probability | None, Field(validation_alias=also("typical_p", "typ_p"))] = None
    repeat_penalty: Annotated[
        float | None,
        Field(ge=0.001, le=100, validation_alias=also("repeat_penalty", "repetition_penalty", "repet_penalty")),
    ] = None
    repeat_last_n: Annotated[
        int | None, Field(ge=-1, lt=1 << 31, validation_alias=also("repeat_last_n", "repetition_context_size"))
    ] = None
    max_tokens: Annotated[
        Count | Literal[-1] | None,
        Field(
            validation_alias=also("max_tokens", "max_completion_tokens", "n_predict"),
            description="-1 goes on until the context is full.",
        ),
    ] = None
    top_n_sigma: Annotated[float | None, Field(ge=-1, le=100, description="0 and -1 keep every token.")] = None
    xtc_probability: Probability | None = None
    xtc_threshold: Probability | None = None
    dry_multiplier: Annotated[float | None, Field(ge=0, le=100, description="0 is no DRY.")] = None
    dry_base: Annotated[float | None, Field(ge=1, le=100)] = None
    dry_allowed_length: Annotated[int | None, Field(ge=0, lt=1 << 31)] = None
    dry_penalty_last_n: Annotated[int | None, Field(ge=-1, lt=1 << 31)] = None
    dry_sequence_breakers: Annotated[list[Breaker] | None, Field(min_length=1, max_length=64)] = None
    mirostat: Annotated[
        Literal[0, 1, 2] | None,
        Field(
            validation_alias=also("mirostat", "mirostat_mode"),
            description="1 and 2 take the place of every other filter and of the penalties.",
        ),
    ] = None
    mirostat_tau: Annotated[float | None, Field(ge=0, le=100, description="Bits a token.")] = None
    mirostat_eta: Annotated[float | None, Field(ge=0, le=1)] = None
    ignore_eos: bool | None = None
    top_p: Probability | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    stop: Stop | None = None

    complete_text: Annotated[object, Refused(False)] = None
    adaptive_decay: Annotated[object, Refused()] = None
    adaptive_target: Annotated[object, Refused()] = None
    cache_prompt: Annotated[object, Refused(True)] = None
    chat_template: Annotated[object, Refused()] = None
    dynatemp_range: Annotated[object, Refused(0, 0.0)] = None
    grammar_lazy: Annotated[object, Refused(False)] = None
    id_slot: Annotated[object, Refused(-1)] = None
    lora: Annotated[object, Refused([])] = None
    min_keep: Annotated[object, Refused(0)] = None
    n_cmpl: Annotated[object, Refused(1)] = None
    n_discard: Annotated[object, Refused(0)] = None
    n_indent: Annotated[object, Refused(0)] = None
    n_keep: Annotated[object, Refused(0)] = None
    post_sampling_probs: Annotated[object, Refused(False)] = None
    reasoning_budget_tokens: Annotated[object, Refused(-1)] = None
    reasoning_format: Annotated[object, Refused("auto")] = None
    response_fields: Annotated[object, Refused([])] = None
    return_progress: Annotated[object, Refused(False)] = None
    return_tokens: Annotated[object, Refused(False)] = None
    samplers: Annotated[object, Refused()] = None
    speculative: Annotated[object, Refused()] = None
    t_max_predict_ms: Annotated[object, Refused(0, -1)] = None
    timings_per_token: Annotated[object, Refused(False)] = None

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

    temperature: Annotated[float | None, Field(ge=0, le=2)] = None
    seed: Annotated[int | None, Field(ge=-(1 << 63), lt=1 << 63)] = None
    logit_bias: Annotated[
        dict[Biased, Bias] | None,
        Field(max_length=1024, description="Keys are token ids, or texts that stand for each of their tokens."),
    ] = None

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
