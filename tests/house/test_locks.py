from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import cast

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = {"requirements.lock": ("build",), "requirements-dev.lock": ("build", "dev")}


def name_of(requirement: str) -> str:
    found = re.match(r"[\w.-]+", requirement)
    assert found is not None
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def wanted(groups: tuple[str, ...]) -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    requirements = cast("list[str]", project["project"]["dependencies"])
    for group in groups:
        requirements = requirements + cast("list[str]", project["dependency-groups"][group])
    return {name_of(requirement) for requirement in requirements}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_requirement_is_pinned(lock: str) -> None:
    pins = {name_of(line) for line in (ROOT / lock).read_text("utf-8").splitlines() if "==" in line}
    assert wanted(LOCKS[lock]) <= pins


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_a_hash(lock: str) -> None:
    text = (ROOT / lock).read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert lines
    assert [line for line in lines if not re.search(r"==\S+ .*--hash=sha256:[0-9a-f]{64}", line)] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_no_address_is_named(lock: str) -> None:
    assert not re.search(r"https?:|file:|--index|--extra-index|--find-links| @ ", (ROOT / lock).read_text("utf-8"))


def test_both_locks_pin_the_same_versions() -> None:
    run, dev = (set(re.findall(r"^\S+==\S+", (ROOT / lock).read_text("utf-8"), re.MULTILINE)) for lock in LOCKS)
    assert run <= dev
