"""A Llama transformer, small enough to read in one go; parameter names are Hugging Face's."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from torch import Tensor, nn

_CACHED_LENGTH = 512


@dataclass(frozen=True, slots=True)
class Shape:
    """The model's sizes; rows are multiples of 32 so that Q8_0 can hold them."""

    vocabulary: int = 1792
    width: int = 192
    layers: int = 6
    heads: int = 6
    kv_heads: int = 3
    inner: int = 448
    rope_theta: float = 1_000_000.0
    norm_epsilon: float = 1e-5
    context: int = 131_072

    @property
    def head(self) -> int:
        return self.width // self.heads


class Attention(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        kv_width = shape.kv_heads * shape.head
        self.q_proj = nn.Linear(shape.width, shape.width, bias=False)
        self.k_proj = nn.Linear(shape.width, kv_width, bias=False)
        self.v_proj = nn.Linear(shape.width, kv_width, bias=False)
        self.o_proj = nn.Linear(shape.width, shape.width, bias=False)

    def forward(self, x: Tensor, turn: tuple[Tensor, Tensor], mask: Tensor | None) -> Tensor:
        rows, length, width = x.shape
        q, k, v = (
            projection(x).view(rows, length, -1, self.shape.head).transpose(1, 2)
            for projection in (self.q_proj, self.k_proj, self.v_proj)
        )
        groups = self.shape.heads // self.shape.kv_heads
        q, k = rotate(q, turn), rotate(k, turn)
        k, v = k.repeat_interleave(groups, 1), v.repeat_interleave(groups, 1)
        y = attend(q, k, v, mask)
        return self.o_proj(y.transpose(1, 2).reshape(rows, length, width))


class FeedForward(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(shape.width, shape.inner, bias=False)
        self.up_proj = nn.Linear(shape.width, shape.inner, bias=False)
        self.down_proj = nn.Linear(shape.inner, shape.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.input_layernorm = nn.RMSNorm(shape.width, shape.norm_epsilon)
        self.self_attn = Attention(shape)
        self.post_attention_layernorm = nn.RMSNorm(shape.width, shape.norm_epsilon)
        self.mlp = FeedForward(shape)

    def forward(self, x: Tensor, turn: tuple[Tensor, Tensor], mask: Tensor | None) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), turn, mask)
        return x + self.mlp(self.post_attention_layernorm(x))


class Backbone(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(shape.vocabulary, shape.width)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.width, shape.norm_epsilon)


class TinyLlama(nn.Module):
    """The head is the embedding, transposed."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.model = Backbone(shape)
        for name, parameter in self.named_parameters():
            if parameter.ndim == 2:
                deep = name.endswith(("o_proj.weight", "down_proj.weight"))
                nn.init.normal_(parameter, std=0.02 / (2 * shape.layers) ** 0.5 if deep else 0.02)

    def hidden(self, ids: Tensor, positions: Tensor | None = None, document: Tensor | None = None) -> Tensor:
        """Final states of shape (rows, length, width); tokens attend within their own document only."""
        if positions is None:
            positions = torch.arange(ids.shape[1]).expand_as(ids)
        turn = rotation(positions, self.shape)
        mask = None if document is None else _document_mask(document)
        x = self.model.embed_tokens(ids)
        if mask is not None and torch.is_autocast_enabled("cpu"):
            mask = mask.to(torch.get_autocast_dtype("cpu"))
        for layer in self.model.layers:
            x = layer(x, turn, mask)
        return self.model.norm(x)

    def forward(self, ids: Tensor, positions: Tensor | None = None, document: Tensor | None = None) -> Tensor:
        return F.linear(self.hidden(ids, positions, document), self.model.embed_tokens.weight)


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
    """Causal without a mask. Short rows go one or two at a time: their scores then stay in the CPU's cache."""
    length = q.shape[2]
    if mask is None or length > _CACHED_LENGTH:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=mask is None)
    with torch.autocast("cpu", enabled=False):
        q = q * q.shape[-1] ** -0.5
        parts = (part.split(2 if length <= 256 else 1) for part in (q, k, v, mask))
        return torch.cat([((a @ b.mT) + m).softmax(-1) @ c for a, b, c, m in zip(*parts, strict=True)])


def rotation(positions: Tensor, shape: Shape) -> tuple[Tensor, Tensor]:
    """Cosine and sine of shape (rows, 1, length, head), halves repeated as Hugging Face has them."""
    frequencies = shape.rope_theta ** (-torch.arange(0, shape.head, 2, dtype=torch.float32) / shape.head)
    angles = positions[:, None, :, None].float() * frequencies
    angles = torch.cat((angles, angles), -1)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    cosine, sine = (part.to(x.dtype) for part in turn)
    first, second = x.chunk(2, -1)
    return x * cosine + torch.cat((-second, first), -1) * sine


def _document_mask(document: Tensor) -> Tensor:
    """Additive (rows, 1, length, length): 0 where a token may look, minus infinity elsewhere."""
    length = document.shape[1]
    same = document[:, None, :, None] == document[:, None, None, :]
    causal = torch.ones(length, length, dtype=torch.bool).tril()
    return torch.zeros(same.shape).masked_fill(~(same & causal), float("-inf"))
