"""From a folder to a model that runs, or to one clear sentence that says why not."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

import mlx.core as mx
from mlx import nn

from dovetail.core.request import JsonObject
from dovetail.workers.mlx.adapters import Adapters
from dovetail.workers.mlx.batch import Cache, LayerCache, Model
from dovetail.workers.mlx.template import Template
from dovetail.workers.mlx.tool_calls import Format, detect
from dovetail.workers.mlx.vocabulary import AddedToken, Backend, Vocabulary

_PICKLES = frozenset({".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib"})
_CONFIG_LIMIT = 8 << 20
_REASON_LIMIT = 600


class LoadError(Exception):
    """The folder cannot be served; the message is for the person who asked for it, in one line."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split())[:_REASON_LIMIT])


class Wrapper(Protocol):
    """What of mlx-lm's `TokenizerWrapper` is used here."""

    eos_token_ids: Collection[int]
    bos_token: str | None
    eos_token: str | None
    chat_template: str | None
    has_chat_template: bool
    think_start: str | None
    think_end: str | None
    tool_call_start: str | None
    tool_call_end: str | None
    tool_parser: Callable[[str, object], object] | None
    backend_tokenizer: Backend
    added_tokens_decoder: Mapping[int, AddedToken]

    def apply_chat_template(self, conversation: Sequence[JsonObject], **options: object) -> str: ...


@dataclass(frozen=True, slots=True)
class Loaded:
    model: Model
    vocabulary: Vocabulary
    template: Template
    tools: Format | None
    n_vocab: int
    path: Path
    fresh_cache: Callable[[], Cache]
    batched: bool
    adapters: Adapters


def load(path: Path, *, warmup: bool = True, chat_template: Path | None = None, trusted: bool = False) -> Loaded:
    """Load the folder at `path` on this thread, which must be the one that generates.

    The file `chat_template` takes the place of the folder's own template. `trusted`: code that the folder brings runs.

    Raises:
        LoadError: with the reason, for every folder that cannot be served.
    """
    check_folder(path, trusted=trusted)
    try:
        tokenizer, config = _tokenizer(path, chat_template, trusted)
        template = Template(tokenizer)
        if chat_template is not None:
            template.render([{"role": "user", "content": "hi"}])  # a mistake in it ends the load, as in llama.cpp
        tools = detect(tokenizer)
        vocabulary = _vocabulary(tokenizer, [*template.markup, *(tools.markup if tools else ())])
        return _finish(path, config, vocabulary, template, tools, warmup=warmup, trusted=trusted)
    except LoadError:
        raise
    except Exception as error:
        raise LoadError(f"{type(error).__name__}: {error}") from error


def check_folder(path: Path, *, trusted: bool = False) -> None:
    """Refuse what could hang a reader or run code, but Python code that is `trusted`, before any of it is opened."""
    if not path.is_absolute() or not path.is_dir():
        raise LoadError(f"{path} is not an absolute path of a folder")
    for entry in sorted(path.iterdir()):
        if entry.suffix.lower() in _PICKLES or (entry.suffix.lower() == ".py" and not trusted):
            raise LoadError(f"{entry.name} could run code: only safetensors and JSON are loaded")
        if entry.is_symlink() and not entry.exists():
            raise LoadError(f"{entry.name} is a link to nothing")
        mode = entry.stat().st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise LoadError(f"{entry.name} is not a plain file")
    for name in ("config.json", "tokenizer_config.json"):
        config = read_json(path / name, required=name == "config.json")
        for key in ("model_file", "auto_map"):
            if key in config and not trusted:
                raise LoadError(f'{name} has "{key}": the model would run code of its own, which is not allowed')
    if not any(path.glob("model*.safetensors")):
        raise LoadError("no model*.safetensors in the folder")


