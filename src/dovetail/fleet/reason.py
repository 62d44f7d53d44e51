"""Why a worker ended, in one line for a person: from its exit status and its last lines."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence

# llama.cpp's errors: `0.00.004.333 E llama_model_load: error loading model: ...`.
_LLAMA_ERROR = re.compile(r"^(?:[\d.]+ )?E (?:\w+ +)?\w+ *: (?P<text>.+)$")
# The same told again by each caller on the way up, or by the trial load that measures memory.
_ECHOES = ("failed to load model", "exiting due to", "encountered an error while trying to fit")
# Our own workers' report, one line.
_REPORT = re.compile(r"^ERROR (?:the model could not be loaded: )?(?P<text>.+)$")
_PYTHON_ERROR = re.compile(r"^(?:[A-Za-z_][\w.]*(?:Error|Exception|Exit)\b.*|Fatal Python error: .+)$")

# What llama.cpp and its backends, MLX and Python say when they get no memory.
_STARVED = re.compile(
    r"failed to allocate|unable to allocate|attempting to allocate|out of (?:device )?memory|OutOf(?:Device|Host)Memory"
    r"|cudaMalloc failed|bad_alloc|MemoryError|cannot allocate memory",
    re.IGNORECASE,
)


# What ends a process that has served, and quotes nobody's request. Errors of requests stand among its lines too.
_FATAL = re.compile(
    rf"GGML_ASSERT|CUDA error|^Fatal Python error: |^terminate called |{_STARVED.pattern}", re.IGNORECASE
)
_FATAL_AMONG = 40  # last lines: a backtrace may follow


def want_of_memory(lines: Sequence[str]) -> bool:
    """Whether a load that failed said that it got no memory."""
    return any(_STARVED.search(line) for line in lines)


def reason(lines: Sequence[str], status: int | None, *, out_of_memory: bool = False) -> str:
    """The engine's own reason where its output has one, else how the process ended. `status` as Process.wait's.

    `out_of_memory`: the system has killed a process of this group meanwhile.
    """
    found = _llama(lines) or _report(lines) or _python(lines) or _any_error(lines)
    return _told(found, status, out_of_memory=out_of_memory)


def reason_in_service(lines: Sequence[str], status: int | None, *, out_of_memory: bool = False) -> str:
    """The same of one that was ready. Other clients hear it, so that of its lines only those count that end it."""
    last = list(lines)[-_FATAL_AMONG:]
    found = next((line for line in reversed(last) if _FATAL.search(line) and "got exception" not in line), None)
    return _told(found, status, out_of_memory=out_of_memory)


def _told(found: str | None, status: int | None, *, out_of_memory: bool) -> str:
    if status is not None and status < 0:
        ended = _by_signal(-status, out_of_memory=out_of_memory)
        return f"{ended} ({found})" if found else ended
    return found or f"the worker ended with status {status}"


def _llama(lines: Sequence[str]) -> str | None:
    for line in lines:
        if (match := _LLAMA_ERROR.match(line)) and not any(echo in line for echo in _ECHOES):
            return match["text"]
    return None


def _report(lines: Sequence[str]) -> str | None:
    return next((match["text"] for line in lines if (match := _REPORT.match(line))), None)


def _python(lines: Sequence[str]) -> str | None:
    return next((line for line in reversed(lines) if _PYTHON_ERROR.match(line)), None)


def _any_error(lines: Sequence[str]) -> str | None:
    return next((line.strip() for line in lines if "error" in line.lower()), None)


def _by_signal(number: int, *, out_of_memory: bool) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    if name != "SIGKILL":
        return f"the worker was ended by {name}"
    why = "by the system: out of memory" if out_of_memory else "perhaps by the system for want of memory"
    return f"the worker was ended by {name}, {why}"
