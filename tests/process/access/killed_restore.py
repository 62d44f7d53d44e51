"""Restores a backup again and again, each time killed one step later, and says what the next command finds.

A step is a call that changes what is on disk or makes it last. Prints a line of JSON for each try: the step, what was
there right after the kill, whether the stage had its plan, and what is there once the next command has looked.
"""

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dovetail.cli import restoration
from dovetail.cli.admin import restore
from dovetail.cli.key import list_keys

STEPS = ("rename", "replace", "fsync", "unlink", "mkdir", "rmdir", "open")


def counted(last: int) -> None:
    """From now on this process dies before its step number `last`."""
    left = [last]

    def counting(real: Callable[..., Any], name: str) -> Callable[..., Any]:
        def step(*args: Any, **kwargs: Any) -> Any:
            if name != "open" or args[1] & os.O_CREAT:
                left[0] -= 1
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **kwargs)

        return step

    for name in STEPS:
        setattr(os, name, counting(getattr(os, name), name))


def child(work: Callable[[], object]) -> int:
    """The signal that ended `work` in a process of its own, 0 where it came to its end."""
    pid = os.fork()
    if pid == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        try:
            work()
        except BaseException:  # noqa: BLE001  the process ends here
            os._exit(70)
        os._exit(0)
    status = os.waitpid(pid, 0)[1]
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, status
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def there(home: Path) -> dict[str, Any]:
    """Of each file that a backup has, what is there: by its size, for a database its first page's change counter."""
    names = ("dovetail.db", ".auth.json", "dovetail.toml", "chats.db")
    found: dict[str, Any] = {name: _mark(home / name) for name in names}
    found["chats"] = sorted(path.name for path in (home / "chats").glob("??/*"))
    return found


def _mark(path: Path) -> str | None:
    return path.read_bytes().hex() if path.exists() else None


def tries(template: Path, backup: Path, work: Path) -> None:
    whole = work / "whole"
    shutil.copytree(template, whole)
    assert child(lambda: restore(backup, home=whole)) == 0
    old, new = there(template), there(whole)
    step, ended = 0, signal.SIGKILL
    while ended:
        step += 1
        home = work / f"{step}"
        shutil.copytree(template, home)

        def killed(home: Path = home, step: int = step) -> None:
            counted(step)
            restore(backup, home=home)

        ended = child(killed)
        planned = (home / restoration.STAGE / "plan.json").exists()
        before = _told(there(home), old, new)
        again = child(lambda home=home, step=step: _settled(home, step)) if planned and step % 2 else 0
        child(lambda home=home: list_keys(home=home))
        kept = sorted(path.name.partition(".2")[0] for path in home.glob("*.before"))
        after = _told(there(home), old, new)
        left = (home / restoration.STAGE).exists()
        print(json.dumps({"step": step, "killed": bool(ended), "planned": planned, "again": bool(again),
                          "before": before, "after": after, "kept": kept, "left": left}))  # fmt: skip
        shutil.rmtree(home)


def _settled(home: Path, step: int) -> None:
    """What finishes is killed as well."""
    counted(1 + step // 2 % 9)
    restoration.settle(home)


def _told(found: dict[str, Any], old: dict[str, Any], new: dict[str, Any]) -> str:
    same = {name: found[name] for name in found if name != "dovetail.db"}
    if found == old:
        return "old"
    # A database is stamped when logins end in it; its keys say whose it is.
    if same == {name: new[name] for name in same} and found["dovetail.db"] not in (None, old["dovetail.db"]):
        return "new"
    return "mixed"


if __name__ == "__main__":
    tries(*(Path(each) for each in sys.argv[1:4]))
