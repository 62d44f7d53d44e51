"""`dovetail admin`: the first account, a way back to it, and backups. Who owns the home folder may do all of it."""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import tarfile
import tempfile
import tomllib
import zlib
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from dovetail.cli.exits import Exit, Failure
from dovetail.cli.home import HomeLock
from dovetail.cli.key import audit, database_of, unusable_is_said
from dovetail.cli.options import Config, Home, configured, home_of

if TYPE_CHECKING:
    from dovetail.storage.keys import Key

admin = typer.Typer(help="Make or reset the first account; back up and restore accounts, keys and configuration.")

_PRIVATE = 0o600
CHAT_FILES = "chats"
_CHAT_FILE = re.compile(r"chats/([0-9a-f]{2})/(\1[0-9a-f]{62})")
_MOST_BYTES = 4 << 30
_MOST_OF_OTHERS = 4 << 20  # of all but the database, and of what a header may say or stand behind the last file
_MOST_OF_A_FILE = 1 << 30  # as `chats.file_bytes` at its most
_PIECE = 1 << 20


@admin.command("create")
def create_admin(
    *,
    name: Annotated[str, typer.Option(help="Of the account.")] = "admin",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read it from the input, not asked.")
    ] = False,
    home: Home = None,
    config: Config = None,
) -> None:
    """Make the super-admin, the account that makes all others."""
    import asyncio

    from dovetail.access.super_admin import load

    folder = configured(home, config).home
    with HomeLock(folder), unusable_is_said():
        if (chief := load(folder)) is not None:
            raise Failure(f"there is a super-admin already, {chief.name}: log in, or see dovetail admin reset")
        asyncio.run(_found(folder, name, _password(asked=not password_stdin)))
        _hand_chats_over(folder, name)
    audit(folder, "setup", user=name)
    typer.echo(f"{name} can log in")


@admin.command("reset")
def reset_admin(
    *,
    database: Annotated[bool, typer.Option("--database", help="Also put a database aside that is broken.")] = False,
    home: Home = None,
    config: Config = None,
) -> None:
    """Remove the super-admin, every session and every admin's key; other accounts and keys stay. Then make it anew."""
    from dovetail.access import super_admin
    from dovetail.access.people import start_over
    from dovetail.cli.restoration import put_aside
    from dovetail.storage.database import FILE_NAME

    folder = configured(home, config).home
    with HomeLock(folder):
        if database:
            put_aside(folder, FILE_NAME)
        with database_of(folder) as opened:
            opened.now(start_over)
        (folder / super_admin.FILE_NAME).unlink(missing_ok=True)
    audit(folder, "super-admin reset")
    typer.echo("the super-admin is gone: dovetail admin create makes a new one, or the setup of a running server")


@admin.command("backup")
def back_up(
    file: Annotated[Path, typer.Argument(help="Where to write it; it is to be kept as secret as the home folder.")],
    *,
    home: Home = None,
    config: Config = None,
) -> None:
    """Write accounts, keys, configuration and conversations to one file, while the server runs or not."""
    from dovetail.access import super_admin
    from dovetail.settings import FILE_NAME as CONFIGURATION
    from dovetail.storage import database

    folder = configured(home, config).home
    if not (folder / database.FILE_NAME).exists():
        raise Failure(f"there is nothing to back up in {folder}", Exit.CONFIG)
    with unusable_is_said(), tempfile.TemporaryDirectory() as work:
        copied = Path(work) / database.FILE_NAME
        database.copy(folder / database.FILE_NAME, copied)
        talks = _chats_copied(folder, Path(work))
        try:
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE), "wb") as out:
                with tarfile.open(fileobj=out, mode="w:gz", dereference=True) as archive:
                    archive.add(copied, database.FILE_NAME)
                    for name in (super_admin.FILE_NAME, CONFIGURATION):
                        if (folder / name).exists():
                            archive.add(folder / name, name)
                    for name, path in talks:
                        with suppress(FileNotFoundError):  # the server has just removed the last chat that has it
                            archive.add(path, name)
                out.flush()
                os.fsync(out.fileno())
        except FileExistsError:
            raise Failure(f"{file} exists: choose another file", Exit.USAGE) from None
        except OSError as error:
            raise Failure(f"{file} cannot be written: {error.strerror or error}") from None
    audit(folder, "backup")
    typer.echo(f"{file} holds accounts, keys{', configuration and conversations' if talks else ' and configuration'}")


@admin.command("restore")
def restore(file: Annotated[Path, typer.Argument(help="A backup.")], *, home: Home = None) -> None:
    """Put a backup in the place of what is there, which is kept beside it under another name. Stop the server first.

    All of it or nothing: what is cut short is finished by the next command. Every login ends. Keys that have been
    revoked since the backup are good again, and named.
    """
    from dovetail.access import super_admin
    from dovetail.cli import restoration
    from dovetail.settings import FILE_NAME as CONFIGURATION
    from dovetail.storage import chats, database

    # The configuration that is there may be what is broken.
    folder = home_of(home)
    names = (database.FILE_NAME, super_admin.FILE_NAME, CONFIGURATION)
    restoration.settle(folder)
    with HomeLock(folder), unusable_is_said(), restoration.stage(folder) as work:
        found = _extract(file, work, (*names, chats.FILE_NAME))
        database.check(work / database.FILE_NAME)
        if chats.FILE_NAME in found:
            database.check(work / chats.FILE_NAME, chats.CHATS)
            names += (chats.FILE_NAME, CHAT_FILES)
        super_admin.load(work)
        _check_toml(work / CONFIGURATION)
        logins, made = _logged_out(work)
        before = _keys_of(folder)
        restoration.exchange(folder, names)
    back = [key for key in made if before is not None and key.id not in before]
    audit(folder, "restore", logins_ended=str(logins), keys=str(len(made)), keys_back=", ".join(k.id for k in back))
    typer.echo(f"{', '.join(name for name in names if name in found)} restored; what was there has the ending .before")
    typer.echo(f"{logins} logins have ended; passwords and {len(made)} keys are those of the backup")
    if before is None:
        typer.echo("the database that was there says nothing: look for revoked keys in dovetail key list")
    for key in back:
        typer.echo(f"good again, and gone before: {key.id} ({key.name}): dovetail key revoke {key.id}")


