"""Downloads as a service: their states, and what is left of them when it ends in the middle."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from dovetail.catalog import downloads as module
from dovetail.catalog.delivery import CARD, STAGING, Delivery, order
from dovetail.catalog.downloads import Around, Download, Downloads
from dovetail.catalog.hub import parse_spec
from dovetail.core.errors import Conflict, InvalidRequest
from dovetail.core.request import JsonObject
from dovetail.settings import HubSettings

from .hub_server import REPO, Hub, hub_server

pytestmark = pytest.mark.anyio
MODEL = bytes(range(256)) * 8192
HALF = len(MODEL) // 2
WITHIN = 20.0


def at_once(_attempt: int, _asked: float | None = None) -> float:
    return 0.0


def in_an_hour(_attempt: int, _asked: float | None = None) -> float:
    return 3600.0


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setattr(module, "wait_before", at_once)
    with hub_server() as served:
        served.files = {"m.gguf": MODEL, "n.gguf": MODEL[::-1]}
        yield served


class Bench:
    def __init__(self, home: Path, hub: Hub) -> None:
        self.home, self.hub = home, hub
        self.settings = HubSettings()
        self.told: list[tuple[str, JsonObject]] = []
        self.arrived = 0

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[Downloads]:
        async def arrived() -> None:
            self.arrived += 1

        downloads = Downloads(
            Around(
                self.home / "models",
                self.home / "downloads.json",
                lambda: self.settings,
                lambda kind, data: self.told.append((kind, data)),
                arrived,
                self.hub.address,
            )
        )
        work = asyncio.create_task(downloads.run())
        try:
            yield downloads
        finally:
            work.cancel()
            await asyncio.wait([work])

    async def start(self, downloads: Downloads, choice: str = "m.gguf") -> Download:
        return await downloads.start(await asyncio.to_thread(order, parse_spec(f"{REPO}:{choice}"), self.hub.address))

    def path(self, name: str = "m.gguf") -> Path:
        return self.home / "models" / "tiny" / name


@pytest.fixture
def bench(tmp_path: Path, hub: Hub) -> Bench:
    return Bench(tmp_path, hub)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN):
        while not condition():
            await asyncio.sleep(0.005)


async def at_half(bench: Bench, download: Download) -> None:
    assert await asyncio.to_thread(bench.hub.half.wait, WITHIN)
    await until(lambda: download.done == HALF)


async def test_one_comes_and_is_told(bench: Bench) -> None:
    async with bench.running() as downloads:
        download = await bench.start(downloads)
        await until(lambda: download.state == "done")
        assert bench.path().read_bytes() == MODEL
        assert bench.arrived == 1
        states = [data["state"] for kind, data in bench.told if kind == "changed"]
        assert states == ["queued", "running", "done"]
        shown = downloads.shown(download)
        assert (shown["done"], shown["total"], shown["path"]) == (len(MODEL), len(MODEL), str(bench.path()))
        await downloads.forget(download.id)
        assert downloads.list() == []
        with pytest.raises(InvalidRequest, match="no such download"):
            downloads.find(download.id)


async def test_one_is_paused_and_goes_on_without_fetching_anything_twice(bench: Bench) -> None:
    bench.hub.hold = threading.Event()
    async with bench.running() as downloads:
        download = await bench.start(downloads)
        await at_half(bench, download)
        await downloads.pause(download.id)
        with pytest.raises(InvalidRequest, match="it is paused"):
            await downloads.pause(download.id)
        with pytest.raises(Conflict, match="already"):
            await bench.start(downloads)
        bench.hub.hold.set()
        bench.hub.hold = None
        await downloads.resume(download.id)
        await until(lambda: download.state == "done")
    assert bench.path().read_bytes() == MODEL
    assert [sent.start for sent in bench.hub.sent] == [0, HALF]


async def test_one_is_cancelled_and_leaves_nothing(bench: Bench) -> None:
    bench.hub.hold = threading.Event()
    async with bench.running() as downloads:
        download = await bench.start(downloads)
        await at_half(bench, download)
        await downloads.cancel(download.id)
        await until(lambda: not list((bench.home / "models" / STAGING).iterdir()))
        assert download.state == "cancelled"
        with pytest.raises(InvalidRequest, match="nothing to go on with"):
            await downloads.resume(download.id)
        paused = await bench.start(downloads, "n.gguf")
        await downloads.pause(paused.id)
        await downloads.cancel(paused.id)
        assert paused.state == "cancelled"


async def test_two_choices_of_one_repository_cost_each_other_nothing(bench: Bench) -> None:
    bench.hub.hold = threading.Event()
    async with bench.running() as downloads:
        paused = await bench.start(downloads)
        await at_half(bench, paused)
        await downloads.pause(paused.id)
        bench.hub.hold.set()
        bench.hub.hold = None
        other = await bench.start(downloads, "n.gguf")
        await until(lambda: other.state == "done")
        assert sorted(path.name for path in bench.path().parent.iterdir()) == [CARD, "n.gguf"]
        third = await bench.start(downloads, "n.gguf")
        await downloads.cancel(third.id)
        await downloads.resume(paused.id)
        await until(lambda: paused.state == "done")
    assert bench.path().read_bytes() == MODEL
    assert [sent.start for sent in bench.hub.sent if sent.name == "m.gguf"] == [0, HALF]


async def test_what_another_fetches_is_not_thrown_away(bench: Bench) -> None:
    bench.hub.hold = threading.Event()
    async with bench.running() as downloads:
        download = await bench.start(downloads)
        await at_half(bench, download)
        await asyncio.to_thread(Delivery(download.order, bench.home / "models", bench.hub.address).discard)
        bench.hub.hold.set()
        await until(lambda: download.state == "done")
    assert len(bench.hub.sent) == 1


async def test_one_that_failed_and_is_forgotten_leaves_nothing(bench: Bench) -> None:
    bench.hub.cuts = [HALF] + [0] * 100
    async with bench.running() as downloads:
        download = await bench.start(downloads)
        await until(lambda: download.state == "failed")
        assert download.done == HALF
        await downloads.forget(download.id)
        assert list((bench.home / "models" / STAGING).iterdir()) == []


async def test_what_was_under_way_goes_on_in_the_next_process(bench: Bench) -> None:
    bench.hub.hold = threading.Event()
    bench.settings = HubSettings(parallel=1)
    async with bench.running() as downloads:
        first = await bench.start(downloads)
        second = await bench.start(downloads, "n.gguf")
        await at_half(bench, first)
        assert second.state == "queued"
        await downloads.pause(second.id)
    bench.hub.hold.set()
    bench.hub.hold = None
    async with bench.running() as downloads:
        await until(lambda: len(downloads.list()) == 2)
        again = downloads.find(first.id)
        assert downloads.find(second.id).state == "paused"
        await until(lambda: again.state == "done")
        assert [sent.start for sent in bench.hub.sent] == [0, HALF]
        await downloads.resume(second.id)
        await until(lambda: downloads.find(second.id).state == "done")
    async with bench.running() as downloads:
        await until(lambda: {each.state for each in downloads.list()} == {"done"})
    assert len(bench.hub.sent) == 3


async def test_a_cut_is_tried_again_and_a_lie_is_not(bench: Bench) -> None:
    bench.hub.cuts = [1000, 1000]
    bench.hub.statuses = [503]
    async with bench.running() as downloads:
        download = await bench.start(downloads)
        await until(lambda: download.state == "done")
        assert [data["state"] for kind, data in bench.told if kind == "changed"].count("retrying") == 3
        bench.hub.served = {"n.gguf": MODEL}
        damaged = await bench.start(downloads, "n.gguf")
        await until(lambda: damaged.state == "failed")
        shown = downloads.shown(damaged)
        assert isinstance(shown["error"], dict)
        assert shown["error"]["code"] == "checksum_mismatch"
        assert "n.gguf" in str(shown["error"]["message"])
        bench.hub.served = {}
        await downloads.resume(damaged.id)
        await until(lambda: damaged.state == "done")
        assert damaged.error is None


async def test_the_bandwidth_of_the_settings_holds(bench: Bench) -> None:
    bench.settings = HubSettings(bandwidth=64 << 10)
    async with bench.running() as downloads:
        download = await bench.start(downloads)
        await until(lambda: ("progress", "running") in [(kind, data["state"]) for kind, data in bench.told])
        assert 0 < download.done < HALF, "a second's worth, and what one piece may be too many"
        await downloads.pause(download.id)
        bench.settings = HubSettings()
        await downloads.resume(download.id)
        await until(lambda: download.state == "done")


async def test_the_same_is_begun_once_however_often_it_is_asked_for_at_a_time(bench: Bench) -> None:
    bench.hub.hold = threading.Event()
    async with bench.running() as downloads:
        wanted = await asyncio.to_thread(order, parse_spec(f"{REPO}:m.gguf"), bench.hub.address)
        ends = await asyncio.gather(*(downloads.start(wanted) for _ in range(3)), return_exceptions=True)
        assert sorted(type(end).__name__ for end in ends) == ["Conflict", "Conflict", "Download"]
        assert len(downloads.list()) == 1
        await downloads.cancel(downloads.list()[0].id)


async def test_only_so_many_are_taken(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 1)
    bench.hub.hold = threading.Event()
    async with bench.running() as downloads:
        first = await bench.start(downloads)
        with pytest.raises(Conflict, match="1 downloads are under way"):
            await bench.start(downloads, "n.gguf")
        await downloads.cancel(first.id)
        assert (await bench.start(downloads, "n.gguf")).state in {"queued", "running"}


async def test_those_that_wait_for_the_hub_keep_nobody_else_waiting(bench: Bench) -> None:
    bench.hub.hold = threading.Event()
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    try:
        async with bench.running() as downloads:
            download = await bench.start(downloads)
            await until(lambda: download.done == HALF)
            assert await asyncio.wait_for(asyncio.to_thread(lambda: "free"), WITHIN) == "free"
            bench.hub.hold.set()
            await until(lambda: download.state == "done")
    finally:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor())


async def test_the_disk_is_never_looked_at_on_the_event_loop(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    makers: list[int] = []

    class Watched(Delivery):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            makers.append(threading.get_ident())
            super().__init__(*args, **kwargs)

    monkeypatch.setattr(module, "Delivery", Watched)
    bench.hub.statuses = [404]
    async with bench.running() as downloads:
        download = await bench.start(downloads)
        await until(lambda: download.state == "failed")
        await downloads.resume(download.id)
        await until(lambda: download.state == "done")
        other = await bench.start(downloads, "n.gguf")
        await downloads.cancel(other.id)
    assert len(makers) > 4
    assert threading.get_ident() not in makers


async def test_what_never_moves_fails_in_the_end(bench: Bench) -> None:
    bench.hub.statuses = [503] * 100
    async with bench.running() as downloads:
        download = await bench.start(downloads)
        await until(lambda: download.state == "failed")
    assert 100 - len(bench.hub.statuses) == module.ATTEMPTS


async def test_waiting_for_the_next_try_can_be_cut_short_and_ended(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "wait_before", in_an_hour)
    bench.hub.statuses = [503, 503]
    async with bench.running() as downloads:
        download = await bench.start(downloads)
        await until(lambda: download.state == "retrying")
        assert downloads.shown(download)["retry_in"] == pytest.approx(3600, abs=20)
        await downloads.resume(download.id)
        await until(lambda: len(bench.hub.statuses) == 0 and download.state == "retrying")
        await downloads.pause(download.id)
        await downloads.resume(download.id)
        await until(lambda: download.state == "done")


async def test_one_that_waits_for_its_next_try_gives_its_place_to_another(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "wait_before", in_an_hour)
    bench.settings = HubSettings(parallel=1)
    async with bench.running() as downloads:
        bench.hub.statuses = [503]
        first = await bench.start(downloads)
        await until(lambda: first.state == "retrying")
        second = await bench.start(downloads, "n.gguf")
        await until(lambda: second.state == "done")
        assert first.state == "retrying"
        await downloads.pause(first.id)
        await downloads.resume(first.id)
        await until(lambda: first.state == "done")


async def test_what_begins_at_once_does_not_cost_what_was_under_way(bench: Bench) -> None:
    async with bench.running() as downloads:
        first = await bench.start(downloads)
        await until(lambda: first.state == "done")
    async with bench.running() as downloads:
        second = await bench.start(downloads, "n.gguf")
        assert {each.id for each in downloads.list()} == {first.id, second.id}
        await until(lambda: second.state == "done")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"downloads": [{"id": 1}]}', '{"downloads": 3}'])
async def test_a_record_that_cannot_be_read_costs_what_it_said(bench: Bench, text: str) -> None:
    (bench.home / "downloads.json").write_text(text)
    async with bench.running() as downloads:
        download = await bench.start(downloads)
        await until(lambda: download.state == "done")


def test_the_speed_is_of_the_last_moments() -> None:
    from dovetail.catalog.delivery import Order

    download = Download("a", Order("o/n", "r", ()), 0.0)
    speeds: list[float] = []
    for second, done in enumerate([0, 100, 200, 300, 300, 300, 300, 300]):
        download.done = done
        speeds.append(download.speed(float(second)))
    assert speeds[:4] == [0.0, 100.0, 100.0, 100.0]
    assert speeds[-1] == 0.0
