"""Spans as a collector on this machine gets them."""

import asyncio
import io
import json
import threading
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from dovetail import log
from dovetail.core.caller import Caller
from dovetail.core.events import Finished, Timings, Usage
from dovetail.core.observe import RequestRecord
from dovetail.telemetry.traces import BATCH, Traces, TracesUnavailable, attributes_of, exporter, wanted

pytestmark = pytest.mark.anyio

TIMINGS = Timings(cache_n=4, prompt_n=6, prompt_ms=100, predicted_n=5, predicted_ms=250)
FINISHED = Finished("length", Usage(prompt=10, completion=5, cached=4), TIMINGS)
RECORD = RequestRecord(
    "chatcmpl-1", Caller("ana", "key_1"), "tiny-gguf", 7.0, 7.5, 9.0, (FINISHED,), None,
    endpoint="/v1/chat/completions", request_id="req-1", began=1000.0, streamed=True, queued=0.125, loading=0.25,
)  # fmt: skip


@dataclass
class Collector:
    url: str
    status: int = 200
    paths: list[str] = field(default_factory=list[str])
    spans: list[Span] = field(default_factory=list[Span])
    services: set[str] = field(default_factory=set[str])

    def take(self, path: str, body: bytes) -> None:
        self.paths.append(path)
        request = ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            self.services |= {a.value.string_value for a in resource.resource.attributes if a.key == "service.name"}
            for scope in resource.scope_spans:
                self.spans += scope.spans


@pytest.fixture
def collector() -> Generator[Collector]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            made.take(self.path, self.rfile.read(int(self.headers["content-length"])))
            self.send_response(made.status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            del format, args

    server = HTTPServer(("127.0.0.1", 0), Handler)
    made = Collector(f"http://127.0.0.1:{server.server_port}")
    serving = threading.Thread(target=server.serve_forever, args=(0.01,))
    serving.start()
    yield made
    server.shutdown()
    serving.join()
    server.server_close()


def plain(value: AnyValue) -> object:
    if value.HasField("array_value"):
        return [plain(one) for one in value.array_value.values]
    return getattr(value, str(value.WhichOneof("value")))


async def test_a_request_is_a_span_with_the_names_of_the_convention_and_without_its_texts(collector: Collector) -> None:
    traces = Traces(exporter(collector.url))
    traces.request_done(RECORD)
    await traces.aclose()
    (span,) = collector.spans
    assert (collector.paths, collector.services) == (["/v1/traces"], {"dovetail"})
    assert (span.name, span.kind) == ("chat tiny-gguf", Span.SPAN_KIND_SERVER)
    assert (span.start_time_unix_nano, span.end_time_unix_nano) == (1000 * 10**9, 1002 * 10**9)
    assert {attribute.key: plain(attribute.value) for attribute in span.attributes} == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "dovetail",
        "gen_ai.request.model": "tiny-gguf",
        "gen_ai.request.stream": True,
        "gen_ai.response.id": "chatcmpl-1",
        "gen_ai.response.model": "tiny-gguf",
        "gen_ai.response.finish_reasons": ["length"],
        "gen_ai.response.time_to_first_chunk": 0.5,
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.usage.cache_read.input_tokens": 4,
        "http.route": "/v1/chat/completions",
        "http.response.status_code": 200,
        "dovetail.request.id": "req-1",
        "dovetail.caller": "ana",
        "dovetail.queue.duration": 0.125,
        "dovetail.load.duration": 0.25,
        "dovetail.prefill.duration": 0.1,
        "dovetail.decode.duration": 0.25,
        "dovetail.prefill.speed": 60,
        "dovetail.decode.speed": 20,
    }
    assert [(event.name, event.time_unix_nano / 10**9) for event in span.events] == [
        ("model ready", 1000.25),
        ("slot taken", 1000.375),
        ("first output", 1000.5),
    ]


