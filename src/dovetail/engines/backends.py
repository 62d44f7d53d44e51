"""The GPU that llama.cpp is compiled for: what each kind needs of the machine, and tells xllamacpp's build."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

Backend: TypeAlias = Literal["", "cuda", "hip", "vulkan"]  # "" is the processor alone, on macOS with Metal
_OPTIONS = {"cuda": "GGML_CUDA", "hip": "GGML_HIP", "vulkan": "GGML_VULKAN"}
_MAKERS: dict[Backend, str] = {"cuda": "nvidia", "hip": "amd"}  # Vulkan must be asked for: it is the slower one
_COMPILERS: dict[Backend, tuple[str, ...]] = {
    "cuda": ("nvcc",),
    "hip": ("hipconfig", "amdclang++"),
    "vulkan": ("glslc",),
}
_ADVICE: dict[Backend, str] = {
    "cuda": "nvcc comes with NVIDIA's CUDA toolkit; CUDA_PATH names where it lies",
    "hip": "hipconfig comes with ROCm's development packages; ROCM_PATH names where they lie",
    "vulkan": "glslc comes with the Vulkan SDK; on Debian and Ubuntu: apt install glslc libvulkan-dev",
}


class Tools(Protocol):
    @property
    def environ(self) -> Mapping[str, str]: ...

    def find(self, *names: str) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Target:
    """What a build is for: `environ` is added to its environment, `options` to the flags of CMake."""

    backend: Backend = ""
    environ: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def options(self) -> str:
        """The kinds it is not for are switched off by name: objects of an unfinished build may have had them on."""
        return " ".join(f"-D{option}=OFF" for backend, option in _OPTIONS.items() if backend != self.backend)


class NoCompiler(Exception):
    """There is none for the GPU that was asked for; says how to get it."""


def target(asked: Backend | Literal["auto"], makers: Collection[str], tools: Tools) -> Target:
    """What to build for: "auto" is for the GPU of those `makers` whose compiler is here, else the processor alone.

    Raises NoCompiler where a kind is asked for by name.
    """
    backend = _for_gpu(makers, tools) if asked == "auto" else asked
    compiler = _compiler(backend, tools)
    if backend and compiler is None:
        raise NoCompiler(f"{_COMPILERS[backend][0]} must be installed first: {_ADVICE[backend]}")
    return Target(backend, _environ(backend, compiler, tools.environ))


def advice(makers: Collection[str], tools: Tools) -> str:
    """How a machine with a GPU of one of `makers` gets a llama.cpp that uses it."""
    for backend, maker in _MAKERS.items():
        if maker in makers:
            build = "dovetail engine build compiles one that does"
            return build if _compiler(backend, tools) else f"{build}; before it, {_ADVICE[backend]}"
    return f"dovetail engine build --gpu vulkan compiles one that does; before it, {_ADVICE['vulkan']}"


def _for_gpu(makers: Collection[str], tools: Tools) -> Backend:
    there: list[Backend] = [each for each, maker in _MAKERS.items() if maker in makers and _compiler(each, tools)]
    return there[0] if there else ""


def _compiler(backend: Backend, tools: Tools) -> Path | None:
    if not backend:
        return None
    if found := tools.find(*_COMPILERS[backend]):
        return Path(found)
    roots = {"cuda": ("CUDA_PATH", "/usr/local/cuda"), "hip": ("ROCM_PATH", "/opt/rocm")}
    if backend in roots:
        variable, usual = roots[backend]
        programs = Path(tools.environ.get(variable) or usual) / "bin"
        return next((programs / name for name in _COMPILERS[backend] if (programs / name).exists()), None)
    return None


def _environ(backend: Backend, compiler: Path | None, environ: Mapping[str, str]) -> dict[str, str]:
    if not backend or compiler is None:
        return {}
    said = {f"XLLAMACPP_BUILD_{backend.upper()}": "1"}
    if backend == "cuda":
        root = _toolkit(compiler, environ)
        said["CUDACXX"] = str(compiler)
        said["CUDA_PATH"] = str(root)
        # Found when it is loaded, also where nobody told the system's linker of the toolkit.
        said["LDFLAGS"] = f"{environ.get('LDFLAGS', '')} -Wl,-rpath,{root / 'lib64'} -Wl,-rpath,{root / 'lib'}".strip()
    return said


def _toolkit(compiler: Path, environ: Mapping[str, str]) -> Path:
    """The folder of the CUDA toolkit: nvcc on the PATH may be a link or a script that lies elsewhere."""
    usual = Path(environ.get("CUDA_PATH") or "/usr/local/cuda")
    roots = (usual, compiler.resolve().parent.parent)
    return next((root for root in roots if any(root.glob("lib*/libcudart*"))), usual)
