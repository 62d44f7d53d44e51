"""`python -m dovetail.workers.mlx`: one MLX model in one process."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Coroutine
from pathlib import Path


class Options(argparse.Namespace):
    model: Path
    socket: Path | None
    host: str
    port: int
    parallel: int
    context: int
    prefill_step: int
    cache_bytes: int
    max_tokens_default: int
    warmup: bool
    kv_folder: Path | None
    kv_bytes: int
    chat_template_file: Path | None
    trust_remote_code: bool


def positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


def parse(argv: list[str]) -> Options:
    parser = argparse.ArgumentParser(prog="dovetail.workers.mlx", description=__doc__)
    parser.add_argument("--model", type=Path, required=True, metavar="FOLDER", help="absolute path of an MLX folder")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--socket", type=Path, metavar="PATH", help="Unix socket to listen on")
    where.add_argument("--port", type=int, default=0, help="loopback port; the secret is DOVETAIL_WORKER_SECRET")
    parser.add_argument("--host", default="127.0.0.1", help="address of --port")
    parser.add_argument("--parallel", type=positive, default=4, metavar="N", help="answers generated at once")
    parser.add_argument("--context", type=positive, default=8192, metavar="TOKENS", help="prompt and answer together")
    parser.add_argument("--prefill-step", type=positive, default=512, metavar="TOKENS", help="tokens a prefill chunk")
    parser.add_argument(
        "--cache-bytes", type=int, default=1 << 30, metavar="BYTES", help="prompt caches kept in memory"
    )
    parser.add_argument("--chat-template-file", type=Path, metavar="FILE", help="Jinja, in place of the model's own")
    parser.add_argument("--kv-folder", type=Path, metavar="FOLDER", help="where prompt caches are written")
    parser.add_argument("--kv-bytes", type=int, default=10 << 30, metavar="BYTES", help="what all of them may take")
    parser.add_argument("--max-tokens-default", type=int, default=-1, metavar="N", help="-1: to the end of the context")
    parser.add_argument("--trust-remote-code", action="store_true", help="run the Python code that the folder brings")
    parser.add_argument("--no-warmup", dest="warmup", action="store_false", help="do not run the model once at load")
    return parser.parse_args(argv, namespace=Options())


def main(argv: list[str]) -> int:
    options = parse(argv)
    # No model may reach for the network, whatever its configuration says.
    os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
    secret = os.environ.pop("DOVETAIL_WORKER_SECRET", None)
    if options.socket is None and not secret:
        print("ERROR --port needs DOVETAIL_WORKER_SECRET in the environment", file=sys.stderr)  # noqa: T201
        return 2

    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(message)s")
    from dovetail.workers.lifeline import watch_stdin

    watch_stdin(options.socket)  # before any library that starts threads
    from dovetail.workers.listener import Address
    from dovetail.workers.mlx.loop import Settings
    from dovetail.workers.mlx.server import serve

    settings = Settings(
        path=options.model,
        parallel=options.parallel,
        context=options.context,
        prefill_step=options.prefill_step,
        cache_bytes=options.cache_bytes,
        warmup=options.warmup,
        kv_folder=options.kv_folder,
        kv_bytes=options.kv_bytes,
        chat_template=options.chat_template_file,
        trusted=options.trust_remote_code,
    )
    address = Address(options.socket, options.host, options.port, secret if options.socket is None else None)
    return _run(serve(settings, address, options.max_tokens_default))


def _run(main: Coroutine[object, object, int]) -> int:
    try:
        import uvloop
    except ImportError:  # Windows
        return asyncio.run(main)
    return uvloop.run(main)


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stderr.flush()
    # The generation thread may be in the middle of a computation; there is nothing left to tidy up.
    os._exit(status)