@pytest.mark.parametrize(
    ("endpoint", "kind", "operation"),
    [
        ("/v1/messages", "generation", "chat"),
        ("/api/chat", "generation", "chat"),
        ("/v1/completions", "generation", "text_completion"),
        ("/api/embed", "embedding", "embeddings"),
        ("/rerank", "ranking", "rerank"),
    ],
)
def test_what_was_done_is_named_whatever_the_dialect(endpoint: str, kind: str, operation: str) -> None:
    assert attributes_of(replace(RECORD, endpoint=endpoint, kind=kind))["gen_ai.operation.name"] == operation


async def test_it_belongs_to_the_trace_of_its_client_and_says_what_went_wrong(collector: Collector) -> None:
    traces = Traces(exporter(f"{collector.url}/v1/traces"))
    trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    failed = replace(RECORD, trace=f"00-{trace}-{parent}-01", choices=(), error="worker_crashed", status=503)
    traces.request_done(failed)
    traces.request_done(replace(failed, trace=f"00-{trace}-{parent}-00"))  # whose client does not sample it
    traces.request_done(replace(failed, trace="", error="invalid_request", status=400, kind="embedding", endpoint=""))
    await traces.aclose()
    span, other = collector.spans
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (trace, parent)
    assert span.status.code == Status.STATUS_CODE_ERROR
    assert "worker_crashed" in {plain(a.value) for a in span.attributes if a.key == "error.type"}
    assert (other.name, other.parent_span_id, other.status.code) == ("embeddings tiny-gguf", b"", 0)


async def test_a_collector_that_takes_nothing_costs_spans_and_one_line(collector: Collector) -> None:
    log.setup("json", "info", stream := io.StringIO())
    collector.status = 400
    traces = Traces(exporter(collector.url))
    for _ in range(2):
        traces.request_done(RECORD)
        await traces.send()
    assert traces.dropped == 2
    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == ["traces_not_sent"]


async def test_of_more_than_it_holds_some_are_dropped_and_counted() -> None:
    sent: list[int] = []

    def send(records: Sequence[RequestRecord]) -> bool:
        sent.append(len(records))
        return True

    traces = Traces(send, most_waiting=BATCH + 1)
    for _ in range(BATCH + 3):
        traces.request_done(RECORD)
    await traces.send()
    assert (traces.dropped, sent) == (2, [BATCH, 1])


async def test_whatever_goes_wrong_costs_spans_alone() -> None:
    log.setup("json", "info", stream := io.StringIO())

    def send(records: Sequence[RequestRecord]) -> bool:
        raise ValueError(len(records))

    traces = Traces(send)
    traces.request_done(RECORD)
    await traces.send()
    assert (traces.dropped, "traces_failed" in stream.getvalue()) == (1, True)


async def test_a_collector_that_hangs_holds_nobody_up() -> None:
    taken, free = threading.Event(), threading.Event()

    def send(records: Sequence[RequestRecord]) -> bool:
        del records
        taken.set()
        return free.wait(10)

    traces = Traces(send, most_waiting=2)
    traces.request_done(RECORD)
    sending = asyncio.ensure_future(traces.send())
    await asyncio.to_thread(taken.wait, 10)
    for _ in range(3):
        traces.request_done(RECORD)  # returns at once
    assert traces.dropped == 1
    free.set()
    await sending


@pytest.mark.parametrize(
    ("endpoint", "environment", "said"),
    [
        (None, {}, None),
        ("http://a", {}, "traces.endpoint"),
        (None, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a"}, "OTEL_EXPORTER_OTLP_ENDPOINT"),
        (None, {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://a"}, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
        (None, {"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, None),
    ],
)
def test_who_asks_for_traces_needs_the_extra(
    endpoint: str | None, environment: dict[str, str], said: str | None
) -> None:
    assert wanted(endpoint, environment) == said
    if said is not None:
        with pytest.raises(TracesUnavailable, match=rf"^{said} asks for traces.*pip install 'dovetail\[otel\]'"):
            wanted(endpoint, environment, installed=lambda: False)
    else:
        assert wanted(endpoint, environment, installed=lambda: False) is None
