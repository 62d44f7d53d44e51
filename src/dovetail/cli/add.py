"""`dovetail add`: a model, or what another program has, is served from where it lies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dovetail.cli.exits import Exit, Failure
from dovetail.cli.list import size
from dovetail.cli.options import AsJson, Config, Home, sources

if TYPE_CHECKING:
    from dovetail.catalog.found import Found
    from dovetail.settings.document import Edit

_TOOLS = ("lm-studio", "huggingface", "ollama")


def add(
    target: Annotated[
        str, typer.Argument(metavar="PATH|PROGRAM", help=f"A .gguf file, a model's folder, or {', '.join(_TOOLS)}.")
    ],
    *,
    name: Annotated[str | None, typer.Option("--id", metavar="ID", help="The model's id, else after its file.")] = None,
    as_json: AsJson = False,
    home: Home = None,
    config: Config = None,
) -> None:
    """Serve a model, or all that LM Studio, Ollama or the Hugging Face cache has, in place; nothing is copied.

    It is written to dovetail.toml; a running server follows at once.
    """
    from dovetail.core.errors import DovetailError
    from dovetail.gateway.model_settings import catalog_of
    from dovetail.settings import ConfigError
    from dovetail.settings.checks import missing
    from dovetail.settings.document import Document

    origin = sources(home, config)
    document = Document(origin.path)
    try:
        reading = document.read()
        known = catalog_of(origin.load()).models()
        served = {model.path.resolve() for model in known if model.remote is None}
        names = {each for model in known for each in (model.id, *model.aliases)}
        added, edits = _edits(target, name, reading.text, served, names)

        def check(text: str) -> None:
            if (problem := missing(origin.load(text))) is not None:
                raise ConfigError(problem)

        if edits:
            document.write(edits, reading.version or None, check)
    except DovetailError as error:
        raise Failure(error.message) from None
    except (OSError, ValueError) as error:
        raise Failure(f"{origin.path}: {error}", Exit.CONFIG) from None
    if as_json:
        typer.echo(json.dumps({"added": added}))
    else:
        typer.echo(f"served now: {', '.join(added)}" if added else f"{target}: all of it is served already")


def _edits(
    target: str, name: str | None, text: str, served: set[Path], names: set[str]
) -> tuple[list[str], list[Edit]]:
    from dovetail.catalog.found import adding
    from dovetail.catalog.naming import safe
    from dovetail.catalog.scan import scan
    from dovetail.settings.document import Edit

    path = Path(target).expanduser().absolute()
    if target in _TOOLS and not path.exists():
        there = [each for each in look(target) if each.models]
        if not there:
            raise Failure(f"{target} has no models on this machine")
        return adding(there, text, served, names)
    wanted = name or safe(path.stem if path.is_file() else path.name)
    if not path.exists():
        raise Failure(f"{path} does not exist")
    if path.resolve() in served:
        return [], []
    if wanted in names:
        raise Failure(f"there is a model {wanted} already: choose another name with --id")
    (model,) = scan([], named={wanted: path})
    if model.invalid is not None:
        raise Failure(model.invalid.removeprefix(f"models.{wanted}.path: "))
    return [wanted], [Edit(("models", wanted, "path"), str(path))]


def look(tool: str | None = None) -> list[Found]:
    """What other programs of this machine have, or that one. Blocks on the disk."""
    from dovetail.catalog.found import find, here

    return [find(each, folder) for each, folder in here() if tool in (None, each)]


def show(places: list[Found]) -> None:
    """A line for each model."""
    if not any(place.models for place in places):
        typer.echo("nothing found of LM Studio, Ollama or the Hugging Face cache")
    for place in places:
        typer.echo(f"{place.tool}: {place.folder} (serve it: dovetail add {place.tool})")
        for model in place.models:
            state = model.invalid or f"{model.format}  {model.quantisation}  {size(model.size)}"
            typer.echo(f"  {model.id:<40} {state}")
