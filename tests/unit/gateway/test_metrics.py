"""`/metrics` and `/metrics/stream`: their forms, whom they tell what, and what they refuse."""

import asyncio
import json
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from dovetail.access.keys import NewKey
from dovetail.core.caller import LOCAL, Scope
from dovetail.core.events import Prefill, TextDelta
from dovetail.fleet.pool import WorkerStatus
from dovetail.gateway.app import create_app
from dovetail.gateway.feeds import Feeds, Nudge
from dovetail.gateway.figures import Reading, TokenRates
from dovetail.gateway.panel import Panel, Pulse
from dovetail.gateway.services import Services
from dovetail.hardware.reading import GpuReading, MachineReading, ProcessReading, Unknown
from dovetail.hardware.sampler import Instruments, Process, Sampler
from dovetail.serving.requests import Ticket
from dovetail.settings import AccessSettings, Settings
from dovetail.telemetry.metrics import Metrics

from ..access.parts import GOOD, access  # noqa: TID252
from .fakes import Client, call, model, services

pytestmark = pytest.mark.anyio

ASK = {"model": "m", "prompt": "hi", "max_tokens": 5}
GPU = GpuReading("amd", "R", "0000:03:00.0", "sysfs", 93.0, 6 << 30, 16 << 30, Unknown("no sensor"), 61.0)


class Bench(Instruments):
    """A machine with a GPU, as it would be read."""

    def __init__(self) -> None:
        self.read_by: list[int] = []

    def read(self, processes: Sequence[Process]) -> MachineReading:
        del processes
        self.read_by.append(threading.get_ident())
        gateway = ProcessReading("gateway", 1, 1 << 20, 3.0, Unknown("no GPU's driver lists this process"))
        workers = tuple(replace(gateway, name=name) for name in ("m", "m:mean", "m#2", "other"))
        return MachineReading(1.0, 12.5, 2, 8 << 30, 2 << 30, (gateway, *workers), (GPU,))


def with_gpu(built: Services) -> Services:
    metrics = Metrics(lambda name: name == "m")
    sampler = Sampler(Bench(), tuple)
    panel = Panel(built.pool, built.requests, built.streams, metrics, sampler, lambda: built.settings)
    return replace(built, panel=panel)


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", "text"),
        ("*/*", "text"),
        ("text/plain", "text"),
        ("application/json", "json"),
        ("application/json, text/plain;q=0.5", "json"),
        ("text/plain, application/json;q=0.9", "text"),
        ("application/json;q=0", "text"),
        ("application/json;q=lots", "text"),
        # A Prometheus server's.
        ("application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", "text"),
    ],
)
async def test_what_the_client_takes_decides_and_the_query_wins(accept: str, form: str) -> None:
    app = create_app(services())
    types = {"text": "text/plain; version=0.0.4; charset=utf-8", "json": "application/json"}
    assert (await call(app, "GET", "/metrics", accept=accept)).headers["content-type"] == types[form]
    for asked, content_type in types.items():
        answer = await call(app, "GET", f"/metrics?format={asked}", accept=accept)
        assert answer.headers["content-type"] == content_type


async def test_requests_show_in_both_forms() -> None:
    app = create_app(services(statuses={"m": WorkerStatus("m", "ready", served=model(), slots=2)}))
    for _ in range(3):
        await call(app, "POST", "/v1/completions", ASK)
    await call(app, "POST", "/v1/completions", {**ASK, "model": "made up"})
    text = (await call(app, "GET", "/metrics")).body.decode()
    assert 'llama_requests_total{endpoint="/v1/completions"} 4.0' in text
    assert 'dovetail_requests_total{endpoint="/v1/completions",model="",status="404"} 1.0' in text
    assert 'dovetail_http_requests_total{endpoint="/v1/completions",method="POST",status="404"} 1.0' in text
    assert "made up" not in text
    told = Reading.model_validate((await call(app, "GET", "/metrics?format=json")).json())
    assert (told.requests.total, told.requests.failed, told.tokens.generated) == (4, 1, 6)
    assert told.slots.total == 2
    assert told.seconds.duration is not None
    assert told.seconds.duration.p50 <= told.seconds.duration.p95 <= told.seconds.duration.p99
    one = Reading.model_validate((await call(app, "GET", "/metrics?format=json&model=m")).json())
    assert (one.model, one.requests.total, one.requests.failed) == ("m", 3, 0)


