from __future__ import annotations

import io
import json
import logging
import os
import re
import threading

import pytest
import structlog

from dovetail import log


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class FullDisk(io.StringIO):
    def write(self, _text: str) -> int:
        raise OSError(28, "No space left on device")


def written(style: log.Style, stream: io.StringIO, level: str = "info") -> structlog.stdlib.BoundLogger:
    log.setup(style, level, stream)
    return structlog.stdlib.get_logger("dovetail.test")


def test_json_lines_have_timestamp_level_and_message() -> None:
    stream = io.StringIO()
    written("json", stream).warning("model ready", model="한국", seconds=1.5)
    line = json.loads(stream.getvalue())
    assert list(line)[:3] == ["timestamp", "level", "message"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", line["timestamp"])
    assert (line["level"], line["message"], line["model"], line["seconds"]) == ("warning", "model ready", "한국", 1.5)


def test_text_lines_read_from_left_to_right() -> None:
    stream = io.StringIO()
    written("text", stream).info("model ready", model="m", reason="two words")
    assert re.fullmatch(r'\d\d:\d\d:\d\d info     model ready  model=m  reason="two words"\n', stream.getvalue())


def test_colours_are_for_terminals() -> None:
    terminal, file = Terminal(), io.StringIO()
    written("text", terminal).error("down")
    written("text", file).error("down")
    assert "\x1b[31m" in terminal.getvalue()
    assert "\x1b" not in file.getvalue()


def test_levels_below_the_one_asked_for_are_silent() -> None:
    stream = io.StringIO()
    logger = written("text", stream, "warning")
    logger.info("hidden")
    logging.getLogger("somebody").info("hidden")
    logger.warning("shown")
    assert "hidden" not in stream.getvalue()
    assert "shown" in stream.getvalue()


def test_off_is_silent() -> None:
    stream = io.StringIO()
    written("text", stream, "off").critical("hidden")
    logging.getLogger("somebody").critical("hidden")
    assert stream.getvalue() == ""


def test_standard_library_loggers_take_the_same_way() -> None:
    stream = io.StringIO()
    log.setup("json", "info", stream)
    logging.getLogger("somebody").warning("%d of %d", 1, 2)
    logging.getLogger("uvicorn.access").info("GET /?api_key=abc")
    (line,) = map(json.loads, stream.getvalue().splitlines())
    assert (line["level"], line["message"]) == ("warning", "1 of 2")


def test_the_request_id_is_on_every_line_inside() -> None:
    stream = io.StringIO()
    logger = written("json", stream)
    with log.request_context("req-7"):
        logger.info("inside")
        logging.getLogger("somebody").warning("inside")
    logger.info("outside")
    ids = [json.loads(line).get("request_id") for line in stream.getvalue().splitlines()]
    assert ids == ["req-7", "req-7", None]


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer CANARY12345",
        "GET /v1/models?api_key=CANARY12345",
        'headers {"x-api-key": "sk-CANARY12345"}',
        "password=CANARY12345&user=a",
        "access_token: CANARY12345",
    ],
)
def test_credentials_are_masked(text: str) -> None:
    for style in ("json", "text"):
        stream = io.StringIO()
        written(style, stream).info(text, line=text)
        logging.getLogger("somebody").warning(text)
        assert stream.getvalue().count("***") >= 2
        assert "CANARY" not in stream.getvalue()


def test_nothing_in_a_line_can_begin_another() -> None:
    stream = io.StringIO()
    written("text", stream).info("first\n12:00:00 error forged", value="a\r\n\x1b[31mred\u2028b")
    assert len(stream.getvalue().splitlines()) == 1
    assert "\x1b" not in stream.getvalue()


def test_exceptions_are_written_with_their_trace() -> None:
    for style in ("json", "text"):
        stream = io.StringIO()
        logger = written(style, stream)
        try:
            int("why")
        except ValueError:
            logger.exception("it broke")
        assert "Traceback" in stream.getvalue()
        assert "ValueError: invalid literal" in stream.getvalue()


def test_what_an_exception_says_begins_no_line_and_paints_nothing() -> None:
    stream = io.StringIO()
    failure = ValueError("of a client:\n12:00:00 info     all is well\r\x1b[32m")
    written("text", stream).error("request_failed", exc_info=failure)
    first, *rest = stream.getvalue().splitlines()
    assert first.endswith("request_failed")
    assert all(line.startswith("  ") for line in rest)
    assert rest[-1] == r"  12:00:00 info     all is well\r\x1b[32m"


def test_a_full_disk_loses_lines_and_stops_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    written("text", FullDisk()).info("lost")
    assert capsys.readouterr().err == ""


def test_a_broken_format_is_reported_and_stops_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    log.setup("text", "info", io.StringIO())
    logging.getLogger("somebody").warning("%d", "no number")
    assert "Logging error" in capsys.readouterr().err


def test_who_does_not_read_holds_nobody_up_and_is_told_what_was_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "_MOST", 100)
    monkeypatch.setattr(log, "_LINGER", 0.01)
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as stream, os.fdopen(reader) as read:
        log.setup("json", "info", stream, apart=True)

        def flood() -> None:
            for number in range(5000):
                structlog.stdlib.get_logger("dovetail.test").info("x" * 100, number=number)

        flooding = threading.Thread(target=flood, daemon=True)
        flooding.start()
        flooding.join(20)
        assert not flooding.is_alive()
        logging.getLogger().handlers[0].flush()
        seen = lost = 0
        while seen + lost < 5000:
            logging.getLogger("dovetail.test").warning("again")
            line = json.loads(read.readline())
            seen += "number" in line
            lost += int(line["message"].split()[0]) if "were lost" in line["message"] else 0
        assert seen > 100
        assert lost > 1000
