"""A worker's slots, handed out by what is in them: a conversation finds its own again, in a slot or on disk."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from dovetail.core.errors import DovetailError, InvalidRequest
from dovetail.core.events import Event, Finished, Prefill, Timings
from dovetail.core.request import Json, JsonObject
from dovetail.engines.base import WorkerCall
from dovetail.fleet import chain as chains
from dovetail.fleet.chain import Chain
from dovetail.fleet.client import WorkerClient
from dovetail.fleet.prompt_store import SLOT, Shelf, Stored
from dovetail.kv_folder import part

SAVE_WITHIN = 10.0  # seconds; also for all slots together when a worker leaves
RESTORE_WITHIN = 30.0
LEAST_TOKENS = 128  # what costs less than this to prefill is not worth a file
WRITE_MS = 2.0  # a file's own cost, however small
_LOSS = 0.1  # writing a token, in prefills of one
_RESTORE = 256  # reading a file, however small, in bytes of prompt
_DEAREST_READ = 0.5  # of a token, in prefills of one: a conversation that goes on is always read, whatever was measured
_BYTES_A_TOKEN = 4
_MEASURED = 64  # tokens from which a measured prefill says something

log = structlog.stdlib.get_logger(__name__)


@dataclass(slots=True, eq=False)
class Slot:
    """One of a worker's slots and the conversation that it was last given.

    prompt  how many of its `tokens` the chain is of
    saved   a file holds all of it
    used    its turn among all uses of slots; `taken` when that was, in seconds since the epoch
    """

    id: int
    space: str = ""
    chain: Chain = ()
    tokens: int = 0
    prompt: int = 0
    saved: bool = True
    busy: bool = False
    used: int = 0
    taken: float = 0.0

    def lost(self, shared: int) -> int:
        """Tokens that are gone, and in no file, once only `shared` links of the conversation are left."""
        if self.saved or not self.chain:
            return 0
        return round(self.tokens * (1 - chains.reach(self.chain, shared) / chains.reach(self.chain)))


@dataclass(slots=True)
class Costs:
    """Milliseconds a token, corrected by what is measured."""

    prefill: float = 1.0
    write: float = 0.05

    def worth_saving(self, tokens: int, gain: int) -> bool:
        """Whether writing `tokens` costs less than computing those `gain` of them again that no file holds."""
        return gain >= LEAST_TOKENS and gain * self.prefill > WRITE_MS + tokens * self.write

    def reading(self, tokens: int) -> float:
        """What reading a file of `tokens` costs, in bytes of prompt that could be prefilled in that time."""
        return _RESTORE + _BYTES_A_TOKEN * tokens * min(self.write / max(self.prefill, 1e-9), _DEAREST_READ)

    def learn(self, timings: Timings) -> None:
        if timings.prompt_n >= _MEASURED:
            self.prefill = timings.prompt_ms / timings.prompt_n


@dataclass(frozen=True, slots=True)
class Choice:
    """Where a prompt goes: `kept` links of it are in the slot already, unless it is restored from a file first."""

    slot: Slot
    kept: int
    restore: bool


def choose(free: Sequence[Slot], chain: Chain, stored: int, reading: float = _RESTORE) -> Choice:
    """The slot that costs least, when a file holds `stored` links of `chain`, to be read at the cost of `reading`.

    `free` must not be empty. Cost is what has to be prefilled, and a little for what has to be written first; among
    equals the slot that was used longest ago is taken.
    """
    whole = chains.reach(chain)

    def cost(choice: Choice) -> tuple[float, int]:
        slot = choice.slot
        left = _LOSS * _BYTES_A_TOKEN * slot.lost(choice.kept)
        had = chains.reach(chain, stored) - reading if choice.restore else chains.reach(chain, choice.kept)
        return whole - had + left, slot.used

    choices = [Choice(slot, chains.common(slot.chain, chain), restore=False) for slot in free]
    if stored:
        choices += [Choice(slot, 0, restore=True) for slot in free]
    return min(choices, key=cost)


class Slots:
    """All slots of one model's worker, unless it minds them itself. `shelf`: where they are saved, None: nowhere."""

    def __init__(self, *, numbered: bool = True) -> None:
        self._numbered = numbered
        self.shelf: Shelf | None = None
        self.costs = Costs()
        self._client: WorkerClient | None = None
        self._slots: list[Slot] = []
        self._uses = 0

    def hold(self) -> Hold:
        return Hold(self)

    @property
    def spare(self) -> bool:
        """Whether a request of no importance costs nobody a conversation."""
        kept = not self._numbered or self.shelf is not None or not self._slots
        return kept or any(not slot.busy and slot.lost(0) < LEAST_TOKENS for slot in self._slots)

    async def take(self, client: WorkerClient, count: int, hold: Hold, chain: Chain, lora: Json = None) -> None:
        """Gives `hold` one of the worker's `count` slots, with as much of `chain` in it as there is anywhere.

        What the slot held is saved first, if that is worth it. No slot is given when none is free, or none is ours.
        """
        if not self._numbered:
            return
        if client is not self._client:  # another process: its slots are empty
            self._client, self._slots = client, [Slot(number) for number in range(count)]
        stored, links = self._stored(chain)
        free = [slot for slot in self._slots if not slot.busy]
        if not free:
            return
        choice = choose(free, chain, links, self.costs.reading(stored.tokens if stored is not None else 0))
        slot = hold.slot = choice.slot
        slot.busy = True
        self._uses += 1
        slot.used = self._uses
        await self._save_if_worth_it(slot, client, choice.kept)
        slot.taken = time.time()
        if choice.restore and stored is not None:
            await self._restore(slot, client, stored, hold.space, lora)

    async def save_all(self, client: WorkerClient) -> None:
        """Saves every slot that nobody uses, the last used first, within a bounded time."""
        if client is not self._client:
            return
        try:
            async with asyncio.timeout(SAVE_WITHIN):
                for slot in sorted(self._slots, key=lambda slot: -slot.used):
                    if not slot.busy:
                        await self._save_if_worth_it(slot, client, 0)
        except TimeoutError:
            log.warning("prompt_caches_not_saved", within=SAVE_WITHIN)

    def _stored(self, chain: Chain) -> tuple[Stored | None, int]:
        return (None, 0) if self.shelf is None or not chain else self.shelf.find(chain)

    async def _save_if_worth_it(self, slot: Slot, client: WorkerClient, kept: int) -> None:
        """Saves a slot of whose conversation only `kept` links are to be left."""
        lost = slot.lost(kept)
        if not self.costs.worth_saving(slot.tokens, lost):
            return
        stored, _ = self._stored(slot.chain)
        if stored is not None:
            lost = min(lost, slot.tokens - stored.covers(slot.chain))
        if self.costs.worth_saving(slot.tokens, lost):
            await self._save(slot, client)

    async def _save(self, slot: Slot, client: WorkerClient) -> None:
        """Writes a slot's conversation to a file. What goes wrong is logged: it costs a prefill, nothing else."""
        shelf = self.shelf
        if shelf is None:
            return
        name = part(SLOT)
        began = time.monotonic()
        try:
            told = await client.post(f"/slots/{slot.id}?action=save", {"filename": name}, within=SAVE_WITHIN)
            tokens = told.get("n_saved")
            if not isinstance(tokens, int) or tokens < LEAST_TOKENS:
                await asyncio.to_thread(shelf.discard, name)
                return
            chain = slot.chain if tokens >= slot.prompt else chains.cut(slot.chain, tokens / slot.prompt)
            await asyncio.to_thread(shelf.put, name, chain, tokens, slot.taken)
        except (DovetailError, OSError) as error:
            log.warning("prompt_cache_not_saved", slot=slot.id, error=type(error).__name__)
            await asyncio.to_thread(shelf.discard, name)
            return
        slot.saved = True
        self.costs.write = max(0.0, (time.monotonic() - began) * 1e3 - WRITE_MS) / tokens

    async def _restore(self, slot: Slot, client: WorkerClient, stored: Stored, space: str, lora: Json) -> None:
        """Reads a file into a slot; one that is not as it was written, or that the engine refuses, is removed."""
        shelf = self.shelf
        if shelf is None:
            return
        # The space is said first: should the client leave now, the worker reads the file all the same.
        slot.chain, slot.tokens, slot.saved, slot.space = (), 0, True, space
        if not await asyncio.to_thread(shelf.sound, stored):
            await asyncio.to_thread(shelf.drop, stored)
            return
        try:
            if lora is not None:
                # A slot that has not run with these scales would throw away what is read into it.
                token: JsonObject = {"prompt": "a", "n_predict": 1, "id_slot": slot.id, "lora": lora}
                await client.post("/completion", token, within=RESTORE_WITHIN)
            await client.post(f"/slots/{slot.id}?action=restore", {"filename": stored.file}, within=RESTORE_WITHIN)
        except InvalidRequest:
            await asyncio.to_thread(shelf.drop, stored)
        except DovetailError as error:
            log.warning("prompt_cache_not_restored", slot=slot.id, error=type(error).__name__)
        else:
            slot.chain, slot.tokens = stored.chain, stored.tokens
            await asyncio.to_thread(shelf.used, stored)


