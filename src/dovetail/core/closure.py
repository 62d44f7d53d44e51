"""Which names follow from rules like "a holds when all of these do": a least fixed point, in time linear in the rules.

The method is Dowling and Gallier's for Horn clauses (J. Logic Programming 1, 1984).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass


@dataclass(slots=True, eq=False)
class Goal:
    """Holds once `left` of its parts do; then it counts as one part of `parent`, or as `name`."""

    left: int
    parent: Goal | None = None
    name: str = ""


class Closure:
    """Goals are built from the top down; `reached` is asked once, at the end."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, list[Goal]] = defaultdict(list)
        self._held: list[Goal] = []  # each has one more part that holds

    def given(self, goal: Goal) -> None:
        """A part of `goal` holds."""
        self._held.append(goal)

    def awaits(self, goal: Goal, name: str) -> None:
        """A part of `goal` holds where `name` does."""
        self._waiting[name].append(goal)

    def reached(self) -> frozenset[str]:
        """The names that hold."""
        names: set[str] = set()
        while self._held:
            goal = self._held.pop()
            goal.left -= 1
            if goal.left:
                continue
            if goal.parent is not None:
                self._held.append(goal.parent)
            elif goal.name not in names:
                names.add(goal.name)
                self._held += self._waiting[goal.name]
        return frozenset(names)
