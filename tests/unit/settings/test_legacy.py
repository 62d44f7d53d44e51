from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dovetail.settings import ConfigError, Settings, Sources, legacy
from dovetail.settings.document import Edit
from dovetail.settings.legacy import mirrored

CLIENT = {
    "models": [
        {"id": "qwen", "modelFormat": "gguf", "contextSize": 4096, "gpuLayers": 99, "theme": "dark"},
        {"id": "phi", "modelFormat": "mlx", "contextSize": 2048, "gpuLayers": 99},
    ],
    "activeModelId": "qwen",
}
SERVER = {"qwen": {"contextSize": 8192, "gpuLayers": 10, "modelFormat": "gguf"}}


def load(home: Path, models_config: Path | None = None) -> Settings:
    return Sources(home=home, environ={}, models_config=models_config).load()


def write(home: Path, client: object = None, server: object = None) -> None:
    if client is not None:
        (home / "config.json").write_text(json.dumps(client))
    if server is not None:
        (home / "models-config.json").write_text(json.dumps(server))


@pytest.mark.accept("M4", "M5")
def test_the_toml_goes_before_models_config_before_config(tmp_path: Path) -> None:
    write(tmp_path, CLIENT)
    assert load(tmp_path).models["qwen"].context == 4096
    write(tmp_path, CLIENT, SERVER)
    models = load(tmp_path).models
    assert (models["qwen"].context, models["qwen"].gpu_layers) == (8192, 10)
    assert (models["phi"].context, models["phi"].gpu_layers) == (2048, None), "layers mean nothing to MLX"
    (tmp_path / "dovetail.toml").write_text("[models.qwen]\ncontext = 512\n")
    models = load(tmp_path).models
    assert (models["qwen"].context, models["qwen"].gpu_layers) == (512, 10)


def test_the_servers_file_may_lie_elsewhere(tmp_path: Path) -> None:
    elsewhere = tmp_path / "theirs.json"
    elsewhere.write_text(json.dumps({"models": SERVER}))
    assert load(tmp_path, models_config=elsewhere).models["qwen"].context == 8192


def test_a_models_place_belongs_to_the_folder_of_the_file(tmp_path: Path) -> None:
    write(tmp_path, {"models": [{"id": "a", "modelPath": "x/a.gguf"}, {"id": "no id", "modelPath": "b.gguf"}]})
    models = load(tmp_path).models
    assert models["a"].path == tmp_path / "x" / "a.gguf"
    assert models["no id"].path is None


@pytest.mark.parametrize("text", ["{", "[]", '{"models": [{"id": "a", "contextSize": 3}]}', "3"])
def test_a_mistake_names_the_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ConfigError) as raised:
        load(tmp_path)
    assert str(raised.value).startswith(f"{tmp_path / 'config.json'}: ")


@pytest.mark.parametrize("text", ["", "{}", '{"settings": {"a": 1}, "models": 3}', '{"models": [3, {"id": 4}]}'])
def test_what_says_nothing_is_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    assert load(tmp_path) == Settings(home=tmp_path)


def test_no_context_is_the_models_own(tmp_path: Path) -> None:
    write(tmp_path, {"models": [{"id": "a", "contextSize": 0, "gpuLayers": -1}]})
    models = load(tmp_path).models
    assert (models["a"].context, models["a"].gpu_layers) == (None, -1)


def test_both_forms_are_kept_equal_and_nothing_else_is_touched() -> None:
    edits = [Edit(("models", "qwen", "context"), 1024), Edit(("models", "qwen", "pin"), value=True)]
    client = json.loads(mirrored(json.dumps(CLIENT), edits))
    assert client["models"][0] == {**CLIENT["models"][0], "contextSize": 1024}  # type: ignore[index]
    assert (client["models"][1], client["activeModelId"]) == (CLIENT["models"][1], "qwen")  # type: ignore[index]
    assert json.loads(mirrored(json.dumps(SERVER), edits))["qwen"]["contextSize"] == 1024


