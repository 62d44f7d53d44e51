"""Trains the ``shout`` adapter on a finished checkpoint and writes it for both engines."""

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random

import gguf
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from safetensors.numpy import save_file
from torch import Tensor, nn

from training.encoding import Encoder
from training.export import Trained, interleave_rotary, read_checkpoint
from training.model import Shape, TinyLlama
from training.tasks import shouting

ADAPTERS = Path(__file__).parents[1] / "src" / "dovetail" / "demo" / "adapters"
_RANK, _ALPHA = 8, 16.0
_KEYS = (
    "self_attn.q_proj",
    "self_attn.k_proj",
    "self_attn.v_proj",
    "self_attn.o_proj",
    "mlp.gate_proj",
    "mlp.up_proj",
    "mlp.down_proj",
)
_SEED, _ROWS, _LEARNING_RATE = 40, 24, 4e-3


class Adapted(nn.Module):
    """A frozen linear layer and its low-rank change, with mlx-lm's shapes and scale."""

    def __init__(self, base: nn.Linear) -> None:
        super().__init__()
        self.base = base
        self.lora_a = nn.Parameter(torch.randn(base.in_features, _RANK) * base.in_features**-0.5)
        self.lora_b = nn.Parameter(torch.zeros(_RANK, base.out_features))

    def forward(self, x: Tensor) -> Tensor:
        return self.base(x) + (x @ self.lora_a) @ self.lora_b * (_ALPHA / _RANK)


@dataclass(frozen=True, slots=True)
class Change:
    """One layer's matrices: ``a`` of shape (in, rank), ``b`` of shape (rank, out)."""

    a: np.ndarray
    b: np.ndarray


def adapt(trained: Trained) -> TinyLlama:
    """The model with frozen weights and a fresh adapter on every linear layer."""
    model = TinyLlama(trained.shape)
    model.load_state_dict({name: torch.from_numpy(weight) for name, weight in trained.weights.items()})
    model.requires_grad_(False)
    for layer in model.model.layers:
        for key in _KEYS:
            parent, name = key.split(".")
            block = getattr(layer, parent)
            setattr(block, name, Adapted(getattr(block, name)))
    return model


def train(trained: Trained, minutes: float) -> dict[str, Change]:
    """Blocks for ``minutes``; returns the changes by Hugging Face layer name, rounded to F16."""
    torch.manual_seed(_SEED)
    torch.set_num_threads(1)  # as in train.py: many threads wait for each other on a busy machine
    rng, model, encoder = Random(_SEED), adapt(trained), Encoder(trained.tokenizer)
    optimizer = torch.optim.AdamW(
        [p for p in model.parameters() if p.requires_grad], lr=_LEARNING_RATE, weight_decay=0.0
    )
    began, step = time.monotonic(), 0
    while (progress := (time.monotonic() - began) / (minutes * 60)) < 1:
        ids, targets = _batch(rng, encoder)
        logits = model(ids[:, :-1])
        loss = F.cross_entropy(logits.reshape(-1, logits.shape[-1]), targets[:, 1:].reshape(-1))
        loss.backward()
        optimizer.param_groups[0]["lr"] = _LEARNING_RATE * min(1.0, 1.2 * (1 - progress), step / 20 + 0.05)
        optimizer.step()
        optimizer.zero_grad()
        step += 1
        if step % 25 == 0:
            print(f"adapter step {step}: loss {loss.item():.3f}", flush=True)
    return {
        name: Change(_rounded(module.lora_a), _rounded(module.lora_b))
        for name, module in model.named_modules()
        if isinstance(module, Adapted)
    }


def _rounded(parameter: Tensor) -> np.ndarray:
    return parameter.detach().numpy().astype(np.float16).astype(np.float32)


def _batch(rng: Random, encoder: Encoder) -> tuple[Tensor, Tensor]:
    """Padded (rows, length) ids and targets; only the last answer counts, in capital letters."""
    documents = encoder.encode([shouting.always(rng, False) for _ in range(_ROWS)])
    documents = [document for document in documents if len(document.ids) <= 200]
    length = max(len(document.ids) for document in documents)
    ids = torch.zeros(len(documents), length, dtype=torch.long)
    targets = torch.full_like(ids, -100)
    for row, document in enumerate(documents):
        ids[row, : len(document.ids)] = torch.tensor(document.ids)
        first = len(document.ids) - 1
        while first and document.targets[first - 1]:
            first -= 1
        targets[row, first : len(document.ids)] = ids[row, first : len(document.ids)]
    return ids, targets


def write_mlx(folder: Path, shape: Shape, changes: dict[str, Change]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "fine_tune_type": "lora",
        "num_layers": shape.layers,
        "lora_parameters": {"rank": _RANK, "scale": _ALPHA / _RANK, "dropout": 0.0, "keys": list(_KEYS)},
    }
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=1) + "\n", "utf-8")
    tensors = {f"{name}.lora_{part}": getattr(change, part) for name, change in changes.items() for part in "ab"}
    save_file(tensors, folder / "adapters.safetensors", metadata={"format": "mlx"})
    (folder / "adapters.safetensors").chmod(0o644)


def write_gguf(path: Path, shape: Shape, changes: dict[str, Change]) -> None:
    """llama.cpp keeps both matrices transposed, and rotary rows in its own order."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, _ALPHA)
    writer.add_name(path.stem)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, shape.layers)
    for name, change in changes.items():
        rows = change.b.T
        if name.endswith(("q_proj", "k_proj")):
            rows = interleave_rotary(rows, shape.heads if name.endswith("q_proj") else shape.kv_heads)
        tensor = f"{names.get_name(name)}.weight"
        writer.add_tensor(f"{tensor}.lora_a", np.ascontiguousarray(change.a.T).astype(np.float16))
        writer.add_tensor(f"{tensor}.lora_b", np.ascontiguousarray(rows).astype(np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def make(checkpoint: Path, adapters: Path, minutes: float) -> None:
    trained = read_checkpoint(checkpoint)
    changes = train(trained, minutes)
    folder = adapters / "shout"
    write_mlx(folder, trained.shape, changes)
    write_gguf(folder / "shout.gguf", trained.shape, changes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True, help="the folder training.train wrote")
    parser.add_argument("--adapters", type=Path, default=ADAPTERS)
    parser.add_argument("--minutes", type=float, default=7)
    options = parser.parse_args()
    make(options.checkpoint, options.adapters, options.minutes)


if __name__ == "__main__":
    main()
