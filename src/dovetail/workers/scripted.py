"""A worker without an engine, for tests and benchmarks: it speaks the workers' protocol and behaves as it is told.

`python -m dovetail.workers.scripted --model SCRIPT.json --socket PATH`; the file holds the fields of `Script`.
Started with llama-server's `--host PATH` it stands in for that binary: it does not watch its stdin either.
Frames are built once and written by one clock for all streams: 64 streams of 500 tokens/s fit well into one core.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

from dovetail.workers.lifeline import watch_stdin

Behaviour: TypeAlias = Literal[
    "well",
    "dies_on_load",
    "hangs_on_load",
    "dies_mid_stream",
    "dies_on_second",
    "dies_slowly",
    "freezes_mid_stream",
    "wedged",
    "grows",
    "hangs_mid_stream",
    "closes_mid_stream",
    "ignores_sigterm",
    "floods_stderr",
    "leaves_a_child",
    "junk_frames",
    "error_frame",
    "wrong_status",
]

Headers: TypeAlias = dict[str, str]
_REASONS = {200: "OK", 404: "Not Found", 500: "Internal Server Error", 503: "Service Unavailable"}


@dataclass(frozen=True, slots=True)
class Script:
    """What the worker does. Milliseconds; `after` counts the tokens before a behaviour shows in a stream.

    story  each token is a word that depends on its place and on the request's seed, alone: the same request says the
           same again, and of another one it is known what it must say (`word`)
    once   a file: where it exists the worker does well, else it makes it when it misbehaves
    hold   a file: while it exists, streams wait before token `after`
    document  a text whose pieces of four characters are the tokens of every chat, as many as it has
    """

    behaviour: Behaviour = "well"
    tokens: int = 64
    interval_ms: float = 2.0
    prefill_ms: float = 0.0
    load_ms: float = 0.0
    after: int = 5
    slots: int = 64
    context: int = 4096
    text: str = "tok "
    story: bool = False
    once: str = ""
    hold: str = ""
    document: str = ""


def word(seed: int, place: int) -> str:
    """The word of a story at a place."""
    return f"{zlib.crc32(b'%d %d' % (seed, place)) % 9973} "


class Frames:
    """The bytes of an answer, in HTTP chunks and of the size llama-server's have (about 230 bytes)."""

    def __init__(self, script: Script) -> None:
        self.prefill = _chunk({**_chat({}), "prompt_progress": {"total": 8, "cache": 0, "processed": 8, "time_ms": 1}})
        self.chat_token = _chunk(_chat({"content": script.text}))
        pieces = (script.document[at : at + 4] for at in range(0, len(script.document), 4))
        self.document = tuple(_chunk(_chat({"content": piece})) for piece in pieces)
        self.text_token = _chunk({"index": 0, "content": script.text, "stop": False, "model": "x" * 150})
        self.junk = _framed(b"data: {not json \xff\x00}\n\n")
        self.error = _chunk({"error": {"code": 500, "message": "the script says so", "type": "server_error"}})

    def last(self, chat: bool, tokens: int) -> bytes:
        timings = {"cache_n": 0, "prompt_n": 8, "prompt_ms": 1.0, "predicted_n": tokens, "predicted_ms": 1.0}
        if not chat:
            end = {"content": "", "stop": True, "stop_type": "limit", "tokens_predicted": tokens, "tokens_evaluated": 8}
            return _chunk({**end, "timings": timings}) + b"0\r\n\r\n"
        usage = {"prompt_tokens": 8, "completion_tokens": tokens}
        tail: dict[str, object] = {**_chat({}), "choices": [], "usage": usage, "timings": timings}
        return _chunk(_chat({}, "length")) + _chunk(tail) + _framed(b"data: [DONE]\n\n") + b"0\r\n\r\n"


