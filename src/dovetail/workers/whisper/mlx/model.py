"""Whisper's architecture over MLX, by the names that MLX's own conversions have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import mlx.core as mx
import numpy as np
from mlx import nn

# Keys and values, each (batch, heads, positions, width of a head).
Memory: TypeAlias = tuple[mx.array, mx.array]


@dataclass(frozen=True, slots=True)
class Shape:
    """`frames`: of a window, 10 ms each, two of which are one position of the encoder."""

    mels: int
    audio_context: int
    audio_width: int
    audio_heads: int
    audio_layers: int
    vocabulary: int
    text_context: int
    text_width: int
    text_heads: int
    text_layers: int
    frames: int


def sinusoids(length: int, width: int) -> mx.array:
    """The encoder's positions, where the weights do not bring them."""
    scales = np.exp(-np.log(10_000) / (width // 2 - 1) * np.arange(width // 2))
    times = np.arange(length)[:, None] * scales[None]
    return mx.array(np.concatenate([np.sin(times), np.cos(times)], axis=1).astype(np.float32))


def _gelu(x: mx.array) -> mx.array:
    return nn.gelu(x)  # pyright: ignore[reportUnknownMemberType]


class Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)
        self._heads = heads
        self._scale = (width // heads) ** -0.5

    def memory(self, source: mx.array) -> Memory:
        return self._split(self.key(source)), self._split(self.value(source))

    def __call__(self, x: mx.array, memory: Memory, mask: str | None = None) -> mx.array:
        query = self._split(self.query(x))
        mixed = mx.fast.scaled_dot_product_attention(query, *memory, scale=self._scale, mask=mask)
        return self.out(mx.reshape(mx.transpose(mixed, (0, 2, 1, 3)), x.shape))

    def scores(self, x: mx.array, memory: Memory) -> mx.array:
        """How much each row of `x` looks at each position, before the softmax: (heads, rows, positions)."""
        query = self._split(self.query(x))
        keys = mx.transpose(memory[0].astype(mx.float32), (0, 1, 3, 2))
        return (query.astype(mx.float32) * self._scale @ keys)[0]

    def _split(self, x: mx.array) -> mx.array:
        batch, length, width = x.shape
        return mx.transpose(mx.reshape(x, (batch, length, self._heads, width // self._heads)), (0, 2, 1, 3))


class EncoderBlock(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attn, self.attn_ln = Attention(width, heads), nn.LayerNorm(width)
        self.mlp1, self.mlp2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.mlp_ln = nn.LayerNorm(width)

    def __call__(self, x: mx.array) -> mx.array:
        normed = self.attn_ln(x)
        return self.widened(x + self.attn(normed, self.attn.memory(normed)))

    def widened(self, x: mx.array) -> mx.array:
        return x + self.mlp2(_gelu(self.mlp1(self.mlp_ln(x))))


class DecoderBlock(EncoderBlock):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__(width, heads)
        self.cross_attn, self.cross_attn_ln = Attention(width, heads), nn.LayerNorm(width)

    def after(
        self, x: mx.array, heard: Memory, past: Memory | None, scores: list[mx.array] | None
    ) -> tuple[mx.array, Memory]:
        """What comes of `x` behind `past`, and the memory of both. `scores` is given those of the cross attention."""
        normed = self.attn_ln(x)
        memory = self.attn.memory(normed)
        if past is not None:
            memory = mx.concatenate([past[0], memory[0]], axis=2), mx.concatenate([past[1], memory[1]], axis=2)
        x = x + self.attn(normed, memory, "causal" if x.shape[1] > 1 else None)
        normed = self.cross_attn_ln(x)
        if scores is not None:
            scores.append(self.cross_attn.scores(normed, heard))
        return self.widened(x + self.cross_attn(normed, heard)), memory


class Encoder(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = shape.audio_width
        self.conv1 = nn.Conv1d(shape.mels, width, 3, padding=1)
        self.conv2 = nn.Conv1d(width, width, 3, stride=2, padding=1)
        self.positional_embedding = mx.zeros((shape.audio_context, width))
        self.blocks = [EncoderBlock(width, shape.audio_heads) for _ in range(shape.audio_layers)]
        self.ln_post = nn.LayerNorm(width)

    def __call__(self, mel: mx.array) -> mx.array:
        """`mel` is (1, frames, mels); positions are half as many."""
        x = _gelu(self.conv2(_gelu(self.conv1(mel))))
        x = x + self.positional_embedding[: x.shape[1]]
        for block in self.blocks:
            x = block(x)
        return self.ln_post(x)


class Decoder(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = shape.text_width
        self.token_embedding = nn.Embedding(shape.vocabulary, width)
        self.positional_embedding = mx.zeros((shape.text_context, width))
        self.blocks = [DecoderBlock(width, shape.text_heads) for _ in range(shape.text_layers)]
        self.ln = nn.LayerNorm(width)

    def __call__(
        self,
        tokens: Sequence[int],
        heard: Sequence[Memory],
        past: Sequence[Memory] | None = None,
        scores: list[mx.array] | None = None,
    ) -> tuple[mx.array, list[Memory]]:
        """Hidden states of `tokens`, which follow those of `past` one at a time, and the memories of all."""
        first = past[0][0].shape[2] if past else 0
        places = self.positional_embedding[first : first + len(tokens)]
        x = self.token_embedding(mx.array([list(tokens)])) + places
        memories: list[Memory] = []
        for number, block in enumerate(self.blocks):
            x, memory = block.after(x, heard[number], past[number] if past else None, scores)
            memories.append(memory)
        return self.ln(x), memories

    def logits(self, hidden: mx.array) -> mx.array:
        """Of hidden states (1, rows, width): (rows, vocabulary)."""
        whole = self.token_embedding.as_linear(hidden)  # pyright: ignore[reportUnknownMemberType]
        return whole[0].astype(mx.float32)


class Whisper(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.encoder, self.decoder = Encoder(shape), Decoder(shape)

    def listen(self, mel: mx.array) -> list[Memory]:
        """What the decoder's blocks know of a window, (frames, mels), that the encoder has heard."""
        heard = self.encoder(mel[None].astype(self.encoder.conv1.weight.dtype))
        memories = [block.cross_attn.memory(heard) for block in self.decoder.blocks]
        mx.eval(memories)  # pyright: ignore[reportUnknownMemberType]
        return memories
