"""What a worker gives up, tried in processes of their own; the filter itself step by step."""

import ctypes
import errno
import os
import platform
import socket
import subprocess
import sys
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dovetail.workers import confinement

MACHINE = platform.machine()
on_linux = pytest.mark.skipif(
    sys.platform != "linux" or MACHINE not in confinement._CALLS, reason="filters are known for Linux on two processors"
)
TRIES = """
import socket, sys, threading
from dovetail.workers.confinement import confine

confined, said = threading.Event(), []

def tries():
    confined.wait()
    for family, kind in (("AF_INET", "SOCK_STREAM"), ("AF_INET6", "SOCK_DGRAM"), ("AF_UNIX", "SOCK_STREAM")):
        try:
            socket.socket(getattr(socket, family), getattr(socket, kind)).close()
            said.append(f"{family} is made")
        except OSError as error:
            said.append(f"{family} {error.errno}")

there_before = threading.Thread(target=tries)
there_before.start()
confine(network=sys.argv[1] == "network")
confined.set()
there_before.join()
print(", ".join(said))
"""


@on_linux
@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("socket", f"AF_INET {errno.EACCES}, AF_INET6 {errno.EACCES}, AF_UNIX is made"),
        ("network", "AF_INET is made, AF_INET6 is made, AF_UNIX is made"),
    ],
)
def test_a_worker_at_a_unix_socket_makes_no_other(where: str, said: str) -> None:
    done = subprocess.run([sys.executable, "-c", TRIES, where], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == said
    assert done.stderr == ""


@on_linux
def test_a_worker_that_is_told_to_keeps_the_network() -> None:
    kept = {**os.environ, "DOVETAIL_WORKER_NETWORK": "1"}
    argv = [sys.executable, "-c", TRIES, "socket"]
    done = subprocess.run(argv, env=kept, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.startswith("AF_INET is made")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows passes no files on")
@pytest.mark.parametrize("where", ["socket", "network"])
def test_sockets_that_were_left_open_are_closed(where: str) -> None:
    tries = (
        "import os, sys\nfrom dovetail.workers.confinement import confine\nown = open(os.devnull)\n"
        f"confine(network={where == 'network'})\nown.read()\n"
        "try:\n    os.fstat(int(sys.argv[1]))\nexcept OSError as error:\n    print(error.errno)"
    )
    with socket.create_server(("127.0.0.1", 0)) as left:
        left.set_inheritable(True)
        argv = [sys.executable, "-c", tries, str(left.fileno())]
        done = subprocess.run(argv, pass_fds=[left.fileno()], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == str(errno.EBADF)


@on_linux
@pytest.mark.parametrize("words", [[], ["--network"]])
def test_what_the_lifeline_starts_has_no_network_unless_it_must_listen(words: list[str]) -> None:
    tries = "import socket; socket.socket()"
    argv = [sys.executable, "-m", "dovetail.workers.lifeline", *words, sys.executable, "-c", tries]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr is not None
        said = child.stderr.read()
        assert (child.wait(timeout=60) == 0) is bool(words)
    assert ("PermissionError" in said) is not bool(words)


def run(steps: list[confinement.Step], machine: int, call: int, first: int) -> int:
    """The verdict of a filter, as the kernel comes to it."""
    loaded = {confinement._MACHINE: machine, confinement._NUMBER: call, confinement._FIRST: first}
    at = held = 0
    while True:
        code, met, unmet, value = steps[at]
        match code:
            case confinement._RETURN:
                return value
            case confinement._LOAD:
                held = loaded[value]
                at += 1
            case confinement._EQUAL:
                at += 1 + (met if held == value else unmet)
            case _:
                at += 1 + (met if held >= value else unmet)


WORD = st.integers(0, (1 << 32) - 1)


@pytest.mark.parametrize("machine", confinement._CALLS)
@given(data=st.data())
def test_the_filter_refuses_these_calls_and_no_others(machine: str, data: st.DataObject) -> None:
    number, _, socket, io_uring = confinement._CALLS[machine]
    steps = confinement._steps(number, socket, io_uring)
    where = data.draw(st.just(number) | WORD)
    call = data.draw(st.sampled_from([socket, io_uring]) | WORD)
    first = data.draw(st.sampled_from([1, 2, 10, 16]) | WORD)
    refused = confinement._REFUSE | errno.EACCES
    if where != number or call >= 1 << 30:
        expected = refused
    elif call == io_uring:
        expected = confinement._REFUSE | errno.ENOSYS
    elif call == socket and first not in {1, 16}:
        expected = refused
    else:
        expected = confinement._ALLOW
    assert run(steps, where, call, first) == expected


class Refusing:
    """A kernel without filters."""

    def syscall(self, *_: object) -> int:
        ctypes.set_errno(errno.EINVAL)
        return -1


@pytest.mark.parametrize(("machine", "reason"), [("riscv64", "no filter is known"), ("x86_64", "seccomp: EINVAL")])
def test_where_it_cannot_be_done_the_reason_is_said(machine: str, reason: str) -> None:
    told = confinement._without_network(cast("ctypes.CDLL", Refusing()), machine)
    assert told is not None
    assert reason in told
