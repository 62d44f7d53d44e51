"""The pooling of folders made with sentence-transformers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dovetail.catalog.invalid import InvalidModelFile
from dovetail.catalog.mlx import read_folder

if TYPE_CHECKING:
    from conftest import Forge

MODULE = "sentence_transformers.models."
MODULES: list[Any] = [
    {"idx": 0, "name": "0", "path": "", "type": f"{MODULE}Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": f"{MODULE}Pooling"},
    {"idx": 2, "name": "2", "path": "2_Normalize", "type": f"{MODULE}Normalize"},
]
FLAGS = {
    "word_embedding_dimension": 8,
    "pooling_mode_cls_token": False,
    "pooling_mode_mean_tokens": False,
    "pooling_mode_max_tokens": False,
    "pooling_mode_lasttoken": False,
    "include_prompt": True,
}


def folder(forge: Forge, config: Any, modules: Any = MODULES) -> Path:
    path = forge.mlx()
    (path / "modules.json").write_text(json.dumps(modules))
    (path / "1_Pooling").mkdir()
    (path / "1_Pooling" / "config.json").write_text(json.dumps(config))
    return path


def test_most_folders_were_not_made_to_embed(forge: Forge) -> None:
    assert read_folder(forge.mlx()).pooling is None


@pytest.mark.parametrize(
    ("config", "pooling"),
    [
        ({**FLAGS, "pooling_mode_mean_tokens": True}, "mean"),
        ({**FLAGS, "pooling_mode_cls_token": True}, "cls"),
        ({**FLAGS, "pooling_mode_lasttoken": True}, "last"),
        ({"embedding_dimension": 8, "pooling_mode": "lasttoken"}, "last"),
    ],
)
def test_a_folder_says_how_it_pools(forge: Forge, config: Any, pooling: str) -> None:
    assert read_folder(folder(forge, config)).pooling == pooling


@pytest.mark.parametrize(
    "config",
    [
        FLAGS,
        [],
        {**FLAGS, "pooling_mode_max_tokens": True},
        {**FLAGS, "pooling_mode_mean_tokens": True, "pooling_mode_cls_token": True},
        {"pooling_mode": "weightedmean"},
        {"pooling_mode": ["mean", "cls"]},
    ],
)
def test_another_pooling_is_refused(forge: Forge, config: Any) -> None:
    with pytest.raises(InvalidModelFile, match="pooling"):
        read_folder(folder(forge, config))


@pytest.mark.parametrize(
    "modules",
    [
        {},
        [5],
        [{"type": 5, "path": ""}],
        [{"type": f"{MODULE}Pooling", "path": "../1_Pooling"}],
        [{"type": f"{MODULE}Pooling", "path": "a\0b"}],
        [{"type": f"{MODULE}Pooling", "path": "nowhere"}],
        [*MODULES, {"path": "3_Dense", "type": f"{MODULE}Dense"}],
    ],
)
def test_modules_that_cannot_be_followed_are_refused(forge: Forge, modules: Any) -> None:
    with pytest.raises(InvalidModelFile):
        read_folder(folder(forge, {**FLAGS, "pooling_mode_mean_tokens": True}, modules))


def test_a_link_out_of_the_models_folder_is_refused(forge: Forge) -> None:
    path = folder(forge, FLAGS)
    (path / "1_Pooling" / "config.json").unlink()
    (path / "1_Pooling" / "config.json").symlink_to(Path(__file__))
    with pytest.raises(InvalidModelFile, match="leads out"):
        read_folder(path)
