"""Writes a projector of random weights for the tiny model: it sees and hears, and understands nothing.

`python -m training.projector mmproj.gguf`. What matters to tests is that every image and every sound becomes tokens of
its own, through the engine's real path. The form is llama.cpp's `clip` (tools/mtmd): a LLaVA projector over a vision
transformer for images, 16 tokens each, and an Ultravox projector over a Whisper encoder for sounds.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import gguf
import numpy as np

SEED = 7
WIDTH, HEADS, FORWARD = 32, 2, 64
IMAGE, PATCH = 64, 16
BINS, POSITIONS, STACK, INNER = 80, 1500, 20, 64


class _Writer:
    def __init__(self, path: Path, seed: int) -> None:
        self.gguf = gguf.GGUFWriter(path, "clip")
        self._random = np.random.default_rng(seed)

    def matrix(self, name: str, *shape: int, half: bool = False) -> None:
        """Numbers of a size that keeps their sums over one output at about 1."""
        numbers = self._random.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))
        self.gguf.add_tensor(f"{name}.weight", numbers.astype(np.float16 if half else np.float32))

    def bias(self, name: str, size: int) -> None:
        self.gguf.add_tensor(f"{name}.bias", np.zeros(size, np.float32))

    def norm(self, name: str, size: int, *, bias: bool = True) -> None:
        self.gguf.add_tensor(f"{name}.weight", np.ones(size, np.float32))
        if bias:
            self.bias(name, size)

    def block(self, name: str, *, key_bias: bool) -> None:
        for part in ("attn_q", "attn_k", "attn_v", "attn_out"):
            self.matrix(f"{name}.{part}", WIDTH, WIDTH)
            if part != "attn_k" or key_bias:
                self.bias(f"{name}.{part}", WIDTH)
        for part, out, into in (("ffn_up", FORWARD, WIDTH), ("ffn_down", WIDTH, FORWARD)):
            self.matrix(f"{name}.{part}", out, into)
            self.bias(f"{name}.{part}", out)
        self.norm(f"{name}.ln1", WIDTH)
        self.norm(f"{name}.ln2", WIDTH)

    def close(self) -> None:
        self.gguf.write_header_to_file()
        self.gguf.write_kv_data_to_file()
        self.gguf.write_tensors_to_file()
        self.gguf.close()


def write(path: Path, width: int, *, sound: bool = True, seed: int = SEED) -> None:
    """A projector onto embeddings of `width`; without `sound` for images alone. The same bytes for the same values."""
    writer = _Writer(path, seed)
    writer.gguf.add_type("mmproj")
    _images(writer, width)
    if sound:
        _sounds(writer, width)
    writer.close()


def _images(writer: _Writer, width: int) -> None:
    out = writer.gguf
    out.add_clip_has_vision_encoder(True)
    out.add_string("clip.vision.projector_type", "mlp")
    out.add_vision_image_size(IMAGE)
    out.add_vision_patch_size(PATCH)
    out.add_vision_embedding_length(WIDTH)
    out.add_vision_feed_forward_length(FORWARD)
    out.add_vision_projection_dim(width)
    out.add_vision_block_count(2)  # llama.cpp takes the last but one's output
    out.add_vision_head_count(HEADS)
    out.add_vision_attention_layernorm_eps(1e-5)
    out.add_vision_image_mean([0.5] * 3)
    out.add_vision_image_std([0.5] * 3)
    out.add_vision_use_gelu(True)
    writer.matrix("v.patch_embd", WIDTH, 3, PATCH, PATCH)
    writer.matrix("v.position_embd", (IMAGE // PATCH) ** 2, WIDTH)
    for number in range(2):
        writer.block(f"v.blk.{number}", key_bias=True)
    writer.matrix("mm.0", width, WIDTH)
    writer.bias("mm.0", width)
    writer.matrix("mm.2", width, width, half=True)
    writer.bias("mm.2", width)


def _sounds(writer: _Writer, width: int) -> None:
    out = writer.gguf
    out.add_clip_has_audio_encoder(True)
    out.add_string("clip.audio.projector_type", "ultravox")
    out.add_audio_num_mel_bins(BINS)
    out.add_audio_embedding_length(WIDTH)
    out.add_audio_feed_forward_length(FORWARD)
    out.add_audio_projection_dim(width)
    out.add_audio_block_count(1)
    out.add_audio_head_count(HEADS)
    out.add_audio_attention_layernorm_eps(1e-5)
    out.add_audio_stack_factor(STACK)
    writer.matrix("a.conv1d.1", WIDTH, BINS, 3, half=True)
    writer.matrix("a.conv1d.2", WIDTH, WIDTH, 3, half=True)
    for number in (1, 2):
        writer.gguf.add_tensor(f"a.conv1d.{number}.bias", np.zeros((WIDTH, 1), np.float32))
    writer.matrix("a.position_embd", POSITIONS, WIDTH)
    writer.block("a.blk.0", key_bias=False)
    writer.norm("a.post_ln", WIDTH)
    writer.norm("mm.a.norm_pre", WIDTH * STACK, bias=False)
    writer.matrix("mm.a.mlp.1", 2 * INNER, WIDTH * STACK)
    writer.norm("mm.a.norm_mid", INNER, bias=False)
    writer.matrix("mm.a.mlp.2", width, INNER)


def main() -> None:
    parser = argparse.ArgumentParser(prog="training.projector", description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--width", type=int, default=192, help="of the model's embeddings")
    parser.add_argument("--no-sound", dest="sound", action="store_false")
    args = parser.parse_args()
    write(args.path, args.width, sound=args.sound)


if __name__ == "__main__":
    main()
