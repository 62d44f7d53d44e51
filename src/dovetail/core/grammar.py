"""Grammars as trees: what GBNF and regular expressions are read into, checked the same for every engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from dovetail.core.closure import Closure, Goal

ROOT = "root"
MAX_SIZE = 64 << 10  # bytes of a grammar's text
MAX_REPEAT = 1000
MAX_REPEATED = 2000  # symbols by times, one repetition inside another: llama.cpp's own bound
MAX_EXPANDED = 10_000  # symbols once every bounded repetition is written out, as engines do
MAX_NESTING = 64
MAX_WAYS = 64  # to match nothing: llama.cpp tries each of them before every character
MAX_OPTIONAL = 12  # parts one after the other: llama.cpp tries each subset of them on each token
MAX_CALLS = 100  # rules that lead into one another
LAST_CHAR = 0x10FFFF


class GrammarError(ValueError):
    """The grammar cannot be followed; the message says why, for the client."""


@dataclass(frozen=True, slots=True)
class Text:
    """These characters."""

    text: str


@dataclass(frozen=True, slots=True)
class Chars:
    """One character in (`negated`: outside of) the inclusive ranges of code points."""

    ranges: tuple[tuple[int, int], ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Ref:
    """Another rule."""

    name: str


@dataclass(frozen=True, slots=True)
class Chain:
    """One after the other; without parts, nothing."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of these."""

    options: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """`least` to `most` times; `most` None: without end."""

    node: Node
    least: int
    most: int | None


Node: TypeAlias = Text | Chars | Ref | Chain | Choice | Repeat
Rules: TypeAlias = Mapping[str, Node]


def check(rules: Rules) -> None:
    """Raises GrammarError for what engines differ on or do not survive: left recursion, empty loops, size."""
    if ROOT not in rules:
        raise GrammarError(f"there is no rule named {ROOT}")
    for node in rules.values():
        for inner in _nodes(node):
            _check_node(inner, rules)
        _check_repeated(node)
    if sum(map(expanded, rules.values())) > MAX_EXPANDED:
        raise GrammarError(f"written out it has more than {MAX_EXPANDED} symbols")
    empty = _empty_rules(rules)
    for node in rules.values():
        for inner in _nodes(node):
            if isinstance(inner, Repeat) and inner.most is None and _can_be_empty(inner.node, empty):
                raise GrammarError("something that can be empty is repeated without end")
    _check_left_recursion(rules, empty)
    _Ambiguity(rules).check()


def _check_node(node: Node, rules: Rules) -> None:
    match node:
        case Ref(name) if name not in rules:
            raise GrammarError(f"the rule {name[:64]} is not defined")
        case Repeat(_, least, most) if max(least, most or 0) > MAX_REPEAT:
            raise GrammarError(f"a repetition of more than {MAX_REPEAT} times")
        # To llama.cpp (b11549) the code point 0 is the end of a rule: it aborts.
        case Text(text) if "\0" in text:
            raise GrammarError("it asks for the character NUL")
        case Chars(ranges) if (0, 0) in ranges:
            raise GrammarError("it asks for the character NUL")
        case _:
            pass


def write(node: Node) -> str:
    """`node` as GBNF, fit to stand anywhere in a rule."""
    match node:
        case Text(text):
            return '"' + "".join(map(_escaped, text)) + '"'
        case Chars(ranges, negated):
            body = "".join(_code(a) if a == b else f"{_code(a)}-{_code(b)}" for a, b in ranges)
            return f"[{'^' if negated else ''}{body}]" if ranges else "."
        case Ref(name):
            return name
        case Chain(parts):
            return "(" + " ".join(map(write, parts)) + ")" if parts else '""'
        case Choice(options):
            return "(" + " | ".join(map(write, options)) + ")"
        case Repeat(inner, least, most):
            written = write(inner)
            # llama.cpp repeats neither a repetition nor an empty text that stands alone.
            repeated = f"({written})" if isinstance(inner, Repeat) or written == '""' else written
            return f"{repeated}{{{least},{'' if most is None else most}}}"


