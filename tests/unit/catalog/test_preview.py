"""A model of the hub, by the first bytes of its files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dovetail.catalog import preview as module
from dovetail.catalog.delivery import order
from dovetail.catalog.hub import parse_spec
from dovetail.catalog.invalid import InvalidModelFile
from dovetail.catalog.preview import preview
from dovetail.catalog.scan import scan
from dovetail.core.model import Model
from dovetail.demo import models_dir

from .hub_server import REPO, Hub, hub_server

if TYPE_CHECKING:
    from conftest import Forge


@pytest.fixture
def hub() -> Iterator[Hub]:
    with hub_server() as served:
        yield served


def seen(hub: Hub, spec: str = REPO) -> Model:
    return preview(order(parse_spec(spec), hub.address), hub.address)


def facts(model: Model) -> tuple[object, ...]:
    return model.format, model.size, model.shape, model.weights, model.quantisation


def test_it_is_what_the_whole_file_says(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_STEPS", (1000, 10_000, 1 << 20))
    path = next((models_dir() / "tiny-gguf-q8").glob("*.gguf"))
    hub.files = {"m.gguf": path.read_bytes()}
    (whole,) = scan([path.parent])
    assert facts(seen(hub)) == facts(whole)
    assert [sent.count for sent in hub.sent] == [1000, 10_000, 1 << 20]


def test_parts_count_together(hub: Hub, forge: Forge) -> None:
    metadata: dict[str, object] = {"general.architecture": "llama", "llama.block_count": 2, "split.count": 2}
    part = forge.gguf_bytes(metadata)
    hub.files = {f"m-0000{number}-of-00002.gguf": part for number in (1, 2)}
    found = seen(hub)
    assert (found.size, found.shape.layers, found.weights.layers) == (2 * len(part), 2, ())


def test_an_mlx_folder_by_its_configuration(hub: Hub, forge: Forge) -> None:
    folder = forge.mlx(quantization={"bits": 4, "group_size": 64})
    hub.files = {path.name: path.read_bytes() for path in folder.iterdir()}
    found = seen(hub)
    (whole,) = scan([forge.folder])
    assert (found.format, found.quantisation, found.size) == ("mlx", "4bit", whole.size)
    assert found.shape.attention == whole.shape.attention
    assert [sent.name for sent in hub.sent] == ["config.json"]


@pytest.mark.parametrize(
    "files",
    [
        {"m.gguf": b"GGUF" + bytes(100)},
        {"m.gguf": b"<html>" * 10},
        {"model.safetensors": b"x", "config.json": b"{}"},
        {"model.safetensors": b"x"},
        {"model.safetensors": b"x", "config.json": json.dumps({"model_type": 3}).encode()},
    ],
)
def test_what_is_no_model_is_refused(hub: Hub, files: dict[str, bytes]) -> None:
    hub.files = files
    with pytest.raises(InvalidModelFile):
        seen(hub)


def test_nothing_is_kept(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    hub.files = {"m.gguf": next((models_dir() / "tiny-gguf-q8").glob("*.gguf")).read_bytes()}
    seen(hub)
    assert list(tmp_path.iterdir()) == []
