import asyncio
import io
import json
import logging
from pathlib import Path

import pytest

from dovetail import log
from dovetail.settings import LogSettings
from dovetail.telemetry.log_file import LogFile
from dovetail.telemetry.log_lines import LogLines, tapped

pytestmark = pytest.mark.anyio


def say(lines: LogLines, *texts: str) -> None:
    for text in texts:
        lines.add(logging.INFO, "gateway", None, json.dumps({"message": text}))


def said(path: Path) -> list[str]:
    return [json.loads(line)["message"] for line in path.read_text().splitlines()]


async def test_lines_reach_the_disk_by_themselves(tmp_path: Path) -> None:
    lines = LogLines()
    writing = asyncio.ensure_future(LogFile(tmp_path, lines, LogSettings()).run())
    say(lines, "one", "two\nlines", "한국")
    path = tmp_path / "dovetail.jsonl"
    async with asyncio.timeout(10):
        while not path.exists() or len(path.read_text().splitlines()) < 3:
            await asyncio.sleep(0.01)
    assert said(path) == ["one", "two\nlines", "한국"]
    writing.cancel()
    await asyncio.wait([writing])


async def test_settings_hold_from_the_next_line_on(tmp_path: Path) -> None:
    lines = LogLines()
    file = LogFile(tmp_path, lines, LogSettings(file=False))
    say(lines, "not to be written")
    await file.write()
    assert list(tmp_path.iterdir()) == []
    file.settings = LogSettings(file_bytes=4096, files=1)
    for text in "abcd":
        say(lines, text * 3000)
        await file.write()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dovetail.1.jsonl"]
    assert said(tmp_path / "dovetail.1.jsonl") == ["c" * 3000, "d" * 3000]


async def test_lines_that_came_too_fast_are_a_number(tmp_path: Path) -> None:
    lines = LogLines(most=2)
    file = LogFile(tmp_path, lines, LogSettings())
    say(lines, *"abcde")
    await file.write()
    first, *rest = (tmp_path / "dovetail.jsonl").read_text().splitlines()
    note = json.loads(first)
    assert list(note) == ["timestamp", "level", "message", "lines"]
    assert (note["level"], note["message"], note["lines"]) == ("warning", "log_lines_dropped", 3)
    assert [json.loads(line)["message"] for line in rest] == ["d", "e"]


async def test_a_disk_that_takes_nothing_costs_lines_and_one_that_says_so(tmp_path: Path) -> None:
    log.setup("json", "info", stream := io.StringIO())
    (tmp_path / "logs").write_text("in the way")
    with tapped() as lines:
        file = LogFile(tmp_path / "logs", lines, LogSettings())
        for text in ("lost", "lost too"):
            say(lines, text)
            await file.write()
        assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == ["log_file_not_written"]
        (tmp_path / "logs").unlink()
        say(lines, "kept")
        await file.write()
    assert said(tmp_path / "logs" / "dovetail.jsonl")[-1] == "kept"
