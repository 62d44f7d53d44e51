"""A thought before an answer in a form, as one grammar: for engines whose grammars hold from the first token on."""

from __future__ import annotations

from dovetail.core import gbnf
from dovetail.core.grammar import ROOT, Chain, Chars, Choice, Node, Ref, Repeat, Rules, Text, write

_FORM = "form"


def thoughtful(text: str, start: str, end: str, *, opened: bool) -> str:
    """The GBNF of `text`, and before it a thought, with up to two line breaks between.

    `opened`: the prompt has the tag `start`, so that the answer begins inside of the thought; else it may begin with
    `start`, or with the form. Raises GrammarError for a `text` that is none.
    """
    return "\n".join(f"{name} ::= {write(node)}" for name, node in _rules(gbnf.parse(text), start, end, opened=opened))


def _rules(form: Rules, start: str, end: str, *, opened: bool) -> list[tuple[str, Node]]:
    names = {name: _FORM if name == ROOT else f"{_FORM}-{number}" for number, name in enumerate(form)}
    root: Node = Ref(_inside(0))
    if not opened:
        root = Choice((Ref(_FORM), Chain((Text(start), root))))
    # Not as an optional part before the form: each of those doubles what llama.cpp has to try.
    answer = Choice((Ref(_FORM), *(Chain((Text(lines), Ref(_FORM))) for lines in ("\n", "\n\n"))))
    own = [(names[name], _renamed(node, names)) for name, node in form.items()]
    return [(ROOT, root), *_until(end), (_inside(len(end)), answer), *own]


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


def _renamed(node: Node, names: dict[str, str]) -> Node:
    match node:
        case Ref(name):
            return Ref(names[name])
        case Chain(parts):
            return Chain(tuple(_renamed(part, names) for part in parts))
        case Choice(options):
            return Choice(tuple(_renamed(option, names) for option in options))
        case Repeat(inner, least, most):
            return Repeat(_renamed(inner, names), least, most)
        case _:
            return node
