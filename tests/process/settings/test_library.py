"""Models added, changed and removed over HTTP, on a server that answers meanwhile."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from dovetail import demo
from dovetail.gateway.admin.config import ConfigAnswer
from dovetail.gateway.admin.model_answers import (
    EstimateAnswer,
    FittingAdapters,
    FoundAdded,
    FoundPlaces,
    ModelEntries,
    ModelRemoved,
    ModelSaved,
    RemovalAnswer,
)
from dovetail.gateway.compat.llm_server_config import RouterList, StoredConfigs

from ..serving.running import Running, running  # noqa: TID252  the same server as the tests of processes
from .test_live import ask, model, until

pytestmark = pytest.mark.anyio
GGUF = next((demo.models_dir() / "tiny-gguf-q8").glob("*.gguf"))
TOML = (
    "# by hand\n[fleet]\nidle_ttl = 300 # not less\n\n[models.tiny-gguf]\naliases = ['first']  # the one\n"
    "[models.trusted]\ntrust_remote_code = true\n"
)


class House:
    """A server with models of its own and of other programs, and a session with it."""

    def __init__(self, home: Path, server: Running, http: aiohttp.ClientSession) -> None:
        self.home, self.server, self.http = home, server, http

    async def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.http.request(method, path, json=body, headers=sent) as answer:
            return answer.status, await answer.json()

    def toml(self) -> str:
        return (self.home / "dovetail.toml").read_text()


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    base = tmp_path_factory.mktemp("library")
    home, user = base / "home", base / "user"
    (home / "models").mkdir(parents=True)
    shutil.copy(GGUF, home / "models" / "mine.gguf")
    (home / "dovetail.toml").write_text(TOML)
    ollama = user / ".ollama" / "models"
    digest = hashlib.sha256(GGUF.read_bytes()).hexdigest()
    (ollama / "blobs").mkdir(parents=True)
    shutil.copy(GGUF, ollama / "blobs" / f"sha256-{digest}")
    manifest = ollama / "manifests" / "registry.ollama.ai" / "library" / "capitals" / "tiny"
    manifest.parent.mkdir(parents=True)
    layer = {"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{digest}"}
    manifest.write_text(json.dumps({"layers": [layer]}))
    studio = user / ".lmstudio" / "models" / "org" / "studio-GGUF"
    studio.mkdir(parents=True)
    shutil.copy(GGUF, studio / "studio-Q8_0.gguf")
    async with (
        running(home, environment={"HOME": str(user), "XDG_CACHE_HOME": str(user / ".cache")}) as server,
        aiohttp.ClientSession(server.url) as http,
    ):
        yield House(home, server, http)


@pytest.mark.accept("E11", "M1", "M2", "M3", "M9", "M13")
async def test_a_model_is_added_changed_and_removed_without_a_restart(house: House) -> None:
    path = str(house.home / "models" / "mine.gguf")
    listed = ModelEntries.model_validate((await house.ask("GET", "/api/v1/models"))[1])
    mine = next(entry for entry in listed.data if entry.id == "mine")
    assert (mine.source, mine.path, mine.architecture, mine.trained_context > 0) == ("folder", path, "llama", True)
    status, refused = await house.ask("POST", "/api/v1/models", {"path": path, "id": "mine"})
    assert (status, refused["error"]["code"]) == (409, "name_taken")
    status, refused = await house.ask("POST", "/api/v1/models", {"path": path, "id": "again", "format": "mlx"})
    assert (status, refused["error"]["param"]) == (400, "format")
    status, tried = await house.ask("POST", "/api/v1/models", {"path": path, "id": "again", "test": True})
    assert (status, ModelSaved.model_validate(tried).model.id) == (200, "again")
    assert "again" not in house.toml()
    body = {"path": path, "id": "again", "settings": {"context": 512}, "version": listed.version}
    status, added = await house.ask("POST", "/api/v1/models", body)
    saved = ModelSaved.model_validate(added)
    assert (status, saved.model.settings) == (200, {"context": 512, "path": path})
    assert "# by hand" in house.toml()
    assert "idle_ttl = 300 # not less" in house.toml()
    assert "Paris" in json.dumps(await ask(house.http, "again"))
    status, late = await house.ask(
        "PATCH", "/api/v1/models/again", {"settings": {"context": 9}}, If_Match=f'"{listed.version}"'
    )
    assert (status, late["error"]["code"]) == (409, "config_conflict")
    status, wrong = await house.ask("PATCH", "/api/v1/models/again", {"settings": {"context": 9}})
    assert (status, wrong["error"]["code"]) == (422, "invalid_configuration")
    assert "models.again.context" in wrong["error"]["message"]
    status, changed = await house.ask("PATCH", "/api/v1/models/again", {"settings": {"context": 1024}})
    assert (status, ModelSaved.model_validate(changed).reload) == (200, True)
    await ask(house.http, "again")
    assert (await model(house.http, "again"))["context"] == 1024
    status, gone = await house.ask("DELETE", "/api/v1/models/again")
    assert (status, ModelRemoved.model_validate(gone).entry) == (200, True)
    assert "again" not in house.toml()
    assert Path(path).exists()
    assert (await model(house.http, "mine"))["id"] == "mine"


@pytest.mark.accept("M3")
async def test_what_would_go_is_told_before(house: House) -> None:
    path = house.home / "models" / "mine.gguf"
    told = RemovalAnswer.model_validate((await house.ask("GET", "/api/v1/models/mine/removal"))[1])
    assert ([file.name for file in told.files], told.bytes) == ([str(path)], path.stat().st_size)
    assert (told.entry, told.problem) == (False, None)
    kept = RemovalAnswer.model_validate((await house.ask("GET", "/api/v1/models/tiny-mlx/removal"))[1])
    assert (kept.files, kept.bytes, "package" in str(kept.problem)) == ([], 0, True)


async def test_a_load_by_hand_outlives_who_asked_for_it(house: House) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await house.ask("POST", "/api/v1/models/mine/load")
    await until(house.http, "mine", "state", "ready")
    assert await house.ask("POST", "/api/v1/models/mine/load") == (200, {"ok": True})
    assert await house.ask("POST", "/api/v1/models/mine/unload") == (200, {"ok": True})
    await until(house.http, "mine", "state", "unloaded")
    status, refused = await house.ask("POST", "/api/v1/models/mine/unload")
    assert (status, refused["error"]["code"]) == (400, "model_not_loaded")


async def test_adapters_are_listed_with_what_does_not_fit(house: House) -> None:
    fitting = FittingAdapters.model_validate((await house.ask("GET", "/api/v1/models/tiny-gguf/adapters"))[1])
    assert {each.name for each in fitting.data if each.problem is None} >= {"shout"}
    assert fitting.default is None
    status, _ = await house.ask("GET", "/api/v1/models/nobody/adapters")
    assert status == 404


async def test_files_go_only_when_their_name_is_said(house: House) -> None:
    other = house.home / "models" / "other.gguf"
    shutil.copy(GGUF, other)
    await until(house.http, "other", "state", "unloaded")
    events = await house.http.get("/api/v1/events?topics=models")
    await ask(house.http, "other")
    status, kept = await house.ask("DELETE", "/api/v1/models/other")
    assert (status, kept["error"]["code"]) == (409, "model_in_folder")
    assert (await house.ask("DELETE", "/api/v1/models/other?files=true"))[0] == 400
    status, gone = await house.ask("DELETE", "/api/v1/models/other?files=true&confirm=other")
    assert (status, ModelRemoved.model_validate(gone).files) == (200, ["other.gguf"])
    assert not other.exists()
    async with asyncio.timeout(30):
        while b'"listed"' not in await events.content.readline():
            pass
    events.close()
    assert (await house.ask("GET", "/v1/models/other"))[0] == 404
    status, refused = await house.ask("DELETE", "/api/v1/models/tiny-mlx?files=true&confirm=tiny-mlx")
    assert status == 400
    assert "package" in refused["error"]["message"]


@pytest.mark.accept("M7")
async def test_what_other_programs_have_is_served_in_place(house: House) -> None:
    found = FoundPlaces.model_validate((await house.ask("GET", "/api/v1/models/found"))[1])
    assert {place.tool: [entry.name for entry in place.models] for place in found.data} == {
        "lm-studio": ["studio-GGUF"],
        "ollama": ["capitals:tiny"],
    }
    for tool, name in (("ollama", "capitals-tiny"), ("lm-studio", "studio-GGUF")):
        status, added = await house.ask("POST", "/api/v1/models/found", {"tool": tool})
        assert (status, FoundAdded.model_validate(added).added) == (200, [name])
        assert "Paris" in json.dumps(await ask(house.http, name))
        assert (await house.ask("POST", "/api/v1/models/found", {"tool": tool}))[0] == 400
    status, refused = await house.ask("DELETE", "/api/v1/models/studio-GGUF?files=true&confirm=studio-GGUF")
    assert (status, "belong to lm-studio" in refused["error"]["message"]) == (400, True)
    assert (await house.ask("POST", "/api/v1/models/found", {"tool": "huggingface"}))[0] == 400


@pytest.mark.accept("M10")
async def test_an_estimate_is_what_a_load_takes(house: House) -> None:
    status, said = await house.ask("POST", "/api/v1/models/estimate", {"model": "tiny-gguf", "context": 1024})
    small = EstimateAnswer.model_validate(said)
    assert (status, small.context, small.verdict) == (200, 1024, "fits")
    need = small.need
    assert small.memory >= need.process + need.weights + need.kv
    large = EstimateAnswer.model_validate(
        (await house.ask("POST", "/api/v1/models/estimate", {"model": "tiny-gguf", "context": 1 << 24}))[1]
    )
    assert large.need.kv > small.need.kv
    assert large.verdict == "too_large"
    assert "lower the context" in large.advice
    assert large.changes[0].settings["context"] == int(large.changes[0].text.split()[-1])
    thought = {"model": "tiny-gguf", "settings": {"context": 1024, "draft": "tiny-gguf-q8"}}
    drafted = EstimateAnswer.model_validate((await house.ask("POST", "/api/v1/models/estimate", thought))[1])
    assert (drafted.context, drafted.need.weights > need.weights) == (1024, True)
    for patch, wanted in (({"context": 9}, 422), ({"draft": "/etc/x.gguf"}, 403), ({"draft": "nobody"}, 422)):
        body = {"model": "tiny-gguf", "settings": patch}
        assert (await house.ask("POST", "/api/v1/models/estimate", body))[0] == wanted, patch
    path = str(house.home / "models" / "mine.gguf")
    await house.ask("PATCH", "/api/v1/config", {"change": {"models": {"new": {"context": 640}}}})
    status, said = await house.ask("POST", "/api/v1/models/estimate", {"path": path})
    assert (status, said["context"] == 640) == (200, False), "the settings of a model that is called new are its own"
    await house.ask("PATCH", "/api/v1/config", {"change": {"models": {"new": None}}})
    assert (await house.ask("POST", "/api/v1/models/estimate", {"path": "/etc/passwd"}))[0] == 403
    assert (await model(house.http, "tiny-gguf"))["state"] == "unloaded"
    body = {"model": "tiny-gguf-q8"}
    before = EstimateAnswer.model_validate((await house.ask("POST", "/api/v1/models/estimate", body))[1])
    await ask(house.http, "tiny-gguf-q8")
    after = EstimateAnswer.model_validate((await house.ask("POST", "/api/v1/models/estimate", body))[1])
    assert (before.measured, after.measured) == (False, True)
    placement = (await model(house.http, "tiny-gguf-q8"))["placement"]
    assert isinstance(placement, dict)
    assert before.memory == pytest.approx(placement["reserved"], rel=0.15)
    assert after.memory == pytest.approx(placement["reserved"], rel=0.03)


async def test_the_configuration_is_shown_and_changed(house: House) -> None:
    shown = ConfigAnswer.model_validate((await house.ask("GET", "/api/v1/config"))[1])
    assert shown.values["fleet"]["idle_ttl"] == 300  # type: ignore[index]
    assert "server.port" in shown.overridden
    body = {"change": {"fleet": {"idle_ttl": 77}, "models": {"tiny-gguf": {"ttl": 5}}}, "version": shown.version}
    status, after = await house.ask("PATCH", "/api/v1/config", body)
    assert (status, ConfigAnswer.model_validate(after).values["fleet"]["idle_ttl"]) == (200, 77)  # type: ignore[index]
    assert "idle_ttl = 77 # not less" in house.toml()
    assert (await house.ask("PATCH", "/api/v1/config", body))[0] == 409
    refused: list[tuple[object, int, str]] = [
        ({"engines": {"gguf": {"binary": "/bin/sh"}}}, 403, "file_only"),
        ({"access": {"require_key": False}}, 403, "file_only"),
        ({"models": {"x": {"url": "http://a/v1", "key_env": "PATH"}}}, 403, "file_only"),
        ({"log": {"capture_minutes": 60}}, 403, "file_only"),
        ({"log": None}, 403, "file_only"),  # with the section goes what its owner forbids there
        ({"fleet": {"worker_network": True}}, 403, "file_only"),
        ({"models": {"trusted": {"path": str(house.home / "models")}}}, 403, "file_only"),  # with code that is not
        ({"models": {"trusted": {"path": None}}}, 403, "file_only"),
        ({"catalog": {"folders": ["/etc"]}}, 403, "path_not_allowed"),
        ({"models": {"x": {"chat_template": "/etc/passwd"}}}, 403, "path_not_allowed"),
        ({"speech": {"model": "/etc"}}, 403, "path_not_allowed"),
        ({"speech": {"model": "../ear"}}, 400, "invalid_request"),
        ({"fleet": {"idle_ttl": "soon"}}, 422, "invalid_configuration"),
        ({"nothing": {"there": 1}}, 422, "invalid_configuration"),
        ({"models": {"x": {"path": 5}}}, 422, "invalid_configuration"),
        ({"models": {"x": {"path": "relative.gguf"}}}, 400, "invalid_request"),
        ({"models": 5}, 422, "invalid_configuration"),
        ({"catalog": {"folders": [None]}}, 422, "invalid_configuration"),
        ({"traces": {"endpoint": "http://elsewhere"}}, 403, "file_only"),
        ({}, 400, "invalid_request"),
    ]
    for change, wanted, code in refused:
        status, answer = await house.ask("PATCH", "/api/v1/config", {"change": change})
        assert (status, answer["error"]["code"]) == (wanted, code), change
    before = house.toml()
    (house.home / "dovetail.toml").write_text("fleet = 3\n")
    async with asyncio.timeout(30):
        while not (told := ConfigAnswer.model_validate((await house.ask("GET", "/api/v1/config"))[1])).problem:
            await asyncio.sleep(0.05)
    assert "server.port" in told.overridden
    assert told.values["fleet"]["idle_ttl"] == 77  # type: ignore[index]
    (house.home / "dovetail.toml").write_text(before)
    async with asyncio.timeout(30):
        while (await house.ask("GET", "/api/v1/config"))[1]["problem"]:
            await asyncio.sleep(0.05)
    audit = (house.home / "logs" / "audit.jsonl").read_text()
    assert "fleet.idle_ttl, models.tiny-gguf.ttl" in audit


@pytest.mark.accept("A3", "A5", "M5")
async def test_the_routers_list_and_options(house: House) -> None:
    listed = RouterList.model_validate((await house.ask("GET", "/models"))[1])
    assert {entry.id: entry.status.value for entry in listed.data}["tiny-gguf"] == "unloaded"
    body = {"model": "tiny-gguf", "config": {"contextSize": 768, "gpuLayers": 0}}
    assert await house.ask("POST", "/models/config", body) == (200, {"success": True})
    stored = StoredConfigs.model_validate((await house.ask("GET", "/models/config"))[1]).models
    assert (stored["tiny-gguf"].contextSize, stored["tiny-gguf"].gpuLayers) == (768, 0)
    kept = json.loads((house.home / "models-config.json").read_text())
    assert kept["tiny-gguf"] == {"contextSize": 768, "gpuLayers": 0, "modelFormat": "gguf"}
    await ask(house.http, "tiny-gguf")
    assert (await model(house.http, "tiny-gguf"))["context"] == 768
    wrong = {"model": "tiny-gguf", "config": {"modelFormat": "mlx"}}
    assert (await house.ask("POST", "/models/config", wrong))[0] == 400
    assert (await house.ask("POST", "/models/config", {**body, "model": "nobody"}))[0] == 404


@pytest.mark.accept("A15", "M4", "M11")
async def test_the_clients_list_is_saved_and_kept_equal(house: House) -> None:
    path = str(house.home / "models" / "mine.gguf")
    entries = [
        {"id": "tiny-mlx", "modelFormat": "mlx", "contextSize": 640, "gpuLayers": 3, "accelerator": "auto"},
        {"id": "by-path", "modelFormat": "gguf", "modelPath": path, "contextSize": 512},
    ]
    saved = {"models": entries, "activeModelId": "tiny-mlx", "settings": {"theme": "dark"}}
    assert await house.ask("POST", "/api/save-config", saved) == (200, {"success": True})
    assert json.loads((house.home / "config.json").read_text()) == saved
    assert "# by hand" in house.toml()
    assert (await model(house.http, "by-path"))["context"] == 512
    assert (await model(house.http, "tiny-mlx"))["context"] == 640
    outside = {"models": [{"id": "bad", "modelPath": "/etc/passwd.gguf"}], "activeModelId": None}
    status, refused = await house.ask("POST", "/api/save-config", outside)
    assert (status, refused["error"]["code"]) == (403, "path_not_allowed")
    assert json.loads((house.home / "config.json").read_text()) == saved
    fewer = {"models": entries[:1], "activeModelId": "tiny-mlx"}
    assert (await house.ask("POST", "/api/save-config", fewer))[0] == 200
    assert (await house.ask("GET", "/v1/models/by-path"))[0] == 404
    assert (await model(house.http, "mine"))["id"] == "mine"


@pytest.mark.accept("M12")
async def test_what_was_stored_survives_a_restart(tmp_path: Path) -> None:
    for context in (None, 640):
        async with running(tmp_path) as server, aiohttp.ClientSession(server.url) as http:
            house = House(tmp_path, server, http)
            if context is None:
                body = {"model": "tiny-gguf", "config": {"contextSize": 640}}
                assert (await house.ask("POST", "/models/config", body))[0] == 200
            else:
                await ask(http, "tiny-gguf")
                assert (await model(http, "tiny-gguf"))["context"] == 768, "llama.cpp's next multiple of 256"


async def test_two_admins_add_one_id_at_once(house: House) -> None:
    for name in ("one.gguf", "other.gguf"):
        shutil.copy(GGUF, house.home / "models" / name)
    paths = [str(house.home / "models" / name) for name in ("one.gguf", "other.gguf")]
    answers = await asyncio.gather(*(house.ask("POST", "/api/v1/models", {"path": p, "id": "wanted"}) for p in paths))
    assert sorted(status for status, _ in answers) == [200, 409]
    (refused,) = [answer for status, answer in answers if status == 409]
    assert refused["error"]["code"] == "name_taken"
    (added,) = [ModelSaved.model_validate(answer) for status, answer in answers if status == 200]
    assert house.toml().count(f'path = "{added.model.path}"') == 1
