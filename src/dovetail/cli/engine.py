"""`dovetail engine`: llama.cpp compiled for this machine, beside the wheel that is made for any."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from dovetail.cli.exits import Exit, Failure
from dovetail.cli.home import HomeLock
from dovetail.cli.options import AsJson, Config, Home, configured

if TYPE_CHECKING:
    from dovetail.engines.compilation import Compilation, Progress
    from dovetail.engines.native import NativeBuild
    from dovetail.hardware.processor import Processor

engine = typer.Typer(help="Compile llama.cpp for this machine, and see or remove what was compiled.")

_Told = Callable[["Progress"], None]
_PACKAGE = "xllamacpp"


@engine.command("build")
def build_engine(
    *,
    gpu: Annotated[
        Literal["auto", "none", "cuda", "hip", "vulkan"],
        typer.Option(help="Compile for this kind of GPU; auto: for the one that is here, if its compiler is."),
    ] = "auto",
    jobs: Annotated[
        int | None, typer.Option("--jobs", min=1, metavar="N", help="Compilers at once; else one for each CPU.")
    ] = None,
    as_json: AsJson = False,
    home: Home = None,
    config: Config = None,
) -> None:
    """Compile xllamacpp for this machine, with llama-server and tools; GGUF models use it from then on.

    For its processor, and for its GPU where nvcc (CUDA) or hipconfig (ROCm) is installed; Metal is always in it.
    Takes about 6 minutes on two idle cores, for CUDA several times that.
    Run it again after Ctrl-C or a failure and it goes on where it was.
    """
    from dovetail.engines import backends
    from dovetail.engines.base import installed
    from dovetail.engines.compilation import Compilation, CompilationError, toolbox
    from dovetail.engines.native import FOLDER
    from dovetail.hardware.machine import machine

    if os.name == "nt":
        raise Failure("engines are not compiled on Windows: set [engines.gguf] binary to a llama-server of your own")
    if getattr(sys, "frozen", False):
        raise Failure("the packed application has no pip to compile with: set [engines.gguf] binary to a llama-server")
    root = configured(home, config).home
    version = installed(_PACKAGE)
    if not version:
        raise Failure("xllamacpp is not installed: pip install 'dovetail[gguf]'", Exit.UNAVAILABLE)
    facts, tools = machine(), toolbox()
    try:
        target = backends.target("" if gpu == "none" else gpu, {found.vendor for found in facts.gpus}, tools)
    except backends.NoCompiler as error:
        raise Failure(str(error), Exit.UNAVAILABLE) from None
    if gpu == "auto" and facts.gpus and not target.backend and os.uname().sysname != "Darwin":
        makers = {found.vendor for found in facts.gpus}
        typer.echo(f"compiled for the processor alone: {backends.advice(makers, tools)}", err=True)
    compilation = Compilation(root, version, tools, jobs or os.cpu_count() or 1, target)
    started = time.monotonic()
    try:
        with _alone(root / FOLDER), _teller(as_json=as_json) as tell:
            build = _built(compilation, facts.processor, tell)
    except CompilationError as error:
        raise Failure(str(error), Exit.UNAVAILABLE) from None
    except OSError as error:
        raise Failure(f"{error.filename or root}: {error.strerror}: run it again when that is mended") from None
    if as_json:
        typer.echo(json.dumps({"seconds": round(time.monotonic() - started, 1), **_object(build, in_force=True)}))
    else:
        typer.echo(f"{build.folder.name} is in {build.folder}: GGUF models that are loaded from now on use it")


@engine.command("list")
def list_builds(*, as_json: AsJson = False, home: Home = None, config: Config = None) -> None:
    """List what was compiled here, and which of it GGUF models use."""
    from dovetail.engines.base import installed
    from dovetail.engines.native import builds, in_force
    from dovetail.hardware.machine import machine

    root = configured(home, config).home
    used = in_force(root, installed(_PACKAGE), machine().processor.simd)
    found = builds(root)
    if as_json:
        typer.echo(json.dumps([_object(build, in_force=build == used) for build in found], indent=2))
        return
    for build in found:
        of = f"{build.card.backend or 'cpu'}  {' '.join(build.card.features)}"
        typer.echo(f"{build.folder.name}  {'in use' if build == used else 'not used'}  {of}")
    if used is None:
        typer.echo(f"in use: the wheel, {_PACKAGE} {installed(_PACKAGE) or '(not installed)'}")


@engine.command("remove")
def remove_builds(
    name: Annotated[str | None, typer.Argument(help="A name from the list; without it, all of them.")] = None,
    *,
    as_json: AsJson = False,
    home: Home = None,
    config: Config = None,
) -> None:
    """Remove what was compiled, and what an unfinished build has left; GGUF models go back to the wheel."""
    from dovetail.engines.native import FOLDER, WORK, builds, remove

    root = configured(home, config).home
    found = [build for build in builds(root) if name in (None, build.folder.name)]
    if name is not None and not found:
        raise Failure(f"{name} is no build of this home folder: see dovetail engine list", Exit.USAGE)
    if (root / FOLDER).exists():
        with _alone(root / FOLDER):
            for build in found:
                remove(build)
            if name is None:
                shutil.rmtree(root / FOLDER / WORK, ignore_errors=True)
    names = [build.folder.name for build in found]
    typer.echo(json.dumps({"removed": names}) if as_json else f"{len(names)} removed")


def _built(compilation: Compilation, processor: Processor, tell: _Told) -> NativeBuild:
    with closing(compilation.run(processor.name, processor.simd)) as steps:
        while True:
            try:
                tell(next(steps))
            except StopIteration as end:
                return end.value


@contextmanager
def _alone(folder: Path) -> Generator[None]:
    """Holds the folder of builds. Raises Failure when another process does."""
    lock = HomeLock(folder)
    try:
        lock.__enter__()
    except Failure as failure:
        if failure.code is Exit.LOCKED:
            raise Failure(f"another dovetail engine works in {folder}: wait for its end", Exit.LOCKED) from None
        raise
    try:
        yield
    finally:
        lock.__exit__(None, None, None)


@contextmanager
def _teller(*, as_json: bool) -> Generator[_Told]:
    """A bar with the time that has passed on stderr, or a line of JSON for each per cent on stdout."""
    if not as_json:
        with _bar() as tell:
            yield tell
        return
    started, told = time.monotonic(), -1

    def line(progress: Progress) -> None:
        nonlocal told
        if (percent := int(progress.done * 100)) > told:
            told = percent
            seconds = round(time.monotonic() - started, 1)
            typer.echo(json.dumps({"phase": progress.phase, "percent": percent, "seconds": seconds}))

    yield line


@contextmanager
def _bar() -> Generator[_Told]:
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description:<8}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True)) as shown:
        task = shown.add_task("source", total=1.0)
        yield lambda progress: shown.update(task, description=progress.phase, completed=progress.done)


def _object(build: NativeBuild, *, in_force: bool) -> dict[str, object]:
    return {
        "name": build.folder.name,
        "folder": str(build.folder),
        "version": build.card.version,
        "backend": build.card.backend or None,
        "features": list(build.card.features),
        "programs": [str(path) for path in build.programs],
        "in_force": in_force,
    }
