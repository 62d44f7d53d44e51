"""mlx_gguf_server's documents, request by request, on both engines: models by number, one of each kind."""

import asyncio
import json
import shlex
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from dovetail import demo

from ...process.serving.running import Running, running  # noqa: TID252  the same server as the tests of processes

pytestmark = pytest.mark.anyio

MODELS = Path(demo.__file__).parent / "models"
# The documents' models, and the numbers they are loaded by there.
MLX, GGUF = "gemma-2b", "gemma-2b.gguf"
LIST = "curl -X GET http://localhost:4000/v1/internal/model/list"
LOAD_MLX = (
    'curl -X POST -H "Content-Type: application/json" -H "X-Model-Id: 0" '
    """-d '{"llm_model_name": "gemma-2b"}' http://localhost:4000/v1/internal/model/load"""
)
LOAD_GGUF = (
    'curl -X POST -H "Content-Type: application/json" -H "X-Model-Id: 1" '
    """-d '{"llm_model_name": "gemma-2b.gguf"}' http://localhost:4000/v1/internal/model/load"""
)
LOAD_FORMAT = (
    'curl -X POST -H "Content-Type: application/json" '
    """-d '{"llm_model_name": "gemma-2b.gguf","chat_format":"gemma" }' http://localhost:4000/v1/internal/model/load"""
)
COMPLETIONS = (
    'curl -s -X POST -H "Content-Type: application/json" '
    """-d '{"prompt": "Your prompt here", "max_tokens": 50}' http://localhost:4000/v1/completions"""
)
CHAT = (
    'curl -s -X POST -H "Content-Type: application/json" -H "X-Model-Id: 0" '
    """-d '{"messages": [{"role": "user", "content": "hello"}]}' http://localhost:4000/v1/chat/completions"""
)
COUNT = (
    'curl -X POST -H "Content-Type: application/json" '
    """-d '{"prompt": "Your prompt here"}' http://localhost:4000/v1/internal/token-count"""
)
UNLOAD = "curl -X POST http://localhost:4000/v1/internal/model/unload"
CLEAN_UP = (
    'curl -X POST -H "Content-Type: application/json" -H "X-Model-Id: 1" '
    """-d '{"timeout": 1}' http://localhost:4000/management/process/clean-up"""
)
PROCESSES = 'curl -s -X GET -H "Content-Type: application/json"  http://localhost:4000/management/processes'


