"""What a model keeps of a sequence, by its header."""

from __future__ import annotations

import pytest

from dovetail.catalog.gguf_attention import Numbers, attention_of, feed_forward_of, state_of
from dovetail.catalog.gguf_header import TensorInfo, together, weights_of
from dovetail.catalog.gguf_values import GgufArray, Value
from dovetail.catalog.mlx_attention import attention_of as mlx_attention
from dovetail.catalog.mlx_attention import feed_forward_of as mlx_feed_forward
from dovetail.catalog.mlx_attention import state_of as mlx_state
from dovetail.core.model import Attention, Weights
from dovetail.core.request import Json, JsonObject


def numbers(architecture: str = "llama", **said: Value) -> Numbers:
    return Numbers({f"{architecture}.{name.replace('__', '.')}": value for name, value in said.items()}, architecture)


def array(*values: bool | int) -> GgufArray:
    return GgufArray("i32", len(values), values)


@pytest.mark.parametrize(
    ("header", "kept"),
    [
        (numbers(block_count=4, attention__head_count=8), (Attention(4, 512, 512),)),
        (numbers(block_count=4, attention__head_count=8, attention__head_count_kv=2), (Attention(4, 128, 128),)),
        (
            numbers(block_count=2, attention__head_count_kv=1, attention__value_length=32),
            (Attention(2, 64, 32),),
        ),
        (
            numbers(block_count=4, attention__head_count_kv=array(2, 0, 4, 0)),
            (Attention(1, 128, 128), Attention(1, 256, 256)),
        ),
        (
            numbers("gemma3", block_count=6, attention__head_count_kv=1, attention__sliding_window=512),
            (Attention(5, 64, 64, 512), Attention(1, 64, 64)),
        ),
        (
            numbers("other", block_count=6, attention__head_count_kv=1, attention__sliding_window=512),
            (Attention(6, 64, 64),),
        ),
        (
            numbers(
                block_count=3,
                attention__head_count_kv=1,
                attention__sliding_window=9,
                attention__sliding_window_pattern=array(True, False, True),
            ),
            (Attention(2, 64, 64, 9), Attention(1, 64, 64)),
        ),
        (
            numbers(block_count=8, attention__head_count_kv=1, full_attention_interval=4),
            (Attention(2, 64, 64),),
        ),
        (numbers(block_count=4), ()),
        (numbers(attention__head_count_kv=4), ()),
        (numbers(block_count=4, attention__head_count_kv=array(1, 2)), ()),
        (numbers(block_count=4, attention__head_count_kv=-1), ()),
    ],
)
def test_a_gguf_header(header: Numbers, kept: tuple[Attention, ...]) -> None:
    assert attention_of(header, 64) == kept


def test_recurrent_layers_keep_a_state_of_one_size() -> None:
    mamba = numbers(block_count=4, ssm__inner_size=128, ssm__state_size=16, ssm__conv_kernel=4, ssm__group_count=1)
    assert state_of(mamba, 64) == 4 * (3 * (128 + 32) + 16 * 128)
    hybrid = numbers(block_count=4, attention__head_count_kv=array(0, 2, 0, 0), ssm__inner_size=8, ssm__state_size=2)
    assert state_of(hybrid, 64) == 3 * 16
    assert state_of(numbers(block_count=2, wkv__head_size=64), 128) == 2 * (128 * 64 + 256)
    assert state_of(numbers(block_count=2), 128) == 0


def test_experts_count_as_many_as_a_token_sees() -> None:
    assert feed_forward_of(numbers(feed_forward_length=array(100, 300))) == 300
    moe = numbers(feed_forward_length=100, expert_used_count=8, expert_feed_forward_length=64)
    assert feed_forward_of(moe) == 512


def test_bytes_by_block_and_type_over_all_parts() -> None:
    first = weights_of(
        [
            TensorInfo("token_embd.weight", "Q8_0", (64, 100), 0, 1000),
            TensorInfo("blk.0.ffn_up.weight", "Q4_K", (64, 128), 0, 50),
            TensorInfo("blk.0.attn_norm.weight", "F32", (64,), 0, 5),
        ]
    )
    second = weights_of(
        [
            TensorInfo("blk.1.ffn_up.weight", "Q4_K", (64, 128), 0, 70),
            TensorInfo("output.weight", "Q6_K", (64, 104), 0, 30),
            TensorInfo("output_norm.weight", "F32", (64,), 0, 2),
        ]
    )
    assert together([first, second]) == Weights((55, 70), 32, (("Q4_K", 120), ("Q6_K", 30)))


BASE: JsonObject = {"num_hidden_layers": 4, "num_attention_heads": 8, "hidden_size": 512}


@pytest.mark.parametrize(
    ("config", "kept"),
    [
        ({}, (Attention(4, 512, 512),)),
        ({"num_key_value_heads": 2, "head_dim": 32}, (Attention(4, 64, 64),)),
        ({"sliding_window": 100, "model_type": "mistral"}, (Attention(4, 512, 512),)),
        (
            {"sliding_window": 100, "layer_types": ["sliding_attention"] * 3 + ["full_attention"]},
            (Attention(3, 512, 512, 100), Attention(1, 512, 512)),
        ),
        (
            {"sliding_window": 100, "model_type": "cohere2"},
            (Attention(3, 512, 512, 100), Attention(1, 512, 512)),
        ),
        (
            {"sliding_window": 100, "use_sliding_window": False, "model_type": "gemma3_text"},
            (Attention(3, 512, 512), Attention(1, 512, 512)),
        ),
        ({"full_attention_interval": 4}, (Attention(1, 512, 512),)),
        (
            {"kv_lora_rank": 64, "qk_rope_head_dim": 16, "qk_nope_head_dim": 32, "v_head_dim": 32},
            (Attention(4, 8 * 48, 8 * 32),),
        ),
        (
            {"kv_lora_rank": 64, "qk_rope_head_dim": 16, "model_type": "deepseek_v3"},
            (Attention(4, 64, 16),),
        ),
        ({"num_hidden_layers": "many"}, ()),
    ],
)
def test_an_mlx_folder(config: dict[str, Json], kept: tuple[Attention, ...]) -> None:
    found = mlx_attention([{**BASE, **config}])
    assert sum(each.layers for each in found) == sum(each.layers for each in kept)
    if len({each.window for each in kept}) == len(kept):
        assert set(found) == set(kept)


def test_mlx_states_and_experts() -> None:
    delta: JsonObject = {"linear_num_value_heads": 2, "linear_key_head_dim": 8, "linear_value_head_dim": 8}
    assert mlx_state([{**BASE, **delta, "full_attention_interval": 4}]) == 3 * 2 * 8 * 16
    assert mlx_state([{**BASE, "model_type": "mamba", "intermediate_size": 64, "state_size": 16}]) == 4 * 64 * 24
    assert mlx_state([BASE]) == 0
    assert mlx_feed_forward([{"num_experts_per_tok": 4, "moe_intermediate_size": 100, "intermediate_size": 50}]) == 400
    assert mlx_feed_forward([{}, {"intermediate_size": 50}]) == 50
