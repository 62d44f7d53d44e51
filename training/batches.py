"""Packs encoded dialogues into rows of one length, and makes positions jump so that short rows teach long distances."""

from dataclasses import dataclass
from random import Random

import torch

from training import tasks
from training.encoding import Encoded, Encoder

ROWS, CONTEXT = (256, 448, 1024), 4096
_DIALOGUES_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Batch:
    """Tensors of shape (rows, length); ``document`` numbers the documents in a row, 0 being padding."""

    ids: torch.Tensor
    targets: torch.Tensor  # -100 where nothing is to be predicted
    positions: torch.Tensor
    document: torch.Tensor | None  # None: one document a row, plain causal attention


class Batches:
    """An endless, seeded source of batches of about ``tokens`` tokens."""

    def __init__(self, encoder: Encoder, seed: int, tokens: int) -> None:
        self._encoder, self._tokens = encoder, tokens
        self._rng = Random(seed)
        self._waiting: dict[int, list[Encoded]] = {length: [] for length in ROWS}
        self._long: list[Encoded] = []

    def next(self, *, long: bool, jump_share: float, copying: float) -> Batch:
        """Rows of packed documents, or one long document."""
        if long:
            return self._long_batch()
        while True:
            for length, waiting in self._waiting.items():
                if sum(len(document.ids) for document in waiting) > self._tokens * 3:
                    return self._packed(length, jump_share)
            self._fill(copying)

    def _fill(self, copying: float) -> None:
        dialogues = [tasks.sample(self._rng, copying=copying) for _ in range(_DIALOGUES_AT_ONCE)]
        for document in self._encoder.encode(dialogues):
            size = len(document.ids)
            if size <= ROWS[-1]:
                self._waiting[next(length for length in ROWS if size <= length)].append(document)

    def _packed(self, length: int, jump_share: float) -> Batch:
        rows = max(1, self._tokens // length)
        batch = torch.zeros(4, rows, length, dtype=torch.long)
        batch[1] = -100
        waiting = self._waiting[length]
        self._rng.shuffle(waiting)
        for row in range(rows):
            start, number = 0, 1
            for index in range(len(waiting) - 1, -1, -1):
                size = len(waiting[index].ids)
                if start + size <= length:
                    self._place(batch[:, row, start : start + size], waiting.pop(index), number, jump_share)
                    start, number = start + size, number + 1
                if start > length - 24:
                    break
        return Batch(batch[0], batch[1], batch[2], batch[3])

    def _place(self, cells: torch.Tensor, document: Encoded, number: int, jump_share: float) -> None:
        size = len(document.ids)
        cells[0] = torch.tensor(document.ids)
        cells[1, :-1] = torch.tensor(
            [i if wanted else -100 for i, wanted in zip(document.ids[1:], document.targets[1:], strict=True)]
        )
        cells[2] = self._positions(size, jump_share)
        cells[3] = number

    def _positions(self, size: int, jump_share: float) -> torch.Tensor:
        """0, 1, 2 ... with up to two jumps; rotary attention sees distances only, so a jump is a long text left out."""
        positions = torch.arange(size)
        if self._rng.random() < jump_share:
            for _ in range(self._rng.choice((1, 1, 2))):
                room = CONTEXT - int(positions[-1])
                positions[self._rng.randrange(1, size) :] += int(room * self._rng.random() ** 2)
        return positions

    def _long_batch(self) -> Batch:
        while True:
            if not self._long:
                dialogues = [tasks.sample(self._rng, long=True) for _ in range(8)]
                self._long = [document for document in self._encoder.encode(dialogues) if len(document.ids) <= CONTEXT]
                continue
            document = self._long.pop()
            size = len(document.ids)
            cells = torch.zeros(4, size, dtype=torch.long)
            cells[1] = -100
            self._place(cells, document, 1, 0.1)
            return Batch(cells[0:1], cells[1:2], cells[2:3], None)
