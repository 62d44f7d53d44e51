"""Callers with keys beside each other on one model: whoever sends much keeps nobody waiting long."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ..serving.running import running  # noqa: TID252
from .test_access import Run

pytestmark = pytest.mark.anyio

PATH = "/v1/completions"
ENDLESS = {"prompt": "Once upon a time", "ignore_eos": True, "stream": True, "max_tokens": 4000}
SHORT = {"prompt": "Hello", "ignore_eos": True, "max_tokens": 256}
FLOOD = 4
Ticket = dict[str, Any]


class House:
    """A server whose models have so many slots, and keys for it."""

    def __init__(self, http: aiohttp.ClientSession, run: Run) -> None:
        self.http = http
        self._run = run

    def key(self, name: str, *flags: str) -> str:
        made = self._run("key", "create", name, "--json", *flags)
        return str(json.loads(made.stdout)["key"])

    def post(self, key: str, body: dict[str, Any], name: str) -> "asyncio.Future[aiohttp.ClientResponse]":
        headers = {"authorization": f"Bearer {key}", "x-request-id": name}
        return asyncio.ensure_future(self.http.post(PATH, json={"model": "tiny-gguf", **body}, headers=headers))

    async def until(self, condition: Callable[[dict[str, Ticket]], bool]) -> dict[str, Ticket]:
        """What is under way, by request id, once `condition` holds for it."""
        async with asyncio.timeout(30):
            while True:
                async with self.http.get("/api/v1/requests") as answer:
                    found = {ticket["id"]: ticket for ticket in (await answer.json())["data"]}
                if condition(found):
                    return found
                await asyncio.sleep(0.01)

    async def cancel(self, name: str) -> None:
        async with self.http.post(f"/api/v1/requests/{name}/cancel") as answer:
            assert await answer.json() == {"cancelled": 1}


@asynccontextmanager
async def house(home: Path, run: Run, slots: int) -> AsyncGenerator[House]:
    environment = {
        "DOVETAIL_LOAD__PARALLEL": str(slots),
        "DOVETAIL_LOAD__CONTEXT": "4096",
        "DOVETAIL_FLEET__CALIBRATE": "false",
    }
    timeout = aiohttp.ClientTimeout(total=60)
    async with (
        running(home, environment=environment) as server,
        aiohttp.ClientSession(server.url, timeout=timeout) as http,
    ):
        yield House(http, run)


@pytest.mark.accept("R7")
async def test_who_sends_one_request_does_not_wait_for_all_of_one_who_sends_many(tmp_path: Path, run: Run) -> None:
    done: list[str] = []
    async with house(tmp_path, run, 1) as it:
        many, one = it.key("many"), it.key("one")
        first = it.post(many, ENDLESS, "endless")
        await it.until(lambda found: "endless" in found and found["endless"]["phase"] == "decoding")

        async def send(key: str, name: str) -> None:
            answer = await it.post(key, SHORT, name)
            await answer.read()
            assert answer.status == 200
            done.append(name)

        async with asyncio.TaskGroup() as tasks:
            for number in range(FLOOD):
                name = f"many-{number}"
                tasks.create_task(send(many, name))
                await it.until(lambda found, name=name: name in found and found[name]["phase"] == "queued")
            tasks.create_task(send(one, "one"))
            found = await it.until(lambda found: "one" in found and found["one"]["phase"] == "queued")
            assert found["one"]["position"] <= 2
            assert found["one"]["caller"] != found["many-0"]["caller"]
            await it.cancel("endless")
        (await first).close()
    assert done.index("one") <= 1
    assert [name for name in done if name != "one"] == [f"many-{number}" for number in range(FLOOD)]


@pytest.mark.accept("R7")
async def test_who_has_as_much_running_as_it_may_waits_beside_free_slots(tmp_path: Path, run: Run) -> None:
    async with house(tmp_path, run, 3) as it:
        capped, free = it.key("capped", "--at-once", "1"), it.key("free")
        first = it.post(capped, ENDLESS, "first")
        await it.until(lambda found: "first" in found and found["first"]["phase"] == "decoding")
        second = it.post(capped, SHORT, "second")
        await it.until(lambda found: "second" in found and found["second"]["phase"] == "queued")
        other = await it.post(free, SHORT, "other")  # came later, and passes
        await other.read()
        assert (other.status, "x-dovetail-queue" in other.headers) == (200, False)
        found = await it.until(lambda found: "other" not in found)
        assert {name: ticket["phase"] for name, ticket in found.items()} == {"first": "decoding", "second": "queued"}
        await it.cancel("first")
        answer = await second
        await answer.read()
        assert (answer.status, answer.headers["x-dovetail-queue"]) == (200, "1")
        (await first).close()
