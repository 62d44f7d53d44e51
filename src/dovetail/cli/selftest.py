"""`dovetail selftest`: whether a server answers, with a log and a count of what passed and failed."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from dovetail.cli.client import Server, find_server, server_at
from dovetail.cli.exits import Exit, Failure
from dovetail.cli.list import fetch
from dovetail.cli.options import Config, Home, ModelsDir, NoDemo, Url, configured
from dovetail.core.request import JsonObject

PROMPT = "안녕, 대한민국의 수도는 어디지?"
TRIES, PAUSE = 3, 1.0  # looks at the server's health, seconds between two
START_WITHIN, ANSWER_WITHIN, STOP_WITHIN = 30.0, 60.0, 40.0
GONE_WITHIN = 5.0  # seconds that a server which died may still seem to be there
_MAX_TOKENS = 64


def selftest(
    *,
    model: Annotated[
        list[str] | None, typer.Option("--model", "-m", help="Ask this one; else one of each format. Repeatable.")
    ] = None,
    url: Url = None,
    home: Home = None,
    models_dir: ModelsDir = None,
    config: Config = None,
    no_demo: NoDemo = False,
) -> None:
    """Test the running server, or one that is started for it: health, figures, an answer of a model of each format."""
    folder = configured(home, config).home
    flags = ["--home", str(folder), *(["--no-demo"] if no_demo else [])]
    flags += [word for path in models_dir or () for word in ("--models-dir", str(path))]
    flags += ["--config", str(config)] if config is not None else []
    with _trial(Trial(folder, url, flags)) as trial:
        trial.check("health", lambda server: str(trial.health(server)))
        trial.check("metrics", lambda server: ", ".join(sorted(server.get("/metrics?format=json"))[:8]))
        for name in model or trial.models():
            trial.check(f"inference {name}", lambda server, name=name: _asked(server, name))
    typer.echo(f"passed: {trial.passed}, failed: {trial.failed}")
    if trial.failed:
        raise typer.Exit(Exit.FAILED)


@dataclass
class Trial:
    """The tests so far, and the server they are made with: one that runs, else one of its own."""

    home: Path
    url: str | None
    flags: Sequence[str] = ()
    pause: Callable[[float], None] = time.sleep
    passed: int = 0
    failed: int = 0
    child: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def check(self, name: str, test: Callable[[Server], str]) -> None:
        """Makes one test, once more where the server was lost in it; the log has a line of what came of it."""
        began = time.monotonic()
        try:
            told = self._made(test)
        except Failure as failure:
            self.failed += 1
            self._log(f"FAIL {name}: {failure}")
            return
        self.passed += 1
        self._log(f"pass {name} ({time.monotonic() - began:.1f} s): {told}")

    def health(self, server: Server) -> str:
        """The server's word, asked for `TRIES` times. Raises Failure."""
        for left in reversed(range(TRIES)):
            try:
                return str(server.get("/health").get("status"))
            except Failure as failure:
                if not left:
                    raise
                self._log(f"no health yet: {failure}")
                self.pause(PAUSE)
        raise AssertionError

    def models(self) -> list[str]:
        """The first sound model of each format."""
        try:
            found = fetch(self.server())
        except Failure as failure:
            self.failed += 1
            self._log(f"FAIL models: {failure}")
            return []
        first: dict[str, str] = {}
        for one in found:
            match one:
                case {"id": str(name), "format": str(kind), "state": state} if state != "failed":
                    first.setdefault(kind, name)
                case _:
                    continue
        return [*first.values()]

    def server(self) -> Server:
        """One that runs, or is started. Raises Failure."""
        found = find_server(self.url, self.home, START_WITHIN)
        if found is None:
            self._log("no server runs: starting one")
            argv = [sys.executable, "-m", "dovetail", "serve", "--port", "0", *self.flags]
            quiet = subprocess.DEVNULL
            self.child = subprocess.Popen(argv, stdin=quiet, stdout=quiet, stderr=quiet)
            found = self._started(self.child)
        return server_at(found, self.url, self.home)

    def close(self) -> None:
        """Ends the server that was started for this."""
        if self.child is None or self.child.poll() is not None:
            return
        self.child.terminate()
        try:
            self.child.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            self.child.kill()

    def _made(self, test: Callable[[Server], str]) -> str:
        try:
            return test(self.server())
        except Failure as failure:
            if self.url is not None or not self._lost():
                raise
            self._log(f"the server was lost: {failure}")
            return test(self.server())

    def _lost(self) -> bool:
        """Whether no server holds the home folder any more; one that dies does so for a moment."""
        deadline = time.monotonic() + GONE_WITHIN
        while time.monotonic() < deadline:
            if self.child is not None:
                self.child.poll()
            found = find_server(None, self.home, START_WITHIN)
            if found is None:
                return True
            try:
                server_at(found, None, self.home).get("/health")
            except Failure:
                self.pause(0.1)
            else:
                return False
        return False

    def _started(self, child: subprocess.Popen[bytes]) -> str:
        deadline = time.monotonic() + START_WITHIN
        while time.monotonic() < deadline and child.poll() is None:
            if (found := find_server(None, self.home, START_WITHIN)) is not None:
                return found
            self.pause(0.1)
        raise Failure(f"no server within {START_WITHIN:g} s: dovetail serve says why", Exit.UNAVAILABLE)

    def _log(self, line: str) -> None:
        typer.echo(f"{time.strftime('%H:%M:%S')} {line}")
        sys.stdout.flush()


@contextmanager
def _trial(trial: Trial) -> Generator[Trial]:
    try:
        yield trial
    finally:
        trial.close()


def _asked(server: Server, model: str) -> str:
    """The answer's text and speed. Raises Failure for none within `ANSWER_WITHIN`."""
    asked: JsonObject = {"role": "user", "content": PROMPT}
    body: JsonObject = {"model": model, "messages": [asked], "max_tokens": _MAX_TOKENS}
    answer = server.post("/v1/chat/completions", body, ANSWER_WITHIN)
    match answer:
        case {
            "choices": [{"finish_reason": "stop" | "length", "message": {"content": text}}],
            "usage": {"completion_tokens": int(tokens)},
        } if tokens > 0:
            return f"{tokens} tokens: {text!r}"
        case _:
            raise Failure(f"{model} gave no answer")
