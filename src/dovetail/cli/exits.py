"""How the command ends: its exit codes, and the failure that carries one to the top."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """The codes from 64 on are those of sysexits.h."""

    OK = 0
    FAILED = 1
    USAGE = 2
    UNAVAILABLE = 69
    LOCKED = 75
    CONFIG = 78
    INTERRUPTED = 130


# docs/configuration.md is generated from this.
MEANINGS: dict[Exit, str] = {
    Exit.OK: "done",
    Exit.FAILED: "the server refused or the model failed; the line on stderr says why",
    Exit.USAGE: "wrong usage, or a refused address to listen on",
    Exit.UNAVAILABLE: "the port is in use, an engine is missing, or no server runs",
    Exit.LOCKED: "the home folder is in use by another process",
    Exit.CONFIG: "unusable configuration, home folder, model folder or database",
    Exit.INTERRUPTED: "stopped with Ctrl-C; `serve` ends with 0 unless a second signal cuts its answers short",
}


class Failure(Exception):
    """Ends the command with `code` and its message as the one line on stderr."""

    def __init__(self, message: str, code: Exit = Exit.FAILED) -> None:
        super().__init__(message)
        self.code = code
