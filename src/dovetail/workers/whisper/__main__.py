"""`python -m dovetail.workers.whisper`: one model that hears, in one process."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from pathlib import Path


class Options(argparse.Namespace):
    model: Path
    socket: Path | None
    host: str
    port: int
    threads: int
    gpu: bool


def parse(argv: list[str]) -> Options:
    parser = argparse.ArgumentParser(prog="dovetail.workers.whisper", description=__doc__)
    parser.add_argument("--model", type=Path, required=True, metavar="FOLDER", help="absolute path of a model's folder")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--socket", type=Path, metavar="PATH", help="Unix socket to listen on")
    where.add_argument("--port", type=int, default=0, help="loopback port; the secret is DOVETAIL_WORKER_SECRET")
    parser.add_argument("--host", default="127.0.0.1", help="address of --port")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="CPU threads")
    parser.add_argument("--no-gpu", dest="gpu", action="store_false", help="compute on the CPU")
    return parser.parse_args(argv, namespace=Options())


def main(argv: list[str]) -> int:
    options = parse(argv)
    os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
    secret = os.environ.pop("DOVETAIL_WORKER_SECRET", None)
    if options.socket is None and not secret:
        print("ERROR --port needs DOVETAIL_WORKER_SECRET in the environment", file=sys.stderr)  # noqa: T201
        return 2
    logging.basicConfig(stream=sys.stderr, level=logging.ERROR, format="%(levelname)s %(message)s")
    from dovetail.workers.lifeline import watch_stdin

    watch_stdin(options.socket)  # before any library that starts threads
    try:
        from dovetail.workers.whisper.server import Settings, serve
    except ModuleNotFoundError as missing:
        print(f"ERROR {missing.name} is not installed: pip install 'dovetail[speech]'", file=sys.stderr)  # noqa: T201
        return 1
    from dovetail.workers.listener import Address

    settings = Settings(options.model, options.threads, options.gpu)
    address = Address(options.socket, options.host, options.port, secret if options.socket is None else None)
    return asyncio.run(serve(settings, address))


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stderr.flush()
    # The ear's thread may be in the middle of a window; there is nothing left to tidy up.
    os._exit(status)
