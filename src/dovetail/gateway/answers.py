"""The shapes of JSON answers: what the OpenAPI document shows, and what the tests hold real answers against.

Answers are encoded by the dialects by hand; these models describe them and never run while one is served.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from dovetail.core.model import ModelFormat, ModelState


class Answer(BaseModel):
    """Base of the answers: exact, so that a field that is not described here fails a test."""

    model_config = ConfigDict(extra="forbid", defer_build=True)


class CachedTokens(Answer):
    """`prompt_tokens_details`."""

    cached_tokens: int


class ReasoningTokens(Answer):
    """`completion_tokens_details`."""

    reasoning_tokens: int


class CacheStats(Answer):
    """Whether the prompt cache had the beginning of the prompt, and how many tokens of it."""

    hit: bool
    prefix_length: int


class CacheUse(Answer):
    """`kv_cache`."""

    cached_tokens: int
    stats: CacheStats


class UsageAnswer(Answer):
    """Token counts; with `use_kv_cache` what the prompt cache had, and times in seconds."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: CachedTokens
    completion_tokens_details: ReasoningTokens | None = None
    kv_cache: CacheUse | None = None
    prompt_eval_time: float | None = None
    generation_time: float | None = None


class TimingsAnswer(Answer):
    """The worker's clock, in llama-server's form."""

    cache_n: int
    prompt_n: int
    prompt_ms: float
    prompt_per_token_ms: float
    prompt_per_second: float
    predicted_n: int
    predicted_ms: float
    predicted_per_token_ms: float
    predicted_per_second: float


class CalledFunction(Answer):
    """The function of a tool call; `arguments` is JSON text."""

    name: str
    arguments: str


class ToolCallAnswer(Answer):
    """A tool call."""

    id: str
    type: Literal["function"]
    function: CalledFunction


class MessageAnswer(Answer):
    """The assistant's message."""

    role: Literal["assistant"]
    content: str | None
    refusal: str | None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[ToolCallAnswer] | None = None


class LikelyToken(Answer):
    """One of the likeliest tokens at a place; `bytes` where its text is no whole character."""

    token: str
    logprob: float
    bytes: list[int]


class ChatToken(LikelyToken):
    """A piece of the text, with the numbers of its last token."""

    top_logprobs: list[LikelyToken]


class ChatLogprobs(Answer):
    """`logprobs` of a chat choice."""

    content: list[ChatToken]
    refusal: None


class TextLogprobsAnswer(Answer):
    """`logprobs` of a text: four lists of one length; offsets are in characters."""

    tokens: list[str]
    token_logprobs: list[float]
    top_logprobs: list[dict[str, float]]
    text_offset: list[int]


class NativeLikelyToken(LikelyToken):
    """The same with the token's id."""

    id: int


class NativeToken(NativeLikelyToken):
    """The same with the token's id."""

    top_logprobs: list[NativeLikelyToken]


class ChatChoice(Answer):
    """One of `n` answers."""

    index: int
    message: MessageAnswer
    logprobs: ChatLogprobs | None
    finish_reason: Literal["stop", "length", "tool_calls"]


class ChatCompletion(Answer):
    """A whole chat completion."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    system_fingerprint: str
    choices: list[ChatChoice]
    usage: UsageAnswer
    timings: TimingsAnswer | None = None


class TextChoice(Answer):
    """One of the texts."""

    text: str
    index: int
    logprobs: TextLogprobsAnswer | None
    finish_reason: Literal["stop", "length"]


class TextCompletion(Answer):
    """A whole text completion."""

    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    system_fingerprint: str
    choices: list[TextChoice]
    usage: UsageAnswer
    timings: TimingsAnswer | None = None


class LlamaCompletion(Answer):
    """llama-server's completion: a whole answer, or the last frame of a streamed one."""

    index: int
    content: str
    tokens: list[int]
    id_slot: int
    stop: Literal[True]
    model: str
    tokens_predicted: int
    tokens_evaluated: int
    tokens_cached: int
    truncated: bool
    stop_type: Literal["eos", "limit", "word"]
    stopping_word: str
    timings: TimingsAnswer
    completion_probabilities: list[NativeToken] | None = None


