"""What may be asked of files, and what may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from dovetail.core.model import Model
from dovetail.demo import models_dir
from dovetail.gateway.admin import folders
from dovetail.gateway.admin.folders import FolderAnswer
from dovetail.gateway.admin.model_answers import ModelDetails
from dovetail.gateway.app import create_app
from dovetail.gateway.compat.llm_server import GgufInfo, MlxVerdict
from dovetail.settings import ModelSettings, Settings

from .fakes import call, services

pytestmark = pytest.mark.anyio
GGUF = models_dir() / "tiny-gguf" / "tiny-gguf-f16.gguf"
MLX = models_dir() / "tiny-mlx"
APP = create_app(
    services(
        None,
        Model("tiny-gguf", "gguf", GGUF),
        Model("tiny-mlx", "mlx", MLX),
        Model("gone", "gguf", Path("/nowhere/gone.gguf")),
    )
)


async def test_a_gguf_file_by_model_and_by_path() -> None:
    by_model = await call(APP, "POST", "/gguf-info", {"model": "tiny-gguf"})
    assert by_model.status == 200
    info = GgufInfo.model_validate(by_model.json(), strict=True)
    assert (info.ok, info.fileTypeName, info.qkv.q, info.tensorTypes) == (True, "F16", "F16", {"F16": 43, "F32": 13})
    by_path = await call(APP, "POST", "/gguf-info", {"path": str(GGUF)})
    assert by_path.json() == by_model.json() | {"model": None}


async def test_an_mlx_folder_and_what_is_none() -> None:
    sound = MlxVerdict.model_validate((await call(APP, "POST", "/mlx-verify", {"model": "tiny-mlx"})).json())
    assert (sound.exists, sound.modelType, sound.error) == (True, "llama", None)
    for body, reason in (({"model": "none"}, "does not exist"), ({"model": "tiny-gguf"}, "is no MLX model")):
        answer = await call(APP, "POST", "/mlx-verify", body)
        verdict = MlxVerdict.model_validate(answer.json())
        assert (answer.status, verdict.exists) == (200, False)
        assert reason in str(verdict.error)
    other = MlxVerdict.model_validate((await call(APP, "POST", "/mlx-verify", {"path": str(GGUF.parent)})).json())
    assert not other.exists
    assert "config.json" in str(other.error)


@pytest.mark.parametrize("route", ["/gguf-info", "/mlx-verify"])
@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/etc/passwd", 403, "path_not_allowed"),
        ("/no/such/file", 403, "path_not_allowed"),
        (f"{models_dir()}/../../settings/sections.py", 400, "invalid_request"),
        ("tiny.gguf", 400, "invalid_request"),
        ("/a\nb", 400, "invalid_request"),
    ],
)
@pytest.mark.accept("H11")
async def test_files_outside_of_the_models_are_not_looked_at(route: str, path: str, status: int, code: str) -> None:
    answer = await call(APP, "POST", route, {"path": path})
    assert answer.error == (status, "invalid_request_error" if status == 400 else "permission_error", code, "path")


async def test_a_link_leads_no_further_than_its_target(tmp_path: Path) -> None:
    inside = tmp_path / "models"
    inside.mkdir()
    (inside / "out.gguf").symlink_to("/etc/passwd")
    (inside / "demo.gguf").symlink_to(GGUF)
    app = create_app(services(settings=Settings(home=tmp_path)))
    out = await call(app, "POST", "/gguf-info", {"path": str(inside / "out.gguf")})
    assert (out.status, out.json()["error"]["code"]) == (403, "path_not_allowed")
    assert (await call(app, "POST", "/gguf-info", {"path": str(inside / "demo.gguf")})).status == 200


async def test_a_named_model_is_a_place_too(tmp_path: Path, forge_gguf: Path) -> None:
    named = Settings(home=tmp_path / "home", models={"own": ModelSettings(path=forge_gguf)})
    app = create_app(services(settings=named))
    assert (await call(app, "POST", "/gguf-info", {"path": str(forge_gguf)})).status == 200
    neighbour = forge_gguf.with_name("other.gguf")
    assert (await call(app, "POST", "/gguf-info", {"path": str(neighbour)})).status == 403


async def test_a_folder_that_is_not_shown_whole_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "MOST", 3)
    models = tmp_path / "models"
    models.mkdir()
    app = create_app(services(settings=Settings(home=tmp_path)))
    for name in (".hidden", "a.gguf", "b.gguf"):
        (models / name).write_bytes(b"1")
    whole = FolderAnswer.model_validate((await call(app, "GET", f"/api/v1/folders?path={models}")).json())
    assert ([entry.name for entry in whole.entries], whole.complete) == (["a.gguf", "b.gguf"], True)
    (models / ".another").write_bytes(b"1")  # it is not shown, and in the way of one that would be
    part = FolderAnswer.model_validate((await call(app, "GET", f"/api/v1/folders?path={models}")).json())
    assert not part.complete


async def test_folders_are_shown_as_far_as_models_may_be_added(tmp_path: Path) -> None:
    models = tmp_path / "models"
    (models / "mlx").mkdir(parents=True)
    (models / "mlx" / "config.json").write_text("{}")
    (models / "mlx" / "model.safetensors").write_text("")
    (models / "more").mkdir()
    (models / ".hidden").mkdir()
    (models / "a.gguf").write_bytes(b"1234")
    (models / "notes.txt").write_text("")
    app = create_app(services(settings=Settings(home=tmp_path)))
    top = FolderAnswer.model_validate((await call(app, "GET", "/api/v1/folders")).json())
    assert {entry.path for entry in top.entries} == {str(models.resolve()), str(models_dir().resolve())}
    inside = FolderAnswer.model_validate((await call(app, "GET", f"/api/v1/folders?path={models}")).json())
    assert [(entry.name, entry.kind, entry.bytes) for entry in inside.entries] == [
        ("mlx", "mlx", None), ("more", "folder", None), ("a.gguf", "gguf", 4),
    ]  # fmt: skip
    assert (inside.parent, inside.complete) == (None, True)
    below = await call(app, "GET", f"/api/v1/folders?path={models / 'more'}")
    assert below.json()["parent"] == str(models.resolve())
    assert (await call(app, "GET", f"/api/v1/folders?path={tmp_path}")).status == 403
    assert (await call(app, "GET", f"/api/v1/folders?path={models / 'a.gguf'}")).status == 422


@pytest.fixture
def forge_gguf(tmp_path: Path) -> Path:
    path = tmp_path / "elsewhere.gguf"
    path.write_bytes(GGUF.read_bytes())
    path.with_name("other.gguf").write_bytes(b"")
    return path


@pytest.mark.parametrize("body", [{}, {"model": "tiny-gguf", "path": str(GGUF)}])
async def test_one_of_the_two_is_named(body: dict[str, str]) -> None:
    assert (await call(APP, "POST", "/gguf-info", body)).status == 400


async def test_details_of_both_formats() -> None:
    for name in ("tiny-gguf", "tiny-mlx"):
        answer = await call(APP, "GET", f"/api/v1/models/{name}/details")
        details = ModelDetails.model_validate(answer.json())
        assert (details.id, details.layers, len(details.tensors)) == (name, 6, 56)
    assert (await call(APP, "GET", "/api/v1/models/gone/details")).error[:3] == (
        422, "invalid_request_error", "invalid_model_file",
    )  # fmt: skip
    assert (await call(APP, "GET", "/api/v1/models/none/details")).status == 404