def test_a_model_that_is_new_to_the_servers_file_comes_in() -> None:
    edits = [Edit(("models", "new", "context"), 1024)]
    assert json.loads(mirrored(json.dumps(SERVER), edits))["new"] == {"contextSize": 1024}
    assert json.loads(mirrored(json.dumps(CLIENT), edits)) == CLIENT


def test_what_is_taken_out_goes_there_too() -> None:
    without = json.loads(mirrored(json.dumps(SERVER), [Edit(("models", "qwen", "context"), None)]))
    assert without == {"qwen": {"gpuLayers": 10, "modelFormat": "gguf"}}
    assert json.loads(mirrored(json.dumps(SERVER), [Edit(("models", "qwen"), None)])) == {}
    assert [m["id"] for m in json.loads(mirrored(json.dumps(CLIENT), [Edit(("models", "qwen"), None)]))["models"]] == [
        "phi"
    ]


def test_what_cannot_be_read_stays() -> None:
    assert mirrored("{", [Edit(("models", "qwen", "context"), 1)]) == "{"
    assert mirrored("{ }", [Edit(("strict",), value=True)]) == "{ }"


@given(st.sampled_from(["qwen", "phi", "new"]), st.integers(64, 10_000), st.sampled_from([CLIENT, SERVER]))
def test_what_is_mirrored_is_read_back(name: str, context: int, tree: object) -> None:
    from dovetail.settings.legacy import said

    text = mirrored(json.dumps(tree), [Edit(("models", name, "context"), context)])
    models = said([text])[0]["models"]
    assert isinstance(models, dict)
    assert name not in models or models[name]["context"] == context


def keyed(edits: list[Edit]) -> dict[tuple[str, ...], object]:
    return {edit.key: edit.value for edit in edits}


def test_a_list_becomes_edits_and_what_left_it_is_taken_out() -> None:
    before = json.dumps({"models": [{"id": "gone", "contextSize": 512}, {"id": "a"}]})
    after = json.dumps(
        {
            "models": [
                {"id": "a", "modelFormat": "gguf", "modelPath": "/x/a.gguf", "contextSize": 2048, "gpuLayers": ""},
                {"id": "uuid-1", "modelPath": "router-name", "contextSize": 0, "gpuLayers": 7},
            ]
        }
    )
    assert keyed(legacy.edits(before, after)) == {
        ("models", "gone", "context"): None,
        ("models", "gone", "gpu_layers"): None,
        ("models", "gone", "path"): None,
        ("models", "a", "context"): 2048,
        ("models", "a", "gpu_layers"): None,
        ("models", "a", "path"): "/x/a.gguf",
        ("models", "router-name", "context"): None,
        ("models", "router-name", "gpu_layers"): 7,
    }


def test_one_models_options_become_edits() -> None:
    assert keyed(legacy.server_edits("m", {"contextSize": 4096, "gpuLayers": -1, "modelFormat": "gguf"})) == {
        ("models", "m", "context"): 4096,
        ("models", "m", "gpu_layers"): -1,
    }
    assert keyed(legacy.server_edits("m", {"gpuLayers": 3, "modelFormat": "mlx"})) == {
        ("models", "m", "gpu_layers"): None
    }


def test_an_entry_is_kept_in_the_servers_file() -> None:
    own: dict[str, object] = {"contextSize": 1, "gpuLayers": None, "modelFormat": "gguf"}
    told = json.loads(legacy.with_entry('{"b": {"x": 1}, "a": {"gpuLayers": 2, "y": 3}}', "a", own))
    assert told == {"b": {"x": 1}, "a": {"gpuLayers": 2, "y": 3, "contextSize": 1, "modelFormat": "gguf"}}
    assert json.loads(legacy.with_entry("{", "a", own)) == {"a": {"contextSize": 1, "modelFormat": "gguf"}}
    wrapped = json.loads(legacy.with_entry('{"models": {}}', "a", own))
    assert list(wrapped["models"]) == ["a"]
