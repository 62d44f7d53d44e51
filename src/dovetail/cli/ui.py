"""`dovetail ui`: the web interface of a clone, built or served as it is being written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

import dovetail
from dovetail.cli.exits import Exit, Failure

ui = typer.Typer(name="ui", help="Build the web interface, or work on it; in a clone.", rich_markup_mode=None)

FOLDER = Path(dovetail.__file__).resolve().parents[2] / "ui"


@ui.command("build")
def build() -> int:
    """Build the web interface, unless it is built of the sources as they are; a server that runs serves it at once."""
    return _run()


@ui.command("dev")
def dev(
    *,
    server: Annotated[
        str, typer.Option(metavar="URL", help="The server that the pages talk to.")
    ] = "http://127.0.0.1:8080",
) -> int:
    """Serve the web interface at http://localhost:5173/ui/, each page anew as its source changes."""
    return _run("dev", DOVETAIL_SERVER=server)


def _run(*what: str, **environment: str) -> int:
    program = FOLDER / "build.py"
    if not program.is_file():
        raise Failure("this is no clone: what was installed has the web interface in it already", Exit.USAGE)
    try:
        environment = {**os.environ, **environment}
        return subprocess.run([sys.executable, program, *what], env=environment, check=False).returncode
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
