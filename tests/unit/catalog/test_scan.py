"""Folders to models: names, parts, projectors, links, and what must never hang or be followed."""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dovetail.catalog import tree
from dovetail.catalog.scan import scan
from dovetail.core.model import MODEL_ID, Capability, Model
from dovetail.demo import models_dir

if TYPE_CHECKING:
    from conftest import Forge


def llama(**changes: object) -> dict[str, object]:
    entries: dict[str, object] = {"general.architecture": "llama", "llama.block_count": 2}
    return entries | {key.replace("__", "."): value for key, value in changes.items()}


def clip(forge: Forge, name: str, **changes: object) -> Path:
    return forge.gguf(
        name, forge.gguf_bytes({"general.architecture": "clip"} | {f"clip.{k}": v for k, v in changes.items()})
    )


def model(forge: Forge, name: str, **changes: object) -> Path:
    return forge.gguf(name, forge.gguf_bytes(llama(**changes)))


def parts(forge: Forge, stem: str, count: int) -> list[Path]:
    made: list[Path] = []
    for number in range(count):
        metadata: dict[str, object] = {"split.no": number, "split.count": count}
        if number == 0:
            metadata |= llama()
        made.append(forge.gguf(f"{stem}-{number + 1:05}-of-{count:05}.gguf", forge.gguf_bytes(metadata)))
    return made


def by_id(*roots: Path) -> dict[str, Model]:
    found = scan(roots)
    assert [each.id for each in found] == sorted(each.id for each in found)
    assert all(MODEL_ID.match(each.id) for each in found)
    names = [name for each in found for name in (each.id, *each.aliases)]
    assert len(names) == len(set(names))
    return {each.id: each for each in found}


# Names


@pytest.mark.accept("E9")
def test_the_demo_models() -> None:
    models = by_id(models_dir())
    assert {each: (models[each].format, models[each].quantisation, models[each].invalid) for each in models} == {
        "tiny-gguf": ("gguf", "F16", None),
        "tiny-gguf-q8": ("gguf", "Q8_0", None),
        "tiny-mlx": ("mlx", "F32", None),
    }
    assert models["tiny-gguf"].aliases == ("tiny-gguf-f16", "tiny-gguf-f16.gguf")
    assert models["tiny-gguf"].shape.parameters == models["tiny-mlx"].shape.parameters
    assert models["tiny-gguf"].template == models["tiny-mlx"].template
    wanted = {Capability.CHAT, Capability.COMPLETION, Capability.TOOLS, Capability.THINKING}
    assert all(each.capabilities == wanted for each in models.values())


def test_a_flat_folder_of_files_and_mlx_folders(forge: Forge) -> None:
    path = model(forge, "qwen-q4.gguf")
    forge.mlx("mistral-4bit")
    models = by_id(forge.folder)
    assert list(models) == ["mistral-4bit", "qwen-q4"]
    found = models["qwen-q4"]
    assert (found.path, found.files, found.size) == (path, (path,), path.stat().st_size)
    assert found.aliases == ("qwen-q4.gguf",)
    assert found.created == int(path.stat().st_mtime)


def test_the_folder_keeps_the_name_and_the_file_takes_its_full_one(forge: Forge) -> None:
    model(forge, "qwen.gguf")
    model(forge, "qwen/weights.gguf")
    models = by_id(forge.folder)
    assert models["qwen"].path.name == "weights.gguf"
    assert models["qwen.gguf"].path.name == "qwen.gguf"


def test_a_folder_with_several_quantisations(forge: Forge) -> None:
    model(forge, "someone/qwen/qwen-q8.gguf")
    model(forge, "someone/qwen/qwen-q4.gguf")
    models = by_id(forge.folder)
    assert list(models) == ["qwen-q4", "qwen-q8"]
    assert models["qwen-q4"].aliases == ("qwen-q4.gguf", "qwen", "someone/qwen")
    assert models["qwen-q8"].aliases == ("qwen-q8.gguf",)


@pytest.mark.parametrize("folder", ["Q4_K_M", "UD-Q4_K_XL", "bf16", "IQ2_XXS", "MXFP4"])
def test_a_folder_named_after_a_quantisation_names_nothing(forge: Forge, folder: str) -> None:
    model(forge, f"qwen/{folder}/qwen3.gguf")
    assert by_id(forge.folder)["qwen3"].aliases == ("qwen3.gguf", f"qwen/{folder}")


