"""What the older servers were made of, and what is here in its place."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.accept("D7")
def test_the_pages_are_react_with_vite_tailwind_and_typescript() -> None:
    package = json.loads((ROOT / "ui" / "package.json").read_text("utf-8"))
    needs: dict[str, str] = {**package["dependencies"], **package["devDependencies"]}
    assert needs["react"].startswith("19.")
    assert {"react-dom", "vite", "tailwindcss", "typescript"} <= set(needs)


@pytest.mark.accept("D7")
def test_the_server_is_fastapi_on_uvicorn_and_llama_cpp_comes_as_xllamacpp() -> None:
    needs: list[str] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    names = {re.split(r"[^\w.-]", need, maxsplit=1)[0] for need in needs}
    assert {"fastapi", "uvicorn", "psutil", "huggingface-hub", "xllamacpp"} <= names
    assert "llama-cpp-python" not in names, "its capabilities are those of the engine that is here"
