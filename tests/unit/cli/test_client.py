from __future__ import annotations

import socket
import threading
from contextlib import closing
from pathlib import Path

import pytest

from dovetail.cli.client import Server, find_server, require_server
from dovetail.cli.exits import Exit, Failure
from dovetail.cli.home import HomeLock

from .scripted import ScriptedServer, delta, frames

CHAT = "POST /v1/chat/completions"


def test_an_address_that_is_said_is_used(tmp_path: Path) -> None:
    assert find_server("http://elsewhere:1/", tmp_path) == "http://elsewhere:1"


def test_else_the_server_of_the_home_folder_is_found(tmp_path: Path) -> None:
    assert find_server(None, tmp_path) is None
    with HomeLock(tmp_path) as lock:
        assert find_server(None, tmp_path, within=0) is None
        lock.announce("http://127.0.0.1:9")
        assert require_server(None, tmp_path).url == "http://127.0.0.1:9"


def test_a_server_that_starts_is_waited_for(tmp_path: Path) -> None:
    with HomeLock(tmp_path) as lock:
        soon = threading.Timer(0.1, lock.announce, ["http://127.0.0.1:9"])
        soon.start()
        assert require_server(None, tmp_path).url == "http://127.0.0.1:9"
        soon.join()


def test_without_a_server_there_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="dovetail serve") as raised:
        require_server(None, tmp_path)
    assert raised.value.code is Exit.UNAVAILABLE


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://x", "http://", "http://x:99999", "http://[::1"])
def test_an_address_must_be_one(url: str) -> None:
    with pytest.raises(Failure, match="is no address") as raised:
        Server(url)
    assert raised.value.code is Exit.USAGE


def test_get_and_post(server: ScriptedServer) -> None:
    server.on("GET /base/v1/models", {"data": []})
    server.on("POST /base/models/load", {"success": True})
    client = Server(server.url + "/base/")
    assert client.get("/v1/models") == {"data": []}
    assert client.post("/models/load", {"model": "모델"}) == {"success": True}
    assert server.bodies == [{"model": "모델"}]


def test_errors_say_what_the_server_says(server: ScriptedServer) -> None:
    server.on("GET /a", {"error": {"message": "no such model", "code": "model_not_found"}}, 404)
    server.on("GET /b", {"error": "odd"}, 500)
    server.on("GET /c", b"<html>", 502)
    server.on("GET /d", [1])
    with pytest.raises(Failure, match=r"^no such model$") as raised:
        Server(server.url).get("/a")
    assert raised.value.code is Exit.FAILED
    for path, reason in {"/b": "odd", "/c": "502", "/d": "does not look like"}.items():
        with pytest.raises(Failure, match=reason):
            Server(server.url).get(path)


def test_nobody_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(Failure, match="no server answers") as raised:
            Server(f"http://127.0.0.1:{taken.getsockname()[1]}").get("/health")
    assert raised.value.code is Exit.UNAVAILABLE


def test_silence_ends() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(Failure, match=r"said nothing for 0\.05 s"):
        Server(f"http://127.0.0.1:{silent.getsockname()[1]}").post("/x", {}, 0.05)


def test_something_else_than_http(server: ScriptedServer) -> None:
    server.on("GET /cut", b"{", cut=True)
    with pytest.raises(Failure, match="was lost"):
        Server(server.url).get("/cut")


def test_a_stream_is_frames_and_comments(server: ScriptedServer) -> None:
    server.says("Par", "is")
    with closing(Server(server.url).stream("/v1/chat/completions", {})) as stream:
        seen = list(stream)
    assert seen[:3] == ["loading tiny 50%", delta(content="Par"), delta(content="is")]


def test_a_stream_that_fails_raises(server: ScriptedServer) -> None:
    failed = frames(delta(content="Par"), {"error": {"message": "the worker crashed"}})
    server.on(CHAT, failed)
    server.on(CHAT, frames(delta(content="Par")))
    for reason in ("the worker crashed", "ended the answer in the middle"):
        with closing(Server(server.url).stream("/v1/chat/completions", {})) as stream:
            assert next(stream) == delta(content="Par")
            with pytest.raises(Failure, match=reason):
                next(stream)
