from pathlib import Path

import pytest

from dovetail.catalog.scan import scan

from .conftest import Forge


def ids(root: Path) -> list[str]:
    return [model.id for model in scan([root])]


@pytest.mark.accept("E11")
def test_a_root_may_be_one_model_file_with_its_parts(forge: Forge) -> None:
    path = forge.gguf("one.gguf")
    forge.gguf("other.gguf")
    assert ids(path) == ["one"]
    first = forge.gguf("big-00001-of-00002.gguf")
    (found,) = scan([first])
    assert (found.id, found.invalid) == ("big", "part 2 of 2 is missing")


def test_a_root_may_be_one_mlx_folder(forge: Forge) -> None:
    path = forge.mlx("mistral-4bit")
    forge.mlx("another")
    assert ids(path) == ["mistral-4bit"]


def test_two_names_for_one_file_are_two_models(forge: Forge) -> None:
    path = forge.gguf("one.gguf")
    found = scan([path.parent], named={"short": path, "long": path})
    assert [(model.id, model.path) for model in found] == [("long", path), ("short", path)]
