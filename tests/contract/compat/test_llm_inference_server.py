"""The LLM inference server's documents: a GGUF file by its repository and name, or by its path."""

import json
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from dovetail import demo

from ...process.serving.running import Running, running  # noqa: TID252  the same server as the tests of processes
from ...unit.catalog.hub_server import REPO, Hub, hub_server  # noqa: TID252

pytestmark = pytest.mark.anyio

MODEL = next((demo.models_dir() / "tiny-gguf-q8").glob("*.gguf"))
FILE = "qwen2.5-1.5b-instruct-q3_k_m.gguf"
ASKED = {
    "repo_id": REPO,
    "filename": FILE,
    "model_params": {"n_ctx": 2048, "n_gpu_layers": -1},
    "prompt": "What is the capital of France?",
    "stream": True,
    "local": False,
}
FIGURES = {"input_tokens", "output_tokens", "tokens_per_second", "first_token_s", "time_taken_s", "max_ram_mb"}


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with hub_server() as served:
        served.files = {FILE: MODEL.read_bytes(), "README.md": b"#"}
        yield served


@pytest.fixture(scope="module")
async def server(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Running]:
    environment = {"HF_ENDPOINT": hub.address}
    async with running(tmp_path_factory.mktemp("home"), environment=environment) as process:
        yield process


@pytest.fixture
async def client(server: Running) -> AsyncGenerator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.url, timeout=aiohttp.ClientTimeout(total=60)) as session:
        yield session


async def ask(client: aiohttp.ClientSession, **fields: Any) -> tuple[int, str]:
    async with client.post("/api/chat/completions", json={**ASKED, **fields}) as answer:
        return answer.status, await answer.text()


@pytest.mark.accept("A16")
async def test_a_file_of_the_hub_is_fetched_loaded_as_asked_and_answers(
    client: aiohttp.ClientSession, server: Running
) -> None:
    status, text = await ask(client)
    assert status == 200, text
    frames = [line[6:] for line in text.splitlines() if line.startswith("data: ")]
    assert frames[-1] == "[DONE]"
    chunks = [json.loads(frame) for frame in frames[:-1]]
    assert "".join(chunk.get("text") or "" for chunk in chunks)
    assert chunks[-1]["figures"].keys() >= FIGURES
    async with client.get("/v1/models") as answer:
        (model,) = [one for one in (await answer.json())["data"] if FILE in [one["id"], *one["aliases"]]]
    assert (model["context"], model["state"]) == (2048, "ready")
    kept = (server.home / "dovetail.toml").read_text()
    assert "context = 2048" in kept
    assert "gpu_layers = -1" in kept
    status, text = await ask(client, stream=False)
    whole = json.loads(text)
    assert (status, whole["finish_reason"]) == (200, "stop")
    assert whole["figures"]["output_tokens"] > 0
    assert whole["text"]


@pytest.mark.accept("A16")
async def test_a_local_file_by_its_absolute_path(client: aiohttp.ClientSession, tmp_path: Path) -> None:
    status, text = await ask(client, local=True, filename=str(MODEL), repo_id="", model_params={}, stream=False)
    assert status == 200, text
    assert json.loads(text)["text"]
    outside = tmp_path / "outside.gguf"
    outside.write_bytes(MODEL.read_bytes())
    status, text = await ask(client, local=True, filename=str(outside))
    assert (status, json.loads(text)["error"]["code"]) == (403, "path_not_allowed")


@pytest.mark.accept("A16")
@pytest.mark.parametrize("name", ["other_setting", "use_mlock", "logits_all", "lora_path"])
async def test_a_parameter_without_a_meaning_here_is_named(client: aiohttp.ClientSession, name: str) -> None:
    status, text = await ask(client, model_params={name: True})
    assert (status, json.loads(text)["error"]["param"]) == (400, f"model_params.{name}")


@pytest.mark.accept("A16")
async def test_a_file_of_the_same_name_from_another_repository_is_not_taken_for_it(
    client: aiohttp.ClientSession, server: Running, hub: Hub
) -> None:
    hub.files["deep/same.gguf"] = MODEL.read_bytes()
    other = server.home / "models" / "other"
    other.mkdir(parents=True)
    (other / "same.gguf").write_bytes(MODEL.read_bytes())
    (other / ".hub.json").write_text(json.dumps({"repo": "another/one"}))
    status, text = await ask(client, filename="deep/same.gguf", model_params={"type_k": 1, "seed": -1}, stream=False)
    assert status == 200, text
    async with client.get("/api/v1/models") as answer:
        paths = [Path(one["path"]) for one in (await answer.json())["data"] if one["path"].endswith("same.gguf")]
    assert len(paths) == 2
    assert 'cache_type_k = "f16"' in (server.home / "dovetail.toml").read_text()
    status, text = await ask(client, model_params={"type_k": 99})
    assert (status, json.loads(text)["error"]["param"]) == (400, "model_params.type_k")


@pytest.mark.accept("A17")
async def test_status_and_information(client: aiohttp.ClientSession) -> None:
    async with client.get("/api/status") as answer:
        assert (answer.status, (await answer.json())["status"]) == (200, "ok")
    async with client.get("/api/info") as answer:
        told = await answer.json()
    assert (answer.status, told["name"]) == (200, "Dovetail")
    assert "/api/chat/completions" in told["endpoints"]
