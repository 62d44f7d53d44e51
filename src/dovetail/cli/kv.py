"""`dovetail kv`: the prompt caches on disk. The folder is read and changed as it is, whether or not a server runs."""

from __future__ import annotations

import json
import os
import secrets
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dovetail.cli.exits import Exit, Failure
from dovetail.cli.list import size
from dovetail.cli.options import AsJson, Config, Home, ModelsDir, configured, texts

if TYPE_CHECKING:
    from dovetail.gateway.shelves import Conversation, Shelves

kv = typer.Typer(help="List, export, import and remove prompt caches on disk.")

_Model = Annotated[str | None, typer.Argument(help="A model's id; without it, all models.")]
_PRIVATE = 0o600


@kv.command("list")
def list_caches(
    model: _Model = None,
    *,
    as_json: AsJson = False,
    models_dir: ModelsDir = None,
    home: Home = None,
    config: Config = None,
) -> None:
    """List the conversations on disk, the last used first."""
    found = _of(_shelves(home, config, models_dir).conversations(), model)
    if as_json:
        typer.echo(json.dumps([_object(conversation) for conversation in found], indent=2, ensure_ascii=False))
        return
    if not found:
        typer.echo("no prompt caches: they are written when a model is unloaded or its slots are needed")
        return
    heads = ("MODEL", "NAME", "TOKENS", "SIZE", "USED")
    rows = [heads, *(_row(conversation) for conversation in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
    for row in rows:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@kv.command("export")
def export_cache(
    model: Annotated[str, typer.Argument(help="A model's id.")],
    name: Annotated[str | None, typer.Argument(help="A name from the list; without it, the last used.")] = None,
    *,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to write it.")] = None,
    as_json: AsJson = False,
    models_dir: ModelsDir = None,
    home: Home = None,
    config: Config = None,
) -> None:
    """Write one conversation to a file of its own. It holds the conversation: keep it as you would keep that.

    What a running model still has in memory is on disk once it is unloaded.
    """
    from dovetail.gateway.shelves import bundle_name

    shelves = _shelves(home, config, models_dir)
    found = [c for c in _of(shelves.conversations(), model) if name in (None, c.name)]
    if not found:
        raise Failure(f"no such prompt cache of {model}: see dovetail kv list, or unload the model first")
    target = output or bundle_name(found[0])
    _write(shelves, found[0], target)
    answer = {"file": str(target), **_object(found[0])}
    typer.echo(json.dumps(answer) if as_json else f"{found[0].card.tokens} tokens of {model} are in {target}")


@kv.command("import")
def import_cache(
    file: Annotated[Path, typer.Argument(help="An exported prompt cache.")],
    *,
    model: Annotated[str | None, typer.Option("--model", metavar="ID", help="Another name of its model here.")] = None,
    as_json: AsJson = False,
    models_dir: ModelsDir = None,
    home: Home = None,
    config: Config = None,
) -> None:
    """Take in an exported conversation, if it fits the model as it is here. The engine reads it: trust who made it."""
    from dovetail.core.errors import DovetailError
    from dovetail.fleet.bundle import BundleError

    shelves = _shelves(home, config, models_dir)
    try:
        with file.open("rb") as source:
            model_id, card = shelves.import_from(source, model)
    except BundleError as error:
        raise Failure(f"{file} cannot be imported: {error}") from None
    except DovetailError as error:
        raise Failure(f"{file} cannot be imported: {error.message}") from None
    except OSError as error:
        raise Failure(f"{file} cannot be imported: {error.strerror or error}") from None
    answer = {"model": model_id, "tokens": card.tokens, "size": card.size}
    typer.echo(json.dumps(answer) if as_json else f"{card.tokens} tokens of {model_id} are imported")


@kv.command("clear")
def clear_caches(
    model: _Model = None,
    *,
    as_json: AsJson = False,
    models_dir: ModelsDir = None,
    home: Home = None,
    config: Config = None,
) -> None:
    """Remove conversations from the disk: one model's, or all, those too that fit no model any more."""
    shelves = _shelves(home, config, models_dir)
    found = _of(shelves.conversations(), model)
    freed = shelves.clear(found)
    answer = {"removed": len(found), "size": freed}
    typer.echo(json.dumps(answer) if as_json else f"{len(found)} removed, {size(freed)} freed")


def _shelves(home: Path | None, config: Path | None, models_dir: list[Path] | None) -> Shelves:
    from dovetail.gateway.shelves import Shelves

    return Shelves(configured(home, config, {"catalog.folders": texts(models_dir)}))


def _of(found: list[Conversation], model: str | None) -> list[Conversation]:
    return [conversation for conversation in found if model in (None, conversation.model)]


def _write(shelves: Shelves, conversation: Conversation, target: Path) -> None:
    """Writes a bundle under a name of its own first; an existing file is left alone. Raises Failure."""
    from dovetail.core.errors import DovetailError
    from dovetail.fleet.bundle import BundleError

    if target.exists():
        raise Failure(f"{target} exists: choose another file with --output", Exit.USAGE)
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE), "wb") as out:
            shelves.export_to(out, conversation)
            out.flush()
            os.fsync(out.fileno())
        part.rename(target)
    except BundleError as error:
        raise Failure(f"it cannot be exported: {error}") from None
    except DovetailError as error:
        raise Failure(f"it cannot be exported: {error.message}") from None
    except OSError as error:
        raise Failure(f"{target} cannot be written: {error.strerror or error}") from None
    finally:
        part.unlink(missing_ok=True)


def _object(conversation: Conversation) -> dict[str, object]:
    card = asdict(conversation.card)
    return {
        "model": conversation.model,
        "name": conversation.name,
        "tokens": card["tokens"],
        "size": card["size"],
        "used": round(conversation.used),
    }


def _row(conversation: Conversation) -> tuple[str, ...]:
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(conversation.used))
    card = conversation.card
    return (conversation.model or "-", conversation.name, str(card.tokens), size(card.size), when)
