"""The listening server: start, drain, stop; its workers are scripted ones in the test's own loop."""

import asyncio
import errno
import json
import os
import signal
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from dovetail.cli.exits import Exit
from dovetail.core.errors import LoadFailed
from dovetail.core.model import LoadOptions
from dovetail.demo import models_dir
from dovetail.gateway.model_settings import checked_options, llama_server, load_options, model_folders
from dovetail.gateway.server import EXPOSED_CONNECTIONS, Started, _signals, running, serve
from dovetail.settings import (
    CatalogSettings,
    FleetSettings,
    LoadSettings,
    ModelSettings,
    ServerSettings,
    Settings,
    Sources,
)
from dovetail.workers.scripted import Script

from .fakes import FakeLauncher, Plan, model, services

pytestmark = pytest.mark.anyio

CHAT = "/v1/chat/completions"
HI = {"model": "tiny-gguf", "messages": [{"role": "user", "content": "hi"}]}
ENDLESS = Plan(Script(tokens=1_000_000, interval_ms=2))


@pytest.fixture
async def launcher() -> AsyncIterator[FakeLauncher]:
    launcher = FakeLauncher()
    yield launcher
    await launcher.aclose()


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def settings(home: Path, preload: tuple[str, ...] = (), **server: Any) -> Settings:
    return Settings(home=home, server=ServerSettings(port=0, **server), fleet=FleetSettings(preload=preload))


async def test_a_conversation_over_a_real_socket(
    tmp_path: Path, launcher: FakeLauncher, client: aiohttp.ClientSession
) -> None:
    async with running(settings(tmp_path / "new"), launcher=launcher) as started:
        async with client.post(started.url + CHAT, json=HI) as answer:
            body = await answer.json()
        assert body["choices"][0]["message"]["content"] == "tok tok tok "
        async with client.post(started.url + CHAT, json={**HI, "stream": True}) as answer:
            assert (await answer.text()).endswith("data: [DONE]\n\n")
        async with client.get(started.url + "/health") as answer:
            assert (await answer.json())["slots_total"] == 2
    assert launcher.process("tiny-gguf").status.result() == 0


