"""What is asked, answered and believed stands in no log and in no error, at the most talkative level."""

import asyncio
import json
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import aiohttp
import pytest

from dovetail.gateway.rights import RIGHTS, Right

from ... import canaries  # noqa: TID252
from ..serving.running import Running, running  # noqa: TID252

pytestmark = pytest.mark.anyio

Run = Callable[..., "CompletedProcess[str]"]
PROMPT = canaries.PROMPT
ASKED = [{"role": "user", "content": PROMPT}]
CHAT = "/v1/chat/completions"
# Routes and bodies that hold a prompt, the sound ones first.
BODIES: list[tuple[str, Any]] = [
    (CHAT, {"messages": ASKED, "max_tokens": 4}),
    (CHAT, {"messages": ASKED, "max_tokens": 4, "stream": True}),
    ("/v1/completions", {"prompt": PROMPT, "max_tokens": 2, "echo": True}),
    ("/completion", {"prompt": PROMPT, "n_predict": 2}),
    ("/v1/embeddings", {"input": PROMPT}),
    ("/tokenize", {"content": PROMPT}),
    (CHAT, {"messages": [{"role": "user", "content": PROMPT * 4000}]}),
    (CHAT, {"messages": ASKED, "temperature": PROMPT}),
    (CHAT, {"messages": PROMPT}),
    (CHAT, {"messages": [PROMPT]}),
    (CHAT, {"messages": [{"role": "user", "content": [{"type": PROMPT}]}]}),
    (CHAT, {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": PROMPT}}]}]}),
    (CHAT, {"messages": ASKED, "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": 1}}}),
    (CHAT, {"messages": ASKED, "grammar": f"root ::= {PROMPT}"}),
    (CHAT, {"messages": ASKED, "regex": f"({PROMPT}"}),
    ("/completion", {"prompt": [PROMPT, PROMPT]}),
    ("/v1/embeddings", {"input": [PROMPT, ""]}),
    ("/tokenize", {"content": [PROMPT]}),
]
SECRETS = (PROMPT, canaries.PASSWORD, canaries.GUESS, canaries.KEY, canaries.COOKIE, canaries.OPERATOR_KEY)
# A stream has said by then what it has to say of the past.
LISTEN = 0.5
PASSWORDS = ("/auth/login", "/auth/setup", "/auth/password", "/api/v1/users")


# Of every route that answers: what one or another of them takes, and what none does.
ANYWHERE: list[dict[str, Any]] = [
    {"messages": ASKED, "prompt": PROMPT, "input": PROMPT, "content": PROMPT, "max_tokens": 2},
    {"messages": PROMPT, "prompt": [[PROMPT]], "input": {"text": PROMPT}, "content": [PROMPT], "tools": PROMPT},
]


