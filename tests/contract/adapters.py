"""Adapters to test with, made of the one in the package, in both of its forms."""

import json
import shutil
import struct
from pathlib import Path

import numpy as np
from gguf import GGUFReader

from dovetail import demo

SHOUT = demo.adapters_dir() / "shout"


def turned(folder: Path) -> Path:
    """`shout` turned round: its B factors with the other sign."""
    shutil.copytree(SHOUT, folder)
    (file,) = folder.glob("*.gguf")
    for tensor in GGUFReader(file, "r+").tensors:
        if tensor.name.endswith("lora_b"):
            np.negative(tensor.data, out=tensor.data)
    weights = folder / "adapters.safetensors"
    data = bytearray(weights.read_bytes())
    (length,) = struct.unpack("<Q", data[:8])
    for name, told in json.loads(data[8 : 8 + length]).items():
        if name.endswith("lora_b"):
            begin, end = (8 + length + offset for offset in told["data_offsets"])
            values = np.frombuffer(data, np.float32, (end - begin) // 4, begin)
            np.negative(values, out=values)
    weights.write_bytes(data)
    return folder


def foreign(folder: Path) -> Path:
    """`shout` as if made for a model whose first matrix has another height."""
    shutil.copytree(SHOUT, folder)
    (file,) = folder.glob("*.gguf")
    file.write_bytes(file.read_bytes().replace(b"blk.0.attn_q.weight.lora_", b"blk.0.attn_v.weight.lora_", 2))
    weights = folder / "adapters.safetensors"
    data = weights.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    swapped = {
        name.replace("layers.0.self_attn.q_proj", "layers.0.self_attn.x_proj"): told for name, told in header.items()
    }
    text = json.dumps(swapped).encode()
    weights.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])
    return folder
