"""Model files made by hand, byte by byte, so that each can be wrong in one place."""

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

U32, F32, BOOL, STRING, ARRAY, U64 = 4, 6, 7, 8, 9, 10
_FORMATS = {0: "B", U32: "I", 5: "i", F32: "f", BOOL: "?", U64: "Q"}


def string(text: str | bytes) -> bytes:
    data = text.encode() if isinstance(text, str) else text
    return struct.pack("<Q", len(data)) + data


def entry(key: str, kind: int, value: bytes) -> bytes:
    return string(key) + struct.pack("<I", kind) + value


def entry_of(key: str, value: object) -> bytes:
    if isinstance(value, bool):
        return entry(key, BOOL, struct.pack("<?", value))
    if isinstance(value, int):
        return entry(key, U32, struct.pack("<I", value))
    if isinstance(value, float):
        return entry(key, F32, struct.pack("<f", value))
    if isinstance(value, str):
        return entry(key, STRING, string(value))
    return array(key, STRING, [string(str(each)) for each in cast("list[object]", value)])


def array(key: str, kind: int, items: Sequence[bytes], *, count: int | None = None) -> bytes:
    return entry(key, ARRAY, struct.pack("<IQ", kind, len(items) if count is None else count) + b"".join(items))


def tensor(
    name: str = "t", shape: Sequence[int] = (32,), kind: int = 0, offset: int = 0, n_dims: int | None = None
) -> bytes:
    count = len(shape) if n_dims is None else n_dims
    return string(name) + struct.pack(f"<I{len(shape)}QIQ", count, *shape, kind, offset)


def llama(**changes: object) -> dict[str, object]:
    """Metadata of a sound tiny model; underscores double for dots, None takes an entry away."""
    entries: dict[str, object] = {
        "general.architecture": "llama",
        "llama.block_count": 2,
        "llama.context_length": 4096,
        "llama.embedding_length": 64,
        "llama.attention.head_count": 4,
        "llama.attention.head_count_kv": 2,
        "tokenizer.ggml.tokens": ["a", "b", "", ""],
    }
    entries.update({key.replace("__", "."): value for key, value in changes.items()})
    return {key: value for key, value in entries.items() if value is not None}


@dataclass
class Forge:
    """Writes model files into `folder`."""

    folder: Path

    def gguf_bytes(
        self,
        metadata: Mapping[str, object] | None = None,
        *,
        extra: Sequence[bytes] = (),
        tensors: Sequence[bytes] | None = None,
        data: int = 128,
        counts: tuple[int, int] | None = None,
        version: int = 3,
        alignment: int = 32,
    ) -> bytes:
        entries = [entry_of(key, value) for key, value in (llama() if metadata is None else metadata).items()]
        entries += extra
        tensors = [tensor()] if tensors is None else tensors
        counted = (len(tensors), len(entries)) if counts is None else counts
        head = b"GGUF" + struct.pack("<IQQ", version, *counted) + b"".join(entries) + b"".join(tensors)
        return head + bytes(-len(head) % alignment) + bytes(data)

    def gguf(self, name: str = "m.gguf", content: bytes | None = None) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.gguf_bytes() if content is None else content)
        return path

    def safetensors(self, path: Path, tensors: Mapping[str, tuple[str, list[int], int]]) -> Path:
        """`tensors` are type, shape and bytes by name; the data is zeros."""
        header: dict[str, object] = {"__metadata__": {"format": "mlx"}}
        at = 0
        for name, (dtype, shape, size) in tensors.items():
            header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
            at += size
        text = json.dumps(header).encode()
        path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(at))
        return path

    def mlx(self, name: str = "m", **config: object) -> Path:
        """A sound tiny MLX folder; keywords change its config.json."""
        path = self.folder / name
        path.mkdir(parents=True)
        self.config(path, **config)
        self.safetensors(path / "model.safetensors", {"model.embed.weight": ("F32", [4, 8], 128)})
        return path

    def config(self, path: Path, **changes: object) -> None:
        config: dict[str, object] = {
            "model_type": "llama",
            "hidden_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "max_position_embeddings": 4096,
            "vocab_size": 32,
        }
        (path / "config.json").write_text(json.dumps(config | changes))


@pytest.fixture
def forge(tmp_path: Path) -> Forge:
    folder = tmp_path / "models"
    folder.mkdir()
    return Forge(folder)
