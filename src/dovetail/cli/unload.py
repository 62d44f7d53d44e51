"""`dovetail unload`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from dovetail.cli import client
from dovetail.cli.options import AsJson, Config, Home, Url, configured


def unload(
    model: Annotated[str, typer.Argument(help="Id or alias of a model.")],
    *,
    as_json: AsJson = False,
    url: Url = None,
    home: Home = None,
    config: Config = None,
) -> None:
    """Unload a model from the running server, after the requests it serves."""
    server = client.require_server(url, configured(home, config).home)
    answer = server.post("/models/unload", {"model": model}, client.LOAD_TIMEOUT)
    typer.echo(json.dumps(answer) if as_json else f"{model} is unloaded")
