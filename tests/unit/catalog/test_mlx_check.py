"""The checks of an MLX folder: each fails by itself, and all are told at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import pytest

from dovetail.catalog import mlx_check
from dovetail.catalog.inspection import inspect
from dovetail.catalog.mlx import INDEX
from dovetail.catalog.mlx_check import Check, MlxFacts, check_folder
from dovetail.demo import models_dir

if TYPE_CHECKING:
    from conftest import Forge


def status(facts: MlxFacts) -> dict[str, str]:
    return {check.name: check.status for check in facts.checks}


def of(facts: MlxFacts, name: str) -> Check:
    return next(check for check in facts.checks if check.name == name)


def test_a_sound_folder_passes_every_check() -> None:
    facts = check_folder(models_dir() / "tiny-mlx")
    assert facts.sound
    assert set(status(facts).values()) == {"pass"}
    assert (facts.shape.layers, facts.quantisation) == (6, "F32")
    assert facts.attention == {"q": {"F32": 6}, "k": {"F32": 6}, "v": {"F32": 6}}
    assert all(check.mend == "" for check in facts.checks)


def test_every_defect_is_named_in_one_go(forge: Forge) -> None:
    folder = forge.mlx(num_attention_heads=-1)
    (folder / "model-00001-of-00003.safetensors").write_bytes(b"short")
    (folder / "evil.py").write_text("raise SystemExit")
    (folder / INDEX).write_text(json.dumps({"weight_map": {"t": "model-00002-of-00003.safetensors"}}))
    facts = check_folder(folder)
    assert not facts.sound
    assert {name for name, found in status(facts).items() if found == "fail"} == {
        "code", "weights", "index", "numbers",
    }  # fmt: skip
    assert "evil.py" in of(facts, "code").found
    assert "1 of 3 shards" in of(facts, "weights").found
    assert all(check.mend for check in facts.checks if check.status != "pass")


def forge_config(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


SPOILS: list[tuple[Callable[[Path], object], str, str]] = [
    (lambda path: (path / "config.json").unlink(), "config.json", "no config.json"),
    (lambda path: (path / "config.json").write_text("{"), "config.json", "not valid JSON"),
    (lambda path: forge_config(path, auto_map={"a": "b"}), "code", "code of its own"),
    (lambda path: (path / "model.safetensors").unlink(), "weights", "no model*.safetensors"),
    (lambda path: (path / "model.safetensors").write_bytes(b"x" * 7), "weights model.safetensors", "truncated"),
    (lambda path: forge_config(path, quantization={"bits": 99}), "quantisation", "99-bit"),
    (lambda path: (path / "tokenizer_config.json").write_text("[]"), "tokenizer_config.json", "no JSON object"),
    (lambda path: (path / "link.json").symlink_to("/etc/hostname"), "folder", "leaves the models folder"),
]


@pytest.mark.parametrize(("spoil", "name", "found"), SPOILS)
def test_each_fails_by_itself(forge: Forge, spoil: Callable[[Path], object], name: str, found: str) -> None:
    folder = forge.mlx()
    spoil(folder)
    check = of(check_folder(folder), name)
    assert check.status == "fail"
    assert found in check.found
    assert check.mend


def test_what_loads_all_the_same_is_a_warning(forge: Forge) -> None:
    folder = forge.mlx()
    for number in (1, 2):
        forge.safetensors(folder / f"model-0000{number}-of-00002.safetensors", {f"t{number}": ("F32", [1], 4)})
    (folder / "model.safetensors").unlink()
    facts = check_folder(folder)
    assert facts.sound
    assert {name for name, found in status(facts).items() if found == "warn"} == {
        "index", "tokenizer", "chat template",
    }  # fmt: skip


def test_packed_weights_are_told_in_bits(forge: Forge) -> None:
    folder = forge.mlx(quantization={"bits": 4, "group_size": 64})
    tensors = {
        "model.layers.0.self_attn.q_proj.weight": ("U32", [8, 8], 256),
        "model.layers.0.self_attn.q_proj.scales": ("F16", [8, 1], 16),
        "model.layers.0.self_attn.v_proj.weight": ("BF16", [8, 8], 128),
    }
    forge.safetensors(folder / "model.safetensors", tensors)
    facts = check_folder(folder)
    assert facts.attention == {"q": {"4bit": 1}, "k": {}, "v": {"BF16": 1}}
    assert (facts.quantisation, facts.group_size) == ("4bit", 64)
    assert "groups of 64, 1 packed" in of(facts, "quantisation").found


def test_a_folder_that_takes_too_long_is_not_called_sound(forge: Forge) -> None:
    times = iter([0.0, 9.0])
    assert (
        "longer than 5 s" in of(check_folder(forge.mlx(), clock=lambda: next(times)), "weights model.safetensors").found
    )


def test_what_no_answer_can_hold_is_in_none(forge: Forge) -> None:
    folder = forge.mlx(model_type="llama\ud800", quantization={"bits": 4, "group_size": 10**30})
    forge.safetensors(folder / "model.safetensors", {"odd\udfff": ("F32", [4, 8], 128)})
    (folder / "tokenizer_config.json").write_text('{"chat_template": "\\ud83d\\ude00 \\ud83d"}')
    shown = inspect(folder)
    assert orjson.loads(orjson.dumps(shown)) == shown
    assert shown["architecture"] == "llama\ufffd"
    assert shown["template"] == "\U0001f600 \ufffd"


def test_tensors_are_bounded_over_all_shards(forge: Forge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlx_check, "MAX_TENSORS", 1)
    folder = forge.mlx()
    (folder / "model.safetensors").unlink()
    for number in (1, 2):
        forge.safetensors(folder / f"model-0000{number}-of-00002.safetensors", {f"t{number}": ("F32", [1], 4)})
    facts = check_folder(folder)
    assert list(facts.tensors) == ["t1"]
    assert "more than 1" in of(facts, "weights model-00002-of-00002.safetensors").found


def test_inspect_shows_a_broken_folder(forge: Forge) -> None:
    folder = forge.mlx()
    (folder / "model.safetensors").unlink()
    assert inspect(folder)["sound"] is False
