"""Models fetched and removed as Ollama's and llama.cpp's clients do it; what other servers have and is not here."""

# The SDK's own types:
# pyright: reportUnknownMemberType=false, reportPrivateUsage=false

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, Iterator
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import ollama
import pytest

from dovetail import demo
from dovetail.gateway.absent import ABSENT

from ..process.serving.running import Running, running  # noqa: TID252  the same server as the tests of processes
from ..unit.catalog.hub_server import REPO, Hub, hub_server  # noqa: TID252

pytestmark = pytest.mark.anyio

FILE = "tiny-Q8_0.gguf"
FILES: dict[str, dict[str, bytes]] = {
    "gguf": {FILE: next((demo.models_dir() / "tiny-gguf-q8").glob("*.gguf")).read_bytes(), "README.md": b"#"},
    "mlx": {path.name: path.read_bytes() for path in (demo.models_dir() / "tiny-mlx").iterdir()},
}
NAMES = {"gguf": f"hf.co/{REPO}:Q8_0", "mlx": f"hf.co/{REPO}"}
FRANCE = [{"role": "user", "content": "What is the capital of France?"}]


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with hub_server() as served:
        yield served


@pytest.fixture(scope="module")
async def library(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Running]:
    async with running(tmp_path_factory.mktemp("home"), environment={"HF_ENDPOINT": hub.address}) as process:
        yield process


@pytest.fixture
async def client(library: Running) -> AsyncGenerator[ollama.AsyncClient]:
    client = ollama.AsyncClient(host=library.url, timeout=60)
    yield client
    await client._client.aclose()


@pytest.fixture
async def there(library: Running) -> AsyncGenerator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(library.url, timeout=aiohttp.ClientTimeout(total=60)) as session:
        yield session


@pytest.mark.parametrize("form", FILES)
async def test_the_sdk_pulls_asks_and_deletes(client: ollama.AsyncClient, hub: Hub, form: str) -> None:
    hub.files, name = FILES[form], NAMES[form]
    total = sum(len(content) for file, content in hub.files.items() if file != "README.md")
    told = [line async for line in await client.pull(name, stream=True, insecure=True)]
    assert (told[0].status, told[-1].status) == ("pulling manifest", "success")
    assert (told[-2].completed, told[-2].total) == (total, total)
    assert (await client.pull(name)).status == "success", "it is here already"
    said = await client.chat(name, FRANCE, options={"temperature": 0, "num_predict": 60})
    assert "Paris" in (said.message.content or "")
    (listed,) = [each for each in (await client.list()).models if not (each.model or "").startswith("tiny-")]
    assert (await client.show(name)).details == (await client.show(listed.model or "")).details
    assert (await client.delete(name)).status == "success"
    assert listed.model not in [each.model for each in (await client.list()).models]
    with pytest.raises(ollama.ResponseError) as gone:
        await client.delete(name)
    assert gone.value.status_code == 404


async def test_what_cannot_be_pulled_or_deleted_is_said(client: ollama.AsyncClient, hub: Hub) -> None:
    hub.files = FILES["gguf"]
    for name, status, word in (
        ("llama3.2", 400, "hf.co/OWNER/NAME:QUANT"),
        (f"hf.co/{REPO}:Q2_K", 400, FILE),
        ("hf.co/../..", 400, "hub model"),
    ):
        with pytest.raises(ollama.ResponseError, match=word) as refused:
            await client.pull(name)
        assert refused.value.status_code == status
        with pytest.raises(ollama.ResponseError, match=word):
            await anext(await client.pull(name, stream=True))
    with pytest.raises(ollama.ResponseError, match="comes with the package"):
        await client.delete("tiny-gguf")


async def test_whoever_leaves_pauses_and_goes_on_with_it(there: aiohttp.ClientSession, hub: Hub) -> None:
    hub.files, hub.hold = FILES["gguf"], threading.Event()
    async with there.post("/api/pull", json={"model": NAMES["gguf"]}) as answer:
        while json.loads(await answer.content.readline()).get("completed", 0) == 0:
            pass
        answer.close()

    async def states() -> list[str]:
        async with there.get("/api/v1/downloads") as listed:
            return [each["state"] for each in (await listed.json())["data"]]

    async with asyncio.timeout(30):
        while "paused" not in await states():
            pass
        hub.hold.set()
        hub.hold = None
        async with there.post("/api/pull", json={"name": NAMES["gguf"], "stream": False}) as answer:
            assert (answer.status, await answer.json()) == (200, {"status": "success"})
    async with there.delete("/api/delete", json={"model": NAMES["gguf"]}) as answer:
        assert answer.status == 200


