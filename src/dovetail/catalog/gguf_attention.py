"""What a GGUF model keeps of a sequence, by its header; llama.cpp's `llama-hparams.cpp` and `llama-model.cpp` (b11549).

Where a header leaves something open, the larger is taken. A number that makes no sense counts as not said: llama.cpp
judges the file when it loads it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from dovetail.catalog.gguf_values import GgufArray, Value
from dovetail.core.model import Attention

_LARGEST = 1 << 20
# One layer in so many sees the whole context, where the header gives a window and no pattern.
_PATTERNS = {
    "gemma2": 2,
    "gemma3": 6,
    "gemma-embedding": 6,
    "gemma3n": 5,
    "cohere2": 4,
    "exaone4": 4,
    "gpt-oss": 2,
    "olmo2": 4,
    "smallthinker": 4,
}


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers of one architecture in a header's metadata."""

    metadata: Mapping[str, Value]
    architecture: str

    def one(self, name: str) -> int:
        """0 where there is none; of a list the largest."""
        return max(self.each(name, 1), default=0)

    def each(self, name: str, layers: int) -> tuple[int, ...]:
        """One for each layer, given once for all or each by itself; empty where it is not said."""
        value = self.metadata.get(f"{self.architecture}.{name}")
        if isinstance(value, GgufArray):
            found = tuple(each for each in value.values or () if isinstance(each, int) and 0 <= each <= _LARGEST)
            return found if found and len(found) == value.count and (layers in (1, len(found))) else ()
        return (value,) * layers if isinstance(value, int) and 0 <= value <= _LARGEST else ()


def attention_of(numbers: Numbers, head_width: int) -> tuple[Attention, ...]:
    """Layers grouped by what they keep; empty where the header does not say enough."""
    layers = numbers.one("block_count")
    heads = numbers.each("attention.head_count_kv", layers) or numbers.each("attention.head_count", layers)
    if not layers or not heads:
        return ()
    key, value = head_width, numbers.one("attention.value_length") or head_width
    window = numbers.one("attention.sliding_window")
    whole = _whole_layers(numbers, layers) if window else (True,) * layers
    full = numbers.one("full_attention_interval")  # the other layers are recurrent
    groups: Counter[tuple[int, int]] = Counter()
    for layer, count in enumerate(heads):
        if count and not (full and (layer + 1) % full):
            groups[count, 0 if whole[layer] else window] += 1
    return tuple(Attention(n, count * key, count * value, kept) for (count, kept), n in groups.items())


def _whole_layers(numbers: Numbers, layers: int) -> tuple[bool, ...]:
    """Of each layer whether it keeps the whole context; all do where the pattern is not known."""
    key = "attention.sliding_window_pattern"
    said = numbers.metadata.get(f"{numbers.architecture}.{key}")
    if isinstance(said, GgufArray):
        windowed = said.values or ()
        return tuple(not each for each in windowed) if len(windowed) == layers else (True,) * layers
    pattern = numbers.one(key) or _PATTERNS.get(numbers.architecture, 1)
    return tuple((layer + 1) % pattern == 0 for layer in range(layers))


def state_of(numbers: Numbers, width: int) -> int:
    """Numbers that recurrent layers keep of a sequence: Mamba's convolution and state, RWKV's heads."""
    layers = numbers.one("block_count")
    heads = numbers.each("attention.head_count_kv", layers)
    interval = numbers.one("full_attention_interval")
    recurrent = heads.count(0) or layers
    if interval:
        recurrent = layers - layers // interval
    if inner := numbers.one("ssm.inner_size"):
        size, groups = numbers.one("ssm.state_size"), numbers.one("ssm.group_count")
        return recurrent * (max(numbers.one("ssm.conv_kernel") - 1, 0) * (inner + 2 * groups * size) + size * inner)
    head = numbers.one("wkv.head_size")
    return layers * (width * head + 2 * width) if head else 0


def feed_forward_of(numbers: Numbers) -> int:
    """The width that one token's pass takes within a block, all experts that it sees together."""
    experts = numbers.one("expert_used_count") * numbers.one("expert_feed_forward_length")
    return max(numbers.one("feed_forward_length"), experts + numbers.one("expert_shared_feed_forward_length"))
