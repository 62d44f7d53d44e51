from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dovetail.engines.backends import NoCompiler, advice, target


@dataclass
class Tools:
    """Those programs that are on the PATH, by name."""

    on_path: dict[str, str]
    environ: dict[str, str] = field(default_factory=dict[str, str])

    def find(self, *names: str) -> str | None:
        return next((self.on_path[name] for name in names if name in self.on_path), None)


def toolkit(folder: Path) -> Path:
    (folder / "lib64").mkdir(parents=True)
    (folder / "lib64" / "libcudart.so.13").write_text("")
    (folder / "bin").mkdir()
    (folder / "bin" / "nvcc").write_text("")
    return folder


@pytest.mark.parametrize(
    ("makers", "programs", "found"),
    [
        ((), ("nvcc", "hipconfig"), ""),
        (("nvidia",), ("nvcc",), "cuda"),
        (("nvidia",), ("hipconfig", "glslc"), ""),
        (("amd",), ("nvcc", "hipconfig"), "hip"),
        (("nvidia", "amd"), ("nvcc", "hipconfig"), "cuda"),
        (("intel",), ("nvcc", "hipconfig", "glslc"), ""),
    ],
)
def test_a_build_is_for_the_gpu_whose_compiler_is_there(
    tmp_path: Path, makers: Collection[str], programs: tuple[str, ...], found: str
) -> None:
    nowhere = {"CUDA_PATH": str(tmp_path / "cuda"), "ROCM_PATH": str(tmp_path / "rocm")}
    tools = Tools({name: f"/usr/bin/{name}" for name in programs}, nowhere)
    assert target("auto", makers, tools).backend == found


def test_the_toolkit_is_found_beside_its_compiler_or_by_its_variable(tmp_path: Path) -> None:
    cuda = toolkit(tmp_path / "cuda-13.0")
    (tmp_path / "nvcc").symlink_to(cuda / "bin" / "nvcc")
    by_variable = target("cuda", (), Tools({}, {"CUDA_PATH": str(cuda)})).environ
    by_program = target(
        "cuda", (), Tools({"nvcc": str(tmp_path / "nvcc")}, {"CUDA_PATH": str(tmp_path / "old")})
    ).environ
    for environ in (by_variable, by_program):
        assert environ["XLLAMACPP_BUILD_CUDA"] == "1"
        assert environ["CUDA_PATH"] == str(cuda)
        assert f"-Wl,-rpath,{cuda}/lib64" in environ["LDFLAGS"]


@pytest.mark.parametrize(("backend", "program"), [("cuda", "nvcc"), ("hip", "hipconfig"), ("vulkan", "glslc")])
def test_a_kind_that_is_asked_for_and_cannot_be_compiled_is_an_error(
    tmp_path: Path, backend: str, program: str
) -> None:
    nowhere = {"CUDA_PATH": str(tmp_path), "ROCM_PATH": str(tmp_path)}
    with pytest.raises(NoCompiler, match=f"{program} must be installed first: {program} comes with"):
        target(backend, ("nvidia", "amd"), Tools({}, nowhere))  # pyright: ignore[reportArgumentType]


def test_advice_names_what_is_missing(tmp_path: Path) -> None:
    nowhere = {"CUDA_PATH": str(tmp_path), "ROCM_PATH": str(tmp_path)}
    assert (
        advice({"nvidia"}, Tools({"nvcc": "/usr/bin/nvcc"}, nowhere)) == "dovetail engine build compiles one that does"
    )
    assert "CUDA toolkit" in advice({"nvidia"}, Tools({}, nowhere))
    assert "--gpu vulkan" in advice({"intel"}, Tools({}, nowhere))