async def test_everybody_is_told_while_requests_are_captured() -> None:
    built, on = services(), False
    metrics = Metrics(lambda name: name == "m")
    panel = Panel(
        built.pool, built.requests, built.streams, metrics, Sampler(Bench(), tuple), lambda: built.settings,
        capturing=lambda: on,
    )  # fmt: skip
    assert (await panel.reading(ready=True))["capture"] is False
    on = True
    assert (await panel.reading(ready=True))["capture"] is True


@pytest.mark.accept("V5")
async def test_gpus_are_in_every_form_busy_and_memory_apart_and_the_reason_for_what_is_unknown() -> None:
    built = with_gpu(services())
    app = create_app(built)
    text = (await call(app, "GET", "/metrics")).body.decode()
    assert 'dovetail_gpu_busy_percent{gpu="0000:03:00.0",name="R"} 93.0' in text
    assert 'dovetail_gpu_memory_used_bytes{gpu="0000:03:00.0",name="R"} 6.442450944e+09' in text
    assert "dovetail_gpu_power_watts{" not in text
    told = (await call(app, "GET", "/metrics?format=json")).json()
    client = Client(app, "GET", "/metrics/stream")
    telling = asyncio.create_task(Feeds(built.hub, built.panel, lambda: True, Nudge()).run())
    running = asyncio.create_task(client.run())
    pushed = await _frame(client)
    client.leave()
    telling.cancel()
    await asyncio.wait([running, telling])
    for figures in (told, pushed):
        (gpu,) = figures["machine"]["gpus"]
        assert (gpu["busy"], gpu["vram_used"], gpu["vram_total"]) == (93.0, 6 << 30, 16 << 30)
        assert gpu["power"] == {"unknown": "no sensor"}
        Reading.model_validate(figures)


async def _frame(client: Client) -> Any:
    async with asyncio.timeout(5):
        while b"data: " not in client.answer.body:
            await asyncio.sleep(0)
    return next(json.loads(line[6:]) for line in client.answer.body.decode().splitlines() if line.startswith("data: "))


async def test_the_machine_is_read_beside_the_event_loop() -> None:
    bench = Bench()
    built = services()
    metrics = Metrics(bool)
    panel = Panel(built.pool, built.requests, built.streams, metrics, Sampler(bench, tuple), lambda: built.settings)
    await panel.reading(ready=True)
    assert bench.read_by != [threading.get_ident()]


async def test_what_is_about_callers_is_told_to_admins_alone(tmp_path: Path) -> None:
    with access(tmp_path) as made:
        await made.people.found("chief", GOOD)
        app = create_app(services(access=made))
        _, viewer = await made.keys.create(NewKey("k", None, "viewer"))
        _, member = await made.keys.create(NewKey("k", "ann", "member"))
        made.changed()
        await call(app, "POST", "/v1/completions", ASK, x_api_key=member)
        for key, full in ((viewer, False), (member, False), (made.local_key, True)):
            text = (await call(app, "GET", "/metrics", x_api_key=key)).body.decode()
            assert ('dovetail_caller_requests_total{caller="ann"} 1.0' in text) is full
            assert ("ann" in text) is full
            assert "llama_requests_total" in text
        assert (await call(app, "GET", "/metrics")).status == 401


