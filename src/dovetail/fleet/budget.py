"""What a model needs before it is loaded, in bytes: arithmetic over its header and its load options.

Measured with xllamacpp b11549 and mlx-lm 0.32.2 on an x86 CPU, as PSS of the worker; `python -m benchmarks --only
memory` measures it again beside the estimate. Where nothing is known the larger is taken.

- **process** Python, the engine's libraries and the vocabulary: 30 MiB and 200 bytes a token with llama.cpp (tiny and a
  vocabulary of 32,768), 82 MiB and 900 bytes a token with mlx-lm, whose tokeniser is Python's.
- **weights** the files' bytes. llama.cpp maps them, and every page is read at load: they count as resident.
- **copies** llama.cpp keeps the matrices of some types once more, in the order its CPU kernels like
  (`ggml-cpu/repack.cpp`): 1,305 MB were resident of a 640 MB Q4_K_M, and no copy of a Q8_0 on x86.
- **kv** context x slots x what each layer keeps of a token. llama.cpp takes it at load, a layer with a window
  window + ubatch tokens of it, in steps of 256; mlx-lm takes it as it fills, and
  copies parts of it when a batch changes: half as much again.
- **scratch** llama.cpp touches, for each token of a physical batch, two feed-forward rows, about eight rows of the
  model's width (float32), and the attention mask (float16); without flash attention a score for each head and
  token of the context. mlx-lm on a CPU has the scores and a row of logits for each token of a prefill step.
- **device** what is on a GPU with memory of its own, and what its driver keeps there for each process. On an NVIDIA
  H200 with CUDA 13, four loads by llama.cpp took 711 to 838 MB more than the rest of this arithmetic says, and
  0.4 GB of RAM more; two by mlx 0.6 GB and 1.6 GB more.
- **cache** prompt caches kept in memory, and llama.cpp's checkpoints of layers with windows or states.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from dovetail.core.model import Attention, CacheType, LoadOptions, Model, Shape
from dovetail.core.request import JsonObject
from dovetail.engines.base import Machine

MIB = 1 << 20
CACHE_BYTES: dict[CacheType, float] = {
    "f32": 4.0,
    "f16": 2.0,
    "bf16": 2.0,
    "q8_0": 34 / 32,
    "q5_1": 24 / 32,
    "q5_0": 22 / 32,
    "q4_1": 20 / 32,
    "q4_0": 18 / 32,
}
_REPACKED = {
    "x86": frozenset({"Q4_0", "Q4_K", "Q2_K", "IQ4_NL", "MXFP4"}),
    "arm": frozenset({"Q4_0", "Q4_K", "Q5_K", "Q6_K", "Q8_0", "Q2_K", "IQ4_NL", "MXFP4"}),
}
_GGUF_PROCESS, _GGUF_TOKEN = 30 * MIB, 200
_MLX_PROCESS, _MLX_TOKEN = 82 * MIB, 900
_CONTEXT = 768 * MIB  # of CUDA, in a GPU's memory
_GGUF_CUDA, _MLX_CUDA = 448 * MIB, 1536 * MIB  # of its libraries, in RAM
_WHISPER_PROCESS, _WHISPER_SCRATCH = 190 * MIB, 160 * MIB
_WHISPER_SPARE = 256 * MIB  # what `workers/whisper/mlx` lets MLX keep
_PROJECTOR_SCRATCH = 64 * MIB
_CHECKPOINTS, _CHECKPOINT_STEP = 32, 8192  # llama-server's, of which the first and the last come sooner
_KV_STEP = 256
_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class Need:
    """Bytes of RAM by purpose, and those on GPUs, all in one. `kv_grows`: it is taken as it fills, not at load."""

    process: int = 0
    weights: int = 0
    copies: int = 0
    kv: int = 0
    scratch: int = 0
    cache: int = 0
    device: int = 0
    kv_grows: bool = False

    @property
    def standing(self) -> int:
        """Taken once the model is loaded."""
        return self.process + self.weights + self.copies + (0 if self.kv_grows else self.kv)

    @property
    def growing(self) -> int:
        """What requests may add to that."""
        return self.scratch + self.cache + (self.kv if self.kv_grows else 0)

    @property
    def ram(self) -> int:
        return self.standing + self.growing


def need(
    model: Model, options: LoadOptions, machine: Machine, *, projector: int = 0, adapter: int = 0, draft: int = 0
) -> Need:
    """Of a worker for `model` with resolved options; `projector`, `adapter` and `draft` are the sizes of their files.

    A draft model's KV is thought to be smaller than its model's as its file is.
    """
    if model.format == "whisper":
        return _hears(model, machine)
    if model.format == "mlx":
        found = _mlx(model, options, machine)
    else:
        found = _gguf(model, options, machine, adapter + (projector + _PROJECTOR_SCRATCH if projector else 0))
    smaller = min(1.0, draft / model.size) if model.size else 0.0
    return replace(found, weights=found.weights + draft, kv=int(found.kv * (1 + smaller)))


def _hears(model: Model, machine: Machine) -> Need:
    """CTranslate2 computes with what the file has; MLX in 32 bits on a processor, and keeps buffers for later."""
    if not model.files or model.files[0].suffix == ".bin":
        return Need(process=_WHISPER_PROCESS, weights=model.size, scratch=_WHISPER_SCRATCH)
    as_stored = machine.gpu and not machine.vram  # Apple silicon; elsewhere MLX may be the build for processors
    weights = model.size if as_stored else max(model.size, 4 * model.shape.parameters)
    return Need(process=_WHISPER_PROCESS, weights=weights, scratch=_WHISPER_SCRATCH, cache=_WHISPER_SPARE)


def limit(said: int | str | None, total: int, usable: int) -> int:
    """What all workers may take: a setting in bytes, or a share of `total` ("75%"), or else four fifths of `usable`."""
    if isinstance(said, int):
        return said
    return int(usable * _SHARE) if said is None else int(total * float(said.rstrip("% ")) / 100)


def corrected(found: Need, known: JsonObject | None, machine: Machine) -> int:
    """Bytes of RAM by `found`, where what was measured of an earlier worker is `known`.

    What stands after a load is as measured, on a machine without a GPU never less than its weights and its KV; what
    may still grow stays as reckoned until use has shown more.
    """
    standing, peak = (_whole(known, name) for name in ("standing", "peak"))
    if not standing:
        return max(found.ram, peak)
    least = 0 if machine.gpu else found.weights + (0 if found.kv_grows else found.kv)
    return max(peak, max(standing, least) + found.growing)


def most_layers(model: Model, options: LoadOptions, machine: Machine, free: int) -> int:
    """As many layers as `free` bytes of GPUs take, one more than there are when the output fits too."""
    layers = len(model.weights.layers)
    for count in range(layers + 1, 0, -1):
        if need(model, replace(options, gpu_layers=count), machine).device <= free:
            return count
    return 0


def kv_bytes(shape: Shape, options: LoadOptions) -> int:
    """llama.cpp's KV cache, all slots together; the context of a slot is padded to 256 tokens."""
    context, slots = _padded(options.context or 0), options.parallel or 1
    keys, values = CACHE_BYTES[options.cache_type_k or "f16"], CACHE_BYTES[options.cache_type_v or "f16"]
    total = 0.0
    for group in _attention(shape):
        window = _padded(group.window + (options.ubatch or 512)) if group.window else context
        total += group.layers * min(context, window) * (group.keys * keys + group.values * values)
    return slots * (int(total) + 4 * shape.state)


