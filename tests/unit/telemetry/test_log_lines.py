import asyncio
import io
import json
import logging
import threading

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from dovetail import log
from dovetail.telemetry.log_lines import LogLines, tapped

pytestmark = pytest.mark.anyio


def lines_of(*texts: str, most: int = 10_000, most_bytes: int = 1 << 20) -> LogLines:
    lines = LogLines(most, most_bytes, now=lambda: 0.0)
    for text in texts:
        lines.add(logging.INFO, "gateway", None, text)
    return lines


def test_a_reader_goes_on_from_its_number() -> None:
    lines = lines_of("a", "b", "c")
    batch = lines.after(0, 2)
    assert ([line.text for line in batch.lines], batch.missed) == (["a", "b"], 0)
    batch = lines.after(batch.lines[-1].number, 2)
    assert ([line.text for line in batch.lines], batch.missed) == (["c"], 0)
    assert lines.after(lines.last).lines == ()


def test_who_is_too_slow_is_told_how_much_is_gone() -> None:
    lines = lines_of(*"abcdefgh", most=3)
    batch = lines.after(2)
    assert ([line.text for line in batch.lines], batch.missed) == (["f", "g", "h"], 3)


def test_long_lines_are_bounded_too() -> None:
    lines = lines_of("x" * 60, "y" * 60, "z" * 500, most_bytes=100)
    assert [line.text[0] for line in lines.after(0).lines] == ["z"]  # the newest is there, whatever its length


@given(
    st.lists(st.integers(0, 30), max_size=60),
    st.integers(1, 20),
    st.integers(1, 200),
    st.integers(0, 60),
    st.integers(1, 10),
)
def test_whatever_is_kept_a_reader_has_every_line_or_knows_how_many_it_has_not(
    sizes: list[int], most: int, most_bytes: int, begin: int, step: int
) -> None:
    lines = lines_of(
        *(f"{number}:" + "x" * size for number, size in enumerate(sizes, 1)), most=most, most_bytes=most_bytes
    )
    at = min(begin, len(sizes))
    seen, missed = 0, 0
    while at < lines.last:
        batch = lines.after(at, step)
        missed += batch.missed
        for line in batch.lines:
            seen += 1
            assert line.text.startswith(f"{line.number}:")
        at = batch.lines[-1].number
    assert seen + missed == len(sizes) - min(begin, len(sizes))


def test_numbers_of_an_earlier_process_are_known_for_what_they_are() -> None:
    earlier, later = LogLines(now=lambda: 1000.0), LogLines(now=lambda: 1001.0)
    earlier.add(logging.INFO, "gateway", None, "a")
    later.add(logging.INFO, "gateway", None, "b")
    assert not later.knows(earlier.last)
    assert not earlier.knows(later.last)
    assert later.knows(later.last)
    assert later.after(0).missed == 0


async def test_readers_are_woken_by_lines_of_any_thread() -> None:
    lines = lines_of("a")
    await lines.more(0)
    waiting = [asyncio.ensure_future(lines.more(lines.last)) for _ in range(3)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    thread = threading.Thread(target=lines.add, args=(logging.INFO, "gateway", None, "b"))
    thread.start()
    async with asyncio.timeout(5):
        await asyncio.gather(*waiting)
    thread.join()


async def test_readers_that_leave_are_forgotten() -> None:
    lines = lines_of("a")
    for _ in range(3):
        waiting = asyncio.ensure_future(lines.more(lines.last))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
    assert lines._waiting == []


def test_lines_of_every_logger_are_masked_json_with_their_level_model_and_source() -> None:
    log.setup("text", "info", io.StringIO())
    with tapped() as lines:
        structlog.stdlib.get_logger("a").info("model ready", model="m", note="password=CANARY12345")
        structlog.stdlib.get_logger("a").warning("slow", model="m:mean", source="worker")
        structlog.stdlib.get_logger("a").debug("hidden")
        logging.getLogger("b").error("%d of %d", 1, 2)
    structlog.stdlib.get_logger("a").info("later")
    found = lines.after(0).lines
    assert [(line.level, line.source, line.model) for line in found] == [
        (logging.INFO, "gateway", "m"),
        (logging.WARNING, "worker", "m:mean"),
        (logging.ERROR, "gateway", None),
    ]
    said = [json.loads(line.text) for line in found]
    assert [line["message"] for line in said] == ["model ready", "slow", "1 of 2"]
    assert all(list(line)[:3] == ["timestamp", "level", "message"] for line in said)
    assert "CANARY" not in found[0].text


def test_what_cannot_be_written_down_stops_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    log.setup("text", "off", io.StringIO())
    log.set_level("info")
    with tapped() as lines:
        logging.getLogger("somebody").warning("%d", "no number")
        logging.getLogger("somebody").warning("next")
    assert [json.loads(line.text)["message"] for line in lines.after(0).lines] == ["next"]
    assert "Logging error" in capsys.readouterr().err
