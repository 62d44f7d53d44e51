"""The house rules that a linter does not know."""

from __future__ import annotations

import ast
import io
import re
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LONGEST_FILE = 400
LONGEST_FUNCTION = 40
FOLDERS = ("src", "tests", "training", "benchmarks")

# Functions that may be longer, each with its reason.
LONG_FUNCTIONS: dict[str, str] = {}


def python_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def tracked_files() -> list[Path]:
    """Every text file of the repository; of an unpacked source archive, every Python file."""
    try:
        done = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return python_files(*FOLDERS)
    paths = [ROOT / name for name in done.stdout.split("\0") if name]
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()[:4096]]


def test_files_stay_readable() -> None:
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in python_files(*FOLDERS)}
    assert {path.relative_to(ROOT): n for path, n in lengths.items() if n > LONGEST_FILE} == {}


def test_functions_stay_readable() -> None:
    long = {
        f"{path.relative_to(ROOT / 'src')}:{name}": lines
        for path in python_files("src")
        for name, lines in functions(path.read_text("utf-8"))
        if lines > LONGEST_FUNCTION
    }
    assert {name: lines for name, lines in long.items() if name not in LONG_FUNCTIONS} == {}
    assert set(LONG_FUNCTIONS) <= set(long), "these have become short: take them off the list"


def functions(source: str) -> Iterator[tuple[str, int]]:
    """Each function with its lines of code: signature, docstring, comments and empty lines are not counted."""
    code = {token.start[0] for token in tokenize.generate_tokens(io.StringIO(source).readline) if counts(token)}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
            span = range(body[0].lineno, (node.end_lineno or 0) + 1) if body else range(0)
            yield node.name, len(code.intersection(span))


def counts(token: tokenize.TokenInfo) -> bool:
    return token.type not in (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)


def test_lines_of_code_are_what_is_counted() -> None:
    lines = [
        "def f(",
        "    a,",
        "):",
        '    """Say.',
        "",
        '    More."""',
        "    # why",
        "",
        "    b = [",
        "        a,",
        "    ]",
        "    return b",
    ]
    source = "\n".join(lines)
    assert list(functions(source)) == [("f", 4)]


@pytest.mark.parametrize(
    ("what", "pattern"),
    [
        ("a note to oneself", r"\b(?:TODO|FIXME|XXX)\b"),
        ("a path of one machine", r"(?:^|[\s\"'(=:])/(?:root|Users|work|farm|home/(?!you\b|user\b)\w+)/"),
        (
            "a rule of security ignored without a reason",
            r"noqa:(?:[\s,]*[A-Z]+\d+)*[\s,]*S\d{3}(?:[\s,]*[A-Z]+\d+)*\s*$",
        ),
        ("the address of a registry", r"pypi\.org|pythonhosted\.org|npmjs\.org"),
    ],
)
def test_no_file_holds(what: str, pattern: str) -> None:
    here = Path(__file__)
    found = [
        f"{path.relative_to(ROOT)}:{number}: {what}: {line.strip()[:80]}"
        for path in tracked_files()
        if path != here
        for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1)
        if re.search(pattern, line)
    ]
    assert found == []


def test_every_package_says_what_it_owns() -> None:
    packages = [path for path in python_files("src") if path.name == "__init__.py"]
    assert [path for path in packages if not ast.get_docstring(ast.parse(path.read_text("utf-8")))] == []
