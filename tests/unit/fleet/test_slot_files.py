"""What is written of a slot, when, and what comes back into one: over a worker that only keeps files."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import pytest

from dovetail.core.errors import InvalidRequest
from dovetail.core.events import Event, Finished, Prefill, TextDelta, Timings, Usage
from dovetail.core.model import Model
from dovetail.core.request import Json, JsonObject
from dovetail.engines.base import WorkerCall
from dovetail.fleet.chain import Chain, chain_of
from dovetail.fleet.client import WorkerClient
from dovetail.fleet.prompt_store import PromptStore
from dovetail.fleet.slots import Slots

pytestmark = pytest.mark.anyio

ANNA, BERND = "Anna saw the river. " * 200, "Bernd saw the river. " * 200
TOKENS = 1000


class Worker:
    """Saves and restores slots as llama-server does, and remembers what it was asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[str] = []
        self.saved = TOKENS
        self.size = 1000
        self.held = asyncio.Event()
        self.held.set()

    async def post(self, path: str, body: Mapping[str, Json], *, within: float) -> JsonObject:
        del within
        file = self.folder / str(body["filename"])
        self.asked.append(path)
        await self.held.wait()
        if path.endswith("save"):
            file.write_bytes(bytes(self.size))
            return {"n_saved": self.saved}
        if not file.is_file():
            raise InvalidRequest("no such file")
        return {"n_restored": self.saved}


class Desk:
    """Slots, the worker behind them, and conversations that take turns."""

    def __init__(self, home: Path, *, slots: int = 1, cap: int = 1 << 20) -> None:
        weights = home / "m.gguf"
        if not weights.exists():  # its time is part of what caches are known by
            weights.write_bytes(b"weights")
        self.store = PromptStore(home / "kv", cap)
        self.shelf = self.store.shelf(Model("m", "gguf", weights, (weights,)), "build")
        self.worker = Worker(self.shelf.folder)
        self.client = cast("WorkerClient", self.worker)
        self.slots = Slots()
        self.slots.shelf = self.shelf
        self.count = slots

    async def turn(self, prompt: str, *events: Event, space: str = "", lasting: bool = True) -> JsonObject:
        """One generation from its slot to its end; what the worker was sent of it."""
        hold = self.slots.hold()
        asked = WorkerCall("/completion", {"prompt": prompt})
        call = await hold.take(self.client, self.count, asked, space, lasting=lasting)
        if events:
            hold.note(events)
        hold.leave()
        return call.body

    def files(self) -> list[Path]:
        return sorted(self.shelf.folder.glob("*.slot"))


def finished(tokens: int = TOKENS) -> Finished:
    return Finished("stop", Usage(tokens, 0), Timings())


