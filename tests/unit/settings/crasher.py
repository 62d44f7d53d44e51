"""A writer that is killed at the N-th system call of a write, before or after it: `crasher.py FILE N before|after`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dovetail.settings.document import Document, Edit

WATCHED = ("open", "fdopen", "fsync", "replace", "chmod", "close")


def main(path: str, number: int, when: str) -> None:
    calls: list[str] = []

    def mortal(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **named: Any) -> Any:
            calls.append(name)
            mine = len(calls)
            if mine == number and when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            result = call(*arguments, **named)
            if mine == number and when == "after":
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return wrapped

    for name in WATCHED:
        setattr(os, name, mortal(name, getattr(os, name)))
    Document(Path(path)).write([Edit(("server", "port"), 2)])
    print(*calls)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
