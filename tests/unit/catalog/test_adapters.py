"""Adapters by name, and whether they fit, from headers alone."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dovetail import demo
from dovetail.catalog.adapters import Adapters
from dovetail.catalog.catalog import Catalog
from dovetail.core.errors import AdapterMismatch, AdapterNotFound, InvalidRequest, ModelNotFound
from dovetail.core.model import Adapter, Model

SHOUT = demo.adapters_dir() / "shout"
Header = dict[str, dict[str, object]]


@pytest.fixture(scope="module")
def models() -> dict[str, Model]:
    catalog = Catalog([demo.models_dir()])
    return {"gguf": catalog.find("tiny-gguf"), "mlx": catalog.find("tiny-mlx")}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "adapters").mkdir()
    return tmp_path / "adapters"


def edited(folder: Path, edit: Callable[[Header], Header]) -> None:
    """`shout` in mlx-lm's form under `folder`, with another header over the same bytes."""
    shutil.copytree(SHOUT, folder)
    file = folder / "adapters.safetensors"
    data = file.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    text = json.dumps(edit(json.loads(data[8 : 8 + length]))).encode()
    file.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])


@pytest.mark.accept("S3")
def test_a_folder_may_hold_both_forms_and_a_file_is_an_adapter_too(root: Path) -> None:
    shutil.copytree(SHOUT, root / "both")
    shutil.copy(SHOUT / "shout.gguf", root / "alone.gguf")
    (root / "mlx only").mkdir()
    (root / "mlx-only").mkdir()
    for name in ("adapter_config.json", "adapters.safetensors"):
        shutil.copy(SHOUT / name, root / "mlx only")
        shutil.copy(SHOUT / name, root / "mlx-only")
    (root / "empty").mkdir()
    (root / "note.txt").write_text("")
    listed = {each.name: (each.gguf is not None, each.mlx is not None) for each in Adapters([root]).list()}
    assert listed == {"both": (True, True), "alone": (True, False), "mlx-only": (False, True)}


def test_an_earlier_root_wins_and_a_missing_one_is_empty(root: Path) -> None:
    shutil.copytree(SHOUT, root / "shout")
    adapters = Adapters([root.parent / "nowhere", root, demo.adapters_dir()])
    assert [each.gguf for each in adapters.list()] == [root / "shout" / "shout.gguf"]


@pytest.mark.bad_input("31")
def test_links_that_leave_the_folder_are_not_there(root: Path, tmp_path: Path) -> None:
    shutil.copytree(SHOUT, tmp_path / "elsewhere")
    (root / "folder").symlink_to(tmp_path / "elsewhere")
    (root / "file.gguf").symlink_to(tmp_path / "elsewhere" / "shout.gguf")
    (root / "inside").mkdir()
    (root / "inside" / "x.gguf").symlink_to(tmp_path / "elsewhere" / "shout.gguf")
    assert Adapters([root]).list() == []


@pytest.mark.parametrize("form", ["gguf", "mlx"])
def test_one_that_fits_is_found(form: str, models: dict[str, Model]) -> None:
    found = Adapters([demo.adapters_dir()]).find(Adapter("shout", 0.5), models[form])
    assert found == Adapter("shout", 0.5, SHOUT / "shout.gguf" if form == "gguf" else SHOUT)


@pytest.mark.bad_input("31")
@pytest.mark.parametrize("name", ["nobody", "../shout", "shout/", "", ".", "..", "SHOUT\x00", str(SHOUT)])
def test_a_name_is_never_a_path(name: str, models: dict[str, Model]) -> None:
    with pytest.raises(AdapterNotFound, match="adapters here: shout"):
        Adapters([demo.adapters_dir()]).find(Adapter(name), models["gguf"])


@pytest.mark.parametrize("name", ["a,b.gguf", "a:2.gguf"])
def test_a_file_that_a_llama_server_would_read_as_several_is_none(root: Path, name: str) -> None:
    (root / "odd").mkdir()
    shutil.copy(SHOUT / "shout.gguf", root / "odd" / name)
    assert Adapters([root]).list() == []