def _chats_copied(folder: Path, into: Path) -> list[tuple[str, Path]]:
    """The conversations as they are now, with their files, by the names they have in a backup. Raises OSError."""
    from dovetail.storage import chats, database

    if not (folder / chats.FILE_NAME).exists():
        return []
    database.copy(folder / chats.FILE_NAME, into / chats.FILE_NAME, chats.CHATS)
    files = [path for path in sorted((folder / CHAT_FILES).glob("??/*")) if _CHAT_FILE.fullmatch(_in_backup(path))]
    return [(chats.FILE_NAME, into / chats.FILE_NAME), *((_in_backup(path), path) for path in files)]


def _in_backup(path: Path) -> str:
    return f"{CHAT_FILES}/{path.parent.name}/{path.name}"


def _logged_out(folder: Path) -> tuple[int, list[Key]]:
    """Ends the logins of a database that nobody uses: how many there were, and its keys. Raises DatabaseUnusable."""
    from dovetail.storage import accounts, keys
    from dovetail.storage.database import FILE_NAME, Database

    opened = Database.open(folder / FILE_NAME)
    try:
        logins = opened.now(lambda c: len(accounts.sessions(c, None)))
        opened.now(accounts.end_sessions)
        return logins, opened.now(keys.keys)
    except (ValueError, KeyError, TypeError) as error:
        raise Failure(f"it is no backup: its keys cannot be read ({type(error).__name__})") from None
    finally:
        opened.close()


def _keys_of(folder: Path) -> frozenset[str] | None:
    """The ids of the keys there are, None where the database cannot say."""
    from dovetail.storage import database, keys

    try:
        found = database.present(folder / database.FILE_NAME, keys.keys)
    except database.DatabaseUnusable:
        return None
    return None if found is None else frozenset(key.id for key in found)


class _Packed(gzip.GzipFile):
    """Of which no more is taken at once than a megabyte or four: tarfile takes whatever a header says it has."""

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= _MOST_OF_OTHERS:
            raise tarfile.ReadError(f"a header says {size} bytes")
        return super().read(size)


def _check_toml(path: Path) -> None:
    """Raises Failure for a file that no command could read."""
    try:
        tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        pass
    except ValueError as error:
        raise Failure(f"it is no backup: its {path.name} cannot be read: {error}") from None


def _extract(file: Path, into: Path, names: tuple[str, ...]) -> list[str]:
    """Only plain files of these names, each bounded, to the last checksum. Raises Failure for anything but a backup."""
    found: list[str] = []
    try:
        with _Packed(file, "rb") as packed, tarfile.open(fileobj=packed, mode="r:") as archive:
            for member in archive:
                most = _most(member.name, names)
                source = archive.extractfile(member) if member.isreg() and most else None
                if source is None or member.size > most or member.name in found or member.issparse():
                    raise Failure(f"{file} is no backup: it holds {member.name[:64]!r} of {member.size} bytes")
                _put(source, into / member.name)
                found.append(member.name)
            packed.read(_MOST_OF_OTHERS)  # its checksum stands at the end
            if packed.read(1):
                raise Failure(f"{file} is no backup: something follows its files")
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise Failure(f"{file} is no backup: {error}") from None
    except OSError as error:
        raise Failure(f"{file} cannot be read: {error.strerror or error}") from None
    if not found or found[0] != names[0]:
        raise Failure(f"{file} is no backup: it holds no {names[0]}")
    return found


def _most(name: str, names: tuple[str, ...]) -> int:
    """Bytes that a member of a backup may have; none of what is no member."""
    if name in names:
        return _MOST_BYTES if name.endswith(".db") else _MOST_OF_OTHERS
    return _MOST_OF_A_FILE if _CHAT_FILE.fullmatch(name) else 0


def _put(source: IO[bytes], path: Path) -> None:
    """Raises OSError, and where the name is a hash, of what is not in the file."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE), "wb") as out:
        while chunk := source.read(_PIECE):
            digest.update(chunk)
            out.write(chunk)
        out.flush()
        os.fsync(out.fileno())
    if len(path.name) == len(digest.hexdigest()) and path.name != digest.hexdigest():
        raise tarfile.ReadError(f"the file {path.name} of a conversation is damaged")


def _password(*, asked: bool) -> str:
    if not asked:
        return typer.get_text_stream("stdin").readline().rstrip("\r\n")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))


async def _found(folder: Path, name: str, password: str) -> None:
    import asyncio

    from dovetail.access.access import opened

    access = await asyncio.to_thread(opened, folder)
    try:
        await access.people.found(name, password)
    finally:
        await access.aclose()


def _hand_chats_over(folder: Path, name: str) -> None:
    """What was said before there was an account is the first one's."""
    from contextlib import closing

    from dovetail.core.caller import LOCAL
    from dovetail.storage import chats
    from dovetail.storage.database import Database, DatabaseUnusable

    if not (folder / chats.FILE_NAME).exists():
        return
    try:
        with closing(Database.open(folder / chats.FILE_NAME, chats.CHATS)) as opened:
            opened.now(lambda c: chats.hand_over(c, LOCAL.id, name))
    except DatabaseUnusable as failure:  # the account is there, whatever becomes of this
        typer.echo(f"the conversations stay as they are: {failure}", err=True)
