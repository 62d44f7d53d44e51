"""xllamacpp compiled for this machine: its source fetched by pip, compiled, tried, and put in place whole."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tarfile
import time
from collections import deque
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from dovetail.engines import native
from dovetail.engines.backends import Target
from dovetail.engines.native import Card, NativeBuild

SPACE = 1 << 30  # bytes that source and objects take, with as much to spare
LOG = "build.log"
# What would be fetched while compiling is left out: Dovetail writes its grammars as GBNF, and no TLS passes here.
OFFLINE = "-DLLAMA_LLGUIDANCE=OFF -DLLAMA_BUILD_BORINGSSL=OFF -DLLAMA_USE_PREBUILT_UI=OFF -DLLAMA_BUILD_UI=OFF"
_KEPT_LINES = 20
_LEAVE_WITHIN = 10.0
# A generator's own words: `[12/211] Building` (Ninja), `[ 12%] Building` (Make).
_STEP = re.compile(r"^\s*\[\s*(?:(\d+)/(\d+)|(\d+)%)\]")
# PyPI's cmake and ninja are scripts that import a package, which pip's isolated builds do not see.
_WHEELS = {"cmake": "CMAKE_BIN_DIR", "ninja": "BIN_DIR"}
_TRY = "import sys; sys.path.insert(0, sys.argv[1]); import xllamacpp; print(xllamacpp.get_system_info())"

Phase: TypeAlias = Literal["source", "compile", "package", "tools", "try"]
# Where each phase begins, in shares of the whole time on an idle machine.
_BEGINS: dict[Phase, float] = {"source": 0.0, "compile": 0.02, "package": 0.75, "tools": 0.92, "try": 0.99}
_ENDS: dict[Phase, float] = {"source": 0.02, "compile": 0.75, "package": 0.92, "tools": 0.99, "try": 1.0}


class CompilationError(Exception):
    """What went wrong, what to do, and under it the last lines of whatever failed."""


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` is a share of the whole, by the compiler's own count; `line` what it said last."""

    phase: Phase
    done: float
    line: str = ""


@dataclass(frozen=True, slots=True)
class Toolbox:
    """What compiling needs of this machine; `python` runs pip, `environ` has its index and the PATH."""

    python: str
    environ: Mapping[str, str]
    headers: Path
    free: Callable[[Path], int]

    def find(self, *names: str) -> str | None:
        return next((found for name in names if (found := shutil.which(name, path=self.environ.get("PATH")))), None)


def toolbox() -> Toolbox:
    return Toolbox(
        sys.executable,
        {**os.environ, "PATH": os.pathsep.join([*_unwrapped(), os.environ.get("PATH", "")])},
        Path(sysconfig.get_paths()["include"]) / "Python.h",
        lambda folder: shutil.disk_usage(folder).free,
    )


def _unwrapped() -> list[str]:
    """Folders of those programs that would be run by a script of this environment."""
    found: list[str] = []
    for name, folder in _WHEELS.items():
        path = shutil.which(name)
        if path is not None and Path(path).parent == Path(sys.executable).parent and importlib.util.find_spec(name):
            found.append(str(getattr(importlib.import_module(name), folder)))
    return found


def missing(tools: Toolbox) -> list[str]:
    """What has to be there before a build can begin, in words."""
    absent = [
        name
        for name, programs in (
            ("a C++ compiler", (tools.environ.get("CXX", "c++"), "g++", "clang++")),
            ("cmake", ("cmake",)),
            ("ninja or make", ("ninja", "make")),
        )
        if tools.find(*programs) is None
    ]
    if not tools.headers.exists():
        absent.append("Python's headers")
    return absent


def advice() -> str:
    """How the tools are installed here."""
    if platform.system() == "Darwin":
        return "xcode-select --install, and brew install cmake"
    return (
        "on Debian and Ubuntu: apt install build-essential cmake ninja-build python3-dev; "
        "on Fedora: dnf install gcc-c++ cmake ninja-build python3-devel"
    )


