"""A model as Dovetail knows it before a worker has loaded it, and how it is to be loaded."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Literal, TypeAlias

from dovetail.core.errors import Forbidden, LoadFailed

MODEL_ID = re.compile(r"^[\w][\w.\-]{0,127}$")
ModelFormat: TypeAlias = Literal["gguf", "mlx", "whisper", "remote"]
# How the hidden states of a text become one vector; `rank`: they become a score, by a classifier of the model's own.
Pooling: TypeAlias = Literal["mean", "cls", "last", "rank"]
ModelState: TypeAlias = Literal["unloaded", "starting", "ready", "stopping", "failed"]


class Capability(StrEnum):
    """What a model can do. Before it is loaded this is a guess from the header and the template's text."""

    CHAT = "chat"
    COMPLETION = "completion"
    EMBEDDING = "embedding"
    RERANK = "rerank"
    TOOLS = "tools"
    THINKING = "thinking"
    VISION = "vision"
    AUDIO = "audio"
    TRANSCRIPTION = "transcription"


@dataclass(frozen=True, slots=True)
class Attention:
    """Layers that keep the same of each token: `keys` and `values` numbers a layer.

    window   tokens that are kept, 0: all of the context
    """

    layers: int
    keys: int
    values: int
    window: int = 0


@dataclass(frozen=True, slots=True)
class Shape:
    """The header's numbers; 0 where the header does not say.

    context       the longest sequence the model was made for, in tokens
    parameters    a count of weights
    attention     what is kept of each token; empty where the header does not say it
    state         numbers that layers without attention keep of each sequence, however long
    feed_forward  width of the widest layer within a block, of all experts that a token sees
    """

    architecture: str = ""
    context: int = 0
    layers: int = 0
    width: int = 0
    heads: int = 0
    kv_heads: int = 0
    head_width: int = 0
    vocabulary: int = 0
    parameters: int = 0
    attention: tuple[Attention, ...] = ()
    state: int = 0
    feed_forward: int = 0


@dataclass(frozen=True, slots=True)
class Weights:
    """Where a model's bytes are.

    layers    of each repeating block, in order; empty where that is not known
    output    of what comes behind the last block
    matrices  of those that are multiplied, by the type of their weights: what an engine may keep in another order too
    """

    layers: tuple[int, ...] = ()
    output: int = 0
    matrices: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Adapter:
    """A LoRA over a model, by name; `scale` multiplies its own, and 0 leaves the model as it is.

    path   where the catalog found it: a .gguf file, or a folder in mlx-lm's form; None in a request as it came
    """

    name: str
    scale: float = 1.0
    path: Path | None = None


