"""GGUF models by llama.cpp: the server inside xllamacpp, or a llama-server the user has."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal, TypeAlias

from dovetail.core.model import LoadOptions, Model
from dovetail.core.request import ChatPrompt, GenerateRequest, Grammar
from dovetail.core.thought import thoughtful
from dovetail.engines import wire
from dovetail.engines.base import (
    DEFAULT_PARALLEL,
    Command,
    Decoder,
    Endpoint,
    Machine,
    WorkerCall,
    default_parallel,
    installed,
    template_key,
)
from dovetail.engines.native import NativeBuild

DEFAULT_CONTEXT = 8192
CPU_BATCH = 512
GPU_BATCH = 2048
EMBEDDING_CONTEXT = 2048
_CONTEXT_STEP = 256
# llama.cpp's own order, said because a model's header (`general.sampling.sequence`) would change it.
SAMPLERS = ("penalties", "dry", "top_n_sigma", "top_k", "typ_p", "top_p", "min_p", "xtc", "temperature")
NO_FFMPEG = "/dev/null"  # a folder that holds none
MAX_WINDOW = 1 << 20  # tokens that penalties look back on: any context, in 4 MB
TYPICAL_ORDER = (
    *("penalties", "dry", "top_n_sigma", "top_k", "min_p"),
    *("typ_p", "top_p", "xtc", "temperature"),
)
_NEXT_TO_NOTHING = 1e-30
# Of the llama.cpp in use: xllamacpp as it was installed, compiled for this machine, or a program of the user's own.
Origin: TypeAlias = Literal["wheel", "native", "program"]


class GgufEngine:
    """`binary` names an external llama-server; None means xllamacpp: the `native` build if there is one, or the wheel.

    `native` is asked at each start of a worker, so that a build is used as soon as it is there. `metal`: the wheel and
    every build compute on this machine's GPU.
    """

    name = "gguf"
    embeds_apart = True  # llama-server pools as it was started to
    adapters_apart = True  # and batches only what has the same adapters
    numbered_slots = True

    def __init__(
        self,
        binary: Path | None = None,
        native: Callable[[], NativeBuild | None] = lambda: None,
        *,
        metal: bool = sys.platform == "darwin",
    ) -> None:
        self._binary = binary
        self._native = native
        self._metal = metal

    def origin(self) -> Origin | None:
        """Where the llama.cpp that a worker would run on now comes from; None where there is none. Blocks."""
        if self._binary is not None:
            return "program"
        if not installed("xllamacpp"):
            return None
        return "wheel" if self._native() is None else "native"

    def build(self) -> str:
        """The same for people, with its version; empty where there is none. Blocks."""
        if self._binary is not None:
            return f"of {self._binary.name}"
        version = installed("xllamacpp")
        how = "compiled for this machine" if self.origin() == "native" else "the wheel"
        return f"xllamacpp {version} ({how})" if version else ""

    def resolve(self, model: Model, options: LoadOptions, machine: Machine) -> LoadOptions:
        machine = replace(machine, gpu=machine.gpu and self._uses_gpu())
        if not machine.gpu and self._binary is None:  # layers that the engine would not put there are none
            options = replace(options, gpu_layers=0)
        if options.pooling is not None:
            return _for_embeddings(model, options, machine)
        batch = options.batch or (GPU_BATCH if machine.gpu else CPU_BATCH)
        context = _padded(options.context or min(model.shape.context or DEFAULT_CONTEXT, DEFAULT_CONTEXT))
        return replace(
            options,
            context=context,
            parallel=options.parallel or default_parallel(model.shape, context),
            gpu_layers=-1 if options.gpu_layers is None else options.gpu_layers,
            batch=batch,
            ubatch=options.ubatch or min(batch, 512),
            threads=options.threads or max(1, machine.cores - 1),
            mmproj=options.mmproj or model.mmproj,
            draft=model.draft,
            ngram=model.ngram,
            # llama.cpp's RAM cache is not keyed by adapter and hides slots from their owner.
            cache_ram=0 if model.adapter is not None else options.cache_ram or 0,
        )

    def _uses_gpu(self) -> bool:
        """Whether a worker started now computes on a GPU; of a program of the user's own it is taken for granted."""
        if self._binary is not None or self._metal:
            return True
        native = self._native()
        return native is not None and native.card.backend != ""

    def cache_key(self, options: LoadOptions) -> str:
        layout = (options.cache_type_k, options.cache_type_v, options.flash_attention, options.mmproj)
        layout += (template_key(options),)
        if self._binary is None:
            native = self._native()
            build = f"xllamacpp {installed('xllamacpp')}" if native is None else native.key
            return f"{build} {layout}"
        try:
            stat = self._binary.stat()
        except OSError:
            return f"{self._binary} {layout}"
        return f"{self._binary} {stat.st_size} {stat.st_mtime_ns} {layout}"

    def command(self, model: Model, options: LoadOptions, endpoint: Endpoint) -> Command:
        if self._binary is not None:
            return self._external(self._binary, model, options, endpoint)
        argv = [sys.executable, "-m", "dovetail.workers.gguf", "--model", str(model.path), *_where(endpoint)]
        argv += _library(self._native())
        for flag, value in _numbers(options):
            argv += [f"--{flag}", str(value)]
        if options.flash_attention is not None:
            argv += ["--flash-attention", "on" if options.flash_attention else "off"]
        argv += _files(model, options)
        if not options.warmup:
            argv.append("--no-warmup")
        return Command(tuple(argv), _secret(endpoint))

    def encode(self, request: GenerateRequest, index: int = 0) -> WorkerCall:
        call = wire.encode(request, index)
        call.body["cache_prompt"] = True
        if request.adapter is not None:
            # Unsaid, a slot would go on with what another scale has computed.
            call.body["lora"] = [{"id": 0, "scale": request.adapter.scale}]
        call.body["samplers"] = [*SAMPLERS]
        if isinstance(request.prompt, ChatPrompt) and _counted(request.prompt):
            call.body["timings_per_token"] = True  # how far the answer is, in every frame
        if isinstance(request.prompt, ChatPrompt) and request.stop:
            call.body["verbose"] = True  # which of them ended it, in the last frame
        if isinstance(request.output, Grammar) and (thought := request.output.thought) is not None:
            # llama-server's grammars hold from the first token on.
            text = request.output.gbnf
            call.body["grammar"] = thoughtful(text, thought.start, thought.end, opened=thought.opened)
        if "response_format" in call.body and _unthinking(request):
            # Else the form lets the model open a thought of its own, which a small one never ends.
            call.body["reasoning_format"] = "none"
        for name in ("repeat_last_n", "dry_penalty_last_n"):
            # llama-server refuses -1, and allocates as many tokens as it is told.
            window = call.body[name]
            if not (isinstance(window, int) and 0 <= window <= MAX_WINDOW):
                call.body[name] = MAX_WINDOW
        _guard_typical_p(call)
        return call

    def decoder(self, request: GenerateRequest, index: int = 0) -> Decoder:
        return wire.decoder(request, index)

    def _external(self, binary: Path, model: Model, options: LoadOptions, endpoint: Endpoint) -> Command:
        context, parallel = options.context or DEFAULT_CONTEXT, options.parallel or DEFAULT_PARALLEL
        argv = [sys.executable, "-m", "dovetail.workers.lifeline", *([] if endpoint.socket else ["--network"])]
        argv += [str(binary), "--model", str(model.path)]
        argv += ["--host", str(endpoint.socket or endpoint.host), "--port", str(endpoint.port or 8080)]
        argv += ["--ctx-size", str(context * parallel), "--parallel", str(parallel), "--no-kv-unified"]
        if options.gpu_layers not in (None, -1):  # unsaid, llama-server takes as many as fit
            argv += ["--n-gpu-layers", str(options.gpu_layers)]
        argv += ["--batch-size", str(options.batch), "--ubatch-size", str(options.ubatch)]
        argv += ["--threads", str(options.threads), "--cache-ram", str((options.cache_ram or 0) >> 20)]
        argv += ["--jinja", "--slots", "--no-webui"]
        if options.flash_attention is not None:
            argv += ["--flash-attn", "on" if options.flash_attention else "off"]
        if options.cache_type_k:
            argv += ["--cache-type-k", options.cache_type_k]
        if options.cache_type_v:
            argv += ["--cache-type-v", options.cache_type_v]
        argv += _external_files(model, options)
        if options.pooling is not None:
            argv += ["--embeddings", "--pooling", options.pooling]
        if not options.warmup:
            argv.append("--no-warmup")
        # A build that knows video hands an ffmpeg on the PATH whatever it cannot decode itself.
        env = {"LLAMA_ARG_VIDEO_FFMPEG_DIR": NO_FFMPEG} if options.mmproj is not None else {}
        return Command(tuple(argv), {**env, **({"LLAMA_API_KEY": endpoint.secret} if endpoint.secret else {})})


