"""What a prompt cache on disk is worth: a long prefix asked about again after an unload, and after a restart."""

from __future__ import annotations

import json
import random
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.load import WORDS
from benchmarks.mlx_model import make_mlx
from benchmarks.options import Options
from benchmarks.page import table
from benchmarks.server import serve
from benchmarks.stats import Ratio, paired_ratio

PREFIX = 3000  # tokens
ROUNDS = 3
AFTER = ("an unload and a load", "a restart")
_ENVIRONMENT = {"DOVETAIL_LOAD__CONTEXT": "4096", "DOVETAIL_FLEET__FIRST_TOKEN_TIMEOUT": "600"}
_WITHIN = 600.0


@dataclass(frozen=True, slots=True)
class First:
    """One answer: seconds from the request to its first token, prompt tokens and those not computed again."""

    seconds: float
    prompt: int
    cached: int


@dataclass(frozen=True, slots=True)
class Reuse:
    """One model after an unload or a restart, over all rounds. `kept` is the least share of the prompt reused."""

    model: str
    after: str
    prompt: int
    kept: float
    cold: float
    warm: float
    ratio: Ratio


def section(options: Options) -> str:
    """The text of "Prompt caches on disk"."""
    names = tuple(name for name in options.names if not name.startswith("tiny"))
    if names:
        make_mlx(options.models / "small")
    rows = [row for name in ((*names, "small") if names else options.names) for row in reuse(options, name)]
    lines = [
        f"{r.model} | {r.prompt} | {r.after} | {r.kept:.1%} | {r.cold:.2f} | {r.warm:.3f} | {r.ratio}" for r in rows
    ]
    head = "model | prompt tokens | after | reused, at least | cold s | s | of cold (95 %)"
    return f"""\
Time to first token of a prompt of {PREFIX} tokens and a question, cold, and of the same prompt with another question
after an unload or a restart, each from the moment the model is ready; {ROUNDS} rounds, each in a home folder of its own
(to reach: 90 % of the prompt reused, 25 % of the cold time). small is a 27 M float32 MLX model with random weights.

{table(head, lines)}
"""


def reuse(options: Options, model: str) -> Iterator[Reuse]:
    """Measures `model` over all rounds, cold and warm in one round."""
    found: list[tuple[First, ...]] = []
    for number in range(ROUNDS):
        found.append(_round(options.models, model, number))
        options.say(f"  {model} {found[-1]}")
    cold = [firsts[0] for firsts in found]
    for index, after in enumerate(AFTER, 1):
        warm = [firsts[index] for firsts in found]
        yield Reuse(
            model,
            after,
            statistics.median_low([first.prompt for first in cold]),
            min(first.cached / first.prompt for first in warm),
            statistics.median([first.seconds for first in cold]),
            statistics.median([first.seconds for first in warm]),
            paired_ratio([first.seconds for first in warm], [first.seconds for first in cold]),
        )


def _round(models: Path, model: str, number: int) -> tuple[First, ...]:
    with tempfile.TemporaryDirectory(prefix="dt") as home:
        with serve(models, _ENVIRONMENT, Path(home)) as server:
            text = _prefix(server.url, model, number)
            _post(server.url, "/models/load", {"model": model})
            cold = _ask(server.url, model, f"{text} Why?")
            _post(server.url, "/models/unload", {"model": model})
            _post(server.url, "/models/load", {"model": model})
            reloaded = _ask(server.url, model, f"{text} Where?")
        with serve(models, _ENVIRONMENT, Path(home)) as server:
            _post(server.url, "/models/load", {"model": model})
            return cold, reloaded, _ask(server.url, model, f"{text} When?")


def _prefix(url: str, model: str, number: int) -> str:
    """Random text of about PREFIX tokens, another one in each round."""
    rng = random.Random(number)
    words = [rng.choice(WORDS) for _ in range(PREFIX)]
    tokens = len(_post(url, "/tokenize", {"model": model, "content": " ".join(words)})["tokens"])
    return " ".join(words[: PREFIX * PREFIX // tokens + 1])


def _ask(url: str, model: str, text: str) -> First:
    body = {
        "model": model,
        "messages": [{"role": "user", "content": text}],
        "max_tokens": 1,  # with random weights a token may show nothing: its frame is what is waited for
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    started, first, usage = time.perf_counter(), 0.0, {}
    with urllib.request.urlopen(_request(url, "/v1/chat/completions", body), timeout=_WITHIN) as answer:  # noqa: S310  loopback
        for line in answer:
            if line.startswith(b"data: {"):
                frame = json.loads(line[6:])
                if not first and frame["choices"] and frame["choices"][0]["finish_reason"]:
                    first = time.perf_counter() - started
                usage = frame.get("usage") or usage
    return First(first, usage["prompt_tokens"], usage["prompt_tokens_details"]["cached_tokens"])


def _post(url: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    with urllib.request.urlopen(_request(url, path, body), timeout=_WITHIN) as answer:  # noqa: S310  loopback http
        return json.load(answer)


def _request(url: str, path: str, body: Mapping[str, Any]) -> urllib.request.Request:
    headers = {"Content-Type": "application/json"}
    return urllib.request.Request(url + path, json.dumps(body).encode(), headers)  # noqa: S310  loopback http
