"""Regular expressions of a bounded, regular kind, read into a grammar tree: no look-around, no back references."""

from __future__ import annotations

import re

from dovetail.core.grammar import (
    MAX_NESTING,
    ROOT,
    Chain,
    Chars,
    Choice,
    GrammarError,
    Node,
    Repeat,
    Text,
    check,
    complement,
    write,
)

MAX_LENGTH = 4096
_DIGIT = ((0x30, 0x39),)
_WORD = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
_SPACE = ((0x09, 0x0D), (0x20, 0x20))
_SETS = {"d": _DIGIT, "w": _WORD, "s": _SPACE}
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v", "0": "\0"}
_HEX = {"x": 2, "u": 4}
_TIMES = re.compile(r"\{([0-9]{1,7})(,?)([0-9]{0,7})\}")
_LINE = Chars(((0x0A, 0x0A), (0x0D, 0x0D)), negated=True)
# What a JSON string cannot hold as it is: controls, quotation mark, backslash.
_UNSAFE = ((0x00, 0x1F), (0x22, 0x22), (0x5C, 0x5C))


def parse(pattern: str) -> Node:
    """What the whole text has to match; `^` and `$` may stand at its ends. Raises GrammarError."""
    if len(pattern) > MAX_LENGTH:
        raise GrammarError(f"it is longer than {MAX_LENGTH} characters")
    inner = pattern.removeprefix("^")
    if inner.endswith("$") and (len(inner) - len(inner[:-1].rstrip("\\"))) % 2:
        inner = inner[:-1]
    node = _Parser(inner).whole()
    check({ROOT: node})
    return node


def to_gbnf(pattern: str) -> str:
    """A GBNF grammar of the texts that match all of `pattern`. Raises GrammarError."""
    return f"{ROOT} ::= {write(parse(pattern))}"


def inside_json(pattern: str) -> str:
    """The same for a string inside JSON, in the plain syntax that every engine reads alike.

    It matches no text that would need an escape. Raises GrammarError, also where nothing would be left.
    """
    if not (pattern.startswith("^") and pattern.endswith("$")):
        raise GrammarError("it has to begin with ^ and end with $")
    if _Parser(pattern[1:-1]).alternatives():
        raise GrammarError("its alternatives need a group: ^(a|b)$")
    return f"^{_plain(parse(pattern))}$"


def _plain(node: Node) -> str:
    match node:
        case Text(text):
            if any(low <= ord(char) <= high for char in text for low, high in _UNSAFE):
                raise GrammarError("it asks for a character that JSON has to escape")
            return "".join(char if _plainly(char) else f"[{_char(ord(char))}]" for char in text)
        case Chars(ranges, negated):
            points = complement((*ranges, *_UNSAFE)) if negated else complement((*complement(ranges), *_UNSAFE))
            if not points:
                raise GrammarError("it asks for a character that JSON has to escape")
            ranges = (*ranges, *_UNSAFE) if negated else points
            body = "".join(_char(a) if a == b else f"{_char(a)}-{_char(b)}" for a, b in ranges)
            return f"[{'^' if negated else ''}{body}]"
        case Chain(parts):
            return "".join(map(_plain, parts))
        case Choice(options):
            return "(" + "|".join(map(_plain, options)) + ")"
        case Repeat(inner, least, most):
            return f"({_plain(inner)}){{{least},{'' if most is None else most}}}"
        case _:
            raise GrammarError("it names a rule")


def _char(point: int) -> str:
    """As it stands inside a set: by its number where any engine could take it for syntax."""
    return chr(point) if _plainly(chr(point)) else f"\\x{point:02x}"


def _plainly(char: str) -> bool:
    return ord(char) >= 0x80 or char.isalnum() or char in " _"