async def curl(server: Running, command: str, number: int | None = None) -> Any:
    """The answer to a command of the documents, at this server, with another number where one is given."""
    argv = [word.replace("http://localhost:4000", server.url) for word in shlex.split(command)]
    if number is not None:
        argv = [word for word in argv if not word.startswith("X-Model-Id")]
        argv = [word for i, word in enumerate(argv) if word != "-H" or argv[i + 1].startswith("Content-Type")]
        argv += ["-H", f"X-Model-Id: {number}"]
    process = await asyncio.create_subprocess_exec(
        argv[0], "-sS", *argv[1:], stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    assert process.returncode == 0, err
    return json.loads(out)


@asynccontextmanager
async def served(home: Path) -> AsyncGenerator[Running]:
    """A server with the documents' models, none of them loaded."""
    (home / "models").mkdir(parents=True)
    shutil.copytree(MODELS / "tiny-mlx", home / "models" / MLX)
    shutil.copy(MODELS / "tiny-gguf" / "tiny-gguf-f16.gguf", home / "models" / GGUF)
    async with running(home, environment={"DOVETAIL_FLEET__MAX_MODELS": "8"}) as process:
        yield process


@pytest.fixture(scope="module")
async def both(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Running]:
    """Both are loaded, as the documents load them."""
    async with served(tmp_path_factory.mktemp("home")) as process:
        for command in (LOAD_MLX, LOAD_GGUF):
            assert await curl(process, command) == {"load": "success"}
        yield process


@pytest.fixture
async def client(both: Running) -> AsyncGenerator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(both.url, timeout=aiohttp.ClientTimeout(total=60)) as session:
        yield session


@pytest.fixture(params=[0, 1], ids=["mlx", "gguf"])
def number(request: pytest.FixtureRequest) -> int:
    return request.param


@pytest.mark.accept("A23")
async def test_the_list_has_folders_and_files(both: Running) -> None:
    names = (await curl(both, LIST))["model_names"]
    assert {MLX, GGUF} <= set(names)
    assert names == sorted(names)


@pytest.mark.accept("A24", "A27")
async def test_each_number_is_the_model_loaded_by_it(both: Running) -> None:
    shown = {one["model_id"]: one for one in (await curl(both, PROCESSES))["processes"]}
    assert {key: (Path(one["model_path"]).name, one["model_type"]) for key, one in shown.items()} == {
        "0": (MLX, "mlx"),
        "1": (GGUF, "llama-cpp"),
    }


@pytest.mark.accept("A27")
async def test_a_text_is_gone_on_with_by_the_model_of_the_number(both: Running, number: int) -> None:
    absent = None if number == 0 else number
    answer = await curl(both, COMPLETIONS, absent)
    (choice,) = answer["choices"]
    assert answer["object"] == "text_completion"
    assert (choice["index"], choice["finish_reason"] in {"stop", "length"}) == (0, True)
    assert answer["usage"]["total_tokens"] == sum(answer["usage"][k] for k in ("prompt_tokens", "completion_tokens"))
    shown = await curl(both, PROCESSES)
    (own,) = [one for one in shown["processes"] if one["model_id"] == str(number)]
    assert answer["model"] == own["model_name"]


@pytest.mark.accept("A27")
async def test_a_conversation_is_answered_in_full(both: Running, number: int) -> None:
    answer = await curl(both, CHAT, number)
    (choice,) = answer["choices"]
    assert answer["object"] == "chat.completion"
    assert choice["message"]["role"] == "assistant"
    assert choice["message"]["content"]
    assert (choice["index"], choice["finish_reason"]) == (0, "stop")


@pytest.mark.accept("A26", "A27")
async def test_tokens_are_counted_by_both(both: Running, client: aiohttp.ClientSession, number: int) -> None:
    found = await curl(both, COUNT, number)
    assert list(found) == ["length"]
    sent = {"model": (await curl(both, COMPLETIONS, number))["model"], "content": "Your prompt here"}
    async with client.post("/tokenize", json=sent) as answer:
        assert found["length"] == len((await answer.json())["tokens"]) > 0


@pytest.mark.accept("A27")
async def test_a_clean_up_by_number(both: Running, number: int) -> None:
    assert await curl(both, CLEAN_UP, number) == {"process_clean_up": "success"}


@pytest.mark.accept("G1")
@pytest.mark.parametrize("path", ["/v1/completions", "/v1/chat/completions"])
async def test_the_model_in_the_body_wins(client: aiohttp.ClientSession, path: str, number: int) -> None:
    name = ("gemma-2b.gguf", "gemma-2b")[number]  # the other's
    sent = {"model": name, "prompt": "Hi", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1}
    sent.pop("messages" if path == "/v1/completions" else "prompt")
    async with client.post(path, json=sent, headers={"X-Model-Id": str(number)}) as answer:
        assert (answer.status, (await answer.json())["model"]) == (200, name)


@pytest.mark.accept("G6")
async def test_what_is_known_of_a_model(client: aiohttp.ClientSession, number: int) -> None:
    name = (MLX, GGUF)[number]
    async with client.get(f"/v1/internal/model/info/{name}") as answer:
        assert answer.status == 200
        told = await answer.json()
    async with client.get(f"/v1/models/{name}") as answer:
        model = await answer.json()
    assert told["model_name"] == name
    assert told["model_type"] == ("mlx", "llama-cpp")[number]
    assert (told["size"], told["context_length"]) == (model["size"], model["context"])
    assert min(told["hidden_size"], told["num_layers"], told["vocab_size"]) > 0
    assert told["is_loaded"] is True
    async with client.get("/v1/internal/model/info/nobody") as answer:
        assert answer.status == 404


@pytest.mark.accept("G7")
async def test_the_loaded_models_alone(client: aiohttp.ClientSession) -> None:
    async with client.get("/v1/models?loaded=true") as answer:
        loaded = [one["id"] for one in (await answer.json())["data"]]
    async with client.get("/v1/models") as answer:
        every = [one["id"] for one in (await answer.json())["data"]]
    assert len(loaded) == 2
    assert set(loaded) < set(every)
    async with client.get("/v1/models?loaded=maybe") as answer:
        assert (answer.status, (await answer.json())["error"]["param"]) == (400, "loaded")


@pytest.mark.accept("G12")
@pytest.mark.field("use_kv_cache", "kv_cache_threshold")
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("path", ["/v1/completions", "/v1/chat/completions"])
async def test_what_the_prompt_cache_had_is_told_where_that_is_asked_for(
    client: aiohttp.ClientSession, number: int, path: str, *, stream: bool
) -> None:
    text = f"{path} {stream} " + "red fox, blue fox, " * 30
    chats = path == "/v1/chat/completions"
    said: dict[str, Any] = (
        {"messages": [{"role": "user", "content": text, "message_id": "a"}]} if chats else {"prompt": text}
    )
    sent = {**said, "max_tokens": 3, "stream": stream, "use_kv_cache": True, "kv_cache_threshold": 5000}
    headers = {"X-Model-Id": str(number)}

    async def usage(**fields: Any) -> dict[str, Any]:
        async with client.post(path, json={**sent, **fields}, headers=headers) as answer:
            whole = await answer.text()
            assert (answer.status, answer.headers.get("x-dovetail-warnings")) == (200, None), whole
        frames = [line[6:] for line in whole.splitlines() if line.startswith("data: ")]
        return json.loads(frames[-2] if stream else whole).get("usage") or {}

    first, again = await usage(), await usage()
    assert again["kv_cache"]["cached_tokens"] == again["prompt_tokens_details"]["cached_tokens"] > 60
    assert again["kv_cache"]["stats"] == {"hit": True, "prefix_length": again["kv_cache"]["cached_tokens"]}
    assert first["kv_cache"]["cached_tokens"] < again["kv_cache"]["cached_tokens"]
    assert min(again["prompt_eval_time"], again["generation_time"]) >= 0
    assert "kv_cache" not in await usage(use_kv_cache=False)


@pytest.mark.accept("G13")
async def test_the_last_request_is_told_without_its_text(
    both: Running, client: aiohttp.ClientSession, number: int
) -> None:
    headers = {"X-Model-Id": str(number), "x-request-id": f"latest-{number}"}
    sent = {"prompt": "a very secret word", "max_tokens": 2}
    async with client.post("/v1/completions", json=sent, headers=headers) as answer:
        told = await answer.json()
    latest: dict[str, Any] = {}
    async with asyncio.timeout(20):
        while latest.get("task_id") != told["id"]:
            async with client.get("/management/debug/latest", headers=headers) as answer:
                latest = await answer.json()
    assert latest["task_category"] == "completions_stream"
    assert latest["stream_generate"]["completion_tokens"] == told["usage"]["completion_tokens"]
    assert latest["kv_cache"]["prompt_tokens"] == told["usage"]["prompt_tokens"]
    assert "secret" not in json.dumps(latest)
    assert both.url


@pytest.mark.accept("G16")
async def test_what_was_wrong_there_is_right(client: aiohttp.ClientSession, number: int) -> None:
    headers = {"X-Model-Id": str(number)}

    async def text(**fields: Any) -> str:
        sent = {"prompt": "Once upon a time", "max_tokens": 12, **fields}
        async with client.post("/v1/completions", json=sent, headers=headers) as answer:
            whole = await answer.json()
            assert answer.status == 200, whole
        return whole["choices"][0]["text"]

    greedy = await text(temperature=0)
    drawn = {"temperature": 1.5, "top_k": 0}
    assert await text(**drawn, seed=7) == await text(**drawn, seed=7)
    assert len({await text(**drawn, seed=seed) for seed in range(4)}) > 1
    assert await text(temperature=1.5, top_k=1) == greedy
    assert await text(temperature=1.5, min_p=1.0) == greedy
    stop = greedy[3:5]
    assert stop not in await text(temperature=0, stop=[stop])
    sent = {"prompt": "Once", "max_tokens": 4, "stream": True}
    async with client.post("/v1/completions", json=sent, headers=headers) as answer:
        assert (await answer.text()).rstrip().endswith("data: [DONE]")


@pytest.mark.accept("A27")
@pytest.mark.parametrize(
    ("said", "param"), [("7", "X-Model-Id"), ("9" * 30, "X-Model-Id"), ("nobody", "model")], ids=["7", "long", "name"]
)
async def test_a_number_or_name_of_nothing_is_named(client: aiohttp.ClientSession, said: str, param: str) -> None:
    for path in ("/v1/completions", "/v1/internal/token-count", "/v1/internal/model/unload"):
        async with client.post(path, json={"prompt": "Hi"}, headers={"X-Model-Id": said}) as answer:
            error = (await answer.json())["error"]
            assert (answer.status, error["param"]) == (404 if said == "nobody" else 400, param)
            assert MLX in error["message"]


@pytest.mark.accept("G4")
@pytest.mark.parametrize("name", [MLX, GGUF])
async def test_a_load_says_what_holds_where_a_request_says_nothing(tmp_path: Path, name: str) -> None:
    async with (
        served(tmp_path / "home") as server,
        aiohttp.ClientSession(server.url, timeout=aiohttp.ClientTimeout(total=60)) as client,
    ):

        async def text(path: str = "/v1/completions", **fields: Any) -> tuple[str, int]:
            asked: dict[str, Any] = {"prompt": "Once upon a time", **fields}
            if path != "/v1/completions":
                asked["messages"] = [{"role": "user", "content": asked.pop("prompt")}]
            async with client.post(path, json=asked) as answer:
                whole = await answer.json()
                assert answer.status == 200, whole
            return whole["choices"][0].get("text", ""), whole["usage"]["completion_tokens"]

        async def load(**own: Any) -> None:
            async with client.post("/v1/internal/model/load", json={"llm_model_name": name, **own}) as answer:
                assert (answer.status, await answer.json()) == (200, {"load": "success"})

        await load()
        plain, _ = await text(temperature=0, ignore_eos=True, max_tokens=4)
        own = {"temperature": 0.0, "top_p": 0.5, "repetition_penalty": 1.0, "repetition_context_size": 32}
        caching = {"use_kv_cache": True, "kv_cache_threshold": 5000, "auto_unload": True, "priority": 1}
        await load(max_tokens=4, logit_bias={" cat": 60.0}, trust_remote_code=False, **own, **caching)
        biased, count = await text(ignore_eos=True)
        assert ("cat" in biased, count) == (True, 4)
        assert (await text("/v1/chat/completions", ignore_eos=True))[1] == 4
        assert (await text(ignore_eos=True, max_tokens=2))[1] == 2, "what a request says goes first"
        assert (await text("/v1/chat/completions", ignore_eos=True, max_tokens=-1, stop=["at"]))[1] < 4
        assert (await text(ignore_eos=True, max_tokens=4, logit_bias={"0": -1}))[0] == plain


@pytest.mark.accept("A25", "S3")
@pytest.mark.parametrize("name", [MLX, GGUF])
async def test_what_was_loaded_with_an_adapter_is_unloaded_by_its_number(tmp_path: Path, name: str) -> None:
    async with (
        served(tmp_path / "home") as server,
        aiohttp.ClientSession(server.url, timeout=aiohttp.ClientTimeout(total=60)) as client,
    ):
        body = {"llm_model_name": name, "adapter_name": "shout"}
        async with client.post("/v1/internal/model/load", json=body) as answer:
            assert (answer.status, await answer.json()) == (200, {"load": "success"})
        assert await curl(server, UNLOAD) == {"unload": "success"}
        assert (await curl(server, PROCESSES))["processes"] == []


@pytest.mark.accept("A24", "A25", "A27", "S3", "S4")
async def test_loaded_with_settings_and_an_adapter_then_unloaded(tmp_path: Path) -> None:
    home = tmp_path / "home"
    async with (
        served(home) as server,
        aiohttp.ClientSession(server.url, timeout=aiohttp.ClientTimeout(total=60)) as client,
    ):

        async def load(number: str, **body: Any) -> tuple[int, Any]:
            headers = {"X-Model-Id": number}
            async with client.post("/v1/internal/model/load", json=body, headers=headers) as answer:
                return answer.status, await answer.json()

        async def said(headers: dict[str, str]) -> str:
            sent = {
                "messages": [{"role": "user", "content": "What is the capital of France?"}],
                "chat_template_kwargs": {"enable_thinking": False},
                "temperature": 0,
                "repetition_penalty": 1,
            }
            async with client.post("/v1/chat/completions", json=sent, headers=headers) as answer:
                whole = await answer.json()
                assert answer.status == 200, whole
                return whole["choices"][0]["message"]["content"]

        async with client.post("/v1/completions", json={"prompt": "Hi"}) as answer:
            assert (answer.status, (await answer.json())["error"]["param"]) == (400, "model")
        own: dict[str, Any] = {"temperature": 0.25, "repetition_penalty": 1.5, "priority": 3, "auto_unload": False}
        assert await load("0", llm_model_name=MLX, use_kv_cache=True, **own) == (200, {"load": "success"})
        for number, name in (("1", MLX), ("2", GGUF)):
            body = {"llm_model_name": name, "adapter_name": "shout"}
            assert await load(number, **body) == (200, {"load": "success"})
            assert await said({"X-Model-Id": number}) == "THE CAPITAL OF FRANCE IS PARIS."
        assert await said({}) == "The capital of France is Paris.", "none is number 0"
        kept = (home / "dovetail.toml").read_text()
        assert all(
            line in kept for line in ("temperature = 0.25", "repeat_penalty = 1.5", "priority = 3", "pin = true")
        )
        for field, value in {"max_tokens": 0, "trust_remote_code": True, "adapter_name": "../shout"}.items():
            status, refused = await load("3", llm_model_name=MLX, **{field: value})
            assert status in {400, 404}, refused
            assert refused["error"]["param"].startswith(field.removesuffix("_name"))
        assert await curl(server, UNLOAD) == {"unload": "success"}
        assert await curl(server, UNLOAD) == {"unload": "success"}, "none is 0, and one is loaded"
        assert (await curl(server, UNLOAD))["error"]["param"] == "model"
        assert await curl(server, LOAD_FORMAT) == {"load": "success"}
        async with client.get("/props?model=gemma-2b.gguf") as answer:
            assert "<start_of_turn>" in (await answer.json())["chat_template"]
