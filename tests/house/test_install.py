"""docs/install.md: its commands are sound, its packages exist, and it asks for what the code asks for."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from dovetail.engines.compilation import advice

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "install.md").read_text("utf-8")
COMMANDS = re.findall(r"^```sh\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
PACKAGES = {
    package
    for command in COMMANDS
    for packages in re.findall(r"apt-get install -y (.+)", command)
    for package in packages.split()
}


@pytest.mark.accept("D3")
def test_both_systems_have_their_commands_and_the_shell_takes_them() -> None:
    assert "xcode-select --install" in TEXT
    assert {"build-essential", "cmake", "git", "python3-venv"} <= PACKAGES
    for command in COMMANDS:
        done = subprocess.run(["bash", "-n", "-c", command], capture_output=True, text=True, check=False, timeout=30)
        assert done.returncode == 0, done.stderr


@pytest.mark.accept("D3")
def test_the_command_is_the_readmes_and_the_python_is_the_packages() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    (command,) = [command for command in COMMANDS if "requirements.lock" in command]
    assert command in readme
    required = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["requires-python"]
    assert f"Python {required.removeprefix('>=')} or newer" in TEXT


def test_a_compiler_is_asked_for_with_the_packages_that_the_command_names() -> None:
    (line,) = [command for command in COMMANDS if "build-essential" in command]
    named = set(line.split()) - {"sudo", "apt-get", "install", "-y"}
    assert all(package in advice() for package in named) or "xcode-select" in advice()


@pytest.mark.accept("D3")
@pytest.mark.skipif(shutil.which("apt-cache") is None, reason="no apt here")
def test_the_packages_exist() -> None:
    argv = ["apt-cache", "policy", "hello", *PACKAGES]
    told = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout
    candidates = dict(re.findall(r"^(\S+):\n.*\n  Candidate: (.+)$", told, re.MULTILINE))
    if candidates.get("hello", "(none)") == "(none)":
        pytest.skip("apt has no lists of packages here")
    assert {package for package in PACKAGES if candidates.get(package, "(none)") == "(none)"} == set()
