"""`dovetail remove`: a model that is no longer served, and its files where that is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import typer

from dovetail.cli import client
from dovetail.cli.exits import Exit, Failure
from dovetail.cli.list import size
from dovetail.cli.options import AsJson, Config, Home, sources

if TYPE_CHECKING:
    from dovetail.catalog.removal import Removal
    from dovetail.core.model import Model
    from dovetail.settings import Settings


def remove(
    model: Annotated[str, typer.Argument(help="Id or alias of a model.")],
    *,
    files: Annotated[bool, typer.Option("--files", help="Remove its files too.")] = False,
    as_json: AsJson = False,
    home: Home = None,
    config: Config = None,
) -> None:
    """Serve a model no longer: its entry in dovetail.toml goes, and with --files its files.

    A running server follows at once; with --files it unloads the model first.
    """
    from dovetail.core.errors import DovetailError
    from dovetail.gateway.model_settings import catalog_of
    from dovetail.settings.document import Document, Edit

    origin = sources(home, config)
    settings = origin.load()
    try:
        found = catalog_of(settings).find(model)
        has_entry = found.id in settings.models
        if not (files or has_entry):
            raise Failure(f"{found.id} has no entry in {origin.path}: it lies at {found.path}; --files removes that")
        going = _goes(settings, found) if files else None
        server = client.find_server(None, settings.home) if files else None
        if server is not None:
            running = client.server_at(server, None, settings.home)
            running.delete(f"/api/v1/models/{quote(found.id, safe='')}?files=true&confirm={quote(found.id, safe='')}")
        else:
            if has_entry:
                document = Document(origin.path)
                document.write([Edit(("models", found.id), None)], document.read().version or None, lambda _: None)
            if going is not None:
                going.run(_roots(settings))
    except DovetailError as error:
        raise Failure(error.message) from None
    except (OSError, ValueError) as error:
        raise Failure(f"{origin.path}: {error}", Exit.CONFIG) from None
    gone = [] if going is None else [str(path) for path in going.files]
    if as_json:
        typer.echo(json.dumps({"removed": found.id, "files": gone}))
    else:
        typer.echo(f"{found.id} is served no longer" + (f"; {size(going.bytes)} are free again" if going else ""))


def _roots(settings: Settings) -> list[Path]:
    from dovetail.gateway.roots import roots

    return roots(settings)


def _goes(settings: Settings, model: Model) -> Removal:
    """Raises InvalidRequest."""
    from dovetail.catalog.found import here
    from dovetail.gateway.disposal import going

    return going(settings, model, here())
