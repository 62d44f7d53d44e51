"""`python -m benchmarks.bare serve …`: the same server without what is counted, kept and told of requests.

Only this program can switch that off; it is what the cost of it is measured against.
"""

from __future__ import annotations

from dovetail.__main__ import main
from dovetail.core.events import Event, Finished, Loading, Prefill, Queued
from dovetail.core.observe import Observer
from dovetail.gateway import insight
from dovetail.gateway.counting import Counting
from dovetail.serving import generate
from dovetail.serving.course import Course
from dovetail.telemetry import LogObserver, Observers


class BareCourse(Course):
    """Counts what a key is charged for, and takes no time but the first token's."""

    def note(self, event: Event) -> None:
        match event:
            case Queued() | Loading():
                pass
            case Prefill(done=done):
                self._prompt = done
            case Finished(index=index):
                self._finished.append(event)
                self._pieces.pop(index, None)
            case _:
                self._first = self._clock() if self._first is None else self._first
                self._pieces[event.index] += 1


def bare(*observers: Observer) -> Observers:
    """Those that every server needs."""
    return Observers(*(observer for observer in observers if isinstance(observer, Counting | LogObserver)))


if __name__ == "__main__":
    generate.Course = BareCourse
    insight.Observers = bare
    main()
