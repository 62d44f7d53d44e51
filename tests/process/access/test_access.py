"""Accounts, keys and logins on a real server."""

import asyncio
import json
import os
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from ... import canaries  # noqa: TID252
from ..serving.running import running  # noqa: TID252

pytestmark = pytest.mark.anyio

Run = Callable[..., "subprocess.CompletedProcess[str]"]
GOOD = canaries.PASSWORD
CHAT = "/v1/chat/completions"
ASKED = {"model": "tiny-gguf", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 1}


@pytest.mark.bad_input("53")
@pytest.mark.accept("R3", "A14", "U1", "U5")
async def test_login_works_while_every_model_fails(tmp_path: Path) -> None:
    (tmp_path / "models" / "broken").mkdir(parents=True)
    (tmp_path / "models" / "broken" / "broken.gguf").write_bytes(b"GGUF" + b"\xff" * 500)
    down = {"DOVETAIL_ENGINES__GGUF__BINARY": shutil.which("false") or ""}
    jar = aiohttp.CookieJar(unsafe=True)
    async with (
        running(tmp_path, environment=down) as server,
        aiohttp.ClientSession(server.url, cookie_jar=jar) as http,
    ):
        for name, status in (("broken", 422), ("tiny-gguf", 503)):
            async with http.post(CHAT, json={**ASKED, "model": name}) as answer:
                assert answer.status == status
        async with http.get("/auth/status") as answer:
            assert (await answer.json())["setup_required"] is True
        async with http.post("/auth/setup", json={"name": "chief", "password": GOOD}) as answer:
            assert answer.status == 200
        async with http.get("/auth/status") as answer:
            status = await answer.json()
        assert (status["initialized"], status["authenticated"], status["name"]) == (True, True, "chief")
        async with http.post("/auth/logout", json={}) as answer:
            assert answer.status == 200
        async with http.get("/api/v1/sessions") as answer:
            assert answer.status == 401
        async with http.post("/auth/login", json={"name": "chief", "password": GOOD}) as answer:
            assert answer.status == 200
        async with http.get("/api/v1/sessions") as answer:
            assert len((await answer.json())["data"]) == 1


@pytest.mark.accept("U2", "U3", "H6", "H7", "H16")
async def test_logins_outlive_a_restart_and_end_with_the_record(tmp_path: Path, run: Run) -> None:
    assert run("admin", "create", "--password-stdin", typed=f"{GOOD}\n").returncode == 0
    record = tmp_path / ".auth.json"
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    assert GOOD not in record.read_text()
    async with running(tmp_path) as server, aiohttp.ClientSession(server.url) as http:
        async with http.post("/auth/login", json={"password": GOOD}) as answer:
            cookies = {"cookie": answer.headers["set-cookie"].partition(";")[0]}
        again = run("admin", "create", "--password-stdin", typed=f"{GOOD}\n")
        assert again.returncode == 75
    async with (
        running(tmp_path) as server,
        aiohttp.ClientSession(server.url, headers=cookies) as http,
        http.get("/api/v1/sessions") as answer,
    ):
        assert answer.status == 200
    record.unlink()
    async with running(tmp_path) as server, aiohttp.ClientSession(server.url, headers=cookies) as http:
        async with http.get("/api/v1/sessions") as answer:
            assert answer.status == 401
        async with http.get("/auth/status") as answer:
            assert (await answer.json())["setup_required"] is True


@pytest.mark.accept("U4")
async def test_a_given_key_is_asked_for_everywhere(tmp_path: Path, run: Run) -> None:
    async with running(tmp_path, environment={"LLAMA_API_KEY": "of-the-operator"}) as server:
        async with aiohttp.ClientSession(server.url) as http:
            for path in ("/v1/models", "/props", "/metrics"):
                async with http.get(path) as answer:
                    assert answer.status == 401
                    assert answer.headers["www-authenticate"] == "Bearer"
                for headers in ({"authorization": "Bearer of-the-operator"}, {"x-api-key": "of-the-operator"}):
                    async with http.get(path, headers=headers) as answer:
                        assert answer.status == 200
            async with http.get("/health") as answer:
                assert answer.status == 200
        listed = run("list")
        assert listed.returncode == 0, listed.stderr
        assert "tiny-gguf" in listed.stdout


