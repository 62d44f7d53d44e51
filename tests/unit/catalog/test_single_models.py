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
