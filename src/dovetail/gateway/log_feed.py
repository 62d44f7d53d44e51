"""The log as the event hub tells it."""

from __future__ import annotations

import asyncio

import orjson

from dovetail.core.request import Json, JsonObject
from dovetail.telemetry.hub import Hub, Listening
from dovetail.telemetry.log_lines import Line, LogLines

GATHER = 0.1  # seconds that lines are gathered for one write to a client
BATCH = 1000
KEPT = 64  # batches, for who comes back in a moment


async def published(lines: LogLines, hub: Hub) -> None:
    """Tells the hub's topic `logs` of new lines, in batches, until cancelled."""

    async def last(wanted: Listening) -> Json:
        return _told(lines, wanted.marks.get("logs"))

    hub.offer("logs", last, kept=KEPT)
    at = lines.last
    while True:
        await lines.more(at)
        await asyncio.sleep(GATHER)
        batch = lines.after(at, BATCH)
        at = batch.lines[-1].number
        hub.publish("logs", "lines", {"lines": [_shown(line) for line in batch.lines], "dropped": batch.missed})


def _told(lines: LogLines, after: int | None) -> Json:
    """The last lines there are, of those behind `after`, and how many of these are not among them."""
    seen = after if after is not None and lines.knows(after) else None
    batch = lines.after(max(lines.last - BATCH, seen or 0))
    first = batch.lines[0].number if batch.lines else lines.last + 1
    return {"lines": [_shown(line) for line in batch.lines], "dropped": 0 if seen is None else first - seen - 1}


def _shown(line: Line) -> JsonObject:
    try:
        said: JsonObject = orjson.loads(line.text)
    except orjson.JSONDecodeError:  # a number that JSON has no word for
        said = {"message": line.text}
    return {"number": line.number, "source": line.source, **said}