def complement(ranges: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    """The code points outside of `ranges`."""
    found: list[tuple[int, int]] = []
    start = 0
    for low, high in sorted(ranges):
        if low > start:
            found.append((start, low - 1))
        start = max(start, high + 1)
    if start <= LAST_CHAR:
        found.append((start, LAST_CHAR))
    return tuple(found)


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in _children(node):
        yield from _nodes(child)


def _children(node: Node) -> tuple[Node, ...]:
    match node:
        case Chain(parts):
            return parts
        case Choice(options):
            return options
        case Repeat(inner):
            return (inner,)
        case _:
            return ()


def _check_repeated(node: Node) -> int:
    """How many symbols `node` becomes, a text being one. Raises GrammarError."""
    match node:
        case Chain(parts) | Choice(parts):
            return max(sum(map(_check_repeated, parts)), 1)
        case Repeat(inner, least, most):
            times = max(least, most or 0, 1)
            found = _check_repeated(inner) * times
            if times > 1 and found > MAX_REPEATED:
                raise GrammarError(f"repeated, something has more than {MAX_REPEATED} symbols")
            return found
        case _:
            return 1


class _Ambiguity:
    """Bounds what llama.cpp has to try before every character. Rules are not left recursive."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._known: dict[str, int] = {}
        self._calls = 0

    def check(self) -> None:
        """Raises GrammarError."""
        for name in self._rules:
            self._rule(name)

    def _ways(self, node: Node) -> int:
        """How many ways there are for `node` to match nothing."""
        match node:
            case Text(text):
                return int(not text)
            case Chars():
                return 0
            case Ref(name):
                return self._rule(name)
            case Chain(parts):
                return self._bounded(self._chain(parts))
            case Choice(options):
                return self._bounded(sum(map(self._ways, options)))
            case Repeat(inner, least, most):
                ways = self._ways(inner)
                if ways and (most or least) > 1:
                    raise GrammarError("something that can be empty is repeated")
                return ways + int(least == 0)

    def _chain(self, parts: tuple[Node, ...]) -> int:
        ways, run, optional = 1, 1, 0
        for part in parts:
            found = self._ways(part)
            ways, run, optional = ways * found, run * found or 1, optional + 1 if found else 0
            self._bounded(run)
            if optional > MAX_OPTIONAL:
                raise GrammarError(f"more than {MAX_OPTIONAL} things that can be empty follow one another")
        return ways

    def _rule(self, name: str) -> int:
        if name not in self._known:
            self._calls += 1
            if self._calls > MAX_CALLS:
                raise GrammarError(f"more than {MAX_CALLS} rules lead into one another")
            self._known[name] = 0  # met again only behind a character
            self._known[name] = self._ways(self._rules[name])
            self._calls -= 1
        return self._known[name]

    def _bounded(self, ways: int) -> int:
        if ways > MAX_WAYS:
            raise GrammarError(f"something can be empty in more than {MAX_WAYS} ways")
        return ways


def expanded(node: Node) -> int:
    """Symbols once every bounded repetition is written out."""
    match node:
        case Text(text):
            return len(text)
        case Chars() | Ref():
            return 1
        case Repeat(inner, least, most):
            return expanded(inner) * max(least, most or 0, 1)
        case _:
            return 1 + sum(map(expanded, _children(node)))


def _can_be_empty(node: Node, empty: frozenset[str]) -> bool:
    match node:
        case Text(text):
            return not text
        case Chars():
            return False
        case Ref(name):
            return name in empty
        case Chain(parts):
            return all(_can_be_empty(part, empty) for part in parts)
        case Choice(options):
            return any(_can_be_empty(option, empty) for option in options)
        case Repeat(inner, least):
            return least == 0 or _can_be_empty(inner, empty)


def _empty_rules(rules: Rules) -> frozenset[str]:
    closure = Closure()
    for name, node in rules.items():
        _empty_goals(closure, node, Goal(1, name=name))
    return closure.reached()


def _empty_goals(closure: Closure, node: Node, goal: Goal) -> None:
    """What has to hold for `node` to match nothing, as a part of `goal`."""
    match node:
        case Text("") | Chain(()) | Repeat(_, 0):
            closure.given(goal)
        case Ref(name):
            closure.awaits(goal, name)
        case Repeat(inner):
            _empty_goals(closure, inner, goal)
        case Chain(parts) | Choice(parts):
            needed = Goal(len(parts) if isinstance(node, Chain) else 1, goal)
            for part in parts:
                _empty_goals(closure, part, needed)
        case _:
            pass


def _check_left_recursion(rules: Rules, empty: frozenset[str]) -> None:
    """No rule may begin with itself: a depth-first walk over the rules that each can begin with."""
    first = {name: frozenset(_first(node, empty)) for name, node in rules.items()}
    done: set[str] = set()
    for start in rules:
        path: list[tuple[str, Iterator[str]]] = [(start, iter(first[start]))] if start not in done else []
        on_path = {start}
        while path:
            name, rest = path[-1]
            following = next(rest, None)
            if following is None:
                path.pop()
                on_path.discard(name)
                done.add(name)
            elif following in on_path:
                raise GrammarError(f"the rule {following[:64]} begins with itself")
            elif following not in done:
                on_path.add(following)
                path.append((following, iter(first[following])))


def _first(node: Node, empty: frozenset[str]) -> Iterator[str]:
    match node:
        case Ref(name):
            yield name
        case Chain(parts):
            for part in parts:
                yield from _first(part, empty)
                if not _can_be_empty(part, empty):
                    return
        case _:
            for child in _children(node):
                yield from _first(child, empty)


def _escaped(char: str) -> str:
    return char if char.isascii() and (char.isalnum() or char in " _-.,:;<>/={}()") else _code(ord(char))


def _code(point: int) -> str:
    if point < 0x80:
        return chr(point) if chr(point).isalnum() else f"\\x{point:02X}"
    return f"\\u{point:04X}" if point < 0x10000 else f"\\U{point:08X}"
