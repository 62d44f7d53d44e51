"""What headers tell of an adapter and a model that do not fit, and of those that do: every kind of matrix."""

from collections.abc import Mapping
from math import prod
from pathlib import Path

import pytest

from dovetail.catalog.adapters import Adapters
from dovetail.core.errors import AdapterMismatch
from dovetail.core.model import Adapter, Model, Shape

from .conftest import Forge, llama, tensor

LORA = llama(general__type="adapter", adapter__type="lora")
Q, EMBEDDING, EXPERTS = "blk.0.attn_q.weight", "token_embd.weight", "blk.0.ffn_up_exps.weight"
MATRICES: Mapping[str, tuple[int, ...]] = {Q: (16, 8), EMBEDDING: (16, 32), EXPERTS: (16, 8, 3)}
FITTING: Mapping[str, tuple[int, ...]] = {
    f"{Q}.lora_a": (16, 4),
    f"{Q}.lora_b": (4, 8),
    f"{EMBEDDING}.lora_a": (4, 32),
    f"{EMBEDDING}.lora_b": (4, 16),
    f"{EXPERTS}.lora_a": (16, 4, 3),
    f"{EXPERTS}.lora_b": (4, 8, 3),
}


def gguf(forge: Forge, name: str, tensors: Mapping[str, tuple[int, ...]], metadata: Mapping[str, object]) -> Path:
    infos, offset = list[bytes](), 0
    for each, shape in tensors.items():
        infos.append(tensor(each, shape, offset=offset))
        offset += -(-prod(shape) * 4 // 32) * 32
    return forge.gguf(name, forge.gguf_bytes(metadata, tensors=infos, data=offset))


def gguf_model(forge: Forge) -> Model:
    path = gguf(forge, "base.gguf", MATRICES, llama())
    return Model("base", "gguf", path, (path,), shape=Shape("llama"))


def mlx_model(forge: Forge, matrices: Mapping[str, tuple[int, ...]]) -> Model:
    path = forge.safetensors(forge.folder / "model.safetensors", floats(matrices))
    return Model("base", "mlx", forge.folder, (path,))


def mlx_adapter(forge: Forge, factors: Mapping[str, tuple[int, ...]], name: str = "a") -> Path:
    folder = forge.folder / "adapters" / name
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text("{}")
    forge.safetensors(folder / "adapters.safetensors", floats(factors))
    return folder


def floats(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[str, list[int], int]]:
    return {name: ("F32", list(shape), prod(shape) * 4) for name, shape in shapes.items()}


def refusal(forge: Forge, model: Model, name: str = "a") -> str:
    with pytest.raises(AdapterMismatch) as caught:
        Adapters([forge.folder / "adapters"]).find(Adapter(name), model)
    assert str(forge.folder) not in caught.value.message
    return caught.value.message


def test_every_kind_of_gguf_matrix_can_be_adapted(forge: Forge) -> None:
    path = gguf(forge, "adapters/a/a.gguf", FITTING, LORA)
    found = Adapters([forge.folder / "adapters"]).find(Adapter("a", 0.5), gguf_model(forge))
    assert found == Adapter("a", 0.5, path)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({f"{Q}.lora_a": (15, 4)}, f"{Q} is 16 x 8 in the model, and 15 x 4 by 4 x 8 in the adapter"),
        ({f"{Q}.lora_b": (4, 9)}, f"{Q} is 16 x 8 in the model, and 16 x 4 by 4 x 9 in the adapter"),
        ({f"{Q}.lora_b": (5, 8)}, f"{Q} is 16 x 8 in the model, and 16 x 4 by 5 x 8 in the adapter"),
        ({f"{EXPERTS}.lora_b": (4, 8, 2)}, "4 x 8 x 2 in the adapter"),
        (
            {"blk.7.attn_q.weight.lora_a": (16, 4), "blk.7.attn_q.weight.lora_b": (4, 8)},
            "no matrix blk.7.attn_q.weight",
        ),
        ({f"{EMBEDDING}.lora_a": (32, 4)}, f"{EMBEDDING} is 32 x 16 in the model, and 4 x 32 by 4 x 16"),
        ({Q: (16, 8)}, f"{Q} is no LoRA weight"),
    ],
)
def test_a_gguf_adapter_for_another_model_is_refused_with_the_misfit(
    forge: Forge, changed: Mapping[str, tuple[int, ...]], said: str
) -> None:
    gguf(forge, "adapters/a.gguf", {**FITTING, **changed}, LORA)
    assert said in refusal(forge, gguf_model(forge))


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        (llama(general__type="adapter", adapter__type="lora", general__architecture="qwen2"), "'qwen2'"),
        (llama(general__type="adapter", adapter__type="control_vector"), "a.gguf is no LoRA adapter"),
        (llama(), "a.gguf is no LoRA adapter"),
    ],
)
def test_a_gguf_file_of_another_kind_is_refused(forge: Forge, metadata: Mapping[str, object], said: str) -> None:
    gguf(forge, "adapters/a.gguf", FITTING, metadata)
    assert said in refusal(forge, gguf_model(forge))


def test_a_torn_adapter_is_refused_until_it_is_whole(forge: Forge) -> None:
    path = gguf(forge, "adapters/a.gguf", FITTING, LORA)
    whole = path.read_bytes()
    path.write_bytes(whole[:-64])
    adapters, model = Adapters([forge.folder / "adapters"]), gguf_model(forge)
    with pytest.raises(AdapterMismatch, match="truncated"):
        adapters.find(Adapter("a"), model)
    path.write_bytes(whole)
    assert adapters.find(Adapter("a"), model).path == path


@pytest.mark.parametrize(
    ("factors", "said"),
    [
        ({"q.lora_a": (15, 4), "q.lora_b": (4, 8)}, "q is 16 x 8 in the model, and 15 x 4 by 4 x 8 in the adapter"),
        ({"packed.lora_a": (3, 4), "packed.lora_b": (4, 9)}, "packed is ? x 8 in the model"),
        ({"q.lora_a": (16, 4)}, "q is 16 x 8 in the model, and 16 x 4 by nothing in the adapter"),
        ({"q.lora_a": (16, 0), "q.lora_b": (0, 8)}, "16 x 0 by 0 x 8 in the adapter"),
        ({"q.lora_a": (16, 4), "q.lora_b": (4, 8), "z.lora_a": (16, 4)}, "the model has no matrix z"),
        ({}, "it holds no weights"),
    ],
)
def test_an_mlx_adapter_for_another_model_is_refused_with_the_misfit(
    forge: Forge, factors: Mapping[str, tuple[int, ...]], said: str
) -> None:
    mlx_adapter(forge, factors)
    base = {"q.weight": (8, 16), "packed.weight": (8, 2), "packed.scales": (8, 1)}
    assert said in refusal(forge, mlx_model(forge, base))


def test_what_mlx_lm_may_have_renamed_is_left_to_the_worker(forge: Forge) -> None:
    folder = mlx_adapter(forge, {"model.q.lora_a": (16, 4), "model.q.lora_b": (4, 8)})
    found = Adapters([forge.folder / "adapters"]).find(Adapter("a"), mlx_model(forge, {"q.weight": (8, 16)}))
    assert found.path == folder
