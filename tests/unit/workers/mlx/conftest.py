"""Small random models, one for each kind of cache: plain, sliding window, recurrent, in chunks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, TypeAlias, cast

import pytest

mx = pytest.importorskip("mlx.core")
pytest.importorskip("mlx_lm")

from dovetail.workers.mlx.batch import Cache, LayerCache, Model  # noqa: E402

VOCABULARY = 97
Kind: TypeAlias = Literal["plain", "window", "recurrent", "chunked"]


class Small(NamedTuple):
    model: Model
    fresh: Callable[[], Cache]


Build: TypeAlias = Callable[[Kind], Small]
KINDS: list[Kind] = ["plain", "window", "recurrent"]  # "chunked" holds one row alone


@pytest.fixture(scope="session")
def build() -> Build:
    return _build


@pytest.fixture(scope="session", params=KINDS)
def any_small(request: pytest.FixtureRequest) -> Small:
    return _build(cast("Kind", request.param))


@pytest.fixture(scope="session")
def small() -> Small:
    return _build("plain")


def _build(kind: Kind) -> Small:
    """A model and the maker of its empty cache; call it on the thread that will compute."""
    from mlx import utils
    from mlx_lm.models.cache import make_prompt_cache

    mx.random.seed(3)
    found = cast("Any", _model(kind))
    found.eval()
    if kind != "recurrent":  # sharper than random weights are, so that rounding decides no tie
        flat = cast(
            "list[tuple[str, Any]]",
            utils.tree_flatten(found.parameters()),  # pyright: ignore[reportUnknownMemberType]
        )
        found.load_weights([(name, value * 3) for name, value in flat], strict=False)

    def fresh() -> Cache:
        return Cache(tuple(cast("list[LayerCache]", make_prompt_cache(found))))

    return Small(cast("Model", found), fresh)


_CHUNKED: dict[str, Any] = {
    "model_type": "llama4_text",
    "attention_bias": False,
    "attention_chunk_size": 32,
    "head_dim": 16,
    "hidden_size": 32,
    "interleave_moe_layer_step": 1,
    "intermediate_size": 48,
    "intermediate_size_mlp": 48,
    "max_position_embeddings": 512,
    "num_attention_heads": 2,
    "num_experts_per_tok": 1,
    "num_hidden_layers": 4,
    "num_key_value_heads": 1,
    "num_local_experts": 2,
    "rms_norm_eps": 1e-5,
    "rope_scaling": None,
    "rope_theta": 10_000.0,
    "use_qk_norm": False,
    "vocab_size": VOCABULARY,
}


def _model(kind: Kind) -> object:
    from mlx_lm.models import gemma3_text, llama, llama4, mamba

    sizes: dict[str, Any] = {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "intermediate_size": 48,
        "vocab_size": VOCABULARY,
    }
    heads: dict[str, Any] = {"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8, "rms_norm_eps": 1e-5}
    match kind:
        case "plain":
            return llama.Model(llama.ModelArgs(model_type="llama", **sizes, **heads))
        case "window":
            window: dict[str, Any] = {"sliding_window": 8, "sliding_window_pattern": 2, "query_pre_attn_scalar": 8}
            return gemma3_text.Model(gemma3_text.ModelArgs(model_type="gemma3_text", **sizes, **heads, **window))
        case "chunked":
            return llama4.Model(llama4.ModelArgs(model_type="llama4", text_config=_CHUNKED))
        case "recurrent":
            state: dict[str, Any] = {"state_size": 8, "conv_kernel": 4, "use_bias": False, "use_conv_bias": True}
            return mamba.Model(mamba.ModelArgs(model_type="mamba", time_step_rank=4, **sizes, **state))
