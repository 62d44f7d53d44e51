"""The benchmark lab of a real server, on the tiny models of both engines."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest

from dovetail.bench.lab import read
from dovetail.cli.app import run
from dovetail.gateway.admin.event_answers import HubEvent
from dovetail.gateway.lab import text

from ..serving.running import Running, running  # noqa: TID252  the same server as other tests of processes
from .oracle import perplexity

pytestmark = pytest.mark.anyio

BENCHMARKS = "/api/v1/benchmarks"
MODELS = ["tiny-gguf", "tiny-gguf-q8", "tiny-mlx"]
WITHIN = 120.0
QUALITY: dict[str, Any] = {"positions": 64, "window": 128, "top": 100}
LONG: dict[str, Any] = {"models": ["tiny-gguf"], "prompt": [64], "gen": [2000], "repeat": 20}


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Running]:
    async with running(tmp_path_factory.mktemp("home")) as process:
        yield process


@pytest.fixture
async def http(server: Running) -> AsyncGenerator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.url, timeout=aiohttp.ClientTimeout(WITHIN)) as session:
        yield session


async def call(http: aiohttp.ClientSession, method: str, path: str, body: object = None) -> tuple[int, Any]:
    async with http.request(method, path, json=body) as answer:
        return answer.status, await answer.json()


async def begin(http: aiohttp.ClientSession, body: dict[str, Any]) -> str:
    status, told = await call(http, "POST", BENCHMARKS, body)
    assert status == 200, told
    return cast("str", told["benchmark"]["id"])


async def until(http: aiohttp.ClientSession, wanted: str, holds: Callable[[Any], bool]) -> Any:
    async with asyncio.timeout(WITHIN):
        while True:
            _, told = await call(http, "GET", f"{BENCHMARKS}/{wanted}")
            if holds(told):
                return told
            await asyncio.sleep(0.02)


async def ended(http: aiohttp.ClientSession, wanted: str) -> Any:
    return (await until(http, wanted, lambda told: told["progress"] is None))["benchmark"]


def measuring(told: Any) -> bool:
    return told["progress"] is not None and told["progress"]["tokens"] > 1


@pytest.fixture(scope="module")
async def measured(server: Running) -> str:
    async with aiohttp.ClientSession(server.url, timeout=aiohttp.ClientTimeout(WITHIN)) as http:
        wanted = await begin(
            http,
            {"models": MODELS, "prompt": [64], "gen": [16], "streams": [1, 2], "repeat": 2, "quality": QUALITY},
        )
        found = await ended(http, wanted)
        assert found["state"] == "done", found["error"]
        async with asyncio.timeout(WITHIN):  # what was not loaded before is not loaded behind it
            while any(m["state"] != "unloaded" for m in (await call(http, "GET", "/v1/models"))[1]["data"]):
                await asyncio.sleep(0.02)
    return wanted


@pytest.mark.accept("B1")
@pytest.mark.accept("B2")
@pytest.mark.accept("B4")
@pytest.mark.accept("B6")
@pytest.mark.accept("M10")
async def test_one_run_has_every_figure_of_every_model(http: aiohttp.ClientSession, measured: str) -> None:
    _, told = await call(http, "GET", f"{BENCHMARKS}/{measured}")
    found = told["benchmark"]
    assert [model["model"] for model in found["models"]] == MODELS
    assert found["setup"]["processor"]
    assert {"dovetail", "llama.cpp", "mlx"} <= {name for name, _ in found["setup"]["versions"]}
    for model in found["models"]:
        assert model["failed"] is None
        assert 0 < model["load"]["median"] < model["with_load"]["median"]
        assert model["peak"]["ram"] > model["size"] > 0
        assert model["peak"]["vram"] is not None or model["peak"]["vram_reason"]
        assert model["reserved"] > 0
        assert [cell["cell"]["streams"] for cell in model["cells"]] == [1, 2]
        for cell in model["cells"]:
            streams = cell["cell"]["streams"]
            assert (cell["input_tokens"], cell["output_tokens"]) == (64 * streams, 16 * streams)
            assert cell["prefill"]["count"] == cell["decode"]["count"] == 2
            for figure in ("prefill", "decode", "stream_decode", "ttft", "seconds"):
                assert 0 < cell[figure]["min"] <= cell[figure]["median"] <= cell[figure]["max"]
            assert cell["ttft_p95"] <= cell["seconds"]["max"]
            assert cell["gap_p95"] is not None


async def test_perplexity_is_what_the_weights_say_on_both_engines(
    server: Running, http: aiohttp.ClientSession, measured: str
) -> None:
    del server
    _, tokens = await call(http, "POST", "/tokenize", {"model": "tiny-mlx", "content": text()})
    truth = perplexity(tokens["tokens"], QUALITY["positions"], QUALITY["window"])
    _, told = await call(http, "GET", f"{BENCHMARKS}/{measured}")
    found = {model["model"]: model["quality"] for model in told["benchmark"]["models"]}
    assert found["tiny-mlx"]["perplexity"] == pytest.approx(truth, rel=1e-3)
    assert found["tiny-gguf"]["perplexity"] == pytest.approx(truth, rel=5e-3)
    assert {quality["positions"] + quality["unscored"] for quality in found.values()} == {64}


@pytest.mark.parametrize("model", ["tiny-gguf", "tiny-mlx"])
async def test_characters_made_of_several_tokens_count_as_they_are(http: aiohttp.ClientSession, model: str) -> None:
    own = "대한민국의 수도는 서울입니다. 뷁쫡 🙂 ñandú 漢字 " * 6
    scored = {"text": own, "positions": 48, "window": 64}
    body = {"models": [model], "prompt": [8], "gen": [2], "repeat": 1, "warmup": False, "quality": scored}
    found = await ended(http, await begin(http, body))
    (quality,) = [each["quality"] for each in found["models"]]
    _, tokens = await call(http, "POST", "/tokenize", {"model": model, "content": own})
    assert quality["unscored"] == 0
    assert quality["perplexity"] == pytest.approx(perplexity(tokens["tokens"], 48, 64), rel=5e-3)
    assert own[:10] not in json.dumps(found)


async def test_a_quantisation_is_compared_with_the_first_model(http: aiohttp.ClientSession, measured: str) -> None:
    _, told = await call(http, "GET", f"{BENCHMARKS}/{measured}")
    first, q8, mlx = (model["quality"] for model in told["benchmark"]["models"])
    assert first["divergence"] is None
    assert q8["divergence"]["reference"] == mlx["divergence"]["reference"] == "tiny-gguf"
    assert 0 < mlx["divergence"]["kl"] < q8["divergence"]["kl"] < 0.1
    assert mlx["divergence"]["same_top"] >= q8["divergence"]["same_top"] > 0.8
    assert q8["divergence"]["unseen"] < 0.1


async def test_exports(http: aiohttp.ClientSession, measured: str) -> None:
    files: dict[str, str] = {}
    for form in ("json", "csv", "md", "svg", "html"):
        async with http.get(f"{BENCHMARKS}/{measured}/export?format={form}&baseline={measured}") as answer:
            assert answer.status == 200
            assert f"{measured}.{form}" in answer.headers["content-disposition"]
            files[form] = await answer.text()
    _, told = await call(http, "GET", f"{BENCHMARKS}/{measured}")
    assert json.loads(files["json"]) == told["benchmark"]
    assert read(files["json"]).id == measured
    rows = list(csv.DictReader(io.StringIO(files["csv"])))
    assert [(row["model"], row["streams"]) for row in rows] == [(m, s) for m in MODELS for s in ("1", "2")]
    assert all(float(row["decode_delta"]) == 0 for row in rows)
    assert all(name in files[form] for name in MODELS for form in ("md", "svg", "html"))
    status, told = await call(http, "GET", f"{BENCHMARKS}/{measured}/export?format=exe")
    assert (status, told["error"]["param"]) == (400, "format")


async def test_what_was_measured_is_what_is_expected_next(http: aiohttp.ClientSession, measured: str) -> None:
    del measured
    body = {"models": ["tiny-gguf"], "prompt": [64], "gen": [16], "repeat": 2}
    status, told = await call(http, "POST", f"{BENCHMARKS}/estimate", body)
    assert (status, told["measured"], told["steps"]) == (200, True, 4)
    assert told["seconds"] > 0


async def test_nothing_of_it_is_kept_for_anybody(server: Running, measured: str) -> None:
    del measured
    assert [path for path in (server.home / "kv").rglob("*") if path.is_file()] == []


async def test_cancelled_it_frees_its_model_and_keeps_what_it_has(http: aiohttp.ClientSession) -> None:
    await call(http, "POST", "/models/unload", {"model": "tiny-gguf"})  # else it would be left loaded, as it was
    wanted = await begin(http, LONG)
    await until(http, wanted, measuring)
    status, told = await call(http, "POST", BENCHMARKS, LONG)
    assert (status, told["error"]["code"]) == (409, "benchmark_running")
    assert (await call(http, "DELETE", f"{BENCHMARKS}/{wanted}"))[0] == 409
    assert (await call(http, "POST", f"{BENCHMARKS}/{wanted}/cancel"))[0] == 200
    found = (await call(http, "GET", f"{BENCHMARKS}/{wanted}"))[1]
    assert (found["benchmark"]["state"], found["progress"]) == ("cancelled", None)
    assert found["benchmark"]["models"][0]["load"]["count"] == 1
    async with asyncio.timeout(WITHIN):
        while (await call(http, "GET", "/v1/models/tiny-gguf"))[1]["state"] != "unloaded":
            await asyncio.sleep(0.02)
    assert (await call(http, "POST", f"{BENCHMARKS}/{wanted}/cancel"))[0] == 404
    _, told = await call(http, "GET", BENCHMARKS)
    assert wanted in [each["id"] for each in told["data"]]
    assert (await call(http, "DELETE", f"{BENCHMARKS}/{wanted}"))[0] == 200
    assert (await call(http, "GET", f"{BENCHMARKS}/{wanted}"))[1]["error"]["code"] == "benchmark_not_found"


def asked(model: str, tokens: int, *, stream: bool = False) -> dict[str, Any]:
    return {"model": model, "prompt": "Hi", "max_tokens": tokens, "stream": stream, "ignore_eos": True}


async def test_others_go_first_and_what_they_disturbed_is_measured_again(http: aiohttp.ClientSession) -> None:
    wanted = await begin(http, {**LONG, "gen": [400], "repeat": 1, "warmup": False})
    await until(http, wanted, measuring)
    status, told = await call(http, "POST", "/v1/completions", asked("tiny-gguf", 5))
    assert (status, told["usage"]["completion_tokens"]) == (200, 5)
    found = await ended(http, wanted)
    assert found["state"] == "done"
    assert found["models"][0]["disturbed"] >= 1
    assert found["models"][0]["cells"][0]["decode"]["count"] == 1
    await call(http, "DELETE", f"{BENCHMARKS}/{wanted}")


async def test_a_worker_that_dies_costs_its_model_and_no_other(server: Running, http: aiohttp.ClientSession) -> None:
    body = {**LONG, "models": ["tiny-gguf", "tiny-gguf-q8"], "gen": [2000], "repeat": 1, "warmup": False}
    wanted = await begin(http, body)
    await until(http, wanted, lambda told: measuring(told) and told["progress"]["step"]["kind"] == "repeat")
    (await server.worker(http, "tiny-gguf")).kill()
    found = await ended(http, wanted)
    died, other = found["models"]
    assert found["state"] == "done"
    assert died["failed"].startswith("repeat: ")
    assert died["load"] is not None
    assert (other["failed"], other["cells"][0]["decode"]["count"]) == (None, 1)


async def test_while_others_are_served_it_waits_and_says_why_or_is_refused(http: aiohttp.ClientSession) -> None:
    async with http.post("/v1/completions", json=asked("tiny-gguf", 100_000, stream=True)) as answer:
        await answer.content.readline()
        status, told = await call(http, "POST", BENCHMARKS, {**LONG, "when_busy": "refuse"})
        assert (status, told["error"]["code"]) == (409, "server_busy")
        assert "generation on tiny-gguf" in told["error"]["message"]
        wanted = await begin(http, LONG)
        found = await until(http, wanted, lambda told: told["benchmark"]["state"] == "waiting")
        assert "1 request is under way" in found["progress"]["held_up"]
        assert found["progress"]["done"] == 0
    await until(http, wanted, lambda told: told["benchmark"]["state"] == "running")
    await call(http, "POST", f"{BENCHMARKS}/{wanted}/cancel")


async def test_what_cannot_be_measured_is_said(http: aiohttp.ClientSession) -> None:
    wrong = {
        "model_not_found": {"models": ["nothing"]},
        "invalid_request": {"models": ["tiny-gguf", "tiny-gguf"]},
    }
    for code, body in wrong.items():
        assert (await call(http, "POST", BENCHMARKS, body))[1]["error"]["code"] == code
    other = {"models": ["tiny-gguf"], "quality": {"reference": "tiny-mlx"}}
    assert (await call(http, "POST", BENCHMARKS, other))[1]["error"]["param"] == "quality"
    _, told = await call(http, "POST", BENCHMARKS, {"models": ["tiny-gguf"], "prompt": [100_000]})
    assert "the context of tiny-gguf is" in told["error"]["message"]


@pytest.mark.accept("B3")
async def test_whoever_listens_hears_how_far_it_is(http: aiohttp.ClientSession) -> None:
    told: list[Any] = []
    async with asyncio.timeout(WITHIN), http.get("/api/v1/events?topics=bench") as stream:
        wanted = ""
        async for line in stream.content:
            if not line.startswith(b"data: "):
                continue
            HubEvent.model_validate_json(line[6:])
            told.append(json.loads(line[6:]))
            if told[-1]["type"] == "snapshot":
                assert told[-1]["data"] == {"running": None}
                body = {"models": ["tiny-gguf"], "prompt": [32], "gen": [64], "repeat": 1, "warmup": False}
                wanted = await begin(http, body)
            if told[-1]["type"] == "ended":
                break
    assert {event["data"]["id"] for event in told[1:]} == {wanted}
    progress = [event["data"]["progress"] for event in told if event["type"] == "progress"]
    assert next(p["step"]["kind"] for p in progress if p["step"]) == "load"
    assert {"load", "repeat"} <= {p["step"]["kind"] for p in progress if p["step"]}
    assert max(p["tokens"] for p in progress) > 0
    assert [p["done"] for p in progress] == sorted(p["done"] for p in progress)
    assert told[-1]["data"]["state"] == "done"


@pytest.mark.accept("B1")
@pytest.mark.accept("B3")
@pytest.mark.accept("B5")
@pytest.mark.parametrize("model", ["tiny-gguf", "tiny-mlx"])
async def test_one_question_is_answered_with_its_figures(http: aiohttp.ClientSession, model: str) -> None:
    body = {"model": model, "prompt": "What is the capital of France?", "temperature": 0}
    status, whole = await call(http, "POST", f"{BENCHMARKS}/ask", body)
    assert status == 200, whole
    assert "Paris" in whole["text"]
    async with http.post(f"{BENCHMARKS}/ask", json={**body, "stream": True}) as answer:
        lines = [line async for line in answer.content if line.startswith(b"data: ")]
    frames = [json.loads(line[6:]) for line in lines[:-1]]
    assert lines[-1] == b"data: [DONE]\n"
    assert "".join(frame.get("text") or "" for frame in frames) == whole["text"]
    assert len([frame for frame in frames if "figures" in frame]) >= 2
    for figures in (whole["figures"], frames[-1]["figures"]):
        assert figures["input_tokens"] > 5
        assert figures["output_tokens"] > 2
        assert figures["tokens_per_second"] > 0
        assert figures["prompt_tokens_per_second"] > 0
        assert 0 < figures["first_token_s"] <= figures["time_taken_s"]
        assert figures["max_ram_mb"] > 10
    assert frames[-1]["finish_reason"] == "stop"
    # The second was asked as if the first had never been.
    assert frames[-1]["figures"]["input_tokens"] == whole["figures"]["input_tokens"]


async def test_the_command(server: Running, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "report.md"
    argv = ["bench", "tiny-gguf", "--prompt", "32", "--gen", "8", "--repeat", "1", "--positions", "16"]
    assert await asyncio.to_thread(run, [*argv, "--url", server.url, "-o", str(file)]) == 0
    wanted = capsys.readouterr().out.split()[0]
    assert "## Which to run" in file.read_text("utf-8")
    assert await asyncio.to_thread(run, ["bench", "--list", "--url", server.url]) == 0
    assert wanted in capsys.readouterr().out
    assert await asyncio.to_thread(run, ["bench", "--show", wanted, "--json", "--url", server.url]) == 0
    assert json.loads(capsys.readouterr().out)["id"] == wanted
    assert await asyncio.to_thread(run, ["bench", "tiny-gguf", "--estimate", "--url", server.url]) == 0
    assert "by what was measured here before" in capsys.readouterr().out
    assert await asyncio.to_thread(run, ["bench", "--url", server.url]) == 2
