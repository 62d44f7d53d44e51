"""The guide's examples as programs: each is run as its first line says, where what that takes is here."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
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
    folder.mkdir()
    if language == "curl":
        return await printed(folder, "sh", "-c", code.replace("curl ", "curl -sS --fail-with-body ", 1))
    if language == "C#":
        await printed(folder, "dotnet", "new", "console", "--name", "example", "--output", ".")
    (folder / _FILES[language]).write_text(code, "utf-8")
    if language == "Python":
        return await printed(folder, sys.executable, "example.py")
    if language == "C#":
        return await printed(folder, "dotnet", "run")
    assert _TOLD[language] in code.splitlines()[0]
    return await printed(folder, "sh", "-c", _TOLD[language])


async def printed(folder: Path, *argv: str, within: float = _WITHIN) -> str:
    """What a program says that is run in `folder`; it has to end well, and in time."""
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
    assert process.returncode == 0, f"{argv}\n{err.decode()}\n{out.decode()}"
    return out.decode()
