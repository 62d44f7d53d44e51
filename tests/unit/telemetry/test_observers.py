from __future__ import annotations

import inspect
import io
import json
from typing import cast

import pytest

from dovetail import log
from dovetail.core.observe import Answered, Observer
from dovetail.telemetry import Observers


class Deaf(Observer):
    """Fails at whatever it is told."""

    def configuration(self, problem: str | None) -> None:
        raise ValueError(problem)

    def answered(self, answer: Answered) -> None:
        raise ValueError(answer)


class Told(Observer):
    def __init__(self) -> None:
        self.heard: list[object] = []

    def configuration(self, problem: str | None) -> None:
        self.heard.append(problem)

    def answered(self, answer: Answered) -> None:
        self.heard.append(answer)


def test_one_that_fails_touches_nobody_else() -> None:
    log.setup("json", "debug", stream := io.StringIO())
    first, last = Told(), Told()
    observers = Observers(first, Deaf(), last)
    answer = Answered("GET", "/health", 200, 0.1)
    observers.configuration("a problem")
    observers.answered(answer)
    assert first.heard == last.heard == ["a problem", answer]
    said = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["level"], line["message"], line["observer"]) for line in said] == [
        ("error", "observer_failed", "Deaf")
    ] * 2


FACTS = [name for name, _ in inspect.getmembers(Observer, inspect.isfunction) if not name.startswith("_")]


@pytest.mark.parametrize("name", FACTS)
def test_every_fact_is_passed_on_as_it_is(name: str) -> None:
    """One that a new method of Observer is missing from fails here."""
    heard: list[tuple[object, ...]] = []
    listener = Observer()

    def hear(*said: object) -> None:
        heard.append(said)

    setattr(listener, name, hear)
    count = len(inspect.signature(cast("type", getattr(Observer, name))).parameters) - 1
    said = tuple(object() for _ in range(count))
    getattr(Observers(listener), name)(*said)
    assert heard == [said]
