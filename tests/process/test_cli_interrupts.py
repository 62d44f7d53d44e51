"""Ctrl-C while `dovetail chat` answers, and at its prompt, as a terminal sends it."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest

if sys.platform == "win32":
    pytest.skip("terminals and Ctrl-C are of another kind there", allow_module_level=True)

import pty

DEADLINE = 60.0
PIECE = b'data: {"choices": [{"index": 0, "delta": {"content": "and on "}}]}\n\n'


@pytest.fixture(autouse=True)
def interrupts() -> Generator[None]:
    """Ctrl-C reaches children although a shell started these tests in the background, where it is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class EndlessServer(ThreadingHTTPServer):
    """Answers every chat with a stream that ends when the client leaves, and tells that it did."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _EndlessAnswer)
        self.left = threading.Event()


class _EndlessAnswer(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        try:
            while True:
                self.wfile.write(PIECE)
        except OSError:
            assert isinstance(self.server, EndlessServer)
            self.server.left.set()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def endless() -> Generator[EndlessServer]:
    with EndlessServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class Terminal:
    """A chat in a terminal, and what it shows, waited for."""

    def __init__(self, process: subprocess.Popen[bytes], descriptor: int) -> None:
        self.process = process
        self._descriptor = descriptor
        self._text = ""

    def type(self, line: str) -> None:
        os.write(self._descriptor, f"{line}\n".encode())

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)

    def until(self, *wanted: str) -> None:
        """Waits until each of `wanted` has come, in order, after what was waited for before."""
        for text in wanted:
            self._wait(lambda text=text: text in self._text, text)
            self._text = self._text.partition(text)[2]

    def _wait(self, come: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + DEADLINE
        while not come():
            ready, _, _ = select.select([self._descriptor], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"{what!r} did not come; there is {self._text[-500:]!r}"
            self._text += os.read(self._descriptor, 65_536).decode(errors="replace")


@contextmanager
def chatting(*options: str) -> Generator[Terminal]:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "dovetail", "chat", *options]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True) as process:
        os.close(theirs)
        try:
            yield Terminal(process, ours)
        finally:
            process.kill()
            os.close(ours)


def test_ctrl_c_stops_a_single_answer(endless: EndlessServer, tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{endless.server_port}"
    with chatting("--home", str(tmp_path), "--url", url, "-m", "any", "Go on") as terminal:
        terminal.until("and on", "and on")
        terminal.interrupt()
        if not endless.left.wait(DEADLINE / 4):  # Python loses one that lands in a finaliser: one presses again
            terminal.interrupt()
        assert endless.left.wait(DEADLINE)
        assert terminal.process.wait(DEADLINE) == 130


def test_ctrl_c_stops_an_answer_and_at_the_prompt_leaves(endless: EndlessServer, tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{endless.server_port}"
    with chatting("--home", str(tmp_path), "--url", url, "-m", "any") as terminal:
        terminal.until("> ")
        terminal.type("Go on")
        terminal.until("and on", "and on")
        terminal.interrupt()
        terminal.until("(stopped)", "> ")
        assert endless.left.wait(DEADLINE)
        terminal.interrupt()
        assert terminal.process.wait(DEADLINE) == 130


def test_leaving_with_ctrl_c_takes_the_workers_along(tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp")
    with chatting("--home", str(tmp_path), "-m", "tiny-gguf", "--max-tokens", "4") as terminal:
        terminal.until("> ")
        terminal.type("What is the capital of France?")
        terminal.until("> ")
        family = psutil.Process(terminal.process.pid).children(recursive=True)
        assert family
        terminal.interrupt()
        with suppress(subprocess.TimeoutExpired):  # Python loses one that lands in a finaliser: one presses again
            terminal.process.wait(DEADLINE / 4)
        if terminal.process.poll() is None:
            terminal.interrupt()
        assert terminal.process.wait(DEADLINE) == 130
        _, alive = psutil.wait_procs(family, timeout=10)
        assert not alive