class Hold:
    """One generation's use of a slot, or of any when none was given."""

    def __init__(self, slots: Slots) -> None:
        self.slot: Slot | None = None
        self.space = ""
        self._slots = slots
        self._chain: Chain = ()
        self._lasting = True
        self._prefill: Prefill | None = None
        self._last: Event | None = None

    async def take(
        self, client: WorkerClient, count: int, call: WorkerCall, space: str, *, lasting: bool = True
    ) -> WorkerCall:
        """Waits until a slot is ready for `call`, and returns the call for it; what was held before is given back.

        For a call that wants no cached prompt (`cache_prompt` false) none is looked for. What is not `lasting` goes
        into no file.
        """
        self.leave()
        self.space, self._chain, self._lasting = space, chains.chain_of(call.body, space), lasting
        wanted = () if call.body.get("cache_prompt") is False else self._chain
        await self._slots.take(client, count, self, wanted, call.body.get("lora"))
        if self.slot is None:
            return call
        fields: JsonObject = {"id_slot": self.slot.id}
        if self.slot.space != space:
            fields["cache_prompt"] = False  # how much would be reused tells what another caller wrote
        return replace(call, body={**call.body, **fields})

    def note(self, events: Sequence[Event]) -> None:
        """What the worker has said; `events` is not empty."""
        if isinstance(events[0], Prefill):
            self._prefill = [event for event in events if isinstance(event, Prefill)][-1]
        self._last = events[-1]

    def leave(self) -> None:
        """Gives the slot back, remembering what is in it now."""
        slot, self.slot = self.slot, None
        if slot is None:
            return
        slot.busy = False
        chain, prefill = self._chain, self._prefill
        match self._last:
            case None:  # refused, or cut before it began: the slot holds what it held
                return
            case Finished(usage=usage, timings=timings):
                slot.prompt, slot.tokens = usage.prompt, usage.prompt + usage.completion
                self._slots.costs.learn(timings)
            case Prefill(total=total, done=done):
                chain = chains.cut(chain, done / max(total, 1))
                slot.prompt = slot.tokens = done
            case _:
                slot.prompt = slot.tokens = prefill.total if prefill else chains.reach(chain) // _BYTES_A_TOKEN
        slot.chain, slot.space, slot.saved = chain, self.space, not self._lasting
