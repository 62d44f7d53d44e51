"""What an MLX model keeps of a sequence, by its `config.json`: as the `make_cache` of mlx-lm 0.32's models have it.

Where the file leaves something open, the larger is taken. A number that makes no sense counts as not said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from dovetail.core.model import Attention
from dovetail.core.request import JsonObject

_LARGEST = 1 << 20
_LATENT = ("deepseek_v3", "deepseek_v32", "kimi_k2")  # these keep the latent vector itself, the other MLA models not
_PATTERNS = ("gemma3", "gemma3_text", "cohere2")  # a window in all layers but each `sliding_window_pattern`th


def attention_of(sources: Sequence[JsonObject]) -> tuple[Attention, ...]:
    """Layers grouped by what they keep; empty where the file does not say enough. The first source goes first."""
    layers = _one(sources, "num_hidden_layers", "n_layers", "n_layer", "num_layers")
    heads = _one(sources, "num_attention_heads", "n_heads", "n_head")
    kv_heads = _one(sources, "num_key_value_heads", "n_kv_heads") or heads
    width = _one(sources, "hidden_size", "d_model", "n_embd", "dim")
    head = _one(sources, "head_dim") or (width // heads if heads else 0)
    keys = values = kv_heads * head
    if latent := _one(sources, "kv_lora_rank"):
        rope, nope = _one(sources, "qk_rope_head_dim"), _one(sources, "qk_nope_head_dim")
        keys, values = heads * (nope + rope), heads * (_one(sources, "v_head_dim") or nope)
        if any(source.get("model_type") in _LATENT for source in sources):
            keys, values = latent, rope
    if not layers or not keys:
        return ()
    window = (
        0 if any(source.get("use_sliding_window") is False for source in sources) else _one(sources, "sliding_window")
    )
    kinds = Counter(_kinds(sources, layers, windowed=window > 0))
    kinds.pop("linear_attention", None)
    return tuple(
        Attention(count, keys, values, window if kind == "sliding_attention" else 0) for kind, count in kinds.items()
    )


def _kinds(sources: Sequence[JsonObject], layers: int, *, windowed: bool) -> list[str]:
    """Of each layer what it is; all keep the whole context where nothing is said."""
    for source in sources:
        said = source.get("layer_types")
        if isinstance(said, list) and len(said) == layers:
            return [str(kind) for kind in said]
    kinds = ["full_attention"] * layers
    if interval := _one(sources, "full_attention_interval"):
        return ["full_attention" if (n + 1) % interval == 0 else "linear_attention" for n in range(layers)]
    if windowed and any(source.get("model_type") in _PATTERNS for source in sources):
        pattern = _one(sources, "sliding_window_pattern") or (4 if _is(sources, "cohere2") else 6)
        return ["full_attention" if (n + 1) % pattern == 0 else "sliding_attention" for n in range(layers)]
    return kinds


def state_of(sources: Sequence[JsonObject]) -> int:
    """Numbers that layers without attention keep of a sequence: gated delta nets and Mamba."""
    layers = _one(sources, "num_hidden_layers", "n_layer", "num_layers")
    heads, key, value = (
        _one(sources, f"linear_{name}") for name in ("num_value_heads", "key_head_dim", "value_head_dim")
    )
    if heads and key and value:
        return _kinds(sources, layers, windowed=False).count("linear_attention") * heads * key * (value + 8)
    inner = _one(sources, "intermediate_size") if _is(sources, "mamba", "mamba2") else _one(sources, "mamba_d_ssm")
    size = _one(sources, "state_size", "ssm_state_size", "mamba_d_state")
    return layers * inner * (size + 8) if inner and size else 0


def feed_forward_of(sources: Sequence[JsonObject]) -> int:
    """The width that one token's pass takes within a block, all experts that it sees together."""
    experts = _one(sources, "num_experts_per_tok") * _one(sources, "moe_intermediate_size")
    return max(_one(sources, "intermediate_size", "ffn_dim", "n_inner"), experts)


def _is(sources: Sequence[JsonObject], *types: str) -> bool:
    return any(source.get("model_type") in types for source in sources)


def _one(sources: Sequence[JsonObject], *names: str) -> int:
    """The first of `names` that is a number, 0 where none is."""
    for source in sources:
        for name in names:
            value = source.get(name)
            if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _LARGEST:
                return value
    return 0
