"""`dovetail inspect`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer

from dovetail.cli.exits import Exit, Failure
from dovetail.cli.list import size
from dovetail.cli.options import AsJson, Config, Home, configured
from dovetail.core.request import Json, JsonObject

_WIDEST = 100
_COLOURS = {"pass": "green", "warn": "yellow", "fail": "red"}


def inspect(
    target: Annotated[str, typer.Argument(metavar="PATH|MODEL", help="A .gguf file, a model's folder, or its id.")],
    *,
    as_json: AsJson = False,
    home: Home = None,
    config: Config = None,
) -> int:
    """Show what a model's files say, and whether an MLX folder is sound. Loads nothing, needs no server."""
    import orjson

    found = _inspected(target, home, config)
    if as_json:
        typer.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
    else:
        for line in [*_head(found), *_types(found), *_rest(found)]:
            typer.echo(line)
    return Exit.FAILED if found.get("problem") or found.get("sound") is False else Exit.OK


def _inspected(target: str, home: Path | None, config: Path | None) -> JsonObject:
    from dovetail.catalog.inspection import inspect as look
    from dovetail.core.errors import DovetailError
    from dovetail.gateway.model_settings import catalog_of

    path = Path(target).expanduser()
    try:
        if path.exists():
            return look(path.absolute())
        model = catalog_of(configured(home, config)).find(target)
        if model.remote is not None:
            raise Failure(f"another server has {target}: {model.remote.url}")
        return look(model.path, model.path.parent)
    except DovetailError as error:
        raise Failure(error.message) from None


def _head(found: JsonObject) -> list[str]:
    form = f"GGUF v{found['version']}" if found["format"] == "gguf" else "MLX"
    facts = [form, found["architecture"] or "architecture not said", _count(found["parameters"], "weights")]
    facts += [f"{found['bits_per_weight']} bits each", found["quantisation"], size(cast("int", found["bytes"]))]
    lines = [_line("model", f"{found['name']}: {', '.join(str(fact) for fact in facts if fact)}")]
    if found.get("problem"):
        lines.append(_line("problem", str(found["problem"])))
    shape = f"{found['layers']} layers, width {found['width']}, {found['heads']} heads, {found['kv_heads']} of keys"
    context = f"context {found['context'] or 'not said'}"
    return [*lines, _line("shape", f"{shape}, vocabulary {found['vocabulary']}, {context}")]


def _types(found: JsonObject) -> list[str]:
    lines = [
        _line(
            "" if number else "tensors",
            f"{kind['type']:<8} {kind['tensors']:>6}  {size(cast('int', kind['bytes'])):>10}  {kind['percent']:>6} %",
        )
        for number, kind in enumerate(_objects(found["types"]))
    ]
    qkv = cast("dict[str, dict[str, int]]", found["qkv"])
    said = "  ".join(f"{letter.upper()}: {', '.join(types) or '-'}" for letter, types in qkv.items())
    return [*lines, _line("Q/K/V", said)]


def _rest(found: JsonObject) -> list[str]:
    lines = [_line("template", f"{len(str(found['template']))} characters" if found["template"] else "none")]
    for check in _objects(found.get("checks")):
        mark = typer.style(f"{check['status']:<4}", fg=_COLOURS[str(check["status"])])
        lines.append(f"{mark}  {_plain(check['name']):<24} {_plain(check['found'])}")
        if check["mend"]:
            lines.append(f"{'':<31}-> {_plain(check['mend'])}")
    for entry in _objects(found.get("metadata")):
        count = f" ({entry['count']})" if "count" in entry else ""
        text = _plain(f"{entry['key']}{count} = {entry['value']!r}")
        lines.append(f"  {text if len(text) <= _WIDEST else text[: _WIDEST - 1] + '…'}")
    return lines


def _objects(value: Json) -> list[JsonObject]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _line(name: str, text: str) -> str:
    return f"{name:<9} {_plain(text)}"


def _plain(text: Json) -> str:
    """What a file says, with nothing in it that a terminal would obey."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in str(text))


def _count(number: Json, what: str) -> str:
    amount = float(number) if isinstance(number, int) else 0.0
    for unit, divisor in (("billion ", 1e9), ("million ", 1e6), ("thousand ", 1e3)):
        if amount >= divisor:
            return f"{amount / divisor:.2f} {unit}{what}"
    return f"{amount:.0f} {what}"
