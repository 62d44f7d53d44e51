"""GBNF, llama.cpp's grammar format, read into a tree. Format: llama.cpp grammars/README.md."""

from __future__ import annotations

import re

from dovetail.core.grammar import (
    LAST_CHAR,
    MAX_NESTING,
    MAX_SIZE,
    Chain,
    Chars,
    Choice,
    GrammarError,
    Node,
    Ref,
    Repeat,
    Rules,
    Text,
    check,
)

_NAME = re.compile(r"[A-Za-z0-9-]+")
_SPACE = re.compile(r"(?:[ \t]|#[^\r\n]*)*")
_LINES = re.compile(r"(?:[ \t\r\n]|#[^\r\n]*)*")
_TIMES = re.compile(r"\{\s*([0-9]{1,7})\s*(,?)\s*([0-9]{0,7})\s*\}")
_HEX = {"x": 2, "u": 4, "U": 8}
_PLAIN = {"t": "\t", "r": "\r", "n": "\n", "\\": "\\", '"': '"', "[": "[", "]": "]"}
_ANY = Chars((), negated=True)


def parse(text: str) -> Rules:
    """The rules of `text`, checked. Raises GrammarError."""
    if len(text.encode("utf-8", "replace")) > MAX_SIZE:
        raise GrammarError(f"it is larger than {MAX_SIZE} bytes")
    if text.lstrip().startswith("%"):
        raise GrammarError("only GBNF is taken")
    rules = _Parser(text).rules()
    check(rules)
    return rules


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0

    def rules(self) -> Rules:
        rules: dict[str, Node] = {}
        self._skip(_LINES)
        while self._at < len(self._text):
            name = self._name()
            self._skip(_SPACE)
            if not self._text.startswith("::=", self._at):
                raise self._error("expected ::=")
            self._at += 3
            self._skip(_LINES)
            if name in rules:
                raise GrammarError(f"the rule {name[:64]} is defined twice")
            rules[name] = self._choice(nested=False)
            if self._here() not in ("", "\r", "\n"):
                raise self._error("expected the end of the line")
            self._skip(_LINES)
        return rules

    def _choice(self, *, nested: bool) -> Node:
        options = [self._chain(nested=nested)]
        while self._here() == "|":
            self._at += 1
            self._skip(_LINES)
            options.append(self._chain(nested=nested))
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def _chain(self, *, nested: bool) -> Node:
        space = _LINES if nested else _SPACE
        parts: list[Node] = []
        while (char := self._here()) and char not in "|)\r\n":
            node = self._repeated(self._symbol(char))
            parts.append(node)
            self._skip(space)
        return parts[0] if len(parts) == 1 else Chain(tuple(parts))

    def _symbol(self, char: str) -> Node:
        if char == '"':
            return self._literal()
        if char == "[":
            return self._class()
        if char == "(":
            return self._group()
        if char == ".":
            self._at += 1
            return _ANY
        return Ref(self._name())

    def _group(self) -> Node:
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise GrammarError(f"it is nested deeper than {MAX_NESTING} levels")
        self._at += 1
        self._skip(_LINES)
        inner = self._choice(nested=True)
        if self._here() != ")":
            raise self._error("expected )")
        self._at += 1
        self._depth -= 1
        return inner

    def _repeated(self, node: Node) -> Node:
        char = self._here()
        if char and char in "*+?":
            self._at += 1
            return Repeat(node, int(char == "+"), 1 if char == "?" else None)
        if char != "{":
            return node
        found = _TIMES.match(self._text, self._at)
        if found is None:
            raise self._error("expected {times} or {least,most}")
        self._at = found.end()
        least = int(found[1])
        most = (int(found[3]) if found[3] else None) if found[2] else least
        if (found[3] and not found[2]) or (most is not None and most < least):
            raise self._error("the repetition is wrong")
        return Text("") if most == 0 else Repeat(node, least, most)

    def _literal(self) -> Node:
        self._at += 1
        chars: list[str] = []
        while self._here() != '"':
            chars.append(self._char())
        self._at += 1
        return Text("".join(chars))

    def _class(self) -> Node:
        self._at += 1
        negated = self._here() == "^"
        self._at += negated
        ranges: list[tuple[int, int]] = []
        while self._here() != "]":
            low = high = ord(self._char())
            if self._here() == "-" and self._text[self._at + 1 : self._at + 2] != "]":
                self._at += 1
                high = ord(self._char())
            if high < low:
                raise self._error("a range ends before it begins")
            ranges.append((low, high))
        self._at += 1
        if not ranges:
            raise self._error("an empty set of characters")
        return Chars(tuple(ranges), negated=negated)

    def _char(self) -> str:
        char = self._here()
        if not char or char in "\r\n":
            raise self._error("unexpected end")
        self._at += 1
        if char != "\\":
            return char
        kind = self._here()
        self._at += 1
        if kind in _PLAIN:
            return _PLAIN[kind]
        digits = self._text[self._at : self._at + _HEX.get(kind, 0)]
        if kind not in _HEX or not re.fullmatch(rf"[0-9A-Fa-f]{{{_HEX[kind]}}}", digits):
            raise self._error("an unknown escape")
        self._at += len(digits)
        point = int(digits, 16)
        if point > LAST_CHAR or 0xD800 <= point < 0xE000:
            raise self._error("no character")
        return chr(point)

    def _name(self) -> str:
        found = _NAME.match(self._text, self._at)
        if found is None:
            raise self._error("expected a name")
        self._at = found.end()
        return found[0]

    def _skip(self, space: re.Pattern[str]) -> None:
        found = space.match(self._text, self._at)
        self._at = found.end() if found else self._at

    def _here(self) -> str:
        return self._text[self._at : self._at + 1]

    def _error(self, problem: str) -> GrammarError:
        line = self._text.count("\n", 0, self._at) + 1
        return GrammarError(f"line {line}: {problem}")
