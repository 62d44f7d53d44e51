"""Log lines: structlog and the standard library's loggers through one renderer, as text or as JSON, to one stream."""

from __future__ import annotations

import json
import logging
import os
import queue
import re
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Literal, TextIO, cast

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

Style = Literal["text", "json"]

# Bearer credentials and keys in the forms that headers, URLs and provider SDKs give them.
_SECRET = re.compile(
    r"(?i)\b(bearer\s+|basic\s+|(?:api[-_]?key|key|\w+[-_]token|password|secret)\s*[=:]\s*|sk-)[^\s\"',;&]{4,}"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_MOST = 10_000  # lines that wait to be written
_LINGER = 1.0  # seconds that the end of the process waits for them
_COLOURS = {"debug": "\x1b[2m", "info": "\x1b[32m", "warning": "\x1b[33m", "error": "\x1b[31m", "critical": "\x1b[31m"}


def setup(style: Style = "text", level: str = "info", stream: TextIO | None = None, *, apart: bool = False) -> None:
    """Sends every log line of this process to `stream` (default: stderr). Call it once, before anything is logged.

    `apart`: on a thread of its own, so that whoever reads a file or a pipe slowly holds nobody up.
    """
    target = sys.stderr if stream is None else stream
    handler = _Apart(target) if apart and _is_file(target) else _Handler(target)
    handler.setFormatter(formatter(render_json if style == "json" else TextRenderer(coloured=target.isatty())))
    root = logging.getLogger()
    root.handlers = [handler]
    set_level(level)
    # One line a request comes from telemetry; uvicorn's would repeat it with the query string.
    logging.getLogger("uvicorn.access").disabled = True
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def formatter(renderer: Processor) -> logging.Formatter:
    """What makes a line of any record, structlog's or not; once, however many handlers want it as JSON."""
    return (_Json if renderer is render_json else _Formatter)(renderer)


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        _stamp,
        structlog.processors.format_exc_info,
        mask,
    ]


def _stamp(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """When it was logged: a record of another's logger is written by each handler for itself."""
    record = cast("logging.LogRecord | None", event.get("_record"))
    event["timestamp"] = moment(time.time() if record is None else record.created)
    return event


def moment(when: float) -> str:
    """The `timestamp` of a line, for seconds since 1970."""
    return datetime.fromtimestamp(when, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def set_level(level: str) -> None:
    """The lowest level that is logged from now on."""
    root = logging.getLogger()
    root.setLevel(logging.CRITICAL + 1 if level == "off" else level.upper())
    # The last two tell of whole addresses, in which the hub's stores have keys.
    for chatty in ("asyncio", "uvicorn.error", "watchfiles", "httpx2", "httpcore2"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))


@contextmanager
def request_context(request_id: str) -> Generator[None]:
    """Every line logged inside, in this task and in tasks it starts, carries `request_id`."""
    with structlog.contextvars.bound_contextvars(request_id=request_id):
        yield


def mask(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Replaces what looks like a credential in any text of the line."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = _SECRET.sub(r"\1***", value)
    return event


def render_json(_logger: WrappedLogger, _name: str, event: EventDict) -> str:
    """One JSON object a line, `timestamp`, `level` and `message` first."""
    head = {"timestamp": event.pop("timestamp"), "level": event.pop("level"), "message": str(event.pop("event", ""))}
    whole = {**head, **event}
    try:
        return orjson.dumps(whole, default=str).decode()
    except TypeError:  # a number past 64 bits, half of a surrogate pair
        return json.dumps(whole, default=str, ensure_ascii=False)


class TextRenderer:
    """`12:30:01 info     message  key=value …`, one line whatever the values hold; behind it a trace, indented."""

    def __init__(self, *, coloured: bool) -> None:
        self._coloured = coloured

    def __call__(self, _logger: WrappedLogger, _name: str, event: EventDict) -> str:
        moment = datetime.fromisoformat(str(event.pop("timestamp"))).astimezone().strftime("%H:%M:%S")
        level = str(event.pop("level"))
        message = _one_line(str(event.pop("event", "")))
        trace = "".join(f"\n  {_one_line(each)}" for each in str(event.pop("exception", "")).split("\n") if each)
        pairs = "  ".join(f"{self._paint(key, 'debug')}={_value(value)}" for key, value in event.items())
        line = f"{self._paint(moment, 'debug')} {self._paint(f'{level:<8}', level)} {message}"
        line = f"{line}  {pairs}" if pairs else line
        return line + trace

    def _paint(self, text: str, level: str) -> str:
        return f"{_COLOURS.get(level, '')}{text}\x1b[0m" if self._coloured else text


class _Formatter(structlog.stdlib.ProcessorFormatter):
    def __init__(self, renderer: Processor) -> None:
        super().__init__(processors=[self.remove_processors_meta, renderer], foreign_pre_chain=_shared())
        self._renderer = renderer

    def format(self, record: logging.LogRecord) -> str:
        event: object = record.msg
        if isinstance(event, dict) and hasattr(record, "_logger"):  # structlog's: all that is left is to render it
            return str(self._renderer(None, "", cast("dict[str, object]", event).copy()))
        return super().format(record)


class _Json(_Formatter):
    def format(self, record: logging.LogRecord) -> str:
        made = cast("dict[str, str]", record.__dict__)
        if "dovetail_json" not in made:
            made["dovetail_json"] = super().format(record)
        return made["dovetail_json"]


class _Handler(logging.StreamHandler[TextIO]):
    """Writes to a stream; a full disk or a closed pipe loses lines and stops nothing."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        if not isinstance(sys.exception(), OSError):
            super().handleError(record)


class _Apart(_Handler):
    """Writes on a thread of its own; what comes while `_MOST` lines wait is lost, and a line says how many."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._file = stream.fileno()
        self._lines: queue.Queue[str] = queue.Queue(_MOST)
        self._lost = 0
        threading.Thread(target=self._write, name="log", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.format(record)
            if self._lost and not self._lines.full():
                lost, self._lost = self._lost, 0
                self._lines.put_nowait(self.format(_lost(lost)))
            self._lines.put_nowait(text)
        except queue.Full:
            self._lost += 1
        except Exception:  # noqa: BLE001  as every handler of logging does: what cannot be logged stops nothing
            self.handleError(record)

    def flush(self) -> None:
        """Waits for what is to be written, a moment at most: nobody may read it."""
        with self._lines.all_tasks_done:
            self._lines.all_tasks_done.wait_for(lambda: not self._lines.unfinished_tasks, _LINGER)

    def _write(self) -> None:
        while True:
            left = f"{self._lines.get()}\n".encode(self.stream.encoding or "utf-8", "replace")
            try:
                while left:  # not by the stream, whose lock a write that lasts would hold against the process' end
                    left = left[os.write(self._file, left) :]
            except OSError:  # a full disk or a closed pipe
                pass
            finally:
                self._lines.task_done()


def _lost(lines: int) -> logging.LogRecord:
    return logging.makeLogRecord(
        {
            "msg": f"{lines} log lines were lost: nobody read them",
            "levelno": logging.WARNING,
            "levelname": "WARNING",
            "name": "dovetail",
        }
    )


def _is_file(stream: TextIO) -> bool:
    try:
        return stream.fileno() >= 0
    except (OSError, ValueError):
        return False


def _value(value: object) -> str:
    text = _one_line(str(value))
    return json.dumps(text, ensure_ascii=False) if not text or " " in text or '"' in text or "=" in text else text


def _one_line(text: str) -> str:
    return (
        text
        if text.isprintable()
        else _CONTROL.sub(lambda found: found.group().encode("unicode_escape").decode(), text)
    )
