"""A worker's tie to the gateway: when the gateway ends, however it ends, the worker ends.

The gateway holds the write end of every worker's stdin and never writes; the kernel closes it with the gateway.
As a program this module ties a binary that knows nothing of it: `python -m dovetail.workers.lifeline CMD ...`, with
`--network` before CMD where that has to listen at a port.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from dovetail.workers.confinement import confine

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_READ = 4096
_NETWORK = "--network"


def watch_stdin(socket: Path | None = None) -> None:
    """Starts a thread that leaves the process with status 0 once stdin is at its end, unlinking `socket` first.

    The process is confined; it keeps the network only where it listens at no `socket`.

    On Linux the kernel also kills this process when its parent dies: an engine that holds the GIL while it loads
    keeps the thread from running.
    """
    die_with_parent()
    confine(network=socket is None)

    def leave() -> None:
        if socket is not None:
            socket.unlink(missing_ok=True)
        os._exit(0)

    _at_end_of_stdin(leave)


def die_with_parent() -> None:
    """Asks Linux to kill this process when the thread that started it ends; does nothing elsewhere."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)


def run(argv: Sequence[str], *, network: bool = False) -> int:
    """Runs `argv`, confined, until it ends or stdin closes; returns its exit status (128 + n after signal n).

    SIGTERM is passed on, SIGINT is not. The binary stays in this process's group, so that killing the group, which
    the gateway does to a worker that will not leave, reaches both.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    confine(network=network)
    # Not `die_with_parent` itself: it must live to kill what the binary may have started.
    # Only the main thread exists yet, so running Python between fork and exec is safe.
    child = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        preexec_fn=die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
    )
    signal.signal(signal.SIGTERM, lambda _signal, _frame: child.terminate())
    _at_end_of_stdin(lambda: _kill(child))
    status = child.wait()
    return status if status >= 0 else 128 - status


def _kill(child: subprocess.Popen[bytes]) -> None:
    if sys.platform != "win32" and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    child.kill()
    os._exit(0)


def _at_end_of_stdin(leave: Callable[[], None]) -> None:
    def watch() -> None:
        try:
            while os.read(0, _READ):
                pass
        except OSError:
            pass  # a closed stdin is an ended one
        leave()

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


if __name__ == "__main__":
    words = sys.argv[1:]
    listens = words[:1] == [_NETWORK]
    sys.exit(run(words[1:] if listens else words, network=listens))