class PromptUsage(Answer):
    """Token counts of what is only read."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingObject(Answer):
    """One vector: numbers, or the base64 of float32 as OpenAI sends it."""

    object: Literal["embedding"]
    index: int
    embedding: list[float] | str


class EmbeddingList(Answer):
    """A vector for each input, in order."""

    object: Literal["list"]
    data: list[EmbeddingObject]
    model: str
    usage: PromptUsage


class RankedText(Answer):
    """A document."""

    text: str


class RankedDocument(Answer):
    """A document by its place in the request, with the model's own score."""

    index: int
    relevance_score: float
    document: RankedText | None = None


class RankingAnswer(Answer):
    """Documents, best first."""

    id: str
    object: Literal["list"]
    model: str
    results: list[RankedDocument]
    usage: PromptUsage


class Placement(Answer):
    """What a loaded model takes, in bytes: RAM now (null while unknown), RAM kept for it, and of GPUs.

    `gpu_layers` of its `layers` are on GPUs; 0 of 0 where an engine does not count them.
    """

    memory: int | None
    reserved: int
    device_memory: int
    gpu_layers: int
    layers: int


class ModelObject(Answer):
    """A model. `context` is what one request may use in tokens, `size` its weights in bytes.

    `sampling`: what its makers advise, which holds where a request says nothing. `placement`: of a loaded one.
    """

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: Literal["local"] = "local"
    format: ModelFormat
    state: ModelState
    reason: str | None
    context: int
    size: int
    quantisation: str
    capabilities: list[str]
    aliases: list[str]
    sampling: dict[str, int | float]
    placement: Placement | None


class AdapterName(Answer):
    """An adapter."""

    name: str


class AdapterList(Answer):
    """The adapters that can be asked for."""

    adapters: list[AdapterName]


class ModelList(Answer):
    """All models."""

    object: Literal["list"] = "list"
    data: list[ModelObject]


class ModelStateAnswer(Answer):
    """A model that was asked for since the start."""

    id: str
    state: ModelState


class Health(Answer):
    """Liveness; slots are those of loaded models, or of the one model that was asked about."""

    status: Literal["ok"]
    model_loaded: bool
    slots_available: int
    slots_total: int
    version: str
    models: list[ModelStateAnswer]
    model: str | None = None
    state: ModelState | None = None
    reason: str | None = None
    context: int | None = None
    waiting: int | None = None


class Modalities(Answer):
    """What a model takes beside text."""

    vision: bool
    audio: bool


class GenerationSettings(Answer):
    """`n_ctx` is what one request may use in tokens, `params` what a request gets that says nothing."""

    n_ctx: int
    params: dict[str, object]


class CalibrationAnswer(Answer):
    """What the model was measured to write in all, by the number of streams; empty while that is not known."""

    running: bool
    tokens_per_second: dict[str, float]


class PropsAnswer(Answer):
    """llama-server's description of a model; `is_sleeping` until it is loaded."""

    default_generation_settings: GenerationSettings
    total_slots: int
    model_alias: str
    model_path: str
    modalities: Modalities
    chat_template: str
    chat_template_caps: dict[str, object]
    bos_token: str
    eos_token: str
    build_info: str
    is_sleeping: bool
    calibration: CalibrationAnswer
    placement: Placement | None


class Ready(Answer):
    """Readiness."""

    status: Literal["ready", "loading", "draining"]


class Tokens(Answer):
    """Token ids, or with `with_pieces` objects of `id` and `piece`."""

    tokens: list[int] | list[dict[str, object]]


class Text(Answer):
    """The text of token ids."""

    content: str


class Success(Answer):
    """Done."""

    success: Literal[True]
