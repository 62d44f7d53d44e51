"""The guide's examples as programs: each is run as its first line says, where what that takes is here."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

LANGUAGES = ("curl", "JavaScript", "Python", "Java", "C#", "C++")
_WITHIN = 180.0  # .NET and C++ compile first, beside other work on two cores
_FILES = {
    "JavaScript": "example.mjs", "Python": "example.py", "Java": "Example.java", "C#": "Program.cs",
    "C++": "example.cpp",
}  # fmt: skip
# As the example itself says.
_TOLD = {
    "JavaScript": "node example.mjs",
    "Java": "java Example.java",
    "C++": "c++ example.cpp -lcurl -o example && ./example",
}
_LEAST = {"JavaScript": ("node", 18), "Java": ("java", 15), "C#": ("dotnet", 8)}
_DOTNET = {"DOTNET_CLI_TELEMETRY_OPTOUT": "1", "DOTNET_NOLOGO": "1"}
_WITH_LIBCURL = "#include <curl/curl.h>\nint main() { return curl_easy_init() == nullptr; }\n"


def lacking(language: str) -> str:
    """Why an example cannot be run on this machine; empty where it can."""
    if language in _LEAST:
        return _too_old(*_LEAST[language])
    if language != "C++":
        return ""
    if shutil.which("c++") is None:
        return "no C++ compiler (c++) here"
    with tempfile.TemporaryDirectory() as folder:
        argv = ["c++", "-x", "c++", "-", "-lcurl", "-o", f"{folder}/found"]
        tried = subprocess.run(argv, input=_WITH_LIBCURL, text=True, capture_output=True, check=False, timeout=60)
    return "" if tried.returncode == 0 else "libcurl cannot be compiled with here (its headers are missing)"


def _too_old(program: str, least: int) -> str:
    if shutil.which(program) is None:
        return f"no {program} here"
    told = subprocess.run([program, "--version"], text=True, capture_output=True, check=False, timeout=60)
    number = re.search(r"\d+", told.stdout)
    if told.returncode == 0 and number is not None and int(number[0]) >= least:
        return ""
    return f"{program} {least} or newer is not here"


async def ran(code: str, language: str, folder: Path) -> str:
    """What the example prints; it has to end well."""
    return await printed(folder, *await _written(code, language, folder))


async def refused(code: str, language: str, folder: Path) -> str:
    """All that the example says where the server refuses what it asks; it has to end badly."""
    argv = await _written(code, language, folder)
    status, out, err = await _end(folder, *argv, within=_WITHIN)
    assert status != 0, f"{argv}\n{err}\n{out}"
    return out + err


async def _written(code: str, language: str, folder: Path) -> Sequence[str]:
    """The command that runs the example, in the new `folder`."""
    folder.mkdir()
    if language == "curl":
        return "sh", "-c", code.replace("curl ", "curl -sS --fail-with-body ", 1)
    if language == "C#":
        await printed(folder, "dotnet", "new", "console", "--name", "example", "--output", ".")
    (folder / _FILES[language]).write_text(code, "utf-8")
    if language == "Python":
        return sys.executable, "example.py"
    if language == "C#":
        return "dotnet", "run"
    assert _TOLD[language] in code.splitlines()[0]
    return "sh", "-c", _TOLD[language]


async def printed(folder: Path, *argv: str, within: float = _WITHIN) -> str:
    """What a program says that is run in `folder`; it has to end well, and in time."""
    status, out, err = await _end(folder, *argv, within=within)
    assert status == 0, f"{argv}\n{err}\n{out}"
    return out


async def _end(folder: Path, *argv: str, within: float) -> tuple[int | None, str, str]:
    """How it ended, with what it has said on both streams."""
    told = {**os.environ, **_DOTNET, "DOTNET_CLI_HOME": str(folder), "PYTHONIOENCODING": "utf-8"}
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=folder,
        env={**told, "NO_PROXY": "127.0.0.1"},
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), within)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, out.decode(), err.decode()
