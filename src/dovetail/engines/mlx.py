"""MLX models by mlx-lm, in Dovetail's own worker."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace

from dovetail.core.model import LoadOptions, Model
from dovetail.core.request import GenerateRequest
from dovetail.engines import wire
from dovetail.engines.base import (
    Command,
    Decoder,
    Endpoint,
    Machine,
    WorkerCall,
    default_parallel,
    installed,
    template_key,
)

DEFAULT_CONTEXT = 8192
CPU_STEP = 512
GPU_STEP = 2048
DEFAULT_CACHE = 1 << 30
CUDA_PACKAGES = ("mlx-cuda-13", "mlx-cuda-12", "mlx-cuda")  # what the extra `mlx-cuda` brings
_CACHE_SHARE = 16  # of all workers' memory one model's prompt caches may take this part, and no more than the default


def has_gpu_backend() -> bool:
    """Whether the mlx that is installed computes on a GPU."""
    return sys.platform == "darwin" or any(map(installed, CUDA_PACKAGES))


class MlxEngine:
    """One worker process holds one MLX folder."""

    name = "mlx"
    embeds_apart = False
    adapters_apart = False
    numbered_slots = False

    def __init__(self, gpu_backend: Callable[[], bool] = has_gpu_backend) -> None:
        self._gpu_backend = gpu_backend

    def resolve(self, model: Model, options: LoadOptions, machine: Machine) -> LoadOptions:
        gpu = machine.gpu and self._gpu_backend()
        context = options.context or min(model.shape.context or DEFAULT_CONTEXT, DEFAULT_CONTEXT)
        return replace(
            options,
            context=context,
            parallel=options.parallel or default_parallel(model.shape, context),
            gpu_layers=None if gpu else 0,  # mlx takes the whole model to the one or to the other
            batch=options.batch or (GPU_STEP if gpu else CPU_STEP),
            cache_ram=_cache(machine) if options.cache_ram is None else options.cache_ram,
        )

    def cache_key(self, options: LoadOptions) -> str:
        return f"mlx {installed('mlx')} mlx-lm {installed('mlx-lm')} {template_key(options)}"

    def command(self, model: Model, options: LoadOptions, endpoint: Endpoint) -> Command:
        argv = [sys.executable, "-m", "dovetail.workers.mlx", "--model", str(model.path)]
        if endpoint.socket is not None:
            argv += ["--socket", str(endpoint.socket)]
        else:
            argv += ["--host", endpoint.host, "--port", str(endpoint.port)]
        argv += ["--context", str(options.context), "--parallel", str(options.parallel)]
        argv += ["--prefill-step", str(options.batch), "--cache-bytes", str(options.cache_ram)]
        if options.chat_template is not None:
            argv += ["--chat-template-file", str(options.chat_template)]
        if options.kv_folder is not None:
            argv += ["--kv-folder", str(options.kv_folder), "--kv-bytes", str(options.kv_bytes)]
        if not options.warmup:
            argv.append("--no-warmup")
        if model.code:  # else it would not have come to a load
            argv.append("--trust-remote-code")
        env = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
        if endpoint.secret:
            env["DOVETAIL_WORKER_SECRET"] = endpoint.secret
        return Command(tuple(argv), env)

    def encode(self, request: GenerateRequest, index: int = 0) -> WorkerCall:
        call = wire.encode(request, index)
        if request.space:
            call.body["cache_salt"] = request.space
        if request.keep != "disk":
            call.body.update(cache_keep=request.keep, cache_prompt=request.keep == "memory")
        if request.adapter is not None:
            call.body["adapter"] = wire.adapter(request.adapter)
        return call

    def decoder(self, request: GenerateRequest, index: int = 0) -> Decoder:
        return wire.decoder(request, index)


def _cache(machine: Machine) -> int:
    return min(DEFAULT_CACHE, machine.memory // _CACHE_SHARE) if machine.memory else DEFAULT_CACHE