def test_another_architecture_is_named(models: dict[str, Model]) -> None:
    other = replace(models["gguf"], shape=replace(models["gguf"].shape, architecture="qwen3"))
    with pytest.raises(AdapterMismatch, match="'llama', the model is 'qwen3'"):
        Adapters([demo.adapters_dir()]).find(Adapter("shout"), other)


@pytest.mark.bad_input("45")
def test_a_model_or_a_broken_file_is_no_adapter(root: Path, models: dict[str, Model]) -> None:
    shutil.copy(models["gguf"].path, root / "model.gguf")
    (root / "cut.gguf").write_bytes((SHOUT / "shout.gguf").read_bytes()[:200])
    adapters = Adapters([root])
    with pytest.raises(AdapterMismatch, match="no LoRA adapter"):
        adapters.find(Adapter("model"), models["gguf"])
    with pytest.raises(AdapterMismatch, match="cut"):
        adapters.find(Adapter("cut"), models["gguf"])


def elsewhere(header: Header) -> Header:
    return {name.replace("layers.0.", "layers.99."): told for name, told in header.items()}


def half(header: Header) -> Header:
    return {name: told for name, told in header.items() if "layers.0.mlp.up_proj.lora_b" not in name}


def taller(header: Header) -> Header:
    """One factor with inputs and outputs exchanged, as of another model's matrix."""
    name = "model.layers.0.self_attn.k_proj.lora_b"
    return {**header, name: {**header[name], "shape": [96, 8]}}


def misnamed(header: Header) -> Header:
    return {name.replace("down_proj.lora_a", "down_proj.a"): told for name, told in header.items()}


def nothing(_header: Header) -> Header:
    return {}


@pytest.mark.bad_input("45")
@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        (elsewhere, r"no matrix model\.layers\.99"),
        (half, "up_proj .* by nothing"),
        (taller, "k_proj is 192 x 96 in the model, and 192 x 8 by 96 x 8"),
        (misnamed, "down_proj.a is no LoRA weight"),
        (nothing, "no weights"),
    ],
)
def test_what_does_not_fit_is_named(
    root: Path, models: dict[str, Model], edit: Callable[[Header], Header], problem: str
) -> None:
    edited(root / "odd", edit)
    with pytest.raises(AdapterMismatch, match=problem):
        Adapters([root]).find(Adapter("odd"), models["mlx"])


def test_what_was_found_wrong_is_looked_at_again_when_the_files_change(root: Path, models: dict[str, Model]) -> None:
    adapters = Adapters([root])
    edited(root / "odd", nothing)
    with pytest.raises(AdapterMismatch):
        adapters.find(Adapter("odd"), models["mlx"])
    shutil.copy(SHOUT / "adapters.safetensors", root / "odd")
    assert adapters.find(Adapter("odd"), models["mlx"]).path == root / "odd"


def test_a_models_id_may_bring_its_adapter() -> None:
    roots = [demo.models_dir()]
    catalog = Catalog(roots, adapters=Adapters([demo.adapters_dir()]), default_adapters={"tiny-mlx": "shout"})
    assert catalog.find("tiny-gguf").adapter is None
    assert catalog.find("tiny-gguf+shout").name == "tiny-gguf+shout"
    assert catalog.find("tiny-gguf+shout", Adapter("shout", 2.0)).adapter == Adapter("shout", 2.0, SHOUT / "shout.gguf")
    assert catalog.find("tiny-mlx").name == "tiny-mlx+shout"
    with pytest.raises(InvalidRequest, match="asks for the adapter shout"):
        catalog.find("tiny-gguf+shout", Adapter("other"))
    for name in ("nobody+shout", "tiny-gguf+", "+shout"):
        with pytest.raises(ModelNotFound, match=r"'{}'".format(name.replace("+", r"\+"))):
            catalog.find(name)
