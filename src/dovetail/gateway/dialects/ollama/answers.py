"""The shapes of this dialect's answers, for the OpenAPI document; see `gateway.answers`."""

from __future__ import annotations

from typing import Literal

from dovetail.gateway.answers import Answer, ChatToken


class OllamaCalledAnswer(Answer):
    """The function of a call."""

    index: int
    name: str
    arguments: dict[str, object]


class OllamaCallAnswer(Answer):
    """A call of a tool."""

    id: str
    function: OllamaCalledAnswer


class OllamaSaid(Answer):
    """What the assistant says, or what is new of it."""

    role: Literal["assistant"]
    content: str
    thinking: str | None = None
    tool_calls: list[OllamaCallAnswer] | None = None


class OllamaLine(Answer):
    """A line; what it says of counts and times, in nanoseconds, is in the last."""

    model: str
    created_at: str
    done: bool
    logprobs: list[ChatToken] | None = None
    done_reason: Literal["stop", "length", "load", "unload"] | None = None
    total_duration: int | None = None
    load_duration: int | None = None
    prompt_eval_count: int | None = None
    prompt_eval_duration: int | None = None
    eval_count: int | None = None
    eval_duration: int | None = None


class OllamaChatLine(OllamaLine):
    """A line of `/api/chat`."""

    message: OllamaSaid


class OllamaGenerateLine(OllamaLine):
    """A line of `/api/generate`."""

    response: str
    thinking: str | None = None


class OllamaVectors(Answer):
    """Vectors."""

    model: str
    embeddings: list[list[float]]
    total_duration: int
    load_duration: int
    prompt_eval_count: int


class OllamaVector(Answer):
    """A vector."""

    embedding: list[float]


class OllamaDetails(Answer):
    """What kind of model it is."""

    parent_model: str
    format: str
    family: str
    families: list[str]
    parameter_size: str
    quantization_level: str


class OllamaTag(Answer):
    """A model; `digest` tells files apart by name, size and time."""

    name: str
    model: str
    modified_at: str
    size: int
    digest: str
    details: OllamaDetails


class OllamaTags(Answer):
    """All models."""

    models: list[OllamaTag]


class OllamaRunningModel(Answer):
    """A loaded model; sizes in bytes."""

    name: str
    model: str
    size: int
    digest: str
    details: OllamaDetails
    expires_at: str
    size_vram: int
    context_length: int


class OllamaRunning(Answer):
    """The loaded models."""

    models: list[OllamaRunningModel]


class OllamaModel(Answer):
    """A model in full."""

    modelfile: str
    parameters: str
    template: str
    details: OllamaDetails
    model_info: dict[str, object]
    capabilities: list[str]
    modified_at: str


class OllamaVersion(Answer):
    """`version` is that of the API, `dovetail` the server's own."""

    version: str
    dovetail: str
