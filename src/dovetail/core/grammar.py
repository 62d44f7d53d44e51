"""Grammars as trees: what GBNF and regular expressions are read into, checked the same for every engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

ROOT = "root"
MAX_SIZE = 64 << 10  # bytes of a grammar's text
MAX_REPEAT = 1000
MAX_EMPTY_RUN = 16
MAX_OPTIONAL_RUN = 100
MAX_EXPANDED = 10_000  # symbols once every bounded repetition is written out, as engines do
MAX_NESTING = 64
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
    if sum(map(_expanded, rules.values())) > MAX_EXPANDED:
        raise GrammarError(f"written out it has more than {MAX_EXPANDED} symbols")
    empty = _empty_rules(rules)
    for node in rules.values():
        for inner in _nodes(node):
            if isinstance(inner, Chain) and _optional_run(inner, empty) > MAX_OPTIONAL_RUN:
                raise GrammarError(f"more than {MAX_OPTIONAL_RUN} things one after another can all be empty")
            if isinstance(inner, Repeat) and inner.most is None and _can_be_empty(inner.node, empty):
                raise GrammarError("something that can be empty is repeated without end")
    if max(_empty_run(node, empty) for node in rules.values()) > MAX_EMPTY_RUN:
        raise GrammarError(f"something that can be empty is repeated more than {MAX_EMPTY_RUN} times")
    _check_left_recursion(rules, empty)


def _check_node(node: Node, rules: Rules) -> None:
    match node:
        case Ref(name) if name not in rules:
            raise GrammarError(f"the rule {name[:64]} is not defined")
        case Repeat(_, least, most) if max(least, most or 0) > MAX_REPEAT:
            raise GrammarError(f"a repetition of more than {MAX_REPEAT} times")
        # To llama.cpp (b11549) the code point 0 is the end of a rule: it aborts.
        case Text(text) if "\0" in text:
            raise GrammarError("the character U+0000 cannot be asked for")
        case Chars(ranges) if (0, 0) in ranges:
            raise GrammarError("the character U+0000 cannot be asked for")
        case _:
            pass


def write(node: Node) -> str:
    """`node` as GBNF, fit to stand anywhere in a rule."""
    match node:
        case Text(text):
            return '"' + "".join(map(_escaped, text)) + '"'
        case Chars(ranges, negated):
            body = "".join(_code(a) if a == b else f"{_code(a)}-{_code(b)}" for a, b in ranges)
            return f"[{'^' if negated else ''}{body}]"
        case Ref(name):
            return name
        case Chain(parts):
            return "(" + " ".join(map(write, parts)) + ")" if parts else '""'
        case Choice(options):
            return "(" + " | ".join(map(write, options)) + ")"
        case Repeat(inner, least, most):
            repeated = f"({write(inner)})" if isinstance(inner, Repeat) else write(inner)
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


def _expanded(node: Node) -> int:
    match node:
        case Text(text):
            return len(text)
        case Chars() | Ref():
            return 1
        case Repeat(inner, least, most):
            return _expanded(inner) * max(least, most or 0, 1)
        case _:
            return 1 + sum(map(_expanded, _children(node)))


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


def _empty_run(node: Node, empty: frozenset[str]) -> int:
    """How often repetitions inside of repetitions can leave the same thing out: llama.cpp tries all ways to."""
    deepest = max((_empty_run(child, empty) for child in _children(node)), default=1)
    if isinstance(node, Repeat) and node.most and _can_be_empty(node.node, empty):
        return deepest * node.most
    return deepest


def _optional_run(chain: Chain, empty: frozenset[str]) -> int:
    longest = run = 0
    for part in chain.parts:
        run = run + 1 if _can_be_empty(part, empty) else 0
        longest = max(longest, run)
    return longest


def _empty_rules(rules: Rules) -> frozenset[str]:
    empty: frozenset[str] = frozenset()
    while True:
        more = frozenset(name for name, node in rules.items() if _can_be_empty(node, empty))
        if more == empty:
            return empty
        empty = more


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