def test_both_formats_in_one_folder(forge: Forge) -> None:
    forge.mlx("both")
    model(forge, "both/m-q4.gguf")
    models = by_id(forge.folder)
    assert (models["both"].format, models["m-q4"].format) == ("mlx", "gguf")


def test_the_first_root_wins_a_name(forge: Forge) -> None:
    for root in ("one", "two", "three"):
        model(forge, f"{root}/qwen/w.gguf")
        forge.mlx(f"{root}/mistral")
    models = by_id(*(forge.folder / root for root in ("two", "one", "three")))
    where = {each: models[each].path.relative_to(forge.folder).parts[0] for each in models}
    assert where == {
        "qwen": "two",
        "w": "one",
        "w.gguf": "three",
        "mistral": "two",
        "mistral-2": "one",
        "mistral-3": "three",
    }


def test_odd_names_are_made_safe_and_stay_as_aliases(forge: Forge) -> None:
    for name in ("My model (v2)!", "--x", "한국어", "...", "a" * 200, "e\u0301"):
        model(forge, f"{name.strip('.') or '. .'}.gguf")
    models = by_id(forge.folder)
    assert set(models) == {"My-model-v2-", "x", "한국어", "a" * 128, "é"}
    assert "My model (v2)!" in models["My-model-v2-"].aliases
    assert models["x"].aliases == ("--x", "--x.gguf")


@pytest.mark.skipif(os.name != "posix" or os.uname().sysname != "Linux", reason="file names are bytes on Linux alone")
def test_a_name_that_is_not_utf8_is_no_alias(forge: Forge) -> None:
    model(forge, "m.gguf").rename(forge.folder / os.fsdecode(b"m\xff.gguf"))
    models = by_id(forge.folder)
    assert models["m-"].aliases == ()


@pytest.mark.skipif(os.name != "posix", reason="file names on Windows are printable")
def test_reasons_can_be_printed(forge: Forge) -> None:
    (forge.folder / os.fsdecode(b"\x1b[31m\xff.gguf")).symlink_to(__file__)
    reason = next(iter(by_id(forge.folder).values())).invalid or ""
    assert reason.isprintable()
    assert reason.encode()


def test_configured_aliases_go_first_and_never_over_an_id(forge: Forge) -> None:
    model(forge, "a.gguf")
    model(forge, "b.gguf")
    found = scan([forge.folder], aliases={"a": ("gpt-4", "b", "b.gguf", ""), "missing": ("x",)})
    assert [each.aliases for each in found] == [("gpt-4", "b.gguf", "a.gguf"), ()]


def test_the_hugging_face_cache_in_place(forge: Forge) -> None:
    repository = forge.folder / "models--someone--qwen-4bit"
    snapshot = forge.mlx("models--someone--qwen-4bit/snapshots/0123abc")
    (repository / "blobs").mkdir()
    for name in ("config.json", "model.safetensors"):
        (snapshot / name).rename(repository / "blobs" / name.upper())
        (snapshot / name).symlink_to(f"../../blobs/{name.upper()}")
    models = by_id(forge.folder)
    assert (list(models), models["qwen-4bit"].invalid) == (["qwen-4bit"], None)
    assert models["qwen-4bit"].path == snapshot


def test_a_root_may_be_a_model_itself(forge: Forge) -> None:
    path = forge.mlx("direct")
    assert list(by_id(path)) == ["direct"]
    assert by_id(model(forge, "only/w.gguf").parent)["w"].aliases == ("w.gguf",)


# Parts and projectors


def test_parts_are_one_model(forge: Forge) -> None:
    files = parts(forge, "big/big-q4", 3)
    found = by_id(forge.folder)["big"]
    assert (found.path, found.files) == (files[0], tuple(files))
    assert found.size == sum(file.stat().st_size for file in files)
    assert found.shape.parameters == 96
    assert found.aliases == ("big-q4", "big-q4-00001-of-00003.gguf")


@pytest.mark.parametrize(("missing", "reason"), [(0, "part 1 of 3"), (1, "part 2 of 3"), (2, "part 3 of 3")])
def test_a_missing_part_is_named(forge: Forge, missing: int, reason: str) -> None:
    parts(forge, "big-q4", 3)[missing].unlink()
    assert by_id(forge.folder)["big-q4"].invalid == f"{reason} is missing"


def test_parts_that_are_not_what_their_names_say(forge: Forge) -> None:
    first, second = parts(forge, "big", 2)
    model(forge, first.name)
    assert "says that it is part 1 of 1" in (by_id(forge.folder)["big"].invalid or "")
    first.unlink()
    second.rename(forge.folder / "big.gguf")
    assert "says that it is part 2 of 2" in (by_id(forge.folder)["big"].invalid or "")


