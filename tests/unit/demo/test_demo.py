"""The tiny model's files: complete, small, and of one mind about their tokens."""

from pathlib import Path
from typing import Any

import gguf
import pytest
from pydantic import BaseModel

from dovetail import demo

_GGUF_FILES = ("tiny-gguf/tiny-gguf-f16.gguf", "tiny-gguf-q8/tiny-gguf-q8_0.gguf")
_MLX_FILES = (
    "config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
    "generation_config.json",
)
_ADAPTER_FILES = ("adapters.safetensors", "adapter_config.json", "shout.gguf")
_MOST_BYTES = 20_000_000


class _AddedToken(BaseModel):
    id: int
    content: str
    special: bool


class _Bpe(BaseModel):
    vocab: dict[str, int]
    merges: list[tuple[str, str]]


class _Tokenizer(BaseModel):
    added_tokens: list[_AddedToken]
    model: _Bpe


class _TokenizerConfig(BaseModel):
    chat_template: str


class _Config(BaseModel):
    max_position_embeddings: int
    num_hidden_layers: int
    hidden_size: int


@pytest.fixture(scope="module", params=_GGUF_FILES)
def header(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Every metadata field of one GGUF file, as ``gguf`` reads it."""
    reader = gguf.GGUFReader(demo.models_dir() / str(request.param))
    return {name: field.contents() for name, field in reader.fields.items()}


@pytest.fixture(scope="module")
def tokenizer() -> _Tokenizer:
    return _Tokenizer.model_validate_json(_mlx("tokenizer.json").read_bytes())


def _mlx(name: str) -> Path:
    return demo.models_dir() / "tiny-mlx" / name


@pytest.mark.parametrize("name", _GGUF_FILES)
def test_gguf_models_are_there(name: str) -> None:
    assert (demo.models_dir() / name).read_bytes()[:4] == b"GGUF"


@pytest.mark.parametrize("name", _MLX_FILES)
def test_mlx_model_is_complete(name: str) -> None:
    assert _mlx(name).stat().st_size > 0


@pytest.mark.parametrize("name", _ADAPTER_FILES)
def test_adapter_has_both_forms(name: str) -> None:
    assert (demo.adapters_dir() / "shout" / name).stat().st_size > 0


def test_everything_fits_in_twenty_megabytes() -> None:
    folders = (demo.models_dir(), demo.adapters_dir())
    files = (path for folder in folders for path in folder.rglob("*") if path.is_file())
    assert sum(path.stat().st_size for path in files) <= _MOST_BYTES


def test_tokens_are_the_same_in_every_format(header: dict[str, Any], tokenizer: _Tokenizer) -> None:
    ids = {**tokenizer.model.vocab, **{token.content: token.id for token in tokenizer.added_tokens}}
    assert header["tokenizer.ggml.tokens"] == sorted(ids, key=ids.__getitem__)
    assert header["tokenizer.ggml.merges"] == [" ".join(pair) for pair in tokenizer.model.merges]


def test_tags_are_visible_and_turns_are_not(header: dict[str, Any], tokenizer: _Tokenizer) -> None:
    for token in tokenizer.added_tokens:
        kind = gguf.TokenType.CONTROL if token.special else gguf.TokenType.USER_DEFINED
        assert header["tokenizer.ggml.token_type"][token.id] == kind, token.content


def test_template_and_shape_are_the_same_in_every_format(header: dict[str, Any]) -> None:
    config = _Config.model_validate_json(_mlx("config.json").read_bytes())
    template = _TokenizerConfig.model_validate_json(_mlx("tokenizer_config.json").read_bytes()).chat_template
    assert header["tokenizer.chat_template"] == template
    assert header["llama.context_length"] == config.max_position_embeddings == 131_072
    assert header["llama.block_count"] == config.num_hidden_layers
    assert header["llama.embedding_length"] == config.hidden_size
