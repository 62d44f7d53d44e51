"""One OpenTelemetry span for each request, sent by OTLP over HTTP; with its figures and phases, without its texts.

Attributes are named by the semantic conventions for generative AI, our own begin with `dovetail.`.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

import structlog

from dovetail import __version__
from dovetail.core.observe import Observer, RequestRecord

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

log = structlog.stdlib.get_logger(__name__)

VARIABLES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_NEEDED = ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http")
SEND_EVERY = 2.0
SEND_WITHIN = 5.0  # seconds that one batch is tried
MOST_WAITING = 4096
BATCH = 512
NANO = 1_000_000_000

Attributes: TypeAlias = dict[str, str | bool | int | float | Sequence[str]]
Send: TypeAlias = Callable[[Sequence[RequestRecord]], bool]
_CHATS = ("/chat/completions", "/chat", "/messages", "/responses")  # how the routes of conversations end
KINDS = {"generation": "text_completion", "embedding": "embeddings", "ranking": "rerank"}


class TracesUnavailable(Exception):
    """Traces are wanted and cannot be sent; the message is one line that says how to go on."""


class Traces(Observer):
    """Sends what has ended every few seconds; `dropped` counts requests that found the queue full, or were not taken.

    `send` blocks, in a thread, and says whether the records were taken.
    """

    def __init__(self, send: Send, most_waiting: int = MOST_WAITING) -> None:
        self.dropped = 0
        self._send = send
        self._most_waiting = most_waiting
        self._waiting: deque[RequestRecord] = deque()
        self._complained = False

    def request_done(self, record: RequestRecord) -> None:
        if len(self._waiting) >= self._most_waiting:
            self.dropped += 1
        else:
            self._waiting.append(record)

    async def run(self) -> None:
        """Sends until cancelled."""
        while True:
            await asyncio.sleep(SEND_EVERY)
            await self.send()

    async def send(self) -> None:
        """Sends what has come until now, each batch once."""
        left = len(self._waiting)
        while left > 0:
            batch = tuple(islice(self._waiting, min(BATCH, left)))
            for _ in batch:
                self._waiting.popleft()
            left -= len(batch)
            if await asyncio.to_thread(self._taken, batch):
                self._complained = False
                continue
            self.dropped += len(batch)
            if not self._complained:
                self._complained = True
                log.warning("traces_not_sent", requests=len(batch))
            return

    def _taken(self, records: Sequence[RequestRecord]) -> bool:
        try:
            return self._send(records)
        except Exception:  # whatever is wrong with them or with the library, requests are to be served
            log.exception("traces_failed")
            return False

    async def aclose(self) -> None:
        """Sends what is left, within bounds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SEND_WITHIN):
                await self.send()


def _is_installed() -> bool:
    try:
        return all(find_spec(name) is not None for name in _NEEDED)
    except ModuleNotFoundError:
        return False


def wanted(
    endpoint: str | None, environment: Mapping[str, str], installed: Callable[[], bool] = _is_installed
) -> str | None:
    """What asks for traces: the setting, else a variable of OpenTelemetry's own; None where nothing does.

    Raises TracesUnavailable when the extra is not installed.
    """
    said = "traces.endpoint" if endpoint else next((name for name in VARIABLES if environment.get(name)), None)
    if said is not None and not installed():
        raise TracesUnavailable(
            f"{said} asks for traces, which need the extra otel: install it with: pip install 'dovetail[otel]', "
            f"or take {said} away"
        )
    return said


def exporter(endpoint: str | None) -> Send:
    """Sends to `endpoint`, or where OpenTelemetry's variables say, with the headers and the certificates they name."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import SpanExportResult

    for chatty in ("opentelemetry", "urllib3"):  # our own line says it, once
        logging.getLogger(chatty).setLevel(logging.CRITICAL)
    url = None if endpoint is None else f"{endpoint.rstrip('/').removesuffix('/v1/traces')}/v1/traces"
    sender = OTLPSpanExporter(url, timeout=SEND_WITHIN)
    spans = _spans()

    def send(records: Sequence[RequestRecord]) -> bool:
        return sender.export(spans(records)) is SpanExportResult.SUCCESS

    return send


def _spans() -> Callable[[Sequence[RequestRecord]], Sequence[ReadableSpan]]:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
    from opentelemetry.trace import SpanKind, Status, StatusCode
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    ended: list[ReadableSpan] = []

    class Gathered(SpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            ended.append(span)

    name = os.environ.get("OTEL_SERVICE_NAME") or "dovetail"
    told = Resource.create({"service.name": name, "service.version": __version__})
    provider = TracerProvider(resource=told, shutdown_on_exit=False)
    provider.add_span_processor(Gathered())
    tracer = provider.get_tracer("dovetail", __version__)
    parents = TraceContextTextMapPropagator()

    def made(records: Sequence[RequestRecord]) -> Sequence[ReadableSpan]:
        ended.clear()
        for record in records:
            attributes = attributes_of(record)
            span = tracer.start_span(
                f"{attributes['gen_ai.operation.name']} {record.model}",
                parents.extract({"traceparent": record.trace}) if record.trace else None,
                SpanKind.SERVER,
                attributes,
                start_time=int(record.began * NANO),
            )
            for name, after in phases(record):
                span.add_event(name, timestamp=int((record.began + after) * NANO))
            if record.status >= 500:
                span.set_status(Status(StatusCode.ERROR))
            span.end(int((record.began + record.duration) * NANO))
        return tuple(ended)

    return made


def attributes_of(record: RequestRecord) -> Attributes:
    """What is said of a request; nothing of what was written in it."""
    usage = record.usage
    found: Attributes = {
        "gen_ai.operation.name": "chat" if record.endpoint.endswith(_CHATS) else KINDS.get(record.kind, record.kind),
        "gen_ai.provider.name": "dovetail",
        "gen_ai.request.model": record.model,
        "gen_ai.response.id": record.id,
        "gen_ai.request.stream": record.streamed,
        "gen_ai.usage.input_tokens": usage.prompt,
        "gen_ai.usage.cache_read.input_tokens": usage.cached,
        "gen_ai.usage.output_tokens": usage.completion,
        "http.route": record.endpoint,
        "http.response.status_code": record.status,
        "dovetail.request.id": record.request_id,
        "dovetail.caller": record.caller.id,
        "dovetail.queue.duration": record.queued,
        "dovetail.load.duration": record.loading,
    }
    if record.choices:
        found["gen_ai.response.model"] = record.model
        found["gen_ai.response.finish_reasons"] = [choice.reason for choice in record.choices]
    if len(record.choices) > 1:
        found["gen_ai.request.choice.count"] = len(record.choices)
    if record.error is not None:
        found["error.type"] = record.error
    figures = {
        "gen_ai.response.time_to_first_chunk": record.ttft,
        "dovetail.prefill.duration": record.prefill,
        "dovetail.decode.duration": record.decode,
        "dovetail.prefill.speed": record.prompt_speed,
        "dovetail.decode.speed": record.speed,
    }
    return found | {name: value for name, value in figures.items() if value is not None}


def phases(record: RequestRecord) -> list[tuple[str, float]]:
    """What happened in it, and how many seconds behind its beginning."""
    found: list[tuple[str, float]] = []
    if record.loading:
        found.append(("model ready", record.loading))
    if record.queued:
        found.append(("slot taken", record.loading + record.queued))
    if record.ttft is not None:
        found.append(("first output", record.ttft))
    return found
