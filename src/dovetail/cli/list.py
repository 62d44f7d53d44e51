"""`dovetail list`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from dovetail.cli import client
from dovetail.cli.options import AsJson, Config, Home, Url, configured
from dovetail.core.request import JsonObject

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def list_models(
    *,
    found: Annotated[
        bool, typer.Option("--found", help="What LM Studio, Ollama and the Hugging Face cache have on this machine.")
    ] = False,
    as_json: AsJson = False,
    url: Url = None,
    home: Home = None,
    config: Config = None,
) -> None:
    """List the models of the running server and what state each is in."""
    if found:
        _show_found(as_json=as_json)
        return
    models = fetch(client.require_server(url, configured(home, config).home))
    if as_json:
        typer.echo(json.dumps(models, indent=2, ensure_ascii=False))
        return
    if not models:
        typer.echo("no models: put a .gguf file or an MLX folder into models/ in the home folder")
        return
    heads = ("MODEL", "FORMAT", "STATE", "CONTEXT", "SIZE", "MEMORY", "GPU")
    rows = [heads, *(_row(model) for model in models)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
    for row in rows:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _show_found(*, as_json: bool) -> None:
    from dovetail.cli.add import look, show

    places = look()
    if not as_json:
        show(places)
        return
    document = [
        {
            "tool": place.tool,
            "path": str(place.folder),
            "models": [
                {"id": model.id, "path": str(model.path), "format": model.format, "size": model.size}
                for model in place.models
            ],
        }
        for place in places
    ]
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False))


def fetch(server: client.Server) -> list[JsonObject]:
    """What the server says of each model, in its order."""
    data = server.get("/v1/models").get("data")
    return [model for model in data if isinstance(model, dict)] if isinstance(data, list) else []


def size(count: int) -> str:
    """A number of bytes for people."""
    amount = float(count)
    for unit in _UNITS[:-1]:
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} {_UNITS[-1]}"


def _row(model: JsonObject) -> tuple[str, ...]:
    said = [model.get(key) for key in ("id", "format", "state", "context")]
    weight = model.get("size")
    cells = ["-" if value is None else str(value) for value in said]
    placed = model.get("placement")
    placed = placed if isinstance(placed, dict) else {}
    used = placed.get("memory") or placed.get("reserved")
    return (*cells, *(size(each) if isinstance(each, int) else "-" for each in (weight, used)), _gpu(placed))


def _gpu(placement: JsonObject) -> str:
    """How many layers are on GPUs, and the bytes there."""
    layers, there = placement.get("gpu_layers"), placement.get("device_memory")
    if not layers or not isinstance(there, int):
        return "-"
    return f"{layers}/{placement.get('layers')} layers, {size(there)}"
