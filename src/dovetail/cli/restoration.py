"""Several files of the home folder exchanged for others, all of them or none, whenever the process or the power ends.

What is to come is made whole in a folder beside it, then a plan is written there: without it nothing has been touched,
with it whoever comes next goes on. Each step can be done again.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from dovetail.cli.exits import Exit, Failure
from dovetail.cli.home import HomeLock

STAGE = ".restoring"
_PLAN = "plan.json"
_BESIDE = ("", "-wal", "-shm")  # what SQLite keeps


@contextmanager
def stage(home: Path) -> Generator[Path]:
    """A new folder for what is to come, gone afterwards unless `exchange` was cut short. The home folder is held."""
    folder = home / STAGE
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        if not (folder / _PLAN).exists():
            shutil.rmtree(folder, ignore_errors=True)


def exchange(home: Path, names: Iterable[str]) -> None:
    """Puts what the stage has of `names` in the place of what the home folder has, which gets the ending `.before`.

    Raises Failure where a step cannot be done; the rest is done by the next command.
    """
    from dovetail.settings.document import replace_file, sync

    folder = home / STAGE
    named = [*names]
    plan = {"stamp": _stamp(home, named), "names": {name: (folder / name).exists() for name in named}}
    try:
        for path in (folder, *folder.rglob("*")):
            sync(path)
        sync(home)
        replace_file(folder / _PLAN, json.dumps(plan).encode())
    except OSError as error:
        raise Failure(f"nothing was restored: {folder} cannot be written: {error.strerror or error}") from None
    _finish(home)


def settle(home: Path) -> None:
    """Ends what `exchange` was kept from: finished where its plan stands, forgotten where it does not.

    Raises Failure where it cannot be finished, or another process is at it.
    """
    folder = home / STAGE
    if not folder.exists():
        return
    try:
        with HomeLock(home):
            if not (folder / _PLAN).exists():
                shutil.rmtree(folder, ignore_errors=True)
                return
            _finish(home)
    except Failure as failure:
        if failure.code is Exit.LOCKED and not (folder / _PLAN).exists():
            return  # somebody makes the stage just now
        raise
    from dovetail.cli.key import audit

    audit(home, "restore finished")


def put_aside(home: Path, name: str, stamp: str | None = None) -> None:
    """Renames a file or folder, and what SQLite keeps beside it, so that nothing is lost."""
    ending = f".{stamp or _stamp(home, [name])}.before"
    for path in (home / f"{name}{beside}" for beside in _BESIDE):
        if path.exists():
            path.rename(path.with_name(path.name + ending))


def _finish(home: Path) -> None:
    from dovetail.settings.document import sync

    folder = home / STAGE
    try:
        stamp, names = _plan(folder / _PLAN)
        for name, is_staged in names.items():
            if is_staged and not (folder / name).exists():
                continue  # it has its place already
            put_aside(home, name, stamp)
            if is_staged:
                (folder / name).rename(home / name)
        sync(home)
        (folder / _PLAN).unlink()
        sync(folder)  # a plan that came back would put aside what is made from now on
    except (OSError, ValueError, KeyError) as error:
        raise Failure(
            f"the restore in {folder} is not finished, the next command goes on: {error}", Exit.CONFIG
        ) from None
    shutil.rmtree(folder, ignore_errors=True)


def _plan(path: Path) -> tuple[str, dict[str, bool]]:
    read = cast("dict[str, object]", json.loads(path.read_bytes()))
    return str(read["stamp"]), cast("dict[str, bool]", read["names"])


def _stamp(home: Path, names: Iterable[str]) -> str:
    """The time, with a number where something was put aside in the same second."""
    now = time.strftime("%Y%m%d-%H%M%S")
    stamp, number = now, 1
    while any((home / f"{name}{beside}.{stamp}.before").exists() for name in names for beside in _BESIDE):
        number += 1
        stamp = f"{now}-{number}"
    return stamp
