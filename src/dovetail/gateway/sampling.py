"""The sampling fields that the OpenAI dialects and llama.cpp's share, and llama.cpp's that are not honoured."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from dovetail.core.request import Sampling
from dovetail.gateway.wire import Named, Refused, also

MAX_STOPS = 16

ModelName = Annotated[str, Field(min_length=1, max_length=256, description="A model's id or one of its aliases.")]
Count = Annotated[int, Field(ge=1, lt=1 << 31)]
TokenId = Annotated[int, Field(ge=0, lt=1 << 31)]
Probability = Annotated[float, Field(ge=0, le=1)]
Penalty = Annotated[float, Field(ge=-2, le=2)]
StopString = Annotated[str, Field(min_length=1, max_length=1024)]
Stop = StopString | Annotated[list[StopString], Field(max_length=MAX_STOPS)]
Bias = Annotated[float, Field(ge=-100, le=100)]


class LlamaExtras(Named):
    """llama.cpp's sampling fields in common use, taken by every text dialect; then its private ones, refused."""

    top_k: Annotated[int | None, Field(ge=-1, lt=1 << 31, description="0 and -1 keep every token.")] = None
    min_p: Probability | None = None
    typical_p: Annotated[Probability | None, Field(validation_alias=also("typical_p", "typ_p"))] = None
    repeat_penalty: Annotated[
        float | None,
        Field(gt=0, le=100, validation_alias=also("repeat_penalty", "repetition_penalty", "repet_penalty")),
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
    ignore_eos: bool | None = None

    complete_text: Annotated[object, Refused(False)] = None
    adaptive_decay: Annotated[object, Refused()] = None
    adaptive_target: Annotated[object, Refused()] = None
    cache_prompt: Annotated[object, Refused(True)] = None
    chat_template: Annotated[object, Refused()] = None
    dry_multiplier: Annotated[object, Refused(0, 0.0)] = None
    dynatemp_range: Annotated[object, Refused(0, 0.0)] = None
    grammar: Annotated[object, Refused("")] = None
    grammar_lazy: Annotated[object, Refused(False)] = None
    id_slot: Annotated[object, Refused(-1)] = None
    json_schema: Annotated[object, Refused()] = None
    lora: Annotated[object, Refused([])] = None
    min_keep: Annotated[object, Refused(0)] = None
    mirostat: Annotated[object, Refused(0)] = None
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
    top_n_sigma: Annotated[object, Refused(-1, -1.0)] = None
    xtc_probability: Annotated[object, Refused(0, 0.0)] = None

    def limit(self) -> int | None:
        """The bound on generated tokens; None when it was not said or is to be the context."""
        return None if self.max_tokens == -1 else self.max_tokens


class SamplingBody(LlamaExtras):
    """OpenAI's sampling fields, with OpenAI's ranges."""

    temperature: Annotated[float | None, Field(ge=0, le=2)] = None
    top_p: Probability | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    seed: Annotated[int | None, Field(ge=-(1 << 63), lt=1 << 63)] = None
    stop: Stop | None = None
    logit_bias: Annotated[dict[Annotated[str, Field(pattern=r"^[0-9]{1,9}$")], Bias] | None, Field(max_length=1024)] = (
        None
    )

    def sampling(self) -> Sampling:
        """The core's form of these fields."""
        return Sampling(
            temperature=self.temperature,
            top_k=None if self.top_k is None else max(self.top_k, 0),
            top_p=self.top_p,
            min_p=self.min_p,
            typical_p=self.typical_p,
            repeat_penalty=self.repeat_penalty,
            repeat_last_n=self.repeat_last_n,
            frequency_penalty=self.frequency_penalty,
            presence_penalty=self.presence_penalty,
            seed=self.seed,
            logit_bias={int(token): bias for token, bias in (self.logit_bias or {}).items()},
            ignore_eos=bool(self.ignore_eos),
        )

    def stops(self) -> tuple[str, ...]:
        """The stop strings, one or many."""
        if self.stop is None:
            return ()
        return (self.stop,) if isinstance(self.stop, str) else tuple(self.stop)