async def post(http: aiohttp.ClientSession, path: str, body: object, **headers: str) -> tuple[int, str]:
    """The answer; no error says what it was given."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with http.post(path, data=raw, headers={"content-type": "application/json", **headers}) as answer:
        said = await answer.text()
    if answer.status >= 400:
        assert_told_nothing(path, said.encode())
    return answer.status, said


def assert_told_nothing(path: str, said: bytes) -> None:
    for word in SECRETS:
        assert not any(form in said for form in canaries.forms(word)), (path, said[:2000])


async def read_all(http: aiohttp.ClientSession) -> int:
    """Whatever can be read of the server: what it lists, measures and streams. How much that was."""
    size = 0
    for line in RIGHTS:
        method, path = line.split(" ")
        if method == "GET" and "{" not in path:
            said = bytearray()
            with suppress(TimeoutError):
                async with asyncio.timeout(LISTEN), http.get(path) as answer:
                    async for chunk in answer.content.iter_any():
                        said += chunk
            assert_told_nothing(path, bytes(said))
            size += len(said)
    return size


async def meet(http: aiohttp.ClientSession, model: str) -> None:
    """Every route that takes a text, with sound bodies and with bad ones."""
    for path, body in BODIES:
        await post(http, path, {"model": model, **body})
    for line in (line for line, right in RIGHTS.items() if right is Right.USE and "{" not in line):
        for body in ANYWHERE:
            await post(http, line.split(" ")[1], {"model": model, **body})
    for raw in (f'{{"messages": "{PROMPT}'.encode(), PROMPT.encode(), PROMPT.encode("utf-16")):
        status, _ = await post(http, CHAT, raw)
        assert status == 400


async def kill_at_work(http: aiohttp.ClientSession, server: Running, model: str) -> None:
    """A worker dies with the prompt in its hands, by a signal after which Python says where it was."""
    body = {"model": model, "prompt": PROMPT, "max_tokens": 200, "ignore_eos": True, "stream": True}
    async with http.post("/v1/completions", json=body) as answer:
        assert answer.status == 200
        await answer.content.readany()
        worker = await server.worker(http, model)
        worker.send_signal(signal.SIGABRT)
        async with asyncio.timeout(60):
            await answer.read()


async def capture(http: aiohttp.ClientSession, home: Path, cookie: str) -> None:
    """While an admin wants them there, prompts and replies are in one file."""
    status, said = await post(http, "/api/v1/capture", {"minutes": 5}, cookie=cookie)
    assert status == 200
    async with http.get("/auth/status") as answer:
        assert (await answer.json())["capture"] is True
    key = {"x-api-key": canaries.OPERATOR_KEY}
    assert (await post(http, CHAT, {"model": "tiny-gguf", "messages": ASKED, "max_tokens": 2}, **key))[0] == 200
    file = Path(json.loads(said)["path"])
    async with asyncio.timeout(10):  # an answer is written down once its client has it
        while not (file.exists() and file.read_text("utf-8").endswith("\n")):
            await asyncio.sleep(0.02)
    async with http.delete("/api/v1/capture", headers={"cookie": cookie, "content-type": "application/json"}) as answer:
        assert (await answer.json())["on"] is False
    assert (file.parent, file.stat().st_mode & 0o777) == (home / "capture", 0o600)
    (line,) = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert PROMPT in line["request"]
    assert '"choices"' in line["response"]
    assert canaries.OPERATOR_KEY not in file.read_text("utf-8")


@pytest.mark.accept("H8")
@pytest.mark.parametrize("style", ["json", "text"])
async def test_no_log_and_no_error_tells_a_secret(tmp_path: Path, run: Run, style: str) -> None:
    assert run("admin", "create", "--password-stdin", typed=f"{canaries.PASSWORD}\n").returncode == 0
    made = json.loads(run("key", "create", "k", "--json").stdout)["key"]
    canaries.plant(tmp_path, made)
    (tmp_path / "dovetail.toml").write_text(
        '[models.elsewhere]\nurl = "http://127.0.0.1:1/v1"\nkey_env = "ELSEWHERE_KEY"\n'
    )
    environment = {"LLAMA_API_KEY": canaries.OPERATOR_KEY, "ELSEWHERE_KEY": canaries.KEY}
    async with running(tmp_path, ["--log-format", style], environment) as server:
        async with aiohttp.ClientSession(server.url, headers={"x-api-key": canaries.OPERATOR_KEY}) as http:
            for model in ("tiny-gguf", "tiny-mlx") if style == "json" else ("tiny-gguf",):
                await meet(http, model)
                await kill_at_work(http, server, model)
                assert await read_all(http) > 10_000
            await post(http, CHAT, {"model": "elsewhere", "messages": ASKED})
        async with aiohttp.ClientSession(server.url, cookie_jar=aiohttp.DummyCookieJar()) as http:
            async with http.post("/auth/login", json={"password": canaries.PASSWORD}) as answer:
                assert answer.status == 200
                cookie = answer.headers["set-cookie"].partition(";")[0]
            canaries.plant(tmp_path, cookie.partition("=")[2])
            for path in PASSWORDS:
                for body in (
                    {"name": "admin", "password": canaries.GUESS, "new_password": canaries.GUESS},
                    {"name": canaries.GUESS, "password": [canaries.GUESS], "new_password": 1},
                ):
                    await post(http, path, body, cookie=cookie)
            # It happens that both fields get the password.
            await post(http, "/auth/login", {"name": canaries.GUESS, "password": canaries.GUESS})
            if style == "text":
                await capture(http, tmp_path, cookie)
            await post(http, CHAT, {"messages": ASKED}, authorization=f"Bearer {made}x")
            await post(http, f"{CHAT}?key={canaries.KEY}", {"messages": ASKED}, cookie=f"dovetail={canaries.COOKIE}")
    assert {"audit.jsonl", "dovetail.jsonl", "serve.log"} <= {path.name for path in canaries.logs(tmp_path)}
    assert canaries.found(tmp_path) == []
    # Nor in any other file of the home, the database with its journal among them.
    for path in tmp_path.rglob("*"):
        if path.is_file() and path.name != canaries.PLANTED and path.parent.name != "capture":
            assert_told_nothing(path.name, path.read_bytes())