async def test_whoever_leaves_before_the_first_line_pauses_it_too(
    there: aiohttp.ClientSession, library: Running, hub: Hub
) -> None:
    hub.files, hub.hold = FILES["gguf"], threading.Event()
    body = json.dumps({"model": NAMES["gguf"]}).encode()
    address = urlsplit(library.url)
    _, writer = await asyncio.open_connection(address.hostname, address.port)
    head = b"POST /api/pull HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    writer.write(head % len(body) + body)
    writer.close()  # the server has yet to ask the hub
    await writer.wait_closed()
    try:
        async with asyncio.timeout(30):
            while True:
                async with there.get("/api/v1/downloads") as listed:
                    if (begun := (await listed.json())["data"]) and begun[0]["state"] == "paused":
                        break
    finally:
        hub.hold.set()
        hub.hold = None
    async with there.post(f"/api/v1/downloads/{begun[0]['id']}/cancel") as answer:
        assert answer.status == 200


@pytest.mark.parametrize("first", ["pull", "page"])
async def test_a_download_goes_on_while_anybody_else_wants_it(
    there: aiohttp.ClientSession, hub: Hub, first: str
) -> None:
    """Of two who pull the same one may leave; what was begun on the page of downloads goes on without either."""
    hub.files, hub.hold = FILES["gguf"], threading.Event()
    asked = {"model": NAMES["gguf"]}

    async def line(answer: aiohttp.ClientResponse) -> dict[str, Any]:
        told = json.loads(await answer.content.readline())
        assert "error" not in told
        return told

    async with asyncio.timeout(60):
        if first == "page":
            async with there.post("/api/v1/downloads", json={"repo": REPO, "choice": "Q8_0"}) as answer:
                assert answer.status in {200, 201, 202}, await answer.text()
        async with there.post("/api/pull", json=asked) as one, there.post("/api/pull", json=asked) as other:
            while (await line(one)).get("completed", 0) == 0:
                pass
            one.close()
            for _ in range(12):  # a look each: the server has long seen that one has left
                await line(other)
            if first == "page":
                other.close()
        async with there.post("/api/pull", json=asked) as other:
            for _ in range(12):
                await line(other)
            hub.hold.set()
            hub.hold = None
            while (await line(other))["status"] != "success":
                pass
    async with there.delete("/api/delete", json=asked) as answer:
        assert answer.status == 200


async def test_llama_servers_router_fetches_and_deletes(there: aiohttp.ClientSession, hub: Hub) -> None:
    hub.files = FILES["gguf"]
    async with asyncio.timeout(60), there.get("/models/sse") as events:
        async with there.post("/models", json={"model": f"{REPO}:Q8_0"}) as answer:
            assert (answer.status, await answer.json()) == (200, {"success": True})
        async for line in events.content:
            if line.startswith(b"data: ") and json.loads(line[6:])["event"] == "download_finished":
                break
    async with there.get("/models?reload=1") as answer:
        (name,) = [each["id"] for each in (await answer.json())["data"] if not each["id"].startswith("tiny-")]
    async with there.delete("/models", params={"model": name}) as answer:
        assert (answer.status, await answer.json()) == (200, {"success": True})
    async with there.delete("/models") as answer:
        assert (answer.status, (await answer.json())["error"]["param"]) == (400, "model")


@pytest.mark.accept("G10")
@pytest.mark.parametrize("line", ABSENT)
async def test_what_is_not_here_is_named_with_the_reason(there: aiohttp.ClientSession, line: str) -> None:
    method, path = line.split()
    sent: Any = {"text": "Hello", "lang_code": "a", "voice": "af_heart", "speed": 1.0, "split_pattern": "\n"}
    async with there.request(method, path.replace("{", "").replace("}", ""), json=sent) as answer:
        assert answer.status == 501
        error = (await answer.json())["error"]
        assert isinstance(error, str) is path.startswith("/api/")
        assert path in (error if isinstance(error, str) else error["message"])
