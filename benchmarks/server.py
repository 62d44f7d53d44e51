"""A Dovetail server of the benchmark's own: started on a free port, measured from outside, stopped."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import psutil

READY_WITHIN = 60.0


@dataclass(frozen=True, slots=True)
class Server:
    """A running gateway; `health_after` is the time from its start to its first answer, in seconds."""

    url: str
    process: psutil.Process
    health_after: float

    def cpu(self) -> float:
        """CPU seconds the gateway process has used, its workers not counted."""
        times = self.process.cpu_times()
        return times.user + times.system

    def rss(self) -> int:
        """Resident bytes of the gateway process."""
        return self.process.memory_info().rss

    def worker_socket(self, model: str) -> Path:
        """The Unix socket of the worker that serves the model file or folder `model`."""
        for child in self.process.children(recursive=True):
            argv = child.cmdline()
            for flag in ("--socket", "--host"):
                if flag in argv and any(model in argument for argument in argv):
                    return Path(argv[argv.index(flag) + 1])
        raise RuntimeError(f"no worker runs {model}")


@contextmanager
def serve(
    models: Path, environment: Mapping[str, str] | None = None, home: Path | None = None, module: str = "dovetail"
) -> Generator[Server]:
    """`dovetail serve` over the models in `models`; stopped by SIGTERM at the end.

    With a home folder of its own, empty at first, unless `home` is given; `module` stands in for the command.
    """
    with nullcontext(str(home)) if home else tempfile.TemporaryDirectory(prefix="dt") as home_dir:
        port = free_port()
        argv = [sys.executable, "-m", module, "serve", "--port", str(port), "--home", home_dir]
        argv += ["--models-dir", str(models), "--log-format", "json"]
        started = time.perf_counter()
        with Path(home_dir, "serve.log").open("wb") as log:
            child = subprocess.Popen(argv, stdout=log, stderr=log, env={**os.environ, **(environment or {})})
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_for(f"{url}/health", child, Path(home_dir, "serve.log"))
            yield Server(url, psutil.Process(child.pid), time.perf_counter() - started)
        finally:
            child.terminate()
            child.wait(30)


def _wait_for(url: str, child: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline and child.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=1) as answer:  # noqa: S310  loopback http
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.01)
    raise RuntimeError(f"the server did not start: {log.read_text()[-2000:]}")


def free_port() -> int:
    """A TCP port of the loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
