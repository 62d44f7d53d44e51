"""Secrets that tests plant, and the grep for them through every log that a run has left behind.

What the servers of the tests are asked and answer stands in `WORDS`; what they make themselves (keys, sessions) has a
shape, or is planted by name. A test that writes a secret of its own into no log tells `plant` of it.
"""

import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import aiohttp

PASSWORD = "correct horse battery"
GUESS = "planted-secret"
OPERATOR_KEY = "of-the-operator"
PROMPT = "canary-prompt-6f1d: what nobody else is to read"
KEY = "canary-key-0b7e95a2c4"
TOKEN = "canary-token-93d21c58aa"
COOKIE = "canary-cookie-5e2f70b19d"
WORDS = {
    "a password": (PASSWORD, GUESS),
    "a key": (OPERATOR_KEY, KEY),
    "a token": (TOKEN,),
    "a cookie": (COOKIE,),
    # What most tests ask, and what the models of the package answer.
    "a prompt or a reply": (PROMPT, "capital of France", "France is Paris", "대한민국의 수도", "수도는 서울"),
}
SHAPES = {
    "a key": rb"sk-dvt-[\w\-]{20,}",
    "a session": rb"dovetail=[\w\-]{20,}",
}
PLANTED = "planted.txt"
# The exit status of a run that has left one in a log; `check` runs again what failed with 1, and this never.
FOUND = 70


def plant(home: Path, *secrets: str) -> None:
    """These must be in no log of the run either."""
    with (home / PLANTED).open("a", encoding="utf-8") as file:
        file.writelines(f"{secret}\n" for secret in secrets)


def logs(folder: Path) -> Iterator[Path]:
    """What servers and workers have written under `folder` for people to read."""
    for path in files(folder):
        if path.suffix == ".log" or path.name == "stderr" or "logs" in path.relative_to(folder).parts:
            yield path


def files(folder: Path) -> list[Path]:
    """All under `folder`, of which some may go meanwhile: tests tidy up, and what they started ends."""
    return sorted(Path(at, name) for at, _, names in os.walk(folder) for name in names)


def read(path: Path) -> bytes:
    """Nothing of a file that has gone, and of what is none."""
    try:
        return path.read_bytes() if path.is_file() else b""
    except FileNotFoundError:
        return b""


def found(folder: Path) -> list[str]:
    """`file:line: kind` for each secret in a log under `folder`."""
    kinds = {kind: [re.escape(form) for word in words for form in forms(word)] for kind, words in WORDS.items()}
    planted = [word for path in files(folder) if path.name == PLANTED for word in read(path).decode().splitlines()]
    kinds["what a test planted"] = [re.escape(form) for word in planted for form in forms(word)]
    for kind, shape in SHAPES.items():
        kinds.setdefault(kind, []).append(shape)
    patterns = {kind: re.compile(b"|".join(forms)) for kind, forms in kinds.items() if forms}
    return [
        f"{path}:{number}: {kind}"
        for path in logs(folder)
        for kind, pattern in patterns.items()
        for number, line in enumerate(read(path).splitlines(), 1)
        if pattern.search(line)
    ]


def forms(word: str) -> set[bytes]:
    """As it is, in JSON, in an address, and as Python shows it."""
    return {word.encode(), json.dumps(word)[1:-1].encode(), quote(word).encode(), ascii(word)[1:-1].encode()}


async def fly(url: str) -> None:
    """Has a server meet the canaries in requests that it refuses; one that is no more meets none."""
    asked = {"model": "canary", "messages": [{"role": "user", "content": PROMPT}]}
    bodies = (asked, {**asked, "temperature": PROMPT}, [PROMPT])
    headers = ({"authorization": f"Bearer {KEY}"}, {"x-api-key": TOKEN}, {"cookie": f"dovetail={COOKIE}"})
    within = aiohttp.ClientTimeout(total=2)
    with suppress(aiohttp.ClientError, TimeoutError):
        async with aiohttp.ClientSession(url, timeout=within) as http:
            for body, credential in zip(bodies, headers, strict=True):
                async with http.post("/v1/chat/completions", json=body, headers=credential) as answer:
                    said = await answer.read()
                assert not any(form in said for word in (PROMPT, KEY, TOKEN, COOKIE) for form in forms(word)), said