def read_json(path: Path, *, required: bool) -> JsonObject:
    if not path.exists():
        if required:
            raise LoadError(f"{path.name} is missing")
        return {}
    if path.stat().st_size > _CONFIG_LIMIT:
        raise LoadError(f"{path.name} is larger than {_CONFIG_LIMIT} bytes")
    try:
        found: object = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise LoadError(f"{path.name} is not valid JSON: {error}") from error
    if not isinstance(found, dict):
        raise LoadError(f"{path.name} is not a JSON object")
    return cast("JsonObject", found)


def _tokenizer(path: Path, chat_template: Path | None, trusted: bool) -> tuple[Wrapper, JsonObject]:
    from mlx_lm import utils

    extra: dict[str, object] = {"trust_remote_code": trusted}
    if chat_template is not None:
        extra["chat_template"] = chat_template.read_text("utf-8")

    config = cast("JsonObject", utils.load_config(path))  # pyright: ignore[reportUnknownMemberType]
    tokenizer = utils.load_tokenizer(  # pyright: ignore[reportUnknownMemberType]
        path, extra, eos_token_ids=config.get("eos_token_id")
    )
    return cast("Wrapper", cast("object", tokenizer)), config


def _vocabulary(tokenizer: Wrapper, markup: Collection[str]) -> Vocabulary:
    return Vocabulary(
        tokenizer.backend_tokenizer,
        tokenizer.added_tokens_decoder,
        eos=tokenizer.eos_token_ids,
        bos_token=tokenizer.bos_token or "",
        eos_token=tokenizer.eos_token or "",
        markup=markup,
    )


def _finish(
    path: Path,
    config: JsonObject,
    vocabulary: Vocabulary,
    template: Template,
    tools: Format | None,
    *,
    warmup: bool,
    trusted: bool,
) -> Loaded:
    from mlx_lm import utils
    from mlx_lm.models.cache import make_prompt_cache

    utils.maybe_set_recommended_wired_limit()
    found = utils.load_model(path, trust_remote_code=trusted)[0]  # pyright: ignore[reportUnknownMemberType]
    if mx.default_device().type == mx.DeviceType.cpu:
        lay_in_columns(found)
    model = cast("Model", cast("object", found))

    def fresh_cache() -> Cache:
        return Cache(tuple(cast("Sequence[LayerCache]", make_prompt_cache(found))))

    # The width of a real answer is the only vocabulary size that cannot lie; it bounds every id that is let in.
    logits = model(mx.array([[0]]), cache=list(fresh_cache().layers))
    if warmup:
        mx.eval(logits)  # pyright: ignore[reportUnknownMemberType]
    n_vocab = min(int(logits.shape[-1]), _rows(found) or int(logits.shape[-1]))
    vocabulary_size = config.get("vocab_size")
    if isinstance(vocabulary_size, int) and not isinstance(vocabulary_size, bool):
        n_vocab = min(n_vocab, vocabulary_size)
    adapters = Adapters(model, fresh_cache)
    batched = fresh_cache().mergeable
    return Loaded(model, vocabulary, template, tools, n_vocab, path, fresh_cache, batched, adapters)


def lay_in_columns(model: nn.Module) -> None:
    """Lays the float32 weights of dense layers out in memory by column; their shapes and what they compute stay.

    MLX's wheel for processors multiplies by the reference BLAS, which adds up rows of such a weight number by number,
    and columns as vectors: in half the time.
    """
    for layer in cast("list[object]", model.modules()):
        if isinstance(layer, nn.Linear | nn.Embedding) and layer.weight.dtype == mx.float32:
            layer.weight = mx.contiguous(layer.weight.T).T
            mx.eval(layer.weight)  # pyright: ignore[reportUnknownMemberType]
    mx.clear_cache()


def _rows(model: object) -> int | None:
    """Rows of the embedding, where it is found under its usual name."""
    for inner in (getattr(model, "model", None), getattr(model, "language_model", None), model):
        weight = getattr(getattr(inner, "embed_tokens", None), "weight", None)
        if isinstance(weight, mx.array):
            return int(weight.shape[0])
    return None