@pytest.mark.parametrize(
    ("said", "bound"),
    [
        ({"address_connections": 2}, 2),
        ({}, None),
        ({"host": "0.0.0.0", "insecure": True}, EXPOSED_CONNECTIONS),
        ({"trusted_proxies": ("127.0.0.1",)}, None),  # it is the proxy that connects
    ],
)
async def test_how_many_connections_an_address_has(
    tmp_path: Path, launcher: FakeLauncher, said: dict[str, Any], bound: int | None
) -> None:
    async with running(settings(tmp_path, **said), launcher=launcher) as started:
        begun = [await asyncio.open_connection("127.0.0.1", started.port) for _ in range((bound or 300) + 1)]
        reader, writer = begun[-1]
        writer.write(b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        async with asyncio.timeout(10):
            status = await reader.readline()
        assert status.split()[1] == (b"429" if bound else b"200")
        for _, each in begun:
            each.close()


async def test_who_forbids_request_capture_ends_what_is_under_way(tmp_path: Path, launcher: FakeLauncher) -> None:
    sources = Sources(home=tmp_path, environ={}, flags={"server": {"port": 0}})
    async with running(sources.load(), launcher=launcher, sources=sources) as started:
        capture = started.services.capture
        assert capture is not None
        begun = await capture.begin(60, 1000)
        (tmp_path / "dovetail.toml").write_text("[log]\ncapture_minutes = 0\n")
        await started.services.live.reread()
        assert capture.now is None
    lines = [json.loads(line) for line in (tmp_path / "logs" / "audit.jsonl").read_text().splitlines()]
    assert [(line["what"], line["who"]) for line in lines] == [
        ("capture ended", "server"), ("configuration applied", "server"),
    ]  # fmt: skip
    assert begun.path.exists()


async def test_leaving_closes_the_stream_to_the_worker(
    tmp_path: Path, launcher: FakeLauncher, client: aiohttp.ClientSession
) -> None:
    launcher.plans["tiny-gguf"] = ENDLESS
    async with running(settings(tmp_path), launcher=launcher) as started:
        for stream in (True, False):
            asking = asyncio.create_task(_read(client, started, stream=stream))
            async with asyncio.timeout(5):
                while not started.services.pool.status("tiny-gguf").active:
                    await asyncio.sleep(0.001)
            asking.cancel()
            async with asyncio.timeout(0.25):
                while started.services.pool.status("tiny-gguf").active:
                    await asyncio.sleep(0.001)


async def test_preloads_make_ready_wait_whatever_becomes_of_them(
    tmp_path: Path, launcher: FakeLauncher, client: aiohttp.ClientSession
) -> None:
    launcher.plans["tiny-gguf"] = Plan(last_words="E cannot", listens=False)
    wanted = settings(tmp_path, preload=("tiny-gguf", "nobody", "tiny-gguf-q8"))
    async with running(wanted, launcher=launcher) as started:
        async with asyncio.timeout(10):
            await started.services.preloaded.wait()
        async with client.get(started.url + "/ready") as answer:
            assert answer.status == 200
        assert started.services.pool.status("tiny-gguf-q8").state == "ready"
        assert started.services.pool.status("tiny-gguf").state == "failed"


async def test_running_answers_may_finish_while_new_ones_are_turned_away(
    tmp_path: Path, launcher: FakeLauncher, client: aiohttp.ClientSession
) -> None:
    launcher.plans["tiny-gguf"] = Plan(Script(tokens=150, interval_ms=2))
    async with running(settings(tmp_path), launcher=launcher) as started:
        async with client.get(started.url + "/health"):  # a kept connection
            pass
        asking = asyncio.create_task(_read(client, started))
        async with asyncio.timeout(5):
            while not started.services.pool.status("tiny-gguf").active:
                await asyncio.sleep(0.001)
        started.services.door.shut = True
        async with client.post(started.url + CHAT, json=HI) as answer:
            assert (answer.status, (await answer.json())["error"]["code"]) == (503, "shutting_down")
    assert (await asking).endswith("data: [DONE]\n\n")


async def test_what_does_not_finish_in_time_gets_an_error_frame(
    tmp_path: Path, launcher: FakeLauncher, client: aiohttp.ClientSession
) -> None:
    launcher.plans["tiny-gguf"] = ENDLESS
    async with running(settings(tmp_path, drain_timeout=0.1), launcher=launcher) as started:
        asking = asyncio.create_task(_read(client, started))
        async with asyncio.timeout(5):
            while not started.services.pool.status("tiny-gguf").active:
                await asyncio.sleep(0.001)
    text = await asking
    assert '"code":"shutting_down"' in text
    assert "[DONE]" not in text


async def test_a_taken_port_is_an_os_error(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        wanted = Settings(home=tmp_path, server=ServerSettings(port=taken.getsockname()[1]))
        with pytest.raises(OSError, match="in use") as caught:
            await serve(wanted)
    assert caught.value.errno == errno.EADDRINUSE


async def test_serve_ends_by_its_event_or_a_signal(tmp_path: Path) -> None:
    for end in ("event", "signal"):
        stop, urls = asyncio.Event(), asyncio.Queue[str]()
        serving = asyncio.create_task(serve(settings(tmp_path), listening=urls.put_nowait, stop=stop))
        async with asyncio.timeout(10):
            assert (await urls.get()).startswith("http://127.0.0.1:")
            if end == "event":
                stop.set()
            else:
                signal.raise_signal(signal.SIGTERM)
            await serving


async def test_a_second_signal_ends_the_process_with_the_code_of_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = asyncio.Queue[int]()
    monkeypatch.setattr(os, "_exit", codes.put_nowait)
    with _signals(asyncio.Event()) as asked:
        async with asyncio.timeout(5):
            signal.raise_signal(signal.SIGTERM)
            await asked.wait()
            signal.raise_signal(signal.SIGINT)
            assert await codes.get() == Exit.INTERRUPTED


async def test_ipv6(tmp_path: Path, client: aiohttp.ClientSession) -> None:
    async with running(settings(tmp_path, host="::1")) as started:
        assert started.url.startswith("http://[::1]:")
        async with client.get(started.url + "/health") as answer:
            assert answer.status == 200


def test_the_url_to_give_to_clients() -> None:
    parts: Any = None
    assert Started("0.0.0.0", 80, parts).url == "http://127.0.0.1:80"
    assert Started("::", 80, parts).url == "http://[::1]:80"
    assert Started("10.0.0.1", 80, parts).url == "http://10.0.0.1:80"


def test_model_folders_in_order(tmp_path: Path) -> None:
    wanted = Settings(home=tmp_path, catalog=CatalogSettings(folders=(tmp_path / "x",)))
    assert model_folders(wanted) == [tmp_path / "models", tmp_path / "x", models_dir()]
    assert model_folders(Settings(home=tmp_path, catalog=CatalogSettings(demo=False))) == [tmp_path / "models"]


def test_load_options_of_one_model() -> None:
    wanted = Settings(
        load=LoadSettings(context=512, parallel=2),
        models={"m": ModelSettings(context=64, aliases=("x",), warmup=False)},
    )
    assert load_options(wanted, model("m")) == LoadOptions(context=64, parallel=2, warmup=False)
    assert load_options(wanted, model("n")) == LoadOptions(context=512, parallel=2, warmup=True)


def test_an_option_that_an_mlx_model_cannot_have_is_refused_by_name() -> None:
    wanted = Settings(models={"m": ModelSettings(threads=3, parallel=2)}, load=LoadSettings(threads=1))
    assert checked_options(wanted, model("m")).threads == 3
    with pytest.raises(LoadFailed, match=r"models\.m\.threads"):
        checked_options(wanted, replace(model("m"), format="mlx"))
    assert checked_options(wanted, replace(model("n"), format="mlx")).threads == 1


def test_which_llama_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    binary = tmp_path / "llama-server"
    binary.write_text("")
    binary.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert llama_server(None) is None
    assert llama_server("auto") == binary
    assert llama_server("/opt/missing") == Path("/opt/missing")
    monkeypatch.setenv("PATH", "")
    assert llama_server("auto") is None


def test_timing_follows_the_settings() -> None:
    assert services(settings=Settings(server=ServerSettings(keep_alive_every=2))).timing.keep_alive_every == 2


async def _read(client: aiohttp.ClientSession, started: Started, *, stream: bool = True) -> str:
    async with client.post(started.url + CHAT, json={**HI, "stream": stream, "max_tokens": 150}) as answer:
        return await answer.text()