@pytest.mark.bad_input("51")
async def test_keys_are_made_and_revoked_beside_a_running_server(tmp_path: Path, run: Run) -> None:
    async with running(tmp_path) as server, aiohttp.ClientSession(server.url) as http:
        async with http.post(CHAT, json=ASKED) as answer:
            assert answer.status == 200
        made = json.loads(run("key", "create", "laptop", "--model", "tiny-gguf", "--json").stdout)
        async with asyncio.timeout(5):
            while True:
                async with http.post(CHAT, json=ASKED) as answer:
                    if answer.status == 401:
                        break
        headers = {"authorization": f"Bearer {made['key']}"}
        async with http.post(CHAT, json=ASKED, headers=headers) as answer:
            assert answer.status == 200
        async with http.post(CHAT, json={**ASKED, "model": "tiny-mlx"}, headers=headers) as answer:
            assert (answer.status, (await answer.json())["error"]["code"]) == (404, "model_not_found")
        assert made["id"] in run("key", "list").stdout
        assert run("key", "revoke", made["id"]).returncode == 0
        async with asyncio.timeout(5):
            while True:
                # Where a name is always asked for: without any key left, inference is open again.
                async with http.get("/api/v1/keys", headers=headers) as answer:
                    if answer.status == 401:
                        break
        assert run("key", "revoke", made["id"]).returncode == 1
        log = (tmp_path / "serve.log").read_text()
    assert made["key"] not in log


@pytest.mark.bad_input("52")
@pytest.mark.accept("H3", "H8", "H14")
async def test_who_guesses_slows_only_that_address(tmp_path: Path, run: Run) -> None:
    assert run("admin", "create", "--password-stdin", typed=f"{GOOD}\n").returncode == 0
    async with running(tmp_path, ["--host", "0.0.0.0"]) as server:  # one socket for 127.0.0.1 and 127.0.0.2
        statuses: list[int] = []
        wait: str | None = None
        async with aiohttp.ClientSession(server.url) as http:
            for number in range(200):
                body = {"name": "admin", "password": f"planted-secret-{number}"}
                async with http.post("/auth/login", json=body) as answer:
                    statuses.append(answer.status)
                    wait = answer.headers.get("retry-after")
            assert statuses.count(401) < 10
            assert statuses[-1] == 429
            assert wait is not None
            async with http.post("/auth/login", json={"password": GOOD}) as answer:
                assert answer.status == 429
        elsewhere = aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))
        async with (
            asyncio.timeout(10),
            aiohttp.ClientSession(server.url, connector=elsewhere) as http,
            http.post("/auth/login", json={"password": GOOD}) as answer,
        ):
            assert answer.status == 200
            token = answer.headers["set-cookie"].partition(";")[0].partition("=")[2]
    audit = (tmp_path / "logs" / "audit.jsonl").read_text()
    lines = [json.loads(line) for line in audit.splitlines()]
    # Those that were not even looked at are not written down: they would wash away what is.
    assert 5 <= [line["what"] for line in lines].count("login refused") < 10
    assert lines[-1]["from"] == "127.0.0.2"
    for path in tmp_path.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert b"planted-secret" not in content, path
            assert GOOD.encode() not in content, path
            assert token.encode() not in content, path