class Metronome:
    """One clock for every stream: at each beat each of them writes one frame."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self.streams: set[Connection] = set()
        self._next = 0.0
        self._ticking = False

    def join(self, stream: Connection) -> None:
        self.streams.add(stream)
        if not self._ticking:
            self._ticking = True
            self._next = time.monotonic()
            self._beat()

    def _beat(self) -> None:
        for stream in tuple(self.streams):
            stream.step()
        self._ticking = bool(self.streams)
        if self._ticking:
            now = time.monotonic()
            self._next = max(now, self._next + self._interval)
            asyncio.get_running_loop().call_later(self._next - now, self._beat)


@dataclass(slots=True)
class Worker:
    """What the connections share."""

    script: Script
    frames: Frames
    metronome: Metronome
    ready_at: float
    asked: int = 0
    stuck: bool = False
    weight: bytearray = field(default_factory=bytearray)


class Connection(asyncio.Protocol):
    """One HTTP/1.1 connection with one request at a time, enough of HTTP for the gateway's client and for curl."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._paused = False
        self._chat = True
        self._tokens = self._sent = self._seed = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._worker.metronome.streams.discard(self)
        self._transport = None

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        first, *rest = head.decode("latin-1").split("\r\n")
        lengths = [line.split(":", 1)[1] for line in rest if line.lower().startswith("content-length:")]
        if len(body) < (int(lengths[0]) if lengths else 0):
            return
        self._received = b""
        self._answer(first.split(" ")[1], json.loads(body) if body else {})

    def step(self) -> None:
        """Writes one frame: called at every beat of the metronome while this connection streams."""
        if self._paused or self._transport is None:
            return
        script = self._worker.script
        if script.hold and self._sent == script.after and Path(script.hold).exists():
            return
        if self._worker.stuck or (self._sent == script.after and self._misbehave()):
            self._worker.metronome.streams.discard(self)
            return
        if self._sent == self._tokens:
            self._worker.metronome.streams.discard(self)
            self._transport.write(self._worker.frames.last(self._chat, self._sent))
            self._transport.close()  # as llama-server does after a stream
            return
        frames = self._worker.frames
        if frames.document and self._chat:
            self._transport.write(frames.document[self._sent])
        elif script.story:
            content = word(self._seed, self._sent)
            self._transport.write(_chunk(_chat({"content": content}) if self._chat else {"content": content}))
        else:
            self._transport.write(frames.chat_token if self._chat else frames.text_token)
        self._sent += 1

    def _misbehave(self) -> bool:
        assert self._transport is not None  # noqa: S101  step has looked
        script = self._worker.script
        if script.once:
            if Path(script.once).exists():
                return False
            Path(script.once).touch()
        match script.behaviour:
            case "dies_mid_stream":
                os.kill(os.getpid(), signal.SIGKILL)
            case "freezes_mid_stream":
                os.kill(os.getpid(), signal.SIGSTOP)
            case "hangs_mid_stream":
                pass
            case "wedged":
                self._worker.stuck = True
            case "closes_mid_stream":
                self._transport.write(b"0\r\n\r\n")
                self._transport.close()
            case "junk_frames":
                self._transport.write(self._worker.frames.junk)
            case "error_frame":
                self._transport.write(self._worker.frames.error)
            case _:
                return False
        return True

    def _answer(self, path: str, body: Any) -> None:
        script = self._worker.script
        match path:
            case "/health" if time.monotonic() < self._worker.ready_at:
                self._reply(503, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}})
            case "/health":
                self._reply(200, {"status": "ok"})
            case "/props":
                self._reply(
                    200, {"default_generation_settings": {"n_ctx": script.context}, "total_slots": script.slots}
                )
            case "/slots":
                self._reply(200, [{"id": 0, "is_processing": bool(self._worker.metronome.streams)}])
            case "/tokenize":
                self._reply(200, {"tokens": list(cast("str", body.get("content", "")).encode())})
            case "/v1/chat/completions" | "/completion" if script.behaviour == "wrong_status":
                self._reply(500, {"error": {"code": 500, "message": "the script says so", "type": "server_error"}})
            case "/v1/chat/completions" | "/completion":
                limit = body.get("max_tokens", body.get("n_predict", -1))
                most = len(self._worker.frames.document) or script.tokens
                tokens = most if limit < 0 else min(limit, most)
                self._stream(path != "/completion", tokens, body.get("seed", 0))
            case _:
                self._reply(404, {"error": {"code": 404, "message": "File Not Found", "type": "not_found_error"}})

    def _stream(self, chat: bool, tokens: int, seed: int) -> None:
        assert self._transport is not None  # noqa: S101  a request came over it
        self._chat, self._tokens, self._sent, self._seed = chat, tokens, 0, seed
        self._worker.asked += 1
        if self._worker.script.behaviour == "dies_on_second" and self._worker.asked == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        if self._worker.script.behaviour == "grows":
            self._worker.weight += b"x" * (32 << 20)
        head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        self._transport.write(head.encode())
        if chat:
            self._transport.write(self._worker.frames.prefill)
        delay = self._worker.script.prefill_ms / 1000
        asyncio.get_running_loop().call_later(delay, self._worker.metronome.join, self)

    def _reply(self, status: int, answer: object) -> None:
        assert self._transport is not None  # noqa: S101  a request came over it
        body = json.dumps(answer).encode()
        head = f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: application/json\r\n"
        self._transport.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)