async def test_a_key_of_some_models_is_told_of_these(tmp_path: Path) -> None:
    with access(tmp_path) as made:
        app = create_app(services(None, model("m"), model("other"), access=made))
        _, narrow = await made.keys.create(NewKey("k", None, "viewer", Scope(models=("m",))))
        made.changed()
        for path in ("/metrics", "/metrics/stream"):
            refused = await call(app, "GET", path, x_api_key=narrow)
            assert refused.error[:3] == (403, "permission_error", "key_scope")
            refused = await call(app, "GET", f"{path}?model=other", x_api_key=narrow)
            assert refused.error[::2] == (404, "model_not_found")
        assert (await call(app, "GET", "/metrics?model=m", x_api_key=narrow)).status == 200


async def test_of_one_model_no_other_s_processes_are_told() -> None:
    app = create_app(with_gpu(services(None, model("m"), model("other"))))
    assert "other" in (await call(app, "GET", "/metrics")).body.decode()
    assert "other" not in (await call(app, "GET", "/metrics?model=m")).body.decode()
    told = Reading.model_validate((await call(app, "GET", "/metrics?model=m&format=json")).json())
    assert [each.name for each in told.machine.processes] == ["gateway", "m", "m:mean", "m#2"]


async def test_what_is_asked_for_wrongly() -> None:
    app = create_app(services())
    for path, status, param in (
        ("/metrics?format=xml", 400, "format"),
        ("/metrics?model=nobody", 404, "model"),
        ("/metrics/stream?model=nobody", 404, "model"),
    ):
        answer = await call(app, "GET", path)
        assert (answer.status, answer.error[3]) == (status, param)


@pytest.mark.accept("H9")
async def test_streams_of_metrics_count_like_requests_for_answers(tmp_path: Path) -> None:
    limited = Settings(home=Path("/nowhere"), access=AccessSettings(address_requests=2))
    with access(tmp_path) as made:
        app = create_app(services(settings=limited, access=made))

        async def opened() -> int:
            client = Client(app, "GET", "/metrics/stream", address="10.0.0.9")
            client.leave()
            return (await client.run()).status

        assert [await opened() for _ in range(3)] == [200, 200, 429]


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_rates_are_of_the_last_second_whoever_asks_between() -> None:
    clock, counts = Clock(), {"m": (0, 0), "m+shout": (0, 0)}
    pulse = Pulse(lambda: dict(counts), clock)
    assert pulse.is_old
    told: list[float] = []
    for second in range(4):
        told.append(pulse.rates(None).generated)
        clock.now += 0.3
        pulse.rates("m")  # somebody else looks
        clock.now += 0.7
        counts["m"] = (10 * second, 50 * (second + 1))
    assert told == [0.0, 50.0, 50.0, 50.0]
    counts["m+shout"] = (40, 20)
    clock.now += 1.0
    assert (pulse.rates("m").prompt, pulse.rates("other").prompt) == (pytest.approx(40 / 1, abs=15), 0.0)
    clock.now += 60
    assert pulse.is_old
    assert pulse.rates(None).generated == 0.0


def test_a_prompt_that_is_read_again_is_no_rate_below_nothing() -> None:
    now, counts = [0.0], {"m": (900, 10)}
    pulse = Pulse(lambda: dict(counts), lambda: now[0])
    pulse.rates(None)
    now[0], counts["m"] = 1.0, (100, 20)
    assert pulse.rates(None) == TokenRates(prompt=0.0, generated=10.0)


async def test_rates_of_a_single_look_are_told_over_a_moment() -> None:
    built = services()
    ticket = Ticket("generation", LOCAL, "m")
    with built.requests.under_way(ticket, "r", lambda _: None):
        asking = asyncio.create_task(built.panel.reading(ready=True))
        await asyncio.sleep(0)
        ticket.note(Prefill(20, 0, 20))
        for _ in range(30):
            ticket.note(TextDelta("x"))
        told = cast("dict[str, Any]", await asking)
    assert told["tokens_per_second"]["generated"] > 0
    assert told["tokens_per_second"]["prompt"] > 0
    assert told["requests"]["running"] == 1