@pytest.mark.bad_input("63")
async def test_a_broken_database_opens_no_door(tmp_path: Path, run: Run) -> None:
    assert run("admin", "create", "--password-stdin", typed=f"{GOOD}\n").returncode == 0
    assert run("admin", "backup", str(tmp_path / "copy")).returncode == 0
    (tmp_path / "dovetail.db").write_bytes(b"SQLite format 3\x00" + b"\xff" * 5000)
    for ending in ("-wal", "-shm"):
        (tmp_path / f"dovetail.db{ending}").unlink(missing_ok=True)
    for host in ("127.0.0.1", "0.0.0.0"):
        refused = run("serve", "--port", "0", "--host", host)
        assert refused.returncode == 78
        assert "dovetail admin restore" in refused.stderr
        assert refused.stderr.count("\n") == 1
    restored = run("admin", "restore", str(tmp_path / "copy"))
    assert restored.returncode == 0
    assert "the database that was there says nothing" in restored.stdout
    async with (
        running(tmp_path) as server,
        aiohttp.ClientSession(server.url) as http,
        http.post("/auth/login", json={"password": GOOD}) as answer,
    ):
        assert answer.status == 200


@pytest.mark.accept("H7")
async def test_a_backup_of_a_running_server_brings_it_back(tmp_path: Path, run: Run) -> None:
    assert run("admin", "create", "--password-stdin", typed=f"{GOOD}\n").returncode == 0
    async with running(tmp_path) as server, aiohttp.ClientSession(server.url) as http:
        async with http.post("/auth/login", json={"password": GOOD}) as answer:
            headers = {"cookie": answer.headers["set-cookie"].partition(";")[0]}
        async with http.post("/api/v1/users", json={"name": "ann", "password": GOOD}, headers=headers) as answer:
            assert answer.status == 200
        kept = json.loads(run("key", "create", "kept", "--json").stdout)
        gone = json.loads(run("key", "create", "gone", "--json").stdout)
        copy = tmp_path / "copy"
        assert run("admin", "backup", str(copy)).returncode == 0
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600
        assert run("admin", "backup", str(copy)).returncode == 2
        assert run("admin", "restore", str(copy)).returncode == 75
        async with http.delete("/api/v1/users/ann", headers=headers) as answer:
            assert answer.status == 200
        assert run("key", "revoke", gone["id"]).returncode == 0
    assert run("admin", "reset").returncode == 0
    assert not (tmp_path / ".auth.json").exists()
    restored = run("admin", "restore", str(copy))
    assert restored.returncode == 0
    # What comes back beside accounts is said.
    assert "1 logins have ended; passwords and 2 keys are those of the backup" in restored.stdout
    assert f"dovetail key revoke {gone['id']}" in restored.stdout
    assert kept["id"] not in restored.stdout
    lines = [json.loads(line) for line in (tmp_path / "logs" / "audit.jsonl").read_text().splitlines()]
    assert [line["what"] for line in lines if line["who"] == "command line"][-2:] == ["super-admin reset", "restore"]
    assert "backup" in [line["what"] for line in lines]
    assert (lines[-1]["keys_back"], lines[-1]["uid"]) == (gone["id"], os.getuid())
    async with running(tmp_path) as server, aiohttp.ClientSession(server.url) as http:
        async with http.get("/api/v1/sessions", headers=headers) as answer:
            assert answer.status == 401  # the login of before the backup
        for name in ("ann", "admin"):
            async with http.post("/auth/login", json={"name": name, "password": GOOD}) as answer:
                assert answer.status == 200
    (tmp_path / "none").write_bytes(b"no backup")
    assert run("admin", "restore", str(tmp_path / "none")).returncode == 1


@pytest.mark.bad_input("51", "56")
async def test_beyond_this_machine_takes_somebody_to_let_in(tmp_path: Path, run: Run) -> None:
    refused = run("serve", "--port", "0", "--host", "0.0.0.0")
    assert refused.returncode == 2
    for way in ("dovetail admin create", "dovetail key create", "--insecure"):
        assert way in refused.stderr
    key = run("key", "create", "k").stdout.strip()
    async with running(tmp_path, ["--host", "0.0.0.0"]) as server, aiohttp.ClientSession(server.url) as http:
        async with http.get("/v1/models") as answer:
            assert answer.status == 401
        async with http.get("/v1/models", headers={"x-api-key": key}) as answer:
            assert answer.status == 200
        async with http.post("/models/load", json={"model": "tiny-gguf"}, headers={"x-api-key": key}) as answer:
            assert answer.status == 403
