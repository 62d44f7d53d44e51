"""What other programs keep, as they keep it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dovetail.catalog.found import adding, find, here, places
from dovetail.catalog.scan import scan
from dovetail.settings.document import Edit

if TYPE_CHECKING:
    from conftest import Forge


def ollama(folder: Path, name: str, content: bytes, *, owner: str = "library", projector: bytes | None = None) -> Path:
    """A model as Ollama stores it; the file of its weights."""
    model, _, tag = name.partition(":")
    manifest = folder / "manifests" / "registry.ollama.ai" / owner / model / tag
    manifest.parent.mkdir(parents=True, exist_ok=True)
    (folder / "blobs").mkdir(exist_ok=True)
    layers = [{"mediaType": "application/vnd.ollama.image.template", "digest": "sha256:none"}]
    files: list[Path] = []
    for kind, data in (("model", content), ("projector", projector)):
        if data is not None:
            digest = f"{abs(hash((name, kind))):064x}"
            files.append(folder / "blobs" / f"sha256-{digest}")
            files[-1].write_bytes(data)
            layers.append({"mediaType": f"application/vnd.ollama.image.{kind}", "digest": f"sha256:{digest}"})
    manifest.write_text(json.dumps({"layers": layers}))
    return files[0]


def test_ollamas_blobs_are_models_where_they_lie(forge: Forge, tmp_path: Path) -> None:
    folder = tmp_path / "ollama"
    weights = ollama(folder, "qwen3:8b", forge.gguf_bytes(), projector=forge.gguf_bytes({"general.type": "mmproj"}))
    ollama(folder, "own:latest", forge.gguf_bytes(), owner="someone")
    ollama(folder, "broken:1", b"GGUF")
    (folder / "manifests" / "registry.ollama.ai" / "library" / "qwen3" / "bad").write_text("{")
    found = find("ollama", folder)
    assert [(model.id, model.format, model.invalid is None) for model in found.models] == [
        ("broken-1", "gguf", False), ("qwen3-8b", "gguf", True), ("someone-own", "gguf", True),
    ]  # fmt: skip
    assert found.models[1].path == weights
    assert {blob.name for blob in found.blobs} == {"qwen3:8b", "someone/own:latest", "broken:1"}
    assert next(blob for blob in found.blobs if blob.id == "qwen3-8b").projector is not None


def test_a_named_blob_is_served_under_its_name(forge: Forge, tmp_path: Path) -> None:
    weights = ollama(tmp_path / "o", "qwen3:8b", forge.gguf_bytes())
    (model,) = scan([], named={"mine": weights})
    assert (model.id, model.invalid, model.files) == ("mine", None, (weights,))
    assert scan([weights.parent]) == [], "as a folder of models it holds none"


def test_a_digest_leads_nowhere_else(forge: Forge, tmp_path: Path) -> None:
    folder = tmp_path / "o"
    ollama(folder, "a:b", forge.gguf_bytes())
    manifest = folder / "manifests" / "registry.ollama.ai" / "library" / "a" / "b"
    layer = {"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:../../../etc/passwd"}
    manifest.write_text(json.dumps({"layers": [layer]}))
    assert find("ollama", folder).models == ()


def test_lm_studio_and_the_hugging_face_cache_are_folders_of_models(forge: Forge, tmp_path: Path) -> None:
    user = tmp_path / "user"
    moved = tmp_path / "moved"
    studio = moved / "models" / "org" / "tiny-GGUF"
    studio.mkdir(parents=True)
    (studio / "tiny-Q4_K_M.gguf").write_bytes(forge.gguf_bytes())
    user.mkdir()
    (user / ".lmstudio-home-pointer").write_text(f"{moved}\n")
    hub = user / ".cache" / "huggingface" / "hub"
    blobs = hub / "models--org--own" / "blobs"
    snapshot = hub / "models--org--own" / "snapshots" / "abc"
    blobs.mkdir(parents=True)
    snapshot.mkdir(parents=True)
    (blobs / "1").write_bytes(forge.gguf_bytes())
    (snapshot / "own.gguf").symlink_to("../../blobs/1")
    there = places(user, {})
    assert there == [("lm-studio", moved / "models"), ("huggingface", hub)]
    assert [[model.id for model in find(*place).models] for place in there] == [["tiny-GGUF"], ["own"]]
    elsewhere = {"HF_HUB_CACHE": str(hub), "OLLAMA_MODELS": str(tmp_path)}
    assert ("ollama", tmp_path) in places(user, elsewhere)


def test_a_user_without_a_home_has_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nowhere)
    assert here() == []


def test_what_is_added_is_written_once(forge: Forge, tmp_path: Path) -> None:
    folder = tmp_path / "o"
    ollama(folder, "a:1", forge.gguf_bytes(), projector=forge.gguf_bytes({"general.type": "mmproj"}))
    other = ollama(folder, "b:1", forge.gguf_bytes())
    found = find("ollama", folder)
    added, edits = adding([found], "", served={other.resolve()}, names={"a-1"})
    assert added == ["a-1-ollama"]
    assert [edit.key for edit in edits] == [("models", "a-1-ollama", "path"), ("models", "a-1-ollama", "mmproj")]
    assert adding([found], "", set(), set(), ids=["b-1"])[0] == ["b-1"]


def test_a_folder_is_added_to_those_of_the_file(forge: Forge) -> None:
    forge.gguf("m.gguf")
    found = find("lm-studio", forge.folder)
    added, edits = adding([found], '[catalog]\nfolders = ["/x"]\n', set(), set())
    assert (added, edits) == (["m"], [Edit(("catalog", "folders"), ["/x", str(forge.folder)])])
    again = f'[catalog]\nfolders = ["{forge.folder}"]\n'
    assert adding([found], again, set(), set()) == ([], [])