def test_a_projector_pairs_with_its_folder(forge: Forge) -> None:
    model(forge, "gemma/gemma-q4.gguf")
    clip(forge, "gemma/mmproj-BF16.gguf", has_vision_encoder=True)
    f16 = clip(forge, "gemma/mmproj-F16.gguf", has_vision_encoder=True, has_audio_encoder=True)
    clip(forge, "gemma/mmproj-F32.gguf", has_vision_encoder=True)
    forge.gguf("gemma/mmproj-broken.gguf", b"<html>")
    models = by_id(forge.folder)
    assert list(models) == ["gemma"]
    assert models["gemma"].mmproj == f16
    assert models["gemma"].capabilities == {Capability.COMPLETION, Capability.VISION, Capability.AUDIO}


def test_a_projector_for_sound_alone(forge: Forge) -> None:
    model(forge, "voxtral/voxtral.gguf")
    clip(forge, "voxtral/mmproj.gguf", has_audio_encoder=True)
    assert by_id(forge.folder)["voxtral"].capabilities == {Capability.COMPLETION, Capability.AUDIO}


def test_in_a_root_a_projector_pairs_by_name(forge: Forge) -> None:
    model(forge, "gemma-3-Q4_K_M.gguf")
    model(forge, "qwen-Q8_0.gguf")
    mmproj = clip(forge, "mmproj-gemma-3-f16.gguf")
    models = by_id(forge.folder)
    assert {each: models[each].mmproj for each in models} == {"gemma-3-Q4_K_M": mmproj, "qwen-Q8_0": None}
    assert Capability.VISION in models["gemma-3-Q4_K_M"].capabilities


# Capabilities


@pytest.mark.parametrize(
    ("metadata", "wanted"),
    [
        ({"general.architecture": "bert", "bert.block_count": 2}, {Capability.EMBEDDING}),
        ({"general.architecture": "nomic-bert", "nomic-bert.block_count": 2}, {Capability.EMBEDDING}),
        (llama(llama__pooling_type=3), {Capability.EMBEDDING}),
        (llama(llama__pooling_type=0), {Capability.COMPLETION}),
        (llama(tokenizer__chat_template="{{ messages }}"), {Capability.COMPLETION, Capability.CHAT}),
        (
            llama(tokenizer__chat_template="{% if tools %}{% if enable_thinking %}"),
            {Capability.COMPLETION, Capability.CHAT, Capability.TOOLS, Capability.THINKING},
        ),
    ],
)
def test_capabilities_are_guessed(forge: Forge, metadata: Mapping[str, object], wanted: set[Capability]) -> None:
    forge.gguf("folder/m.gguf", forge.gguf_bytes(metadata))
    assert by_id(forge.folder)["folder"].capabilities == wanted


# What is wrong is listed with its reason


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ({}, "no general.architecture"),
        ({"general.architecture": "flux"}, "not a language model: the header gives no layers (flux.block_count)"),
        (llama(general__type="adapter"), "an adapter, not a model"),
        (llama(general__type="imatrix"), "an importance matrix"),
    ],
)
def test_sound_files_that_are_no_models(forge: Forge, metadata: Mapping[str, object], reason: str) -> None:
    forge.gguf("m.gguf", forge.gguf_bytes(metadata))
    found = by_id(forge.folder)["m"]
    assert reason in (found.invalid or "")
    assert found.capabilities == frozenset()


def test_a_vocabulary_without_weights(forge: Forge) -> None:
    forge.gguf("m.gguf", forge.gguf_bytes(llama(), tensors=[], data=0))
    assert by_id(forge.folder)["m"].invalid == "the file holds a vocabulary and no weights"


@pytest.mark.accept("E9")
def test_broken_models_are_listed_with_their_reasons(forge: Forge) -> None:
    forge.gguf("page.gguf", b"<!doctype html>")
    forge.gguf("half.gguf", forge.gguf_bytes()[:-1])
    (forge.mlx("no-weights") / "model.safetensors").unlink()
    (forge.mlx("no-config") / "config.json").unlink()
    (forge.mlx("code") / "modeling.py").touch()
    path = forge.mlx("pickle")
    (path / "model.safetensors").rename(path / "pytorch_model.bin")
    (path / "onnx").mkdir()
    model(forge, "sound.gguf")
    models = by_id(forge.folder)
    reasons = {each: models[each].invalid or "" for each in models}
    assert reasons.pop("sound") == ""
    assert "HTML page" in reasons.pop("page")
    assert "truncated data" in reasons.pop("half")
    assert reasons.pop("no-weights") == "the folder has no model*.safetensors"
    assert reasons.pop("no-config") == "the folder has no config.json"
    assert reasons.pop("code").startswith("remote code is not allowed")
    assert reasons.pop("pickle").startswith("remote code is not allowed")
    assert not reasons


