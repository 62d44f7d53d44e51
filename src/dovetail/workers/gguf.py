"""The GGUF worker: llama.cpp's server from the xllamacpp wheel, one model, nothing of ours in its data path.

`python -m dovetail.workers.gguf --model FILE --socket PATH ...`, started by `engines.gguf`. It leaves with status 0
on SIGTERM or when stdin closes, and with 1 when the model cannot be loaded; llama.cpp has then said why on stderr.
"""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dovetail.workers.lifeline import watch_stdin

_WARNINGS = 2  # llama.cpp's verbosity: errors and warnings, no lines for each request
_FLASH = {
    "on": "LLAMA_FLASH_ATTN_TYPE_ENABLED",
    "off": "LLAMA_FLASH_ATTN_TYPE_DISABLED",
    "auto": "LLAMA_FLASH_ATTN_TYPE_AUTO",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Loads the model and serves until told to leave; returns 1 when the model cannot be loaded."""
    args = _arguments().parse_args(argv)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    watch_stdin(args.socket)
    if args.socket is not None:
        args.socket.unlink(missing_ok=True)
        os.umask(0o177)
    if args.library is not None:
        sys.path.insert(0, str(args.library))
    xllamacpp: Any = importlib.import_module("xllamacpp")
    try:
        # Holds the GIL until the model is loaded; SIGTERM keeps its default action until then.
        server = xllamacpp.Server(_params(xllamacpp, args, os.environ))
    except (RuntimeError, OSError, UnicodeDecodeError) as error:
        sys.stderr.write(f"{args.model}: {error}\n")
        return 1
    signal.signal(signal.SIGTERM, lambda _signal, _frame: _leave(args.socket))
    threading.Event().wait()
    del server
    return 0


def _leave(socket: Path | None) -> None:
    # Unwinding llama.cpp takes seconds and frees nothing that the end of the process does not.
    if socket is not None:
        socket.unlink(missing_ok=True)
    os._exit(0)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dovetail.workers.gguf", allow_abbrev=False)
    parser.add_argument("--model", type=Path, required=True)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--socket", type=Path, help="Unix socket; its name must end in .sock")
    where.add_argument("--port", type=int, help="TCP port, guarded by DOVETAIL_WORKER_SECRET")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--library", type=Path, help="a folder with xllamacpp, in place of the one installed")
    parser.add_argument("--context", type=int, required=True, help="tokens for each slot")
    parser.add_argument("--parallel", type=int, default=1, help="slots")
    parser.add_argument("--gpu-layers", type=int, default=-1, help="-1: as many as fit")
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--ubatch", type=int, default=512)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cache-type-k", default="f16")
    parser.add_argument("--cache-type-v", default="f16")
    parser.add_argument("--cache-ram", type=int, default=0, help="bytes")
    parser.add_argument("--flash-attention", choices=sorted(_FLASH), default="auto")
    parser.add_argument("--mmproj", type=Path)
    parser.add_argument("--draft", type=Path, help="a model of the same vocabulary that guesses ahead")
    parser.add_argument("--ngram", choices=["simple", "map-k", "map-k4v", "mod", "cache"], help="guess by the text")
    parser.add_argument("--adapter", type=Path, help="a LoRA as GGUF; each request says its scale")
    parser.add_argument("--adapter-scale", type=float, default=1.0, help="for what cannot say one: embeddings")
    parser.add_argument("--pooling", choices=["mean", "cls", "last", "rank"], help="answer embeddings, pooled so")
    parser.add_argument("--chat-template-file", type=Path, help="Jinja, in place of the model's own template")
    parser.add_argument("--kv-folder", type=Path, help="where slots are saved")
    parser.add_argument("--no-warmup", dest="warmup", action="store_false")
    return parser


def _params(xllamacpp: Any, args: argparse.Namespace, environ: Mapping[str, str]) -> Any:
    params = xllamacpp.CommonParams()
    params.model.path = str(args.model)
    if args.mmproj is not None:
        params.mmproj.path = str(args.mmproj)
        params.mmproj_use_gpu = args.gpu_layers != 0
        # What is no image would be handed to whichever ffmpeg is on the PATH, which follows links and lists of files.
        params.video_ffmpeg_bin_dir = "/dev/null"
    if args.adapter is not None:
        params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(args.adapter), args.adapter_scale)]
    _speculate(xllamacpp, params, args)
    if args.socket is not None:
        params.hostnames = [str(args.socket)]
    else:
        params.hostnames, params.port = [args.host], args.port
        params.api_keys = [environ["DOVETAIL_WORKER_SECRET"]]
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = args.threads
    params.flash_attn_type = getattr(xllamacpp.llama_flash_attn_type, _FLASH[args.flash_attention])
    params.cache_type_k = _cache_type(xllamacpp, args.cache_type_k)
    params.cache_type_v = _cache_type(xllamacpp, args.cache_type_v)
    if args.pooling is not None:
        params.embedding = True
        params.pooling_type = getattr(xllamacpp.llama_pooling_type, f"LLAMA_POOLING_TYPE_{args.pooling.upper()}")
    for name, value in _memory(args).items():
        setattr(params, name, value)
    if args.chat_template_file is not None:
        params.chat_template = args.chat_template_file.read_text("utf-8")
    if args.kv_folder is not None:
        params.slot_save_path = f"{args.kv_folder}/"
    params.verbosity = _WARNINGS
    params.warmup = args.warmup
    params.ui = False
    params.cors_origins, params.cors_credentials = "http://localhost", False  # no browser comes here
    params.endpoint_slots = True
    params.endpoint_props = False  # no POST /props: what a worker is, its command line says
    return params


def _speculate(xllamacpp: Any, params: Any, args: argparse.Namespace) -> None:
    kinds: list[str] = []
    if args.draft is not None:
        params.speculative.draft.mparams.path = str(args.draft)
        params.speculative.draft.n_gpu_layers = args.gpu_layers
        kinds.append("DRAFT_SIMPLE")
    if args.ngram is not None:
        kinds.append(f"NGRAM_{args.ngram.upper().replace('-', '_')}")
    if kinds:
        named = xllamacpp.common_speculative_type
        params.speculative.types = [getattr(named, f"COMMON_SPECULATIVE_TYPE_{kind}") for kind in kinds]


def _memory(args: argparse.Namespace) -> dict[str, object]:
    """What decides the size and the owner of the KV cache: every slot keeps the context that was promised."""
    return {
        "n_ctx": args.context * args.parallel,
        "n_parallel": args.parallel,
        "kv_unified": False,
        "ctx_shift": False,
        # Slots and their caches are the gateway's to keep; a unified idle cache empties a slot when another starts.
        "cache_ram_mib": args.cache_ram >> 20,
        "cache_idle_slots": False,
        "n_batch": args.batch,
        "n_ubatch": min(args.ubatch, args.batch),
        "n_gpu_layers": args.gpu_layers,
        # Fitting touches only what is left open: the layers when -1, never a context that was said.
        "fit_params": args.gpu_layers == -1,
    }


def _cache_type(xllamacpp: Any, name: str) -> Any:
    return getattr(xllamacpp.ggml_type, f"GGML_TYPE_{name.upper()}")


if __name__ == "__main__":
    sys.exit(main())
