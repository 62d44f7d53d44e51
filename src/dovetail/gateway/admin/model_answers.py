"""The shapes of answers about models and their files."""

from __future__ import annotations

from typing import Literal

from dovetail.core.model import ModelFormat
from dovetail.gateway.answers import Answer, ModelObject


class CheckAnswer(Answer):
    """One check of a folder: what was found, and how to mend it."""

    name: str
    status: Literal["pass", "warn", "fail"]
    found: str
    mend: str


class TypeShareAnswer(Answer):
    """Tensors of one type, their bytes, and the part of all bytes that they are."""

    type: str
    tensors: int
    bytes: int
    percent: float


class FileAnswer(Answer):
    """One file of a model."""

    name: str
    bytes: int


class MetadataAnswer(Answer):
    """One entry of a GGUF header: of a list the first values, and how many there are."""

    key: str
    type: str
    value: object
    count: int | None = None


class TensorAnswer(Answer):
    """One tensor; of a GGUF file the fastest dimension comes first."""

    name: str
    type: str
    shape: list[int]
    bytes: int


class ModelDetails(Answer):
    """All that a model's files say: `version` to `metadata` of GGUF, `sound` to `group_size` of MLX.

    `qkv` says of q, k and v in how many layers they are of which type; `path` is told to admins.
    """

    id: str
    path: str | None
    format: ModelFormat
    name: str | None
    bytes: int
    architecture: str
    parameters: int
    bits_per_weight: float
    quantisation: str
    types: list[TypeShareAnswer]
    qkv: dict[str, dict[str, int]]
    context: int
    layers: int
    width: int
    heads: int
    kv_heads: int
    vocabulary: int
    template: str | None
    tensors: list[TensorAnswer]
    kind: str | None = None
    problem: str | None = None
    files: list[FileAnswer] | None = None
    version: int | None = None
    byte_order: str | None = None
    rope: dict[str, object] | None = None
    tokenizer: dict[str, object] | None = None
    metadata: list[MetadataAnswer] | None = None
    sound: bool | None = None
    checks: list[CheckAnswer] | None = None
    group_size: int | None = None


class ModelEntry(ModelObject):
    """A model as `/v1/models` has it, and how it came to be here.

    source    a folder of models, the package, a place of its own in the settings, or another server
    settings  what `[models.ID]` says, in the file or elsewhere
    """

    path: str | None
    source: Literal["folder", "package", "settings", "server"]
    settings: dict[str, object]
    architecture: str
    parameters: int
    trained_context: int
    files: list[str]


class ModelEntries(Answer):
    """Every model; `version` is the configuration's, `free` are bytes left on the disk of the models folder."""

    version: str
    free: int | None
    data: list[ModelEntry]


class ModelSaved(Answer):
    """The model as it is now. `reload`: its worker was loaded by other options, and goes when its last request ends."""

    version: str
    model: ModelEntry
    reload: bool = False


class RemovalAnswer(Answer):
    """What removing a model would take: its entry in the configuration, and `files` with all their bytes.

    `problem` is why its files stay; then there are none here.
    """

    entry: bool
    files: list[FileAnswer]
    bytes: int
    problem: str | None


class FittingAdapter(Answer):
    """An adapter that has the model's format; `problem` is why it cannot be applied to it."""

    name: str
    path: str
    problem: str | None


class FittingAdapters(Answer):
    """All of them; `default` is applied where a request names none."""

    default: str | None
    data: list[FittingAdapter]


class ModelRemoved(Answer):
    """What is gone: the entry in the configuration, and files."""

    version: str
    entry: bool
    files: list[str]
    bytes: int


class NeedAnswer(Answer):
    """Bytes by purpose: RAM, and those on GPUs."""

    process: int
    weights: int
    copies: int
    kv: int
    scratch: int
    cache: int
    device: int


class ChangeAnswer(Answer):
    """What alone makes a model fit: other `settings`, models to `unload`, or else weights of `at_most` bytes.

    `text` is the same for people.
    """

    text: str
    settings: dict[str, int | str]
    unload: list[str]
    at_most: int | None


class EstimateAnswer(Answer):
    """What a load would take; see docs/memory.md. Bytes, null where memory is not counted.

    memory   what would be kept for it; `measured` says whether an earlier load has shown it
    limit    what all models may take, of which `free` is left beside those that are loaded
    verdict  it fits; or does once the idle models `evict` have gone; or waits for busy ones; or never does: `changes`,
             and `advice` is all of them in one line
    """

    model: str
    context: int
    parallel: int
    gpu_layers: int | None
    need: NeedAnswer
    memory: int
    measured: bool
    limit: int | None
    device_limit: int | None
    free: int | None
    verdict: Literal["fits", "evicts", "waits", "too_large"]
    evict: list[str]
    advice: str
    changes: list[ChangeAnswer]


class FoundModel(Answer):
    """A model that another program has; `added` names it where it is served here already."""

    id: str
    name: str
    path: str
    format: ModelFormat
    bytes: int
    quantisation: str
    problem: str | None
    added: str | None


class FoundPlace(Answer):
    """A program's folder and its models; `added` where the whole folder is served."""

    tool: Literal["lm-studio", "huggingface", "ollama"]
    path: str
    added: bool
    models: list[FoundModel]


class FoundPlaces(Answer):
    """What other programs of this machine have."""

    data: list[FoundPlace]


class FoundAdded(Answer):
    """What is served from now on."""

    version: str
    added: list[str]
