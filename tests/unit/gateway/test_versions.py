"""Which versions compute here, as reports of faults and benchmarks tell them."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from dovetail import __version__
from dovetail.engines import gguf
from dovetail.engines.gguf import GgufEngine
from dovetail.engines.mlx import MlxEngine
from dovetail.gateway import versions as gathered
from dovetail.gateway.admin.about import About
from dovetail.gateway.app import create_app
from dovetail.gateway.lab import setup
from dovetail.gateway.versions import versions
from dovetail.hardware.machine import machine

from .fakes import call, services

pytestmark = pytest.mark.anyio
INSTALLED = {"xllamacpp": "0.2.3", "mlx": "0.32.1", "mlx-lm": "0.31.0"}


def install(monkeypatch: pytest.MonkeyPatch, found: dict[str, str]) -> None:
    def installed(package: str) -> str:
        return found.get(package, "")

    for module in (gathered, gguf):
        monkeypatch.setattr(module, "installed", installed)


async def about(**parts: object) -> About:
    built = services()
    built.engines.update(parts)  # pyright: ignore[reportArgumentType, reportCallIssue]  engines by their names
    answer = await call(create_app(built), "GET", "/api/v1/about")
    assert answer.status == 200
    return About.model_validate(answer.json())


async def test_all_that_is_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, INSTALLED)
    said = await about()
    assert (said.dovetail, said.python) == (__version__, platform.python_version())
    assert (said.xllamacpp, said.llama_cpp, said.mlx, said.mlx_lm) == ("0.2.3", "wheel", "0.32.1", "0.31.0")
    assert said.system.startswith(platform.system())
    assert said.system.endswith(platform.machine())
    assert said.processor == machine().processor.name


async def test_what_is_not_installed_is_told_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, {"mlx": "0.32.1"})
    said = await about(gguf=GgufEngine(Path("/opt/llama-server")))
    assert (said.xllamacpp, said.llama_cpp, said.mlx, said.mlx_lm) == (None, "program", "0.32.1", None)
    assert (await about(gguf=GgufEngine())).llama_cpp is None


def test_a_benchmark_says_the_same_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, INSTALLED)
    found = setup(machine(), versions({"gguf": GgufEngine(), "mlx": MlxEngine()}))
    assert dict(found.versions) == {
        "dovetail": __version__,
        "llama.cpp": "xllamacpp 0.2.3 (the wheel)",
        "mlx": "0.32.1",
        "mlx-lm": "0.31.0",
        "python": platform.python_version(),
    }
    install(monkeypatch, {})
    found = setup(machine(), versions({"gguf": GgufEngine(), "mlx": MlxEngine()}))
    assert [name for name, _ in found.versions] == ["dovetail", "python"]
