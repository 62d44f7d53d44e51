"""Numbers of models, as older clients name them in the header `X-Model-Id`."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count

# From this number on are models that nobody has given one.
OWN_NUMBERS = 100


class Instances:
    """Which model each number stands for: the one last loaded by it; others have theirs in the order they came.

    A model is named by its id, and behind a plus the adapter it was loaded with.
    """

    def __init__(self) -> None:
        self._given: dict[int, str] = {}
        self._own: dict[str, int] = {}

    def give(self, number: int, model: str) -> None:
        """`model` has this number alone from here on, and the number stands for no other."""
        self.take(model)
        self._given[number] = model

    def take(self, model: str) -> None:
        """The number that was given to `model` is free again."""
        self._given = {number: name for number, name in self._given.items() if name != model}

    def numbers(self, running: Iterable[str]) -> dict[int, str]:
        """Every number that stands for a model: those given, and one of its own for each other of the ids `running`."""
        given = {base(name) for name in self._given.values()}
        for name in running:
            if name not in given and self._own.get(name, 0) in {0, *self._given}:
                taken = {*self._given, *self._own.values()}
                self._own[name] = next(number for number in count(OWN_NUMBERS) if number not in taken)
        own = {number: name for name, number in self._own.items() if name not in given}
        return dict(sorted({**own, **self._given}.items()))


def base(model: str) -> str:
    """The id without its adapter."""
    return model.partition("+")[0]
