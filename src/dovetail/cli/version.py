"""`dovetail version`."""

from __future__ import annotations

import typer

from dovetail import __version__


def version() -> None:
    """Print the version."""
    typer.echo(f"dovetail {__version__}")