def test_folders_that_are_no_models_are_passed_over(forge: Forge) -> None:
    adapter = forge.mlx("adapter")
    (adapter / "adapter_config.json").touch()
    pipeline = forge.mlx("pipeline")
    (pipeline / "model_index.json").touch()
    forge.mlx("pipeline/unet")
    (forge.folder / ".hidden").mkdir()
    model(forge, ".hidden/m.gguf")
    (forge.folder / "notes").mkdir()
    (forge.folder / "notes" / "readme.md").touch()
    (forge.folder / "config.json").write_text("{}")
    assert by_id(forge.folder, forge.folder / "missing") == {}


# Links, special files, bounds


@pytest.mark.bad_input("32")
def test_links_never_lead_out_of_the_root(forge: Forge, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    secret = model(forge, "secret.gguf").rename(outside / "secret.gguf")
    (forge.folder / "file.gguf").symlink_to(secret)
    (forge.folder / "folder").symlink_to(outside)
    (forge.folder / "up").symlink_to("..")
    (forge.folder / "broken.gguf").symlink_to("missing")
    path = forge.mlx("mlx")
    (path / "model.safetensors").rename(outside / "w")
    (path / "model.safetensors").symlink_to(outside / "w")
    models = by_id(forge.folder)
    assert list(models) == ["file", "mlx"]
    assert "leaves the models folder" in (models["file"].invalid or "")
    assert "leaves the models folder" in (models["mlx"].invalid or "")
    assert models["file"].size == 0
    assert by_id(forge.folder, outside)["secret"].invalid is None


@pytest.mark.bad_input("32")
def test_loops_end(forge: Forge) -> None:
    model(forge, "a/m.gguf")
    (forge.folder / "a" / "again").symlink_to("..")
    (forge.folder / "self").symlink_to("self")
    (forge.folder / "self.gguf").symlink_to("self.gguf")
    assert list(by_id(forge.folder)) == ["a"]


def test_a_link_inside_the_root_adds_a_name(forge: Forge) -> None:
    model(forge, "store/qwen-q4.gguf")
    (forge.folder / "best.gguf").symlink_to("store/qwen-q4.gguf")
    models = by_id(forge.folder, forge.folder / "store")
    assert list(models) == ["store"]
    assert set(models["store"].aliases) == {"qwen-q4", "qwen-q4.gguf", "best", "best.gguf"}


@pytest.mark.bad_input("32")
def test_special_files_are_not_opened(forge: Forge) -> None:
    os.mkfifo(forge.folder / "pipe.gguf")
    path = forge.mlx("mlx")
    (path / "model.safetensors").unlink()
    os.mkfifo(path / "model.safetensors")
    models = by_id(forge.folder)
    assert list(models) == ["mlx"]
    assert models["mlx"].invalid == "model.safetensors is not a regular file"


def test_depth_and_number_are_bounded(forge: Forge, monkeypatch: pytest.MonkeyPatch) -> None:
    model(forge, "a/b/c/d/e/f/deep.gguf")
    model(forge, "a/b/c/d/e/f/g/deeper.gguf")
    assert list(by_id(forge.folder)) == ["f"]
    for number in range(20):
        model(forge, f"m{number}.gguf")
    monkeypatch.setattr(tree, "MAX_ENTRIES", 10)
    assert len(by_id(forge.folder)) <= 10


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root reads everything")
def test_unreadable_folders_are_passed_over(forge: Forge) -> None:
    model(forge, "closed/m.gguf")
    (forge.folder / "closed").chmod(0)
    assert by_id(forge.folder) == {}


def test_split_numbers_out_of_range_are_a_reason(forge: Forge) -> None:
    huge = struct.pack("<Q", 11) + b"split.count" + struct.pack("<IQ", 10, 1 << 60)
    forge.gguf("m.gguf", forge.gguf_bytes(llama(), extra=[huge]))
    assert "split.count" in (by_id(forge.folder)["m"].invalid or "")