class _Parser:
    def __init__(self, pattern: str) -> None:
        self._text = pattern
        self._at = 0
        self._depth = 0

    def whole(self) -> Node:
        node = self._choice()
        if self._at < len(self._text):
            raise GrammarError("a ) without its (")
        return node

    def alternatives(self) -> bool:
        """Whether there are any outside of every group."""
        self._chain()
        return self._here() == "|"

    def _choice(self) -> Node:
        options = [self._chain()]
        while self._here() == "|":
            self._at += 1
            options.append(self._chain())
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def _chain(self) -> Node:
        parts: list[Node] = []
        while (char := self._here()) and char not in "|)":
            parts.append(self._repeated(self._atom(char)))
        return parts[0] if len(parts) == 1 else Chain(tuple(parts))

    def _atom(self, char: str) -> Node:
        self._at += 1
        match char:
            case "(":
                return self._group()
            case "[":
                return self._class()
            case ".":
                return _LINE
            case "\\":
                found = self._escape()
                return Text(found) if isinstance(found, str) else Chars(found)
            case "^" | "$":
                raise GrammarError(f"{char} in the middle of the pattern is not supported")
            case "*" | "+" | "?" | "{":
                raise GrammarError(f"{char} repeats nothing")
            case _:
                return Text(char)

    def _group(self) -> Node:
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise GrammarError(f"it is nested deeper than {MAX_NESTING} levels")
        if self._here() == "?":
            if not self._text.startswith("?:", self._at):
                raise GrammarError("only (...) and (?:...) groups are supported")
            self._at += 2
        inner = self._choice()
        if self._here() != ")":
            raise GrammarError("a ( without its )")
        self._at += 1
        self._depth -= 1
        return inner

    def _repeated(self, node: Node) -> Node:
        char = self._here()
        if char and char in "*+?":
            self._at += 1
            node = Repeat(node, int(char == "+"), 1 if char == "?" else None)
        elif char == "{":
            found = _TIMES.match(self._text, self._at)
            if found is None or (found[3] and not found[2]):
                raise GrammarError("{ without {times} or {least,most}")
            self._at = found.end()
            least = int(found[1])
            most = (int(found[3]) if found[3] else None) if found[2] else least
            if most is not None and most < least:
                raise GrammarError("a repetition ends before it begins")
            node = Text("") if most == 0 else Repeat(node, least, most)
        else:
            return node
        if self._here() == "?":  # the shortest match first: the same texts
            self._at += 1
        if (after := self._here()) and after in "*+?{":
            raise GrammarError("a repetition is repeated")
        return node

    def _class(self) -> Node:
        negated = self._here() == "^"
        self._at += negated
        ranges: list[tuple[int, int]] = []
        first = True
        while first or self._here() != "]":
            first = False
            low = self._member()
            if not isinstance(low, str):
                ranges += low
                continue
            high = low
            if self._here() == "-" and self._text[self._at + 1 : self._at + 2] not in ("]", ""):
                self._at += 1
                high = self._member()
            if not isinstance(high, str) or high < low:
                raise GrammarError("a range of characters is wrong")
            ranges.append((ord(low), ord(high)))
        self._at += 1
        return Chars(tuple(ranges), negated=negated)

    def _member(self) -> str | tuple[tuple[int, int], ...]:
        char = self._here()
        if not char:
            raise GrammarError("a [ without its ]")
        self._at += 1
        if char == "[" and self._here() in (":", ".", "="):
            raise GrammarError("named sets of characters are not supported")
        return self._escape() if char == "\\" else char

    def _escape(self) -> str | tuple[tuple[int, int], ...]:
        char = self._here()
        self._at += 1
        if char.lower() in _SETS:
            found = _SETS[char.lower()]
            return found if char.islower() else complement(found)
        if char in _CONTROLS:
            return _CONTROLS[char]
        if char in _HEX:
            digits = self._text[self._at : self._at + _HEX[char]]
            if not re.fullmatch(rf"[0-9A-Fa-f]{{{_HEX[char]}}}", digits) or 0xD800 <= int(digits, 16) < 0xE000:
                raise GrammarError("an escape that is no character")
            self._at += len(digits)
            return chr(int(digits, 16))
        if not char or char.isalnum():
            raise GrammarError(f"\\{char} is not supported")
        return char

    def _here(self) -> str:
        return self._text[self._at : self._at + 1]
