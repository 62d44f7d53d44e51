"""`dovetail pipe`: prompts as lines of JSON on standard input, answers as lines of JSON on standard output."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from typing import Annotated, cast

import typer

from dovetail.cli.client import LOAD_TIMEOUT, Server
from dovetail.cli.exits import Failure
from dovetail.cli.options import Config, Home, ModelsDir, NoDemo, Url, configured, texts
from dovetail.cli.own_server import any_server
from dovetail.core.request import Json, JsonObject

_LONGEST_LINE = 16 << 20


def pipe(
    *,
    model: Annotated[str, typer.Option("--model", "-m", help="Id or alias of the model that answers.")],
    url: Url = None,
    home: Home = None,
    models_dir: ModelsDir = None,
    config: Config = None,
    no_demo: NoDemo = False,
) -> None:
    """Answer prompts from standard input, a line of JSON each, until it ends.

    In: {"prompt": "Hello", "max_tokens": 512, "temperature": 0.7}. Out: {"status": "loading"}, "ready", then for each
    prompt "token" with its "content" and "done", or "error" with a "message".
    """
    try:
        said = {"catalog.folders": texts(models_dir), "catalog.demo": False if no_demo else None}
        settings = configured(home, config, said)
        _say("loading", message="Loading model...")
        with any_server(url, settings) as server:
            server.post("/models/load", {"model": model}, LOAD_TIMEOUT)
            _say("ready", message="Model loaded successfully")
            while line := sys.stdin.buffer.readline(_LONGEST_LINE):
                if line.strip():
                    _answer(server, model, line)
    except Failure as failure:
        _say("error", message=str(failure))
        raise typer.Exit(failure.code) from None


def _answer(server: Server, model: str, line: bytes) -> None:
    """What goes wrong with one prompt is said, and the next may come."""
    try:
        body = _body(model, line)
        with closing(server.stream("/v1/chat/completions", body)) as frames:
            for frame in frames:
                if isinstance(frame, dict) and (text := _text(frame)):
                    _say("token", content=text)
    except Failure as failure:
        _say("error", message=str(failure))
    else:
        _say("done")


def _body(model: str, line: bytes) -> JsonObject:
    try:
        asked = cast("Json", json.loads(line))
    except (ValueError, RecursionError) as error:
        raise Failure(f"the line is not valid JSON: {error}") from None
    if not isinstance(asked, dict) or not isinstance(prompt := asked.pop("prompt", None), str):
        raise Failure('the line has to be an object with a "prompt"')
    return {**asked, "model": model, "messages": [{"role": "user", "content": prompt}], "stream": True}


def _text(frame: JsonObject) -> str:
    match frame:
        case {"choices": [{"delta": {"content": str(text)}}]}:
            return text
        case _:
            return ""


def _say(status: str, **fields: str) -> None:
    """A line, at once."""
    sys.stdout.buffer.write(json.dumps({"status": status, **fields}, ensure_ascii=False).encode() + b"\n")
    sys.stdout.buffer.flush()
