"""`dovetail launch`: another program's configuration for the running server."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from dovetail.cli import client
from dovetail.cli.exits import Exit, Failure
from dovetail.cli.options import AsJson, Config, Home, Url, configured
from dovetail.cli.setups import SETUPS, TAKES, Places, Setup, Target
from dovetail.core.errors import DiskFull
from dovetail.core.request import JsonObject

Client = Literal["claude", "codex", "opencode", "aider", "continue", "open-webui"]


def launch(
    program: Annotated[Client, typer.Argument(metavar="CLIENT", help=f"One of {', '.join(SETUPS)}.")],
    *,
    model: Annotated[
        str | None, typer.Option("--model", "-m", metavar="ID", help="Else the only one that chats.")
    ] = None,
    key: Annotated[
        str | None,
        typer.Option("--key", envvar="DOVETAIL_API_KEY", help="An API key (DOVETAIL_API_KEY), if one is asked for."),
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Write the file; another one there is kept beside it.")
    ] = False,
    as_json: AsJson = False,
    url: Url = None,
    home: Home = None,
    config: Config = None,
) -> None:
    """Print a client's configuration for the running server, or write it: as a file of its own, beside the client's.

    claude is Claude Code; codex, opencode, aider, continue and open-webui are themselves.
    """
    target, model_id = _target(url, configured(home, config).home, key, model)
    setup = SETUPS[program](target, Places(Path.home(), os.environ))
    notes = [*setup.notes, *_too_small(program, target, model_id)]
    backup = _written(setup) if write else None
    if as_json:
        told = {
            "client": program, "url": target.url, "model": target.model, "file": str(setup.file),
            "content": setup.content, "start": setup.start, "notes": notes, "written": write,
            "backup": None if backup is None else str(backup),
        }  # fmt: skip
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False))
        return
    if backup is not None:
        notes.insert(0, f"what was there before is now {backup}")
    if write:
        typer.echo(f"written: {setup.file}\nstart:   {setup.start}")
    else:
        typer.echo(setup.content, nl=False)
        typer.echo(f"\nput this into {setup.file} (or say --write), then: {setup.start}", err=True)
    for note in notes:
        typer.echo(f"note: {note}", err=True)


def _target(url: str | None, home: Path, key: str | None, model: str | None) -> tuple[Target, str]:
    """The running server, as a client meets it, and the id of the model. Raises Failure."""
    found = client.find_server(url, home)
    if found is None:
        raise Failure("no server is running; start one with: dovetail serve", Exit.UNAVAILABLE)
    if found.startswith("unix:"):
        raise Failure(
            f"the server listens on {found} alone, which these clients cannot reach: start it with --host and --port",
            Exit.USAGE,
        )
    server = client.Server(found, key, own=url is None)
    try:
        listed = server.get("/v1/models").get("data")
    except client.Unauthorized as refused:
        raise Failure(
            f"{refused}: make one with: dovetail key create NAME, and pass it as --key or in DOVETAIL_API_KEY",
            Exit.USAGE,
        ) from None
    models = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    chosen = _chosen(models, model)
    context = chosen.get("context")
    can = chosen.get("capabilities")
    tools = isinstance(can, list) and "tools" in can
    model_id = str(chosen["id"])
    return Target(server.url, model or model_id, key, context if isinstance(context, int) else None, tools), model_id


def _chosen(models: list[JsonObject], name: str | None) -> JsonObject:
    """The model of that name or alias; without one the only one that chats. Raises Failure that lists them."""
    if name is not None:
        for each in models:
            aliases = each.get("aliases")
            if name == each.get("id") or (isinstance(aliases, list) and name in aliases):
                return each
    chatting = [each for each in models if isinstance(can := each.get("capabilities"), list) and "chat" in can]
    if name is None and len(chatting) == 1:
        return chatting[0]
    names = ", ".join(str(each.get("id")) for each in chatting)
    if not names:
        raise Failure(
            "the server has no model that chats: dovetail pull gets one, dovetail add serves one that is here"
        )
    if name is None:
        raise Failure(f"say which model with --model: {names}", Exit.USAGE)
    raise Failure(f"model {name!r} does not exist; models here: {names}")


def _too_small(program: str, target: Target, model_id: str) -> list[str]:
    takes = TAKES.get(program, 0)
    notes: list[str] = []
    if target.context is not None and target.context < takes:
        notes.append(
            f"{target.model} has a context of {target.context} tokens, and what this client always sends takes about "
            f"{takes}: set models.{model_id}.context higher, or choose another model"
        )
    if takes and not target.calls_tools:
        notes.append(f"{target.model} calls no tools: this client offers some with every question, and can only talk")
    return notes


def _written(setup: Setup) -> Path | None:
    """Puts the file there, whole or not at all; where other content was goes to. Raises Failure."""
    from dovetail.settings.document import replace_file

    try:
        setup.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        before = setup.file.read_bytes() if setup.file.exists() else None
        backup = None
        if before is not None and before != setup.content.encode():
            backup = _free(setup.file)
            replace_file(backup, before)
        replace_file(setup.file, setup.content.encode())
    except DiskFull as error:
        raise Failure(str(error)) from None
    except OSError as error:
        raise Failure(f"{setup.file} cannot be written: {error.strerror}") from None
    return backup


def _free(file: Path) -> Path:
    """A name beside `file` that nothing has."""
    number = 1
    while (found := file.with_name(f"{file.name}.{number}.bak")).exists():
        number += 1
    return found