async def test_a_conversation_is_saved_for_another_and_comes_back(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    await desk.turn(ANNA, finished())
    await desk.turn(BERND, finished())
    assert desk.worker.asked == ["/slots/0?action=save"]
    await desk.turn(ANNA + "Where?", finished())
    assert desk.worker.asked[1:] == ["/slots/0?action=save", "/slots/0?action=restore"]


async def test_what_is_not_to_last_goes_into_no_file_and_what_it_drives_out_does(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    await desk.turn(ANNA, finished())
    await desk.turn(BERND, finished(), lasting=False)
    assert desk.worker.asked == ["/slots/0?action=save"]
    await desk.turn(ANNA + "Where?", finished())
    assert desk.worker.asked[1:] == ["/slots/0?action=restore"]
    await desk.turn(BERND, finished(), lasting=False)
    await desk.slots.save_all(desk.client)
    assert len(desk.files()) == 1


async def test_nothing_is_written_that_a_file_holds(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    await desk.turn(ANNA, finished())
    await desk.slots.save_all(desk.client)
    await desk.slots.save_all(desk.client)
    await desk.turn(ANNA + "Where?", finished(TOKENS + 20))
    await desk.slots.save_all(desk.client)
    assert desk.worker.asked == ["/slots/0?action=save"]
    desk.worker.saved = 2 * TOKENS
    await desk.turn(ANNA + BERND, finished(2 * TOKENS))
    await desk.slots.save_all(desk.client)
    assert desk.worker.asked == ["/slots/0?action=save"] * 2
    assert len(desk.files()) == 1, "the longer one takes the place of its beginning"


@pytest.mark.parametrize(("events", "kept"), [((Prefill(TOKENS, 0, TOKENS // 4),), 0.25), ((), 0)])
async def test_a_prefill_that_was_cut_is_kept_as_far_as_it_came(
    tmp_path: Path, events: tuple[Event, ...], kept: float
) -> None:
    desk = Desk(tmp_path)
    desk.worker.saved = round(TOKENS * kept)
    await desk.turn(ANNA, *events)
    await desk.slots.save_all(desk.client)
    if not kept:
        assert desk.files() == []
        return
    stored, links = desk.shelf.find(_chain(ANNA))
    assert stored is not None
    assert links == len(stored.chain) < 0.3 * len(_chain(ANNA))


async def test_an_answer_that_was_cut_is_kept_whole(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    await desk.turn(ANNA, Prefill(TOKENS, 0, TOKENS), TextDelta("He"))
    await desk.slots.save_all(desk.client)
    assert desk.shelf.find(_chain(ANNA))[1] == len(_chain(ANNA))


@pytest.mark.parametrize("spoil", ["other bytes", "gone"])
async def test_a_file_that_is_not_as_it_was_written_is_a_miss(tmp_path: Path, spoil: str) -> None:
    desk = Desk(tmp_path)
    await desk.turn(ANNA, finished())
    await desk.slots.save_all(desk.client)
    (file,) = desk.files()
    if spoil == "gone":
        file.unlink()
    else:
        file.write_bytes(b"\1" * desk.worker.size)
    again = Desk(tmp_path)
    body = await again.turn(ANNA + "Where?", finished())
    assert (body["id_slot"], again.worker.asked, again.files()) == (0, [], [])


async def test_another_callers_slot_tells_nothing(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert "cache_prompt" not in await desk.turn(ANNA, finished())
    assert (await desk.turn(ANNA, finished(), space="alice"))["cache_prompt"] is False
    assert "cache_prompt" not in await desk.turn(ANNA, finished(), space="alice")


async def test_a_long_file_is_not_read_for_a_short_beginning(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    system = "You help. " * 60
    desk.worker.saved = 10 * TOKENS
    await desk.turn(system + ANNA * 10, finished(10 * TOKENS))
    await desk.slots.save_all(desk.client)
    again = Desk(tmp_path)
    await again.turn(system + BERND, finished())
    assert again.worker.asked == []
    await again.turn(system + ANNA * 10 + BERND, finished())
    assert again.worker.asked[-1] == "/slots/0?action=restore"


async def test_of_two_files_that_share_a_beginning_the_shorter_is_read(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    for prompt, tokens in ((ANNA + BERND, 2 * TOKENS), (ANNA + "Where?" * 200, TOKENS + 300)):
        desk.worker.saved = tokens
        await desk.turn(prompt, finished(tokens))
        await desk.slots.save_all(desk.client)
    for prompt, tokens in ((ANNA + "Why?" * 200, TOKENS + 300), (ANNA + BERND + "Why?", 2 * TOKENS)):
        stored, _ = desk.shelf.find(_chain(prompt))
        assert stored is not None
        assert stored.tokens == tokens


async def test_a_file_larger_than_all_may_be_drives_out_no_other(tmp_path: Path) -> None:
    desk = Desk(tmp_path, cap=5000)
    await desk.turn(ANNA, finished())
    await desk.slots.save_all(desk.client)
    desk.worker.size = 6000
    await desk.turn(BERND, finished())
    await desk.slots.save_all(desk.client)
    assert desk.shelf.find(_chain(ANNA))[0] is not None
    assert [file.stat().st_size for file in desk.files()] == [1000]


async def test_what_no_file_can_hold_is_not_given_up_for_a_request_of_no_importance(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert desk.slots.spare
    await desk.turn(ANNA, finished())
    assert desk.slots.spare, "it would be saved first"
    desk.slots.shelf = None
    assert not desk.slots.spare
    await desk.turn("a", finished(1))
    assert desk.slots.spare
    assert Slots(numbered=False).spare


async def test_a_client_that_leaves_while_a_slot_is_saved_leaves_it_free(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    await desk.turn(ANNA, finished())
    desk.worker.held.clear()
    hold = desk.slots.hold()
    taking = asyncio.ensure_future(hold.take(desk.client, desk.count, WorkerCall("/completion", {"prompt": BERND}), ""))
    while not desk.worker.asked:
        await asyncio.sleep(0)
    taking.cancel()
    await asyncio.wait([taking])
    hold.leave()
    desk.worker.held.set()
    assert (await desk.turn(ANNA, finished()))["id_slot"] == 0


async def test_the_last_used_is_saved_first_and_goes_last(tmp_path: Path) -> None:
    desk = Desk(tmp_path, slots=2)
    await desk.turn(ANNA, finished())
    await desk.turn(BERND, finished())
    await desk.slots.save_all(desk.client)
    assert desk.worker.asked == ["/slots/1?action=save", "/slots/0?action=save"]
    by_age = sorted(desk.files(), key=lambda file: file.stat().st_mtime)
    anna = desk.shelf.find(_chain(ANNA))[0]
    assert anna is not None
    assert by_age[0].name == anna.file


def _chain(prompt: str) -> Chain:
    return chain_of({"prompt": prompt})