def _files(model: Model, options: LoadOptions) -> list[str]:
    """Our worker's flags for what lies beside the model."""
    argv: list[str] = []
    if options.mmproj is not None:
        argv += ["--mmproj", str(options.mmproj)]
    if options.draft is not None:
        argv += ["--draft", str(options.draft)]
    if options.ngram is not None:
        argv += ["--ngram", options.ngram]
    if (adapter := model.adapter) is not None:
        argv += ["--adapter", str(adapter.path), "--adapter-scale", str(adapter.scale)]
    if options.pooling is not None:
        argv += ["--pooling", options.pooling]
    if options.chat_template is not None:
        argv += ["--chat-template-file", str(options.chat_template)]
    if options.kv_folder is not None:
        argv += ["--kv-folder", str(options.kv_folder)]
    return argv


def _external_files(model: Model, options: LoadOptions) -> list[str]:
    """A llama-server's flags for what lies beside the model."""
    argv: list[str] = []
    if options.mmproj is not None:
        argv += ["--mmproj", str(options.mmproj)]
        if options.gpu_layers == 0:
            argv.append("--no-mmproj-offload")
    if options.draft is not None:
        argv += ["--spec-draft-model", str(options.draft)]
        if options.gpu_layers not in (None, -1):
            argv += ["--spec-draft-ngl", str(options.gpu_layers)]
    if types := [*(["draft-simple"] if options.draft else []), *([f"ngram-{options.ngram}"] if options.ngram else [])]:
        argv += ["--spec-type", ",".join(types)]
    if (adapter := model.adapter) is not None:
        # `--lora-scaled` takes no path with a colon in it, as Windows' paths have.
        one = adapter.scale == 1
        argv += ["--lora", str(adapter.path)] if one else ["--lora-scaled", f"{adapter.path}:{adapter.scale}"]
    if options.chat_template is not None:
        argv += ["--chat-template-file", str(options.chat_template)]
    if options.kv_folder is not None:
        argv += ["--slot-save-path", f"{options.kv_folder}/"]
    return argv


