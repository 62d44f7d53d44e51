"""A server with scripted answers, for commands that talk to one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import cast

from dovetail.core.request import Json, JsonObject


@dataclass(frozen=True, slots=True)
class Reply:
    """Status and body; a stream is a body of frames."""

    body: bytes
    status: int = 200
    cut: bool = False


def frames(*values: JsonObject | str) -> bytes:
    lines = [f": {v}\n\n" if isinstance(v, str) else f"data: {json.dumps(v)}\n\n" for v in values]
    return "".join(lines).encode()


def delta(**fields: Json) -> JsonObject:
    return {"choices": [{"index": 0, "delta": fields}]}


@dataclass(slots=True)
class ScriptedServer:
    """Answers each `METHOD path` with its replies in turn, the last one for ever."""

    url: str
    replies: dict[str, list[Reply]] = field(default_factory=dict[str, list[Reply]])
    bodies: list[JsonObject] = field(default_factory=list[JsonObject])

    def on(self, call: str, body: bytes | Json, status: int = 200, *, cut: bool = False) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.replies.setdefault(call, []).append(Reply(raw, status, cut))

    def says(self, *texts: str) -> None:
        """One streamed answer."""
        said = [delta(content=text) for text in texts]
        end: list[JsonObject] = [
            {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
            {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": len(texts)}},
        ]
        self.on("POST /v1/chat/completions", frames("loading tiny 50%", *said, *end) + b"data: [DONE]\n\n")

    def next(self, call: str) -> Reply:
        replies = self.replies.get(call, [Reply(b'{"error": {"message": "no such route"}}', 404)])
        return replies.pop(0) if len(replies) > 1 else replies[0]


def handler(scripted: Callable[[], ScriptedServer]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            scripted().bodies.append(cast("JsonObject", json.loads(self.rfile.read(length))))
            self._answer()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

        def _answer(self) -> None:
            reply = scripted().next(f"{self.command} {self.path}")
            self.send_response(reply.status)
            if not reply.cut:
                self.send_header("Content-Length", str(len(reply.body)))
            else:
                self.send_header("Content-Length", str(len(reply.body) + 100))
            self.end_headers()
            self.wfile.write(reply.body)

    return Handler
