"""The figures of a real server, scraped, read and pushed, for models of both engines."""

import asyncio
import json
import shutil
import subprocess
from collections import defaultdict
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from dovetail.gateway.figures import Reading

from ..process.serving.running import Running  # noqa: TID252  a type
from .events import Events, opened

pytestmark = pytest.mark.anyio

CHAT = "/v1/chat/completions"


async def chat(http: aiohttp.ClientSession, model: str, **fields: object) -> Any:
    body = {"model": model, "messages": [{"role": "user", "content": "What is the capital of France?"}], **fields}
    async with http.post(CHAT, json=body) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def scraped(http: aiohttp.ClientSession, query: str = "") -> dict[str, float]:
    """Samples by `name` and `name{label=value}`: of each label alone."""
    async with http.get(f"/metrics{query}") as answer:
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        families = list(text_string_to_metric_families(await answer.text()))
    found: dict[str, float] = defaultdict(float)
    for sample in (sample for family in families for sample in family.samples):
        for key in [sample.name, *(f"{sample.name}{{{label}={value}}}" for label, value in sample.labels.items())]:
            found[key] += sample.value
    return found


async def read(http: aiohttp.ClientSession, query: str = "?format=json") -> Reading:
    async with http.get(f"/metrics{query}", headers={"accept": "application/json"}) as answer:
        assert answer.headers["content-type"] == "application/json"
        return Reading.model_validate(await answer.json())


@pytest.mark.accept("A7", "L2")
async def test_what_is_scraped_adds_up(http: aiohttp.ClientSession, model: str) -> None:
    await chat(http, model, max_tokens=2)
    before = await scraped(http)
    usage = (await chat(http, model, max_tokens=8))["usage"]
    async with http.post(
        CHAT, json={"model": "of nobody's", "messages": [{"role": "user", "content": "x"}]}
    ) as refused:
        assert refused.status == 404
    after = await scraped(http)

    def more(name: str) -> float:
        return after[name] - before[name]

    of_model = f"{{model={model}}}"
    assert more(f"llama_requests_total{{endpoint={CHAT}}}") == 2
    assert more("llama_request_duration_seconds_count") == 2
    assert more("llama_tokens_generated_total") == usage["completion_tokens"]
    assert "llama_slots_processing" in after
    assert more("llamacpp:tokens_predicted_total") == usage["completion_tokens"]
    assert more(f"dovetail_requests_total{of_model}") == 1
    assert more("dovetail_requests_total{status=404}") == 1
    assert more(f"dovetail_prompt_tokens_total{of_model}") == usage["prompt_tokens"]
    assert more(f"dovetail_generated_tokens_total{of_model}") == usage["completion_tokens"]
    assert more(f"dovetail_cached_tokens_total{of_model}") == usage["prompt_tokens_details"]["cached_tokens"]
    for histogram in ("request_duration", "time_to_first_token", "queue"):
        assert more(f"dovetail_{histogram}_seconds_count{of_model}") == 1
    assert more(f"dovetail_inter_token_seconds_count{of_model}") >= 1
    assert after[f"dovetail_model_load_seconds_count{of_model}"] >= 1
    assert after[f"dovetail_slots{of_model}"] >= 1
    assert after[f"dovetail_model_memory_reserved_bytes{of_model}"] > 0
    assert after["dovetail_memory_budget_bytes"] > after[f"dovetail_model_memory_reserved_bytes{of_model}"]
    assert after[f"dovetail_process_memory_bytes{{process={model}}}"] > 0
    assert not any("nobody" in name for name in after)


@pytest.mark.accept("L3")
async def test_everything_that_is_to_be_observed_can_be(http: aiohttp.ClientSession, model: str) -> None:
    """Request rate and errors by two readings of counters, the rest as it stands."""
    await chat(http, model, max_tokens=4)
    text, told = await scraped(http), await read(http)
    assert text["dovetail_requests_total{status=200}"] >= 1
    assert text["llama_tokens_generated_total"] >= 1
    for times in (told.seconds.duration, told.seconds.first_token, told.seconds.inter_token):
        assert times is not None
        assert 0 < times.p50 <= times.p95 <= times.p99
    assert told.slots.total >= 1
    assert told.memory.budget > 0
    assert told.requests.total >= told.requests.failed
    for gpu in told.machine.gpus:  # a machine may have none
        assert gpu.busy is not None


@pytest.mark.accept("A8")
async def test_json_has_readiness_the_queue_and_the_figures_of_one_model(
    http: aiohttp.ClientSession, model: str
) -> None:
    usage = (await chat(http, model, max_tokens=4))["usage"]
    told = await read(http, f"?model={model}")
    assert (told.model, told.ready, told.queue_length) == (model, True, 0)
    assert {each.model for each in told.models} == {model}
    placement = next(each.placement for each in told.models if each.id == model)
    assert placement is not None
    assert placement.reserved > 0
    assert told.tokens.generated >= usage["completion_tokens"]
    assert told.seconds.duration is not None
    whole = await read(http)
    assert whole.tokens.generated >= told.tokens.generated
    assert {process.name for process in whole.machine.processes} >= {"gateway", model}
    assert isinstance(whole.machine.memory_used, int)


@pytest.mark.accept("A9", "L1")
async def test_figures_are_pushed_every_second(http: aiohttp.ClientSession, model: str) -> None:
    await chat(http, model, max_tokens=2)
    body = {"model": model, "stream": True, "max_tokens": 4000, "ignore_eos": True}
    body |= {"messages": [{"role": "user", "content": "Hi"}]}
    async with opened(http, "/metrics/stream") as events, http.post(CHAT, json=body) as answer:
        assert answer.status == 200
        told = await _until_it_writes(events)
        assert told.slots.busy == 1
        assert isinstance(told.machine.cpu, float | int)
        assert isinstance(told.machine.memory_used, int)
        worker = next(process for process in told.machine.processes if process.name == model)
        assert isinstance(worker.memory, int)
        times = [Reading.model_validate(await events.next()).at for _ in range(3)]
    assert times == sorted(set(times))


async def _until_it_writes(events: Events) -> Reading:
    async with asyncio.timeout(30):
        while True:
            told = Reading.model_validate(await events.next())
            if told.requests.running and told.tokens_per_second.generated > 0:
                return told


@pytest.mark.accept("L6")
async def test_a_panel_that_changes_its_model_gets_the_other_s_figures(http: aiohttp.ClientSession) -> None:
    models = ("tiny-gguf", "tiny-mlx")
    for model in models:
        await chat(http, model, max_tokens=2)
    for model in (*models, models[0]):
        async with opened(http, f"/metrics/stream?model={model}") as events:
            for _ in range(2):
                told = Reading.model_validate(await events.next())
                assert told.model == model
                assert {each.model for each in told.models} == {model}
                assert told.requests.total >= 1


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.accept("A9")
async def test_curl_as_the_documents_show_it(server: Running) -> None:
    command = ["curl", "-sN", "--max-time", "3", f"{server.url}/metrics/stream"]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    frames = [json.loads(line[6:]) for line in done.stdout.splitlines() if line.startswith("data: ")]
    assert len(frames) >= 2
    for frame in frames:
        Reading.model_validate(frame)
    page = await asyncio.to_thread(
        subprocess.run, ["curl", "-s", f"{server.url}/metrics"], capture_output=True, text=True
    )
    assert any(
        "llama_request_duration_seconds_bucket" in line for line in page.stdout.splitlines() if "duration" in line
    )