class Compilation:
    """One build of `version`. What was compiled is kept when it fails or is stopped, and the next one goes on from it.

    Only one may run in a home folder; the caller sees to that.
    """

    def __init__(self, home: Path, version: str, tools: Toolbox, jobs: int, target: Target | None = None) -> None:
        self._root = home / native.FOLDER
        self._work = self._root / native.WORK
        self._source = self._work / f"xllamacpp-{version}"
        self._version = version
        self._tools = tools
        self._jobs = jobs
        self._target = target or Target()
        self._last: deque[str] = deque(maxlen=_KEPT_LINES)
        self._done = 0.0

    def run(self, processor: str, simd: tuple[str, ...]) -> Generator[Progress, None, NativeBuild]:
        """Blocks for minutes, told in steps; closing it ends what runs. Raises CompilationError.

        `processor` and `simd` are this machine's, as the card of the build will say.
        """
        self._check()
        self._work.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.rmtree(self._work / "replaced", ignore_errors=True)
        yield from self._fetch()
        yield from self._compile()
        staged = self._stage()
        yield from self._make_tools(staged)
        yield Progress("try", _BEGINS["try"])
        features = self._try(staged)
        made = int(time.time())
        backend, python = self._target.backend, native.interpreter()
        card = Card(self._version, platform.machine(), processor, simd, features, made, backend, python)
        native.write(staged, card)
        final = self._root / f"xllamacpp-{self._version}"
        if final.exists():  # moved away whole: half of one would still be a build by its card
            final.rename(self._work / "replaced")
        staged.rename(final)
        shutil.rmtree(self._work)
        yield Progress("try", 1.0)
        return NativeBuild(final, card)

    def _check(self) -> None:
        if absent := missing(self._tools):
            raise CompilationError(f"{', '.join(absent)} must be installed first ({advice()})")
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._source.exists() and (free := self._tools.free(self._root)) < 2 * SPACE:
            raise CompilationError(
                f"a build takes {2 * SPACE >> 30} GiB in {self._root}, {free >> 20} MiB are free: "
                f"make room, or choose another home folder with --home"
            )

    def _fetch(self) -> Generator[Progress]:
        """The source as the user's own pip finds it, unpacked under a name of its own first."""
        if self._source.exists():
            return
        yield Progress("source", 0.0)
        (self._root / LOG).unlink(missing_ok=True)
        part = self._work / "unpacked"
        for leftover in self._work.iterdir():
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        wanted = f"xllamacpp=={self._version}"
        pip = [self._tools.python, "-m", "pip", "download", "--no-deps", "--no-binary", "xllamacpp", wanted]
        for line in self._output([*pip, "--dest", str(self._work)], "the source could not be fetched"):
            yield Progress("source", 0.0, line)
        archive = next(self._work.glob("xllamacpp-*.tar.gz"), None)
        if archive is None:
            raise CompilationError(f"the source could not be fetched: pip left no archive in {self._work}")
        with tarfile.open(archive) as packed:
            packed.extractall(part, filter="data")
        (part / archive.name.removesuffix(".tar.gz")).rename(self._source)
        archive.unlink()

    def _compile(self) -> Generator[Progress]:
        """The source's own folder is where pip builds, so that a second try finds what is compiled already."""
        for old in self._work.glob("*.whl"):
            old.unlink()
        pip = [self._tools.python, "-m", "pip", "wheel", "-v", "--no-deps", "--no-cache-dir"]
        phase: Phase = "compile"
        for line in self._output([*pip, "--wheel-dir", str(self._work), str(self._source)], "it did not compile"):
            share = _share(line)
            if share is None and phase == "compile" and "copy_libs.py" in line:
                phase = "package"  # the libraries are done; what is left are a few large files of the extension
            yield self._progress(phase, share if phase == "compile" else None, line)

    def _stage(self) -> Path:
        wheel = next(self._work.glob("xllamacpp-*.whl"), None)
        if wheel is None:
            raise CompilationError(f"it did not compile: pip left no wheel in {self._work}")
        staged = self._work / "staged"
        shutil.rmtree(staged, ignore_errors=True)
        shutil.unpack_archive(wheel, staged, "zip")
        return staged

    def _make_tools(self, staged: Path) -> Generator[Progress]:
        """llama-quantize and llama-bench beside the llama-server that the package's build has left."""
        objects = self._source / "thirdparty" / "llama.cpp" / "build"
        cmake = ["cmake", "--build", str(objects), "--config", "Release", "--parallel", str(self._jobs)]
        cmake += ["--target", *native.TOOLS]
        for line in self._output(cmake, f"{' and '.join(native.TOOLS)} did not compile"):
            yield self._progress("tools", _share(line), line)
        programs = staged / "bin"
        programs.mkdir()
        for name in ("llama-server", *native.TOOLS):
            if (made := objects / "bin" / name).exists():
                shutil.copy2(made, programs / name)

    def _try(self, staged: Path) -> tuple[str, ...]:
        """What llama.cpp says it was built with; that it can be loaded at all is what is tried."""
        argv = [self._tools.python, "-c", _TRY, str(staged)]
        told = " ".join(self._output(argv, "what was compiled cannot be loaded"))
        return tuple(re.findall(r"(\w+) = 1\b", told))

    def _progress(self, phase: Phase, share: float | None, line: str) -> Progress:
        """A line that is no step of its own moves nothing, and nothing goes back."""
        begins, ends = _BEGINS[phase], _ENDS[phase]
        self._done = max(self._done, begins + (ends - begins) * (share or 0.0))
        return Progress(phase, self._done, line)

    def _output(self, argv: list[str], failure: str) -> Generator[str]:
        """The lines of a command, kept in the log. Ends its whole group when left. Raises CompilationError."""
        env = {
            **self._tools.environ,
            **self._target.environ,
            "NPROC": str(self._jobs),
            "PYTHONUNBUFFERED": "1",
            "PIP_NO_INPUT": "1",
        }
        env["CMAKE_ARGS"] = f"{self._tools.environ.get('CMAKE_ARGS', '')} {OFFLINE} {self._target.options}".strip()
        if "CMAKE_GENERATOR" not in env and self._tools.find("ninja"):
            env["CMAKE_GENERATOR"] = "Ninja"
        self._last.clear()
        with (
            (self._root / LOG).open("a", encoding="utf-8") as log,
            subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=self._work,
                env=env,
                text=True,
                errors="replace",
                start_new_session=True,
            ) as child,
        ):
            try:
                for line in child.stdout or ():
                    log.write(line)
                    self._last.append(line.rstrip())
                    yield line.strip()
                status = child.wait()
            finally:
                _end(child)
        if status:
            tail = "\n".join(self._last)
            raise CompilationError(f"{failure} (all of it is in {self._root / LOG}):\n{tail}")


def _end(child: subprocess.Popen[str]) -> None:
    """Ends a command with the compilers that it has started."""
    if child.poll() is None and sys.platform != "win32":
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(_LEAVE_WITHIN)
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)


def _share(line: str) -> float | None:
    """How far a generator says it is, in its own steps."""
    found = _STEP.match(line)
    if found is None:
        return None
    done, steps, percent = found.groups()
    return int(percent) / 100 if percent else int(done) / max(1, int(steps))
