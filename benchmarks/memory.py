"""One memory budget over both engines: what was reckoned beside what is taken, and models no two of which fit."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psutil

from benchmarks.load import WORDS
from benchmarks.mlx_model import make_mlx
from benchmarks.models import make_gguf
from benchmarks.options import Options
from benchmarks.page import table
from benchmarks.server import Server, serve
from dovetail.core.model import LoadOptions
from dovetail.engines.base import Machine
from dovetail.fleet.budget import need
from dovetail.gateway.model_settings import catalog_of, engines_of
from dovetail.hardware.machine import machine
from dovetail.hardware.usage import usage
from dovetail.settings import CatalogSettings, Settings

MIB = 1 << 20
REQUESTS = 50
EVERY = 0.1  # seconds between two looks
_CONTEXT, _SLOTS, _CACHE = 2048, 2, 8 * MIB
_ENVIRONMENT = {
    "DOVETAIL_LOAD__CONTEXT": str(_CONTEXT),
    "DOVETAIL_LOAD__PARALLEL": str(_SLOTS),
    "DOVETAIL_LOAD__CACHE_RAM": str(_CACHE),
    "DOVETAIL_FLEET__CALIBRATE": "false",
    "DOVETAIL_FLEET__FIRST_TOKEN_TIMEOUT": "600",
}
_WITHIN = 900.0


@dataclass(frozen=True, slots=True)
class Taken:
    """One model: bytes that were reckoned, and the most its worker took once it was full."""

    model: str
    reckoned: int
    measured: int


def section(options: Options) -> str:
    """The text of "Memory"."""
    names = ("tiny-gguf", "tiny-gguf-q8", "tiny-mlx")
    if "q05" in options.names:
        make_mlx(options.models / "small")
        make_gguf("q05", options.models / "q05b.gguf", seed=1)
        names = ("tiny-gguf", "tiny-mlx", "q05", "q05b", "small")
    rows = [_taken(options, name) for name in names]
    lines = [
        f"{r.model} | {r.reckoned / MIB:.0f} | {r.measured / MIB:.0f} | {r.reckoned / r.measured:.2f}" for r in rows
    ]
    three = names[-3:]
    sizes = sorted(max(row.reckoned, row.measured) for row in rows if row.model in three)
    budget = max(sizes[-1] * 21 // 20, (sizes[-1] + sizes[0] + sizes[1]) // 2)  # of real sizes: no two fit
    failed, peak = _alternate(options, three, budget)
    return f"""\
What a model was reckoned to take ({_SLOTS} slots of {_CONTEXT} tokens, nothing measured before), beside the most its
worker took (PSS) when one slot and then all were filled; to reach: within 15 %.

{table("model | reckoned MiB | measured MiB | ratio", lines)}

{REQUESTS} requests in turn to {", ".join(three)}, no two of which fit into a budget of {budget / MIB:.0f} MiB:
{failed} failed; the workers took at most {peak / MIB:.0f} MiB together, {peak / budget:.1%} of it, looked at ten times
a second (to reach: 105 %).
"""


def _reckoned(options: Options, name: str) -> int:
    facts = machine()
    settings = Settings(catalog=CatalogSettings(folders=(options.models,)))
    model = catalog_of(settings).find(name)
    here = Machine(facts.processor.cores, bool(facts.gpus), arch=facts.arch)
    wanted = LoadOptions(context=_CONTEXT, parallel=_SLOTS, cache_ram=_CACHE if model.format == "mlx" else None)
    engine = engines_of(settings, facts.processor.simd)[model.format]
    return need(model, engine.resolve(model, wanted, here), here).ram


def _taken(options: Options, name: str) -> Taken:
    with serve(options.models, _ENVIRONMENT) as server, _watched(server) as seen:
        for streams in (1, _SLOTS):  # the first prompt goes on to the caches that MLX keeps beside its slots
            threads = [threading.Thread(target=_fill, args=(server.url, name, number)) for number in range(streams)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(_WITHIN)
    found = Taken(name, _reckoned(options, name), max(seen))
    options.say(f"  {found}")
    return found


def _fill(url: str, model: str, number: int) -> None:
    """Nearly all of a slot's context, another text for each."""
    word = WORDS[number]
    tokens = len(_post(url, "/tokenize", {"model": model, "content": f"{word} " * 100})["tokens"])
    _post(url, "/v1/completions", {"model": model, "prompt": f"{word} " * (95 * _CONTEXT // tokens), "max_tokens": 8})


def _alternate(options: Options, names: tuple[str, ...], budget: int) -> tuple[int, int]:
    """How many requests failed, and the most that all workers took together."""
    failed = 0
    environment = {**_ENVIRONMENT, "DOVETAIL_FLEET__MEMORY": str(budget)}
    with serve(options.models, environment) as server, _watched(server) as seen:
        for number in range(REQUESTS):
            body = {"model": names[number % len(names)], "prompt": "The capital of France is", "max_tokens": 8}
            try:
                _post(server.url, "/v1/completions", body)
            except OSError as error:
                options.say(f"  {body['model']}: {error}")
                failed += 1
    return failed, max(seen)


@contextmanager
def _watched(server: Server) -> Generator[list[int]]:
    """What all workers take together, looked at until the end."""
    seen, over = [0], threading.Event()

    def look() -> None:
        while not over.wait(EVERY):
            try:
                seen.append(sum(usage(child.pid).memory or 0 for child in server.process.children()))
            except psutil.NoSuchProcess:
                return

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield seen
    finally:
        over.set()
        looking.join()


def _post(url: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url + path, json.dumps(body).encode(), headers)  # noqa: S310  loopback http
    with urllib.request.urlopen(request, timeout=_WITHIN) as answer:  # noqa: S310  loopback http
        return json.load(answer)
