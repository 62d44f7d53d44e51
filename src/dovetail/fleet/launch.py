"""How a worker comes into being: the Launcher protocol, and the launcher of processes on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import re
import secrets
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from dovetail.core.errors import LoadFailed
from dovetail.engines.base import Command, Endpoint

# A Unix socket's path has 104 bytes on macOS and 108 on Linux, its end included; 31 of them are a socket's name.
MAX_FOLDER = 70
MAX_LINE = 4096
_LAST_LINES_WITHIN = 0.5  # seconds a dead worker's output may take to drain

# What an engine may need to find its libraries and devices; everything else of the environment stays out.
_INHERITED = ("PATH", "HOME", "LANG", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TEMP")
_INHERITED_PREFIXES = ("LC_", "CUDA_", "NVIDIA_", "HIP_", "ROCR_", "HSA_", "GGML_", "OMP_", "MLX_", "METAL_", "VK_")


class Process(Protocol):
    """A worker's process, as far as its owner must know it."""

    @property
    def pid(self) -> int: ...

    async def wait(self) -> int:
        """The exit status, -n after signal n, once the process is reaped and its last lines are delivered."""
        ...

    def terminate(self) -> None: ...

    def kill(self) -> None:
        """Kills the process and everything it started in its group."""
        ...


@dataclass(frozen=True, slots=True)
class Launched:
    """Where a worker listens (or will), and its process unless it is somebody else's."""

    endpoint: Endpoint
    process: Process | None


class Launcher(Protocol):
    """Starts workers somewhere."""

    async def launch(
        self, name: str, command_for: Callable[[Endpoint], Command], on_line: Callable[[str], None]
    ) -> Launched:
        """Starts a worker for the model `name`; returns before it is ready. `on_line` gets its output, by line.

        Raises LoadFailed when it cannot be started. `command_for` may raise it too.
        """
        ...


class LocalLauncher:
    """Workers as child processes, each listening on a Unix socket in a folder nobody else may enter.

    The folder belongs to one gateway: sockets found there are a dead one's, and are removed. One in the temporary
    folder, for a `run_dir` whose path is too long, is there as long as a worker is. `unix=False`, the
    default where there are no Unix sockets, gives each worker a loopback port and a secret instead. `network` is asked
    at each start whether the worker keeps the network, which it has no need of.
    """

    def __init__(
        self,
        run_dir: Path,
        *,
        unix: bool = sys.platform != "win32",
        network: Callable[[], bool] = lambda: False,
    ) -> None:
        self._folder = _socket_folder(run_dir)
        self._passing = self._folder != run_dir.absolute()
        self._workers = 0
        self._unix = unix
        self._network = network
        _make(self._folder)
        for stale in self._folder.glob("*.sock"):
            stale.unlink(missing_ok=True)
        self._tidy()

    async def launch(
        self, name: str, command_for: Callable[[Endpoint], Command], on_line: Callable[[str], None]
    ) -> Launched:
        endpoint = self._endpoint(name)
        command = command_for(endpoint)
        network = {"DOVETAIL_WORKER_NETWORK": "1"} if self._network() else {}
        _make(self._folder)
        self._workers += 1
        try:
            transport, output = await asyncio.get_running_loop().subprocess_exec(
                lambda: _Output(on_line),
                *command.argv,
                stdin=subprocess.PIPE,  # held open, never written: the worker's lifeline
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                env={**worker_environment(os.environ), **network, **command.env},
                start_new_session=True,
            )
        except BaseException as error:
            self._left()
            if isinstance(error, OSError):
                raise LoadFailed(f"{name} could not be loaded: {command.argv[0]}: {error.strerror}") from error
            raise
        return Launched(endpoint, LocalProcess(transport, output, endpoint.socket, self._left))

    def _left(self) -> None:
        self._workers -= 1
        self._tidy()

    def _tidy(self) -> None:
        if self._passing and not self._workers:
            with contextlib.suppress(OSError):  # somebody else's file is in it
                self._folder.rmdir()

    def _endpoint(self, name: str) -> Endpoint:
        if not self._unix:
            return Endpoint(port=_free_port(), secret=secrets.token_urlsafe(32))
        label = re.sub(r"[^A-Za-z0-9.]+", "-", name)[:16]
        return Endpoint(socket=self._folder / f"{label}-{secrets.token_hex(4)}.sock")


class LocalProcess:
    """A child process in a session of its own. `left` is called once, when it is reaped."""

    def __init__(
        self,
        transport: asyncio.SubprocessTransport,
        output: _Output,
        socket: Path | None,
        left: Callable[[], None] = lambda: None,
    ) -> None:
        self.pid = transport.get_pid()
        self._transport = transport
        self._output = output
        self._socket = socket
        self._left = left

    async def wait(self) -> int:
        await self._output.exited.wait()
        self._signal(signal.SIGKILL)  # what it left behind in its group
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_LINES_WITHIN):
                await self._output.ended.wait()
        self._transport.close()
        if self._socket is not None:
            self._socket.unlink(missing_ok=True)
        self._left()
        status = self._transport.get_returncode() or 0
        return 128 - status if status > 128 else status  # so a lifeline says which signal ended its binary

    def terminate(self) -> None:
        if not self._output.exited.is_set():
            self._signal(signal.SIGTERM)

    def kill(self) -> None:
        if not self._output.exited.is_set():
            self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if sys.platform != "win32":
                os.killpg(self.pid, number)
            elif not self._output.exited.is_set():
                self._transport.terminate()


class _Output(asyncio.SubprocessProtocol):
    """Cuts a process's output into lines and notes when the process and its pipes have ended."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self.exited = asyncio.Event()
        self.ended = asyncio.Event()
        self._on_line = on_line
        self._rest = b""

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        del fd
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = rest[:MAX_LINE]
        for line in lines:
            self._tell(line)

    def process_exited(self) -> None:
        self.exited.set()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self._rest:
            self._tell(self._rest)
        self._rest = b""
        self.ended.set()

    def _tell(self, line: bytes) -> None:
        text = line[:MAX_LINE].decode(errors="replace").rstrip()
        if text:
            self._on_line(text)


def worker_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of every worker: none of the gateway's keys, no way to a model hub."""
    kept = {
        name: value for name, value in environ.items() if name in _INHERITED or name.startswith(_INHERITED_PREFIXES)
    }
    if paths := environ.get("PYTHONPATH"):
        kept["PYTHONPATH"] = os.pathsep.join(str(Path(path).absolute()) for path in paths.split(os.pathsep) if path)
    return {
        **kept,
        "PYTHONSAFEPATH": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONFAULTHANDLER": "1",
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
    }


def _socket_folder(wanted: Path) -> Path:
    folder = wanted.absolute()
    if len(os.fsencode(folder)) > MAX_FOLDER:
        digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
        folder = Path(tempfile.gettempdir()) / f"dovetail-{digest}"
        if len(os.fsencode(folder)) > MAX_FOLDER:
            folder = Path("/tmp") / folder.name  # noqa: S108  its owner and mode are checked by `_make`
    return folder


def _make(folder: Path) -> None:
    """Raises PermissionError for what is somebody else's."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if sys.platform != "win32":
        facts = folder.lstat()
        if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.getuid():
            raise PermissionError(f"{folder} must be a folder of this user: remove it")
        folder.chmod(0o700)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return cast("tuple[str, int]", probe.getsockname())[1]
