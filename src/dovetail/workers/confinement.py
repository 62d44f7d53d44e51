"""What a worker may not do: less than the gateway may, given up before it touches a model's file.

On Linux it makes no socket but Unix ones. That takes a seccomp filter, not Landlock's network rules: those know TCP
alone, and a model's file that has taken over its parser would go on by UDP.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import sys
from contextlib import suppress
from pathlib import Path

_STREAMS = 2  # the last of input, output and errors
_FILES = 4096
_PR_SET_NO_NEW_PRIVS = 38  # no program with a set-user-id bit gives it more; a filter asks for it too
# linux/seccomp.h: for every thread there is, and without the slower stores that a filter once brought along.
_SECCOMP_SET_MODE_FILTER = 1
_FLAGS = 1 | 1 << 2
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000
_FAMILIES = (1, 16)  # AF_UNIX, and AF_NETLINK, by which GPU drivers ask for devices
# By machine: its number in a filter (linux/audit.h), seccomp(2), socket(2), and io_uring_setup(2), which has sockets.
_CALLS = {
    "x86_64": (0xC000003E, 317, 41, 425),
    "aarch64": (0xC00000B7, 277, 198, 425),
}
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06  # linux/bpf_common.h
_NUMBER, _MACHINE, _FIRST = 0, 4, 16  # where a filter reads them; the first argument's low half
_X32 = 0x40000000  # calls of another convention, which have numbers of their own

Step = tuple[int, int, int, int]


class _Instruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_uint16),
        ("met", ctypes.c_uint8),
        ("unmet", ctypes.c_uint8),
        ("value", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("steps", ctypes.POINTER(_Instruction)))


def confine(*, network: bool) -> None:
    """Gives up what this process does not need; inherited by what it starts. A core file would hold prompts.

    Files that it did not open itself are closed: whoever started the gateway may have left some open, sockets too.

    No bound on addresses (RLIMIT_AS): weights are mapped, and a GPU's memory is too. `network`: it has to listen at a
    port; one that has DOVETAIL_WORKER_NETWORK keeps it as well. Where the kernel has no filters, a line says so and the
    worker goes on.
    """
    if sys.platform == "win32":
        return
    import resource

    _close_inherited()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    soft, hard = (
        _FILES if limit == resource.RLIM_INFINITY else min(limit, _FILES)
        for limit in resource.getrlimit(resource.RLIMIT_NOFILE)
    )
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if network or os.environ.get("DOVETAIL_WORKER_NETWORK"):
        return
    if (reason := _without_network(libc, platform.machine())) is not None:
        sys.stderr.write(f"INFO the network is not closed to this worker: {reason}\n")


def _close_inherited() -> None:
    """All but the three streams that came through the start of this program; what Python opens never does."""
    for entry in list(Path("/dev/fd").iterdir()):
        with suppress(OSError):  # the listing's own is closed already
            if (found := int(entry.name)) > _STREAMS and os.get_inheritable(found):
                os.close(found)


def _without_network(libc: ctypes.CDLL, machine: str) -> str | None:
    """Why it could not be done, None when it is."""
    calls = _CALLS.get(machine)
    if calls is None or sys.maxsize < 1 << 32:
        return f"no filter is known for {machine}"
    number, seccomp, socket, io_uring = calls
    steps = _steps(number, socket, io_uring)
    filled = (_Instruction * len(steps))(*(_Instruction(*step) for step in steps))
    program = _Program(len(steps), ctypes.cast(filled, ctypes.POINTER(_Instruction)))
    if libc.syscall(seccomp, _SECCOMP_SET_MODE_FILTER, _FLAGS, ctypes.byref(program)) == 0:
        return None
    return f"seccomp: {errno.errorcode.get(ctypes.get_errno(), 'refused')}"


def _steps(number: int, socket: int, io_uring: int) -> list[Step]:
    """Instructions as (code, steps to skip when true, when false, value)."""
    denied, missing = _REFUSE | errno.EACCES, _REFUSE | errno.ENOSYS
    unix, netlink = _FAMILIES
    return [
        (_LOAD, 0, 0, _MACHINE),
        (_EQUAL, 1, 0, number),
        (_RETURN, 0, 0, denied),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 8, 0, _X32),
        (_EQUAL, 6, 0, io_uring),
        (_EQUAL, 1, 0, socket),
        (_RETURN, 0, 0, _ALLOW),
        (_LOAD, 0, 0, _FIRST),
        (_EQUAL, 1, 0, unix),
        (_EQUAL, 0, 2, netlink),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, missing),
        (_RETURN, 0, 0, denied),
    ]