def main(argv: Sequence[str] | None = None) -> int:
    """Loads the script and follows it."""
    parser = argparse.ArgumentParser(prog="dovetail.workers.scripted", allow_abbrev=False)
    parser.add_argument("--model", type=Path, required=True)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--socket", type=Path)
    where.add_argument("--host", type=Path)
    args, _ = parser.parse_known_args(argv)
    socket: Path = args.socket or args.host
    script = Script(**json.loads(args.model.read_text()))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if script.behaviour == "ignores_sigterm":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if args.socket is not None:
        watch_stdin(args.socket)
    if script.behaviour == "dies_on_load":
        sys.stderr.write("0.00.001.000 E script: the script says that this model cannot be loaded\n")
        return 1
    if script.behaviour == "hangs_on_load":
        time.sleep(3600)
    if script.behaviour == "leaves_a_child":
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
    socket.unlink(missing_ok=True)
    os.umask(0o177)
    _runner()(_serve(script, socket))
    socket.unlink(missing_ok=True)
    return 0


async def _serve(script: Script, path: Path) -> None:
    loop = asyncio.get_running_loop()
    ready_at = time.monotonic() + script.load_ms / 1000
    worker = Worker(script, Frames(script), Metronome(script.interval_ms / 1000), ready_at)
    server = await loop.create_unix_server(partial(Connection, worker), str(path), backlog=1024)
    leave = asyncio.Event()
    if script.behaviour != "ignores_sigterm":
        delay = 1.0 if script.behaviour == "dies_slowly" else 0.0
        loop.add_signal_handler(signal.SIGTERM, loop.call_later, delay, leave.set)
    if script.behaviour == "floods_stderr":
        await asyncio.to_thread(_flood)
    await leave.wait()
    server.close()


def _flood() -> None:
    while True:
        os.write(2, b"a line that nobody needs, again and again\n" * 100)


def _runner() -> Any:
    try:
        import uvloop
    except ImportError:
        return asyncio.run
    return uvloop.run


def _chat(delta: dict[str, str], finish: str | None = None) -> dict[str, object]:
    return {
        "choices": [{"finish_reason": finish, "index": 0, "delta": delta}],
        "created": 1_700_000_000,
        "id": "chatcmpl-0123456789abcdefghijklmnopqrstuv",
        "model": "scripted",
        "system_fingerprint": "b0-unknown",
        "object": "chat.completion.chunk",
    }


def _chunk(frame: object) -> bytes:
    return _framed(b"data: " + json.dumps(frame).encode() + b"\n\n")


def _framed(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


if __name__ == "__main__":
    sys.exit(main())
