from pathlib import Path

import pytest

from dovetail.cli.app import run

from .scripted import ScriptedServer


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (["m", "--prompt", "12,x"], "--prompt takes numbers"),
        (["m", "--streams", ""], "--streams takes numbers"),
        (["m", "-o", "report.exe"], "ends in one of .json, .csv, .md, .svg, .html"),
        (["m", "--text", "/nowhere/text.txt"], "cannot be read"),
        ([], "name at least one model"),
        (["m", "--repeat", "0"], "--repeat"),
    ],
)
def test_what_is_said_wrongly_is_refused_before_anything_is_measured(
    server: ScriptedServer, said: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["bench", "--url", server.url, *said]) == 2
    assert reason in capsys.readouterr().err
    assert server.bodies == []


def test_without_a_server_at_the_address_it_says_so(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["bench", "m", "--url", "http://127.0.0.1:9", "--home", str(tmp_path)]) == 69
    assert "no server answers" in capsys.readouterr().err
