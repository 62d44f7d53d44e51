"""`dovetail pull`, and models named on the command line by path or by their name on the hub."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dovetail.cli.exits import Exit, Failure
from dovetail.cli.options import AsJson, Config, Home, configured

if TYPE_CHECKING:
    from dovetail.catalog.delivery import Progress, Waits
    from dovetail.settings import Settings


def pull(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="owner/name of an MLX model; owner/name:QUANT or :FILE of a GGUF.")
    ],
    *,
    as_json: AsJson = False,
    home: Home = None,
    config: Config = None,
) -> None:
    """Download a model from the Hugging Face hub into HOME/models; run it again to resume.

    It appears there when it is whole and its checksums are right. HF_ENDPOINT names a mirror, HF_TOKEN a token.
    """
    path = fetch(model, configured(home, config))
    typer.echo(json.dumps({"model": model, "path": str(path)}) if as_json else f"{model} is at {path}")


def located(model: str, settings: Settings) -> Path:
    """The path of a model given by path, or by hub name: then fetched into `models/` unless it is there already."""
    path = Path(model).expanduser()
    if path.exists():
        return path.absolute()
    is_file = path.suffix.lower() == ".gguf" and ":" not in model and model.count("/") < 2  # no OWNER/NAME/FILE.gguf
    if is_file or path.is_absolute() or model.startswith((".", "~")):
        raise Failure(f"{model} does not exist", Exit.CONFIG)
    return fetch(model, settings)


def fetch(model: str, settings: Settings) -> Path:
    """Downloads with a progress bar on stderr, as fast as the settings allow. Raises Failure."""
    from dovetail.catalog.delivery import download
    from dovetail.catalog.hub import parse_spec
    from dovetail.catalog.transfer import Pace
    from dovetail.core.errors import DovetailError

    models, pace = settings.home / "models", Pace(lambda: settings.hub.bandwidth)
    try:
        with _bar(model) as (progress, waits):
            return download(parse_spec(model), models, progress, pace=pace, waits=waits)
    except DovetailError as error:
        raise Failure(error.message) from None
    except OSError as error:
        raise Failure(f"{models} cannot be written: {error.strerror or error}") from None


@contextmanager
def _bar(name: str) -> Generator[tuple[Progress, Waits]]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as shown:
        task = shown.add_task(f"{name}: asking the hub", total=None)

        def moved(done: int, total: int) -> None:
            shown.update(task, description=name, completed=done, total=total)

        def waits(reason: str, seconds: float) -> None:
            shown.console.print(f"{reason}; trying again in {seconds:.0f} s", markup=False, highlight=False)

        yield moved, waits
