"""Spans of the real command at a collector on this machine, and its refusal to start without what they take."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from dovetail import demo

pytest.importorskip("xllamacpp")
WITHIN = 60.0
SERVE = ("serve", "--port", "0", "--no-demo", "--models-dir", str(demo.models_dir()))


def dovetail(home: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "dovetail", *words, "--home", str(home)]


@pytest.fixture
def collector() -> Generator[tuple[str, list[bytes]]]:
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            del format, args

    server = HTTPServer(("127.0.0.1", 0), Handler)
    serving = threading.Thread(target=server.serve_forever, args=(0.01,))
    serving.start()
    yield f"http://127.0.0.1:{server.server_port}", bodies
    server.shutdown()
    serving.join()
    server.server_close()


def test_a_request_is_a_span_when_the_server_has_stopped_and_none_of_its_text(
    tmp_path: Path, collector: tuple[str, list[bytes]]
) -> None:
    url, bodies = collector
    environment = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_SERVICE_NAME": "my-server"}
    argv = dovetail(tmp_path, *SERVE)
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            chat = dovetail(tmp_path, "chat", "-m", "tiny-gguf", "--max-tokens", "4", "CANARY of France")
            subprocess.run(chat, check=True, capture_output=True, timeout=WITHIN)
            process.send_signal(signal.SIGTERM)
            _, err = process.communicate(timeout=WITHIN)
        finally:
            process.kill()
    assert process.returncode == 0
    assert b"traces_not_sent" not in err
    (request,) = [ExportTraceServiceRequest.FromString(body) for body in bodies]
    (resource,) = request.resource_spans
    assert "my-server" in {a.value.string_value for a in resource.resource.attributes if a.key == "service.name"}
    (span,) = resource.scope_spans[0].spans
    assert span.name == "chat tiny-gguf"
    assert [event.name for event in span.events] == ["model ready", "first output"]
    assert b"CANARY" not in b"".join(bodies)


def test_without_the_extra_it_does_not_start_and_says_what_to_install(tmp_path: Path) -> None:
    hidden = "import sys\nsys.modules['opentelemetry.sdk'] = None\n"  # as if it were not installed
    (tmp_path / "sitecustomize.py").write_text(hidden)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "DOVETAIL_TRACES__ENDPOINT": "http://127.0.0.1:1"}
    done = subprocess.run(
        dovetail(tmp_path / "home", *SERVE),
        env=environment,
        capture_output=True,
        text=True,
        timeout=WITHIN,
        check=False,
    )
    assert done.returncode == 78
    assert done.stderr == (
        "dovetail: traces.endpoint asks for traces, which need the extra otel: "
        "install it with: pip install 'dovetail[otel]', or take traces.endpoint away\n"
    )
