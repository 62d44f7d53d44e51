"""The commands together, and the boundary where whatever went wrong becomes a line and a code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from dovetail.cli.add import add
from dovetail.cli.admin import admin
from dovetail.cli.bench import bench
from dovetail.cli.chat import chat
from dovetail.cli.config import config
from dovetail.cli.desktop import desktop
from dovetail.cli.doctor import doctor
from dovetail.cli.engine import engine
from dovetail.cli.exits import Exit, Failure
from dovetail.cli.inspect import inspect
from dovetail.cli.key import key
from dovetail.cli.kv import kv
from dovetail.cli.launch import launch
from dovetail.cli.list import list_models
from dovetail.cli.load import load
from dovetail.cli.openapi import openapi
from dovetail.cli.pipe import pipe
from dovetail.cli.pull import pull
from dovetail.cli.remove import remove
from dovetail.cli.selftest import selftest
from dovetail.cli.serve import serve
from dovetail.cli.ui import ui
from dovetail.cli.unload import unload
from dovetail.cli.version import version

app = typer.Typer(
    name="dovetail",
    help="Serves GGUF and MLX models side by side behind one OpenAI-compatible address.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
COMMANDS = {
    "serve": serve,
    "chat": chat,
    "list": list_models,
    "add": add,
    "remove": remove,
    "load": load,
    "unload": unload,
    "pull": pull,
    "inspect": inspect,
    "bench": bench,
    "pipe": pipe,
    "launch": launch,
    "desktop": desktop,
    "selftest": selftest,
    "doctor": doctor,
    "openapi": openapi,
    "version": version,
}
for _name, _command in COMMANDS.items():
    app.command(_name)(_command)
GROUPS = {"kv": kv, "engine": engine, "config": config, "admin": admin, "key": key, "ui": ui}
for _name, _group in GROUPS.items():
    app.add_typer(_group, name=_name)


def _show_version(wanted: bool) -> None:
    if wanted:
        version()
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _top(
    context: typer.Context,
    *,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Serves GGUF and MLX models side by side behind one OpenAI-compatible address."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def run(arguments: Sequence[str]) -> int:
    """Runs the command and returns its exit code; every failure is one line on stderr, without a traceback.

    `DOVETAIL_TRACEBACK=1` lets failures that Dovetail did not foresee show where they happened.
    """
    try:
        result: object = app(list(arguments), prog_name="dovetail", standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # The reader of a pipe left (`dovetail list | head`); Python would complain once more while it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    except Exception as error:  # the command line's boundary
        message, code = _explain(error, arguments)
        if code is None and os.environ.get("DOVETAIL_TRACEBACK"):
            raise
        for line in message.splitlines() or [""]:
            typer.echo(f"dovetail: {line}", err=True)
        return Exit.FAILED if code is None else code
    return result if isinstance(result, int) else Exit.OK


def _explain(error: Exception, arguments: Sequence[str]) -> tuple[str, int | None]:
    """What to say of `error`, and the exit code of one that was foreseen."""
    from dovetail.settings import ConfigError

    match error:
        case typer.TyperException():
            command = next((word for word in arguments if word in COMMANDS or word in GROUPS), "")
            return f"{error.format_message()} (see {f'dovetail {command}'.rstrip()} --help)", error.exit_code
        case ConfigError():
            return str(error), Exit.CONFIG
        case Failure():
            return str(error), error.code
        case _:
            return f"unexpected {type(error).__name__}: {error} (DOVETAIL_TRACEBACK=1 shows where)", None
