"""A listening Unix socket that only its owner may connect to."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
from collections.abc import Generator
from pathlib import Path

_MODE = 0o600
_ASK_WITHIN = 1.0


@contextlib.contextmanager
def bound(path: Path, backlog: int) -> Generator[socket.socket]:
    """Listens at `path` inside the context, and leaves nothing there after it.

    Takes the place of a socket that nobody answers at. Raises OSError: EADDRINUSE where somebody does, EEXIST for a
    file of another kind.
    """
    path = path.absolute()
    _clear(path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        made = path.stat().st_ino
        try:
            path.chmod(_MODE)  # nobody can connect before it listens
            listener.listen(backlog)
            listener.setblocking(False)
            yield listener
        finally:
            with contextlib.suppress(OSError):
                if path.stat().st_ino == made:
                    path.unlink()


def _clear(path: Path) -> None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    with socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(_ASK_WITHIN)
        try:
            asking.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE), str(path))