@dataclass(frozen=True, slots=True)
class Remote:
    """Another server that has the model.

    url      with the path before `/chat/completions`, such as `https://host/v1`
    model    its name there; None: the same as here
    key_env  the environment variable with its key
    """

    url: str
    model: str | None = None
    key_env: str | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """One servable model.

    id        the folder's name or the file's stem
    path      absolute: a .gguf file (the first part of a split one) or an MLX folder
    files     every weight file, absolute; `size` is their sum in bytes
    pooling   what a model made for embeddings or for ranking says of itself, None where the header says nothing
    template  the chat template's source, None where the model has none
    fim       ids of the tokens around a prefix, a suffix and the middle, where the header names them
    sampling  what its makers advise where a request says nothing, by the names of `core.request.Sampling`
    max_tokens, logit_bias   its settings' bound of an answer and biases, where a request says nothing
    invalid   why it cannot be loaded (a truncated header, missing shards), None when it looks sound
    code      it brings code of its own: `invalid` unless that is trusted
    adapter   what is applied to it, where it was asked for with an adapter
    draft     a smaller model of the same vocabulary that guesses what it will write, by its settings
    ngram     what has been written before guesses, in this way; with either the model only checks
    """

    id: str
    format: ModelFormat
    path: Path
    files: tuple[Path, ...] = ()
    size: int = 0
    shape: Shape = Shape()
    weights: Weights = Weights()
    quantisation: str = ""
    template: str | None = None
    capabilities: frozenset[Capability] = field(default_factory=frozenset[Capability])
    aliases: tuple[str, ...] = ()
    mmproj: Path | None = None
    created: int = 0
    invalid: str | None = None
    code: bool = False
    pooling: Pooling | None = None
    adapter: Adapter | None = None
    fim: tuple[int, int, int] | None = None
    sampling: tuple[tuple[str, int | float], ...] = ()
    max_tokens: int | None = None
    logit_bias: tuple[tuple[int | str, float], ...] = ()
    draft: Path | None = None
    ngram: Ngram | None = None
    remote: Remote | None = None

    def check_sound(self) -> None:
        """Raises LoadFailed for files that cannot be loaded, Forbidden for those that would run code of their own."""
        if self.invalid is None:
            return
        message = f"{self.id} cannot be loaded: {self.invalid}"
        if self.code:
            raise Forbidden(message, code="remote_code_not_allowed")
        raise LoadFailed(message, code="invalid_model_file", status=422)

    @property
    def hears(self) -> bool:
        """Whether it writes down what is said, and does nothing else."""
        return Capability.TRANSCRIPTION in self.capabilities

    @property
    def writes(self) -> bool:
        """Whether it answers prompts with text."""
        return self.pooling is None and not self.hears

    @property
    def speculates(self) -> bool:
        """Whether something guesses tokens ahead of it."""
        return self.draft is not None or self.ngram is not None

    @property
    def name(self) -> str:
        """The id, and behind a plus its adapter's name."""
        return self.id if self.adapter is None else f"{self.id}+{self.adapter.name}"


@dataclass(frozen=True, slots=True)
class Policy:
    """How the fleet treats a model beside others.

    pin       it is never stopped to make room, nor for being idle
    priority  of two idle models the one with the lower goes first
    ttl       seconds without a request before it is unloaded, 0 never; None: as the fleet's setting says
    replicas  workers that share its requests
    """

    pin: bool = False
    priority: int = 0
    ttl: float | None = None
    replicas: int = 1


CacheType: TypeAlias = Literal["f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0"]

# How llama.cpp looks in a text for what came after the same words before.
Ngram: TypeAlias = Literal["simple", "map-k", "map-k4v", "mod", "cache"]

# Chat templates that come with the package (`dovetail.chat_formats`).
ChatFormat: TypeAlias = Literal["alpaca", "chatml", "gemma", "llama-2", "llama-3", "mistral", "vicuna", "zephyr"]


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How a worker loads a model. None means: Dovetail chooses.

    context      tokens for each slot (not divided among them)
    parallel     slots, i.e. requests decoded in one batch
    gpu_layers   layers offloaded; -1 as many as fit, 0 none
    gpu_only     rather fail than compute any layer on the CPU
    batch        prefill chunk in tokens (also llama.cpp's n_ubatch bound)
    threads      CPU threads while decoding
    cache_ram    bytes the worker may keep of prompt caches in RAM
    pooling      what a worker started for embeddings alone does; None for one that generates
    chat_template   a Jinja file in place of the model's own template
    draft, ngram    the model's: a file of weights that the worker loads as well, and how guesses are looked up
    kv_folder    where prompt caches of this model are written, None: nowhere; `kv_bytes` for those of all models
    """

    context: int | None = None
    parallel: int | None = None
    gpu_layers: int | None = None
    gpu_only: bool = False
    batch: int | None = None
    ubatch: int | None = None
    flash_attention: bool | None = None
    cache_type_k: CacheType | None = None
    cache_type_v: CacheType | None = None
    threads: int | None = None
    mmproj: Path | None = None
    cache_ram: int | None = None
    kv_folder: Path | None = None
    kv_bytes: int = 0
    warmup: bool = True
    pooling: Pooling | None = None
    chat_template: Path | None = None
    draft: Path | None = None
    ngram: Ngram | None = None
