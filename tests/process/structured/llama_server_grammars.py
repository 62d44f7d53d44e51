"""Prints the grammar that llama.cpp's server makes of each JSON schema on standard input, one a line, for a chat."""

from __future__ import annotations

import http.client
import importlib
import json
import os
import sys
from typing import Any

from dovetail.demo import models_dir
from dovetail.workers import gguf

VERBOSE = 10  # llama-server's level at which an answer tells its settings


def main() -> None:
    xllamacpp: Any = importlib.import_module("xllamacpp")
    model = next((models_dir() / "tiny-gguf").glob("*f16.gguf"))
    arguments = ["--model", str(model), "--port", "0", "--context", "512", "--no-warmup"]
    params = gguf._params(xllamacpp, gguf._arguments().parse_args(arguments), {"DOVETAIL_WORKER_SECRET": ""})  # pyright: ignore[reportPrivateUsage]
    params.api_keys, params.verbosity = [], VERBOSE
    server: Any = xllamacpp.Server(params)
    for line in sys.stdin:
        print(json.dumps(grammar(server.listening_address.removeprefix("http://"), json.loads(line))))
    sys.stdout.flush()
    os._exit(0)


def grammar(address: str, schema: object) -> str:
    body = {
        "messages": [{"role": "user", "content": "hi"}],
        "max_tokens": 1,
        "chat_template_kwargs": {"enable_thinking": False},
        "reasoning_format": "none",
        "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}},
    }
    connection = http.client.HTTPConnection(address, timeout=30)
    connection.request("POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"})
    answer = json.loads(connection.getresponse().read())
    connection.close()
    if "__verbose" not in answer:
        raise RuntimeError(str(answer)[:500])
    return answer["__verbose"]["generation_settings"]["grammar"]


if __name__ == "__main__":
    main()