def _gguf(model: Model, options: LoadOptions, machine: Machine, beside: int) -> Need:
    shape, weights = model.shape, model.weights
    kv, scratch = kv_bytes(shape, options), _gguf_scratch(shape, options)
    layers = len(weights.layers) or shape.layers
    on_device = min(max(options.gpu_layers or 0, 0), layers + 1)
    moved = sum(weights.layers[len(weights.layers) - min(on_device, layers) :]) if on_device else 0
    moved += weights.output if on_device > layers else 0
    share = min(on_device, layers) / layers if layers else 0.0
    repacked = _REPACKED["arm" if machine.arch in {"arm64", "aarch64"} else "x86"]
    copies = sum(size for kind, size in weights.matrices if kind in repacked)
    return Need(
        process=_GGUF_PROCESS + _GGUF_TOKEN * shape.vocabulary + (_GGUF_CUDA if on_device else 0),
        weights=model.size - moved + beside,
        copies=int(copies * (1 - share)),
        kv=int(kv * (1 - share)),
        scratch=scratch,
        cache=(options.cache_ram or 0) + _checkpoints(shape, options),
        device=moved + int(kv * share) + scratch + _CONTEXT if on_device else 0,
    )


def _gguf_scratch(shape: Shape, options: LoadOptions) -> int:
    context = _padded(options.context or 0)
    batch = min(options.ubatch or 512, context)
    token = 4 * (2 * _feed_forward(shape) + 8 * shape.width) + 2 * context
    if options.flash_attention is False:
        token += 4 * shape.heads * context
    return batch * token + 4 * shape.vocabulary * (options.parallel or 1)


def _checkpoints(shape: Shape, options: LoadOptions) -> int:
    """Copies of what a slot's windows and states hold, made on the way through a long prompt."""
    windowed = replace(shape, attention=tuple(group for group in shape.attention if group.window))
    if not windowed.attention and not shape.state:
        return 0
    count = min(_CHECKPOINTS, (options.context or 0) // _CHECKPOINT_STEP + 2)
    one = replace(windowed, attention=windowed.attention or (Attention(0, 0, 0),))
    return count * kv_bytes(one, options)


def _mlx(model: Model, options: LoadOptions, machine: Machine) -> Need:
    shape, context, slots = model.shape, options.context or 0, options.parallel or 1
    width = 4 if model.quantisation == "F32" else 2
    kv = 4 * shape.state
    for group in _attention(shape):
        kept = min(context, group.window) if group.window else context
        kv += group.layers * _padded(kept) * (group.keys + group.values) * width
    step = min(options.batch or 512, context)
    scores = 0 if machine.gpu else 4 * shape.heads * context
    token = 4 * (2 * _feed_forward(shape) + 8 * shape.width) + scores + 4 * shape.vocabulary
    process, kv = _MLX_PROCESS + _MLX_TOKEN * shape.vocabulary, kv * slots * 3 // 2 if slots > 1 else kv
    scratch, cache = step * token, options.cache_ram or 0
    if machine.vram and options.gpu_layers is None:
        return Need(process + _MLX_CUDA, device=model.size + kv + scratch + cache + _CONTEXT, kv_grows=True)
    return Need(process, model.size, kv=kv, scratch=scratch, cache=cache, kv_grows=True)


def _attention(shape: Shape) -> tuple[Attention, ...]:
    """Every layer as wide as the model, where the header does not say."""
    return shape.attention or (Attention(shape.layers, shape.width, shape.width),)


def _feed_forward(shape: Shape) -> int:
    return shape.feed_forward or 4 * shape.width


def _padded(tokens: int) -> int:
    return -(-tokens // _KV_STEP) * _KV_STEP


def _whole(known: JsonObject | None, name: str) -> int:
    value = (known or {}).get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
