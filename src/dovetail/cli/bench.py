"""`dovetail bench`."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from dovetail.cli.client import Server
from dovetail.cli.exits import Exit, Failure
from dovetail.cli.options import AsJson, Config, Home, ModelsDir, Url, configured, texts
from dovetail.cli.own_server import any_server
from dovetail.core.request import Json, JsonObject

_LOOK_EVERY = 0.5  # seconds
_FORMS = ("json", "csv", "md", "svg", "html")
_LARGEST_TEXT = 56_000  # bytes in a body, which has 64 KiB
_PATH = "/api/v1/benchmarks"
_ERASE_LINE = "\r\x1b[K"

Models = Annotated[list[str] | None, typer.Argument(metavar="MODEL...", help="Ids or aliases; the first is compared.")]


def bench(
    models: Models = None,
    *,
    prompt: Annotated[str, typer.Option(metavar="N,N", help="Tokens of prompts.")] = "512",
    gen: Annotated[str, typer.Option(metavar="N,N", help="Tokens of answers.")] = "128",
    streams: Annotated[str, typer.Option(metavar="N,N", help="Requests at once.")] = "1",
    repeat: Annotated[int, typer.Option(min=1, max=100, help="Times each is measured.")] = 3,
    warmup: Annotated[bool, typer.Option(help="One run of each first, which does not count.")] = True,
    quality: Annotated[bool, typer.Option(help="Perplexity, and how far from the reference.")] = True,
    text: Annotated[Path | None, typer.Option(metavar="FILE", help="A text to predict; else the package's.")] = None,
    reference: Annotated[str | None, typer.Option(metavar="MODEL", help="To compare with; else the first.")] = None,
    positions: Annotated[int, typer.Option(min=16, max=1 << 16, help="Tokens of the text that are scored.")] = 256,
    name: Annotated[str, typer.Option(metavar="TEXT", help="A title.")] = "",
    wait: Annotated[bool, typer.Option(help="While other requests run; else that is an error.")] = True,
    output: Annotated[Path | None, typer.Option("--output", "-o", help=f"A file: {', '.join(_FORMS)}.")] = None,
    baseline: Annotated[str | None, typer.Option(metavar="ID", help="An earlier benchmark, to compare with.")] = None,
    show: Annotated[str | None, typer.Option(metavar="ID", help="One that was kept, in place of a new one.")] = None,
    kept: Annotated[bool, typer.Option("--list", help="Those that were kept.")] = False,
    estimate: Annotated[bool, typer.Option("--estimate", help="Only say how long it would take.")] = False,
    as_json: AsJson = False,
    models_dir: ModelsDir = None,
    url: Url = None,
    home: Home = None,
    config: Config = None,
) -> None:
    """Measure how fast, how large and how true models are, on the running server or one of its own."""
    form = "json" if as_json else _form(output)
    scored = _scored(text, reference, positions) if quality else None
    with any_server(url, configured(home, config, {"catalog.folders": texts(models_dir)})) as server:
        if kept:
            typer.echo(_listed(server))
            return
        if show is None:
            how: JsonObject = {"repeat": repeat, "warmup": warmup, "name": name, "quality": scored}
            busy = "wait" if wait else "refuse"
            body: JsonObject = {**_sizes(models, prompt, gen, streams), **how, "when_busy": busy}
            if estimate:
                typer.echo(_estimated(server.post(f"{_PATH}/estimate", body)))
                return
            show = _measure(server, body)
        _tell(server, show, baseline, form, output)


def _measure(server: Server, body: JsonObject) -> str:
    """Starts it and watches it to its end; Ctrl-C cancels it. The id. Raises Failure for one that failed."""
    started = _inside(server.post(_PATH, body), "benchmark")
    wanted = str(started.get("id"))
    try:
        benchmark = _watched(server, wanted)
    except KeyboardInterrupt:
        server.post(f"{_PATH}/{wanted}/cancel", {})
        raise
    if benchmark.get("state") != "done":
        raise Failure(f"the benchmark {wanted} ended early: {benchmark.get('error') or benchmark.get('state')}")
    return wanted


def _watched(server: Server, wanted: str) -> JsonObject:
    shown = sys.stderr.isatty()
    while True:
        told = server.get(f"{_PATH}/{wanted}")
        progress = told.get("progress")
        if shown:
            line = _line(progress) if isinstance(progress, dict) else ""
            sys.stderr.write(f"{_ERASE_LINE}{line}")
            sys.stderr.flush()
        if not isinstance(progress, dict):
            return _inside(told, "benchmark")
        time.sleep(_LOOK_EVERY)


def _line(progress: JsonObject) -> str:
    """Where it is, in one line."""
    held_up, step, left = progress.get("held_up"), progress.get("step"), progress.get("left")
    if isinstance(held_up, str):
        return f"waiting: {held_up}"[:100]
    what = f"{step.get('model')}, {step.get('kind')}" if isinstance(step, dict) else ""
    rate = progress.get("rate")
    speed = f", {rate:.1f} tokens/s" if isinstance(rate, int | float) else ""
    more = f", about {left:.0f} s left" if isinstance(left, int | float) else ""
    return f"{progress.get('done')}/{progress.get('total')} {what}{speed}{more}"[:100]


def _tell(server: Server, wanted: str, baseline: str | None, form: str, output: Path | None) -> None:
    query = f"?format={form}" + (f"&baseline={quote(baseline)}" if baseline else "")
    report = server.text(f"{_PATH}/{quote(wanted)}/export{query}")
    if output is None:
        typer.echo(report, nl=not report.endswith("\n"))
        return
    try:
        output.write_text(report, "utf-8", newline="")
    except OSError as error:
        raise Failure(f"{output} cannot be written: {error.strerror}") from None
    typer.echo(f"{wanted} is in {output}")


def _listed(server: Server) -> str:
    found = server.get(_PATH).get("data")
    lines = [_summary(each) for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    return "\n".join(lines) or "no benchmark was kept yet"


def _summary(benchmark: JsonObject) -> str:
    plan, began = _inside(benchmark, "plan"), benchmark.get("began")
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(began)) if isinstance(began, int | float) else ""
    models = plan.get("models")
    named = ", ".join(str(model) for model in models) if isinstance(models, list) else ""
    return f"{benchmark.get('id')}  {when}  {benchmark.get('state')}  {plan.get('name') or named}"


def _estimated(found: JsonObject) -> str:
    seconds = found.get("seconds")
    about = f"about {seconds:.0f} s" if isinstance(seconds, int | float) else "unknown"
    ground = "by what was measured here before" if found.get("measured") else "a guess by the size of the files"
    return f"{about}, {found.get('steps')} steps ({ground})"


def _inside(told: JsonObject, name: str) -> JsonObject:
    found = told.get(name)
    return found if isinstance(found, dict) else {}


def _sizes(models: list[str] | None, prompt: str, gen: str, streams: str) -> JsonObject:
    if not models:
        raise Failure("name at least one model (dovetail list shows them)", Exit.USAGE)
    numbers = {"prompt": prompt, "gen": gen, "streams": streams}
    return {"models": [*models], **{name: _numbers(said, f"--{name}") for name, said in numbers.items()}}


def _scored(text: Path | None, reference: str | None, positions: int) -> JsonObject:
    return {"text": _text(text), "reference": reference, "positions": positions}


def _numbers(said: str, option: str) -> list[Json]:
    parts = [part.strip() for part in said.split(",")]
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise Failure(f"{option} takes numbers with commas between them, such as 512,4096", Exit.USAGE)
    return [int(part) for part in parts]


def _text(path: Path | None) -> str:
    """Of a long file the beginning."""
    if path is None:
        return ""
    try:
        text = path.read_text("utf-8", errors="replace")[:_LARGEST_TEXT]
    except OSError as error:
        raise Failure(f"{path} cannot be read: {error.strerror}", Exit.USAGE) from None
    while len(json.dumps(text)) > _LARGEST_TEXT:
        text = text[: len(text) * 9 // 10]
    return text


def _form(output: Path | None) -> str:
    """By the file's name."""
    form = output.suffix.removeprefix(".") if output is not None else "md"
    if form not in _FORMS:
        raise Failure(f"--output takes a name that ends in one of {', '.join(f'.{f}' for f in _FORMS)}", Exit.USAGE)
    return form
