"""`dovetail key`: API keys, made and revoked in the home folder, whether or not a server runs on it."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from dovetail.cli.exits import Exit, Failure
from dovetail.cli.options import AsJson, Config, Home, configured

if TYPE_CHECKING:
    from dovetail.storage.database import Database

key = typer.Typer(help="Make, list and revoke API keys.")

_DAY = 86_400.0


@key.command("create")
def create_key(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    *,
    role: Annotated[Literal["viewer", "member", "admin"], typer.Option(help="What it may.")] = "member",
    model: Annotated[list[str] | None, typer.Option(metavar="ID", help="Good for this model. Repeatable.")] = None,
    endpoint: Annotated[list[str] | None, typer.Option(metavar="PATH", help="Good for this path. Repeatable.")] = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="Good for GET alone.")] = False,
    days: Annotated[float | None, typer.Option(min=0, help="It expires after so many.")] = None,
    requests_a_minute: Annotated[int | None, typer.Option(min=1, help="At most so many.")] = None,
    requests_a_day: Annotated[int | None, typer.Option(min=1, help="At most so many.")] = None,
    tokens_a_minute: Annotated[int | None, typer.Option(min=1, help="At most so many.")] = None,
    tokens_a_day: Annotated[int | None, typer.Option(min=1, help="At most so many.")] = None,
    at_once: Annotated[int | None, typer.Option(min=1, help="At most so many answers at once; more wait.")] = None,
    priority: Annotated[int, typer.Option(min=-100, max=100, help="Higher goes first.")] = 0,
    as_json: AsJson = False,
    home: Home = None,
    config: Config = None,
) -> None:
    """Make a key and show it, this once. With the first one, a server on this machine asks for keys too."""
    from dovetail.access import super_admin
    from dovetail.access.keys import NewKey, made
    from dovetail.core.caller import Limits, Scope
    from dovetail.storage import keys

    folder = configured(home, config).home
    with unusable_is_said():
        if role == "admin" and super_admin.load(folder) is None:
            raise Failure("an admin's key needs an account first: dovetail admin create", Exit.USAGE)
    limits = Limits(requests_a_minute, requests_a_day, tokens_a_minute, tokens_a_day, at_once)
    scope = Scope(tuple(model or ()), tuple(endpoint or ()), read_only)
    wanted = NewKey(name, None, role, scope, limits, priority, None if days is None else days * _DAY)
    row, secret = made(wanted, time.time())
    with database_of(folder) as database:
        database.now(lambda c: keys.add_key(c, row))
    audit(folder, "key made", made=row.id)
    if as_json:
        typer.echo(json.dumps({"id": row.id, "name": row.name, "role": row.role, "key": secret}))
    else:
        typer.echo(secret)


@key.command("list")
def list_keys(*, as_json: AsJson = False, home: Home = None, config: Config = None) -> None:
    """List the keys, without their secrets."""
    from dovetail.storage import database, keys

    with unusable_is_said():
        found = database.present(configured(home, config).home / database.FILE_NAME, keys.keys) or []
    if as_json:
        told = [{"id": k.id, "prefix": k.prefix, "name": k.name, "role": k.role, "account": k.account} for k in found]
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False))
        return
    if not found:
        typer.echo("no keys: make one with dovetail key create NAME")
        return
    heads = ("ID", "KEY", "NAME", "ROLE", "ACCOUNT", "USED", "EXPIRES")
    rows = [(k.id, f"{k.prefix}...", k.name, k.role, k.account or "-", _day(k.used), _day(k.expires)) for k in found]
    table: list[tuple[str, ...]] = [heads, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(heads))]
    for row in table:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@key.command("revoke")
def revoke_key(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="From the list.")],
    *,
    home: Home = None,
    config: Config = None,
) -> None:
    """Revoke a key: a running server refuses it within a second."""
    from dovetail.storage import keys

    folder = configured(home, config).home
    with database_of(folder) as database:
        if not database.now(lambda c: keys.remove_key(c, key_id)):
            raise Failure(f"there is no key {key_id}: see dovetail key list")
    audit(folder, "key revoked", revoked=key_id)
    typer.echo(f"{key_id} is revoked")


@contextmanager
def unusable_is_said() -> Generator[None]:
    """What the home folder's files refuse, as the command's end: one line and 78."""
    from dovetail.access.super_admin import RecordUnusable
    from dovetail.core.errors import DovetailError
    from dovetail.storage.database import DatabaseUnusable

    try:
        yield
    except (DatabaseUnusable, RecordUnusable) as error:
        raise Failure(str(error), Exit.CONFIG) from None
    except DovetailError as error:
        raise Failure(error.message) from None


@contextmanager
def database_of(folder: Path) -> Generator[Database]:
    """The home folder's database, made if need be. Raises Failure."""
    from dovetail.storage.database import FILE_NAME, Database

    with unusable_is_said():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        opened = Database.open(folder / FILE_NAME)
        try:
            yield opened
        finally:
            opened.close()


def audit(folder: Path, what: str, **details: str) -> None:
    """Writes a line of the audit log; `uid` is the system's user, where there are such."""
    from dovetail.access.audit import Audit

    uid = None if sys.platform == "win32" else os.getuid()
    Audit(folder / "logs").write(what, who="command line", address="local", uid=uid, **details)


def _day(when: float | None) -> str:
    return "-" if when is None else time.strftime("%Y-%m-%d", time.localtime(when))
