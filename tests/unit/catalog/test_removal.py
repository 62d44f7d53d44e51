from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dovetail.catalog.delivery import CARD
from dovetail.catalog.removal import removal
from dovetail.catalog.scan import scan
from dovetail.core.errors import DovetailError, InvalidRequest
from dovetail.core.model import Model

if TYPE_CHECKING:
    from conftest import Forge


def model(forge: Forge, name: str) -> Model:
    return next(each for each in scan([forge.folder]) if each.id == name)


def remove(forge: Forge, name: str) -> int:
    going = removal(model(forge, name), [forge.folder])
    going.run([forge.folder])
    return going.bytes


def test_a_file_goes_and_its_neighbour_stays(forge: Forge) -> None:
    size = forge.gguf("a.gguf").stat().st_size
    forge.gguf("b.gguf")
    assert remove(forge, "a") == size
    assert [path.name for path in forge.folder.iterdir()] == ["b.gguf"]


def test_an_empty_folder_goes_too_with_the_projector(forge: Forge) -> None:
    forge.gguf("own/own-Q4_0.gguf")
    forge.gguf("own/mmproj-own.gguf", forge.gguf_bytes({"general.architecture": "clip"}))
    (forge.folder / "own" / CARD).write_text("{}")
    remove(forge, "own")
    assert list(forge.folder.iterdir()) == []


def test_a_projector_of_two_stays(forge: Forge) -> None:
    forge.gguf("own/a.gguf")
    forge.gguf("own/b.gguf")
    forge.gguf("own/mmproj-own.gguf", forge.gguf_bytes({"general.architecture": "clip"}))
    remove(forge, "a")
    assert sorted(path.name for path in (forge.folder / "own").iterdir()) == ["b.gguf", "mmproj-own.gguf"]


def test_an_mlx_folder_goes_whole(forge: Forge) -> None:
    folder = forge.mlx("m")
    (folder / "1_Pooling").mkdir()
    forge.gguf("other.gguf")
    remove(forge, "m")
    assert [path.name for path in forge.folder.iterdir()] == ["other.gguf"]


@pytest.mark.parametrize("name", ["own", "m"])
def test_what_has_gone_meanwhile_is_no_failure(forge: Forge, name: str) -> None:
    forge.gguf("own/own.gguf")
    forge.mlx("m")
    going = removal(model(forge, name), [forge.folder])
    shutil.rmtree(forge.folder / name)
    going.run([forge.folder])


def test_what_cannot_be_removed_is_named(forge: Forge) -> None:
    forge.gguf("own/own.gguf")
    going = removal(model(forge, "own"), [forge.folder])
    shutil.rmtree(forge.folder / "own")
    (forge.folder / "own").write_text("a file has its place")
    with pytest.raises(DovetailError, match=r"own\.gguf cannot be removed: Not a directory"):
        going.run([forge.folder])


def test_an_mlx_folder_with_other_models_stays(forge: Forge) -> None:
    forge.mlx("m")
    forge.gguf("m/other.gguf")
    with pytest.raises(InvalidRequest, match="other models"):
        removal(model(forge, "m"), [forge.folder])


def test_an_mlx_folder_with_strange_folders_stays(forge: Forge) -> None:
    (forge.mlx("m") / "photos").mkdir()
    with pytest.raises(InvalidRequest, match="holds photos/ too"):
        removal(model(forge, "m"), [forge.folder])


def test_a_link_goes_and_what_it_leads_to_stays(forge: Forge) -> None:
    target = forge.gguf("real.gguf")
    (forge.folder / "z.gguf").symlink_to(target)
    going = removal(Model("z", "gguf", forge.folder / "z.gguf"), [forge.folder])
    going.run([forge.folder])
    assert [path.name for path in forge.folder.iterdir()] == ["real.gguf"]


def test_what_lies_elsewhere_is_left_alone(forge: Forge, tmp_path: Path) -> None:
    forge.gguf("a.gguf")
    with pytest.raises(InvalidRequest, match="no folder of models"):
        removal(model(forge, "a"), [tmp_path / "other"])