def _for_embeddings(model: Model, options: LoadOptions, machine: Machine) -> LoadOptions:
    """A text is pooled in one pass, so the pass is as long as the context and memory grows with it.

    The exception is the last token's state of a model that generates: its text may come in chunks. One slot alone:
    llama.cpp cuts texts of different lengths that share a batch into passes, and pools each text's last piece only.
    """
    made_for_it = model.pooling is not None
    most = options.context if made_for_it and options.context else EMBEDDING_CONTEXT
    context = min(options.context or model.shape.context or most, most)
    in_chunks = options.pooling == "last" and not made_for_it
    batch = (options.batch or CPU_BATCH) if in_chunks else context
    return replace(
        options,
        context=context,
        parallel=1,
        gpu_layers=-1 if options.gpu_layers is None else options.gpu_layers,
        batch=batch,
        ubatch=min(options.ubatch or batch, batch) if in_chunks else context,
        threads=options.threads or max(1, machine.cores - 1),
        cache_ram=0,
    )


def _padded(context: int) -> int:
    """What llama.cpp makes of the context of a slot: nothing that is told of it is less than what there is."""
    return -(-context // _CONTEXT_STEP) * _CONTEXT_STEP


def _unthinking(request: GenerateRequest) -> bool:
    return isinstance(request.prompt, ChatPrompt) and request.prompt.template_options.get("enable_thinking") is False


def _counted(chat: ChatPrompt) -> bool:
    """Whether tokens are counted here: those of a thought, and those of an answer that ends with its first call."""
    return chat.thinking.on is not False or (bool(chat.tools) and chat.parallel_tool_calls is False)


def _guard_typical_p(call: WorkerCall) -> None:
    """Puts min_p before typical_p: one token of probability 0 makes llama.cpp's entropy (b11549) NaN."""
    typical, least = call.body["typical_p"], call.body["min_p"]
    if isinstance(typical, int | float) and typical < 1:
        call.body["samplers"] = list(TYPICAL_ORDER)
        call.body["min_p"] = max(least, _NEXT_TO_NOTHING) if isinstance(least, int | float) else least


def _library(native: NativeBuild | None) -> list[str]:
    return [] if native is None else ["--library", str(native.folder)]


def _where(endpoint: Endpoint) -> list[str]:
    if endpoint.socket is not None:
        return ["--socket", str(endpoint.socket)]
    return ["--host", endpoint.host, "--port", str(endpoint.port)]


def _secret(endpoint: Endpoint) -> dict[str, str]:
    return {"DOVETAIL_WORKER_SECRET": endpoint.secret} if endpoint.secret else {}


def _numbers(options: LoadOptions) -> list[tuple[str, object]]:
    named: list[tuple[str, object]] = [
        ("context", options.context),
        ("parallel", options.parallel),
        ("gpu-layers", options.gpu_layers),
        ("batch", options.batch),
        ("ubatch", options.ubatch),
        ("threads", options.threads),
        ("cache-type-k", options.cache_type_k),
        ("cache-type-v", options.cache_type_v),
        ("cache-ram", options.cache_ram),
    ]
    return [(flag, value) for flag, value in named if value is not None]
