"""A thought before an answer in a form, as one grammar: for engines whose grammars hold from the first token on."""

from __future__ import annotations

import re

from dovetail.core.grammar import ROOT, Chain, Chars, Choice, Node, Ref, Text, write

_FORM = "form-"
# What can hold a name that is none (a text, a set of characters, a comment, a number of times), or a name.
_NAMES = re.compile(r'"(?:\\.|[^"\\])*"|\[(?:\\.|[^\]\\])*\]|#[^\r\n]*|\{[^}]*\}|([A-Za-z0-9-]+)')


def thoughtful(text: str, start: str, end: str, *, opened: bool) -> str:
    """The GBNF of `text`, which has been checked, and before it a thought, with nothing between.

    `opened`: the prompt has the tag `start`, so that the answer begins inside of the thought; else it may begin with
    `start`, or with the form. The client's rules stay as they are written, under names of their own.
    """
    own = [f"{name} ::= {write(node)}" for name, node in _rules(start, end, opened=opened)]
    return "\n".join([*own, _NAMES.sub(_renamed, text)])


def _renamed(found: re.Match[str]) -> str:
    return f"{_FORM}{found[1]}" if found[1] else found[0]


def _rules(start: str, end: str, *, opened: bool) -> list[tuple[str, Node]]:
    form = Ref(f"{_FORM}{ROOT}")
    root: Node = Ref(_inside(0))
    if not opened:
        root = Choice((form, Chain((Text(start), root))))
    # No line break either: llama-server (b11549) shows it as the answer's where a template has no past thoughts.
    return [(ROOT, root), *_until(end), (_inside(len(end)), form)]


def _until(end: str) -> list[tuple[str, Node]]:
    """Any text up to the first `end`: a rule for each number of its characters that have just been read."""
    signs = sorted(set(end))
    rules: list[tuple[str, Node]] = []
    for read in range(len(end)):
        known = {sign: _overlap(end[:read] + sign, end) for sign in signs}
        further = {sign: size for sign, size in known.items() if size}
        ways: list[Node] = [Chain((Text(sign), Ref(_inside(size)))) for sign, size in further.items()]
        others = Chars(tuple((ord(sign), ord(sign)) for sign in further), negated=True)
        rules.append((_inside(read), Choice((*ways, Chain((others, Ref(_inside(0))))))))
    return rules


def _overlap(text: str, end: str) -> int:
    """How many characters at the end of `text` are the beginning of `end`."""
    return next(size for size in range(len(text), -1, -1) if end.startswith(text[len(text) - size :]))


def _inside(read: int) -> str:
    return f"thought-{read}"
