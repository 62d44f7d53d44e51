"""`dovetail kv`, on a home folder in which no server runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dovetail import kv_folder
from dovetail.cli.app import run
from dovetail.cli.exits import Exit
from dovetail.gateway.shelves import Shelves
from dovetail.settings import Settings

Capture = pytest.CaptureFixture[str]
GGUF, MLX = "tiny-gguf", "tiny-mlx"


def stored(home: Path, model: str, content: bytes = b"cache" * 100, *, folder: str | None = None) -> str:
    """A conversation on the shelf of a model of the package, or in another folder."""
    shelves = Shelves(Settings(home=home))
    shelf = home / "kv" / (folder or shelves.folder(model))
    kv_folder.make(shelf)
    part = shelf / kv_folder.part(".slot" if "gguf" in model else ".safetensors")
    part.write_bytes(content)
    return kv_folder.publish(part, 300, "00ff")[0]


def told(capsys: Capture, home: Path, *arguments: str) -> Any:
    assert run(["kv", *arguments, "--json", "--home", str(home)]) == 0
    return json.loads(capsys.readouterr().out)


def refused(capsys: Capture, home: Path, *arguments: str) -> tuple[int, str]:
    code = run(["kv", *arguments, "--home", str(home)])
    said = capsys.readouterr()
    assert said.out == ""
    return code, said.err


@pytest.mark.parametrize("model", [GGUF, MLX])
def test_there_and_back(tmp_path: Path, capsys: Capture, model: str) -> None:
    here, there, file = tmp_path / "here", tmp_path / "there", str(tmp_path / "x")
    name = stored(here, model)
    stored(here, model, b"another", folder="gone-0123")
    assert [found["model"] for found in told(capsys, here, "list")].count(None) == 1
    exported = told(capsys, here, "export", model, name, "-o", file)
    assert (exported["name"], exported["tokens"], exported["size"]) == (name, 300, 500)
    assert told(capsys, there, "import", file) == {"model": model, "tokens": 300, "size": 500}
    (listed,) = told(capsys, there, "list", model)
    assert (listed["tokens"], listed["size"]) == (300, 500)
    assert told(capsys, here, "clear", model)["removed"] == 1
    assert told(capsys, here, "clear")["removed"] == 1
    assert told(capsys, here, "list") == []


def test_lists_for_people(tmp_path: Path, capsys: Capture) -> None:
    assert run(["kv", "list", "--home", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("no prompt caches")
    name = stored(tmp_path, GGUF)
    assert run(["kv", "list", "--home", str(tmp_path)]) == 0
    assert name in capsys.readouterr().out


def test_what_does_not_fit_is_refused_with_its_reasons(tmp_path: Path, capsys: Capture) -> None:
    stored(tmp_path, GGUF)
    file = str(tmp_path / "x")
    told(capsys, tmp_path, "export", GGUF, "-o", file)
    code, line = refused(capsys, tmp_path, "import", file, "--model", MLX)
    assert (code, "it is a GGUF model's, tiny-mlx is MLX" in line) == (Exit.FAILED, True)
    code, line = refused(capsys, tmp_path, "import", file, "--model", "tiny-gguf-q8")
    assert (code, "the weights differ" in line) == (Exit.FAILED, True)
    code, line = refused(capsys, tmp_path, "import", file, "--model", "../../etc/passwd")
    assert (code, "does not exist" in line) == (Exit.FAILED, True)


def test_files_that_are_none(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "text").write_text("hello")
    for name, reason in (("text", "no exported prompt cache"), ("missing", "No such file"), (".", "Is a directory")):
        code, line = refused(capsys, tmp_path, "import", str(tmp_path / name))
        assert (code, reason in line) == (Exit.FAILED, True), line


def test_an_export_overwrites_nothing_and_leaves_nothing_half_written(tmp_path: Path, capsys: Capture) -> None:
    name = stored(tmp_path, GGUF)
    target = tmp_path / "out" / "x"
    target.parent.mkdir()
    target.write_text("mine")
    assert refused(capsys, tmp_path, "export", GGUF, "-o", str(target))[0] == Exit.USAGE
    assert target.read_text() == "mine"
    (file,) = tmp_path.glob(f"kv/*/{name}.slot")
    file.write_bytes(b"cachf" * 100)
    code, line = refused(capsys, tmp_path, "export", GGUF, "-o", str(tmp_path / "out" / "y"))
    assert (code, "checksum" in line) == (Exit.FAILED, True)
    assert [path.name for path in target.parent.iterdir()] == ["x"]
    code, line = refused(capsys, tmp_path, "export", MLX)
    assert (code, "no such prompt cache" in line) == (Exit.FAILED, True)
