from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from dovetail.cli.app import run
from dovetail.cli.exits import Exit
from dovetail.core.request import Json

from .scripted import ScriptedServer, delta, frames

CHAT = "POST /v1/chat/completions"
Capture = pytest.CaptureFixture[str]


class Keyboard(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOVETAIL_HOME", str(tmp_path))
    return tmp_path


def typed(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    monkeypatch.setattr("sys.stdin", Keyboard("".join(f"{line}\n" for line in lines)))


def turn(role: str, content: str) -> Json:
    return {"role": role, "content": content}


def test_one_question(server: ScriptedServer, capsys: Capture) -> None:
    server.says("Par", "is.")
    assert (
        run(["chat", "--url", server.url, "-m", "tiny", "--system", "Be brief.", "--max-tokens", "9", "Capital?"]) == 0
    )
    assert capsys.readouterr().out == "Paris.\n"
    assert server.bodies == [
        {
            "model": "tiny",
            "messages": [turn("system", "Be brief."), turn("user", "Capital?")],
            "max_tokens": 9,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
    ]


def test_the_answer_as_json(server: ScriptedServer, capsys: Capture) -> None:
    server.says("Par", "is.")
    assert run(["chat", "--url", server.url, "-m", "tiny", "--json", "Capital?"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["model"], answer["content"], answer["finish_reason"]) == ("tiny", "Paris.", "stop")
    assert answer["usage"] == {"prompt_tokens": 3, "completion_tokens": 2}
    assert answer["ttft_ms"] <= answer["duration_ms"]


def test_a_question_may_come_through_a_pipe(
    server: ScriptedServer, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("Capital\nof France?\n"))
    server.says("Paris.")
    assert run(["chat", "--url", server.url, "-m", "tiny"]) == 0
    assert server.bodies[0]["messages"] == [turn("user", "Capital\nof France?\n")]
    assert capsys.readouterr().out == "Paris.\n"


def test_a_model_that_is_ready_is_chosen(server: ScriptedServer) -> None:
    server.on("GET /v1/models", {"data": [{"id": "a", "state": "unloaded"}, {"id": "b", "state": "ready"}]})
    server.on("GET /v1/models", {"data": [{"odd": 1}, {"id": "a", "state": "unloaded"}]})
    server.on("GET /v1/models", {"data": [{"id": "a", "state": "failed"}, {"id": "b", "state": "unloaded"}]})
    server.on("GET /v1/models", {"data": [{"id": "a", "state": "failed"}]})
    server.says("x")
    for expected in ("b", "a", "b", "a"):
        assert run(["chat", "--url", server.url, "?"]) == 0
        assert server.bodies[-1]["model"] == expected


def test_no_models_is_said(server: ScriptedServer, capsys: Capture) -> None:
    server.on("GET /v1/models", {"data": []})
    assert run(["chat", "--url", server.url, "?"]) == Exit.CONFIG
    assert "there are no models" in capsys.readouterr().err


def test_a_failure_in_the_middle_ends_with_its_line(server: ScriptedServer, capsys: Capture) -> None:
    server.on(CHAT, frames(delta(content="Par"), {"error": {"message": "the worker crashed"}}))
    assert run(["chat", "--url", server.url, "-m", "tiny", "?"]) == Exit.FAILED
    said = capsys.readouterr()
    assert (said.out, said.err) == ("Par\n", "dovetail: the worker crashed\n")


def test_a_conversation_remembers(server: ScriptedServer, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, "I am Kim.", "", "Who am I?", "/clear", "Who?", "/model other", "Hm?", "/what", "/bye", "never")
    for text in ("Hello.", "Kim.", "I forgot.", "x"):
        server.says(text)
    assert run(["chat", "--url", server.url, "-m", "tiny"]) == 0
    first, second, third, fourth = (body["messages"] for body in server.bodies)
    assert first == [turn("user", "I am Kim.")]
    assert second == [turn("user", "I am Kim."), turn("assistant", "Hello."), turn("user", "Who am I?")]
    assert third == [turn("user", "Who?")]
    assert isinstance(fourth, list)
    assert len(fourth) == 3
    assert [body["model"] for body in server.bodies] == ["tiny", "tiny", "tiny", "other"]
    assert capsys.readouterr().err.count("/clear forgets") == 2


def test_the_end_of_input_leaves(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch)
    assert run(["chat", "--url", server.url, "-m", "tiny"]) == 0


def test_a_failed_answer_does_not_end_the_conversation(
    server: ScriptedServer, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(monkeypatch, "a", "b")
    server.on(CHAT, {"error": {"message": "busy"}}, 503)
    server.says("fine")
    assert run(["chat", "--url", server.url, "-m", "tiny"]) == 0
    said = capsys.readouterr()
    assert "dovetail: busy\n" in said.err
    assert said.out == "> > fine\n> "
    assert server.bodies[1]["messages"] == [turn("user", "b")]
