"""Whisper's architecture in plain torch: names and shapes as OpenAI's, small enough to train on two cores."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.speech.words import IDS, KNOWN, VOCABULARY


@dataclass(frozen=True, slots=True)
class Shape:
    n_mels: int = 80
    n_audio_ctx: int = 1500
    n_audio_state: int = 96
    n_audio_head: int = 3
    n_audio_layer: int = 3
    n_vocab: int = VOCABULARY
    n_text_ctx: int = 448
    n_text_state: int = 96
    n_text_head: int = 3
    n_text_layer: int = 2


def sinusoids(length: int, channels: int) -> Tensor:
    scales = torch.exp(-math.log(10_000) / (channels // 2 - 1) * torch.arange(channels // 2))
    times = torch.arange(length)[:, None] * scales[None]
    return torch.cat([times.sin(), times.cos()], dim=1)


class Attention(nn.Module):
    def __init__(self, state: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key = nn.Linear(state, state), nn.Linear(state, state, bias=False)
        self.value, self.out = nn.Linear(state, state), nn.Linear(state, state)

    def forward(self, x: Tensor, source: Tensor, *, causal: bool = False) -> Tensor:
        q, k, v = (self._split(part) for part in (self.query(x), self.key(source), self.value(source)))
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=causal)
        return self.out(mixed.transpose(1, 2).flatten(2))

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class Block(nn.Module):
    def __init__(self, state: int, heads: int, *, cross: bool) -> None:
        super().__init__()
        self.attn, self.attn_ln = Attention(state, heads), nn.LayerNorm(state)
        if cross:
            self.cross_attn, self.cross_attn_ln = Attention(state, heads), nn.LayerNorm(state)
        self.mlp = nn.Sequential(nn.Linear(state, 4 * state), nn.GELU(), nn.Linear(4 * state, state))
        self.mlp_ln = nn.LayerNorm(state)

    def forward(self, x: Tensor, heard: Tensor | None = None) -> Tensor:
        normed = self.attn_ln(x)
        x = x + self.attn(normed, normed, causal=heard is not None)
        if heard is not None:
            x = x + self.cross_attn(self.cross_attn_ln(x), heard)
        return x + self.mlp(self.mlp_ln(x))


class Encoder(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        state = shape.n_audio_state
        self.conv1 = nn.Conv1d(shape.n_mels, state, 3, padding=1)
        self.conv2 = nn.Conv1d(state, state, 3, stride=2, padding=1)
        self.blocks = nn.ModuleList(Block(state, shape.n_audio_head, cross=False) for _ in range(shape.n_audio_layer))
        self.ln_post = nn.LayerNorm(state)
        self.register_buffer("positional_embedding", sinusoids(shape.n_audio_ctx, state))

    def forward(self, mel: Tensor, first: int = 0) -> Tensor:
        """``first``: where in the 30 seconds a shorter window begins, in steps of 20 ms."""
        x = functional.gelu(self.conv2(functional.gelu(self.conv1(mel)))).transpose(1, 2)
        x = x + self.positional_embedding[first : first + x.shape[1]]
        for block in self.blocks:
            x = block(x)
        return self.ln_post(x)


class Decoder(nn.Module):
    """Its embedding has the known tokens and, last, the one row that stands for all others."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        state = shape.n_text_state
        self.token_embedding = nn.Embedding(len(KNOWN) + 1, state)
        nn.init.normal_(self.token_embedding.weight, std=state**-0.5)
        self.positional_embedding = nn.Parameter(torch.randn(shape.n_text_ctx, state) * 0.02)
        self.blocks = nn.ModuleList(Block(state, shape.n_text_head, cross=True) for _ in range(shape.n_text_layer))
        self.ln = nn.LayerNorm(state)
        others = torch.zeros(len(KNOWN) + 1)
        others[-1] = math.log(VOCABULARY - len(KNOWN))
        self.register_buffer("others", others, persistent=False)

    def forward(self, tokens: Tensor, heard: Tensor) -> Tensor:
        x = self.token_embedding(tokens) + self.positional_embedding[: tokens.shape[1]]
        for block in self.blocks:
            x = block(x, heard)
        return self.ln(x) @ self.token_embedding.weight.T + self.others


class Whisper(nn.Module):
    """``spell`` says for each step what it hears at that moment; it teaches the encoder and is not exported."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.encoder, self.decoder = Encoder(shape), Decoder(shape)
        self.spell = nn.Linear(shape.n_audio_state, len(IDS) + 1)
