"""What tests are marked with, read from their source."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path


def marked_tests(folder: Path, mark: str = "accept") -> dict[str, set[str]]:
    """What tests are marked with, and which do so, read from the source without running it."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for name, parsed in _parsed(folder):
        for test, what in _marks(parsed, name, mark):
            found[what].add(test)
    return dict(found)


@cache
def _parsed(folder: Path) -> list[tuple[str, ast.Module]]:
    """Every file of tests by its name; reading them takes longer than looking for a mark."""
    files = sorted(folder.rglob("test_*.py"))
    return [(path.relative_to(folder).as_posix(), ast.parse(path.read_text("utf-8"))) for path in files]


def _marks(node: ast.AST, owner: str, mark: str) -> Iterator[tuple[str, str]]:
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield from _marks(child, f"{owner}::{child.name}", mark)
            case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="mark"), attr=name), args=arguments) if (
                name == mark
            ):
                for argument in arguments:
                    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                        yield owner, argument.value
            case _:
                yield from _marks(child, owner, mark)
