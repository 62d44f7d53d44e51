"""Conversations that travel: what arrives is what left, and what does not fit is refused with its reasons."""

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from dovetail import kv_folder
from dovetail.core.model import Adapter, Model
from dovetail.fleet.bundle import BundleError, Origin, export_to, import_from, origin_of, read_header
from dovetail.kv_folder import Card

CONTENT = bytes(range(256)) * 40
ANY = 1 << 30


def model(folder: Path, weights: bytes = b"weights", **changes: object) -> Model:
    path = folder / "m.gguf"
    path.write_bytes(weights)
    return replace(Model("m", "gguf", path, (path,), template="{{ x }}"), **changes)  # pyright: ignore[reportArgumentType]


def exported(folder: Path, found: Model) -> tuple[bytes, Card]:
    shelf = folder / "there" / "m-1"
    kv_folder.make(shelf)
    part = shelf / kv_folder.part(".slot")
    part.write_bytes(CONTENT)
    name, card = kv_folder.publish(part, 300, "00ff")
    out = io.BytesIO()
    export_to(out, shelf / f"{name}.slot", card, found, origin_of(found, "build 1"))
    return out.getvalue(), card


def imported(folder: Path, bundle: bytes, found: Model, origin: Origin | None = None, most: int = ANY) -> Card:
    return import_from(io.BytesIO(bundle), found, origin or origin_of(found, "build 1"), folder / "here" / "m-2", most)


def test_what_arrives_is_what_left(tmp_path: Path) -> None:
    found = model(tmp_path)
    bundle, card = exported(tmp_path, found)
    assert imported(tmp_path, bundle, found) == card
    (file,) = (tmp_path / "here" / "m-2").glob("*.slot")
    assert file.read_bytes() == CONTENT
    assert kv_folder.read_card(file.with_suffix(".json")) == card


def test_where_a_model_lies_and_when_it_came_there_does_not_matter(tmp_path: Path) -> None:
    bundle, card = exported(tmp_path, model(tmp_path))
    (tmp_path / "moved").mkdir()
    assert imported(tmp_path, bundle, model(tmp_path / "moved", id="other name")) == card


def test_all_that_does_not_match_is_named(tmp_path: Path) -> None:
    found = model(tmp_path)
    bundle, _ = exported(tmp_path, found)
    other = model(tmp_path, b"weightz", template="{{ y }}")
    with pytest.raises(BundleError) as refused:
        imported(tmp_path, bundle, other, origin_of(other, "build 2"))
    for said in ("the engine was build 1, here it is build 2", "the chat template differs", "the weights differ"):
        assert said in str(refused.value)
    with pytest.raises(BundleError, match="it is a GGUF model's, m is MLX"):
        imported(tmp_path, bundle, replace(other, format="mlx"))
    assert not (tmp_path / "here").exists()


def test_what_one_adapter_computed_is_not_for_another(tmp_path: Path) -> None:
    files = {name: tmp_path / f"{name}.gguf" for name in ("french", "legal")}
    for name, file in files.items():
        file.write_text(name)
    bare = model(tmp_path)
    french, legal = (replace(bare, adapter=Adapter(name, path=file)) for name, file in files.items())
    bundle, card = exported(tmp_path, french)
    assert read_header(io.BytesIO(bundle)).model == "m+french"
    for other, why in ((legal, "the adapter differs"), (bare, "only one of the two has an adapter")):
        with pytest.raises(BundleError, match=why):
            imported(tmp_path, bundle, other)
    assert imported(tmp_path, bundle, french) == card


@pytest.mark.parametrize("end", [-1, 100, 20, 13, 3, 0])
def test_a_bundle_that_ends_too_soon(tmp_path: Path, end: int) -> None:
    found = model(tmp_path)
    bundle, _ = exported(tmp_path, found)
    with pytest.raises(BundleError):
        imported(tmp_path, bundle[:end], found)
    assert list(tmp_path.glob("here/*/*")) == []


def test_a_bundle_that_was_damaged_or_goes_on(tmp_path: Path) -> None:
    found = model(tmp_path)
    bundle, _ = exported(tmp_path, found)
    with pytest.raises(BundleError, match="checksum"):
        imported(tmp_path, bundle[:-1] + b"?", found)
    with pytest.raises(BundleError, match="more follows"):
        imported(tmp_path, bundle + b"?", found)
    with pytest.raises(BundleError, match=r"kv\.max_bytes"):
        imported(tmp_path, bundle, found, most=1000)
    assert list(tmp_path.glob("here/*/*")) == []


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"[]",
        b"{",
        b"[" * 100_000,
        json.dumps({"version": 2}).encode(),
        json.dumps({"version": 1, "model": "../../x", "origin": {}, "card": {}}).encode(),
    ],
)
def test_a_header_of_something_else(tmp_path: Path, header: bytes) -> None:
    bundle = b"dovetail-kv\n" + len(header).to_bytes(4, "big") + header
    with pytest.raises(BundleError):
        imported(tmp_path, bundle, model(tmp_path))


def test_a_header_beyond_all_measure_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="too long"):
        imported(tmp_path, b"dovetail-kv\n\xff\xff\xff\xff", model(tmp_path))
