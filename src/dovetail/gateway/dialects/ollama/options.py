"""What Ollama's requests have in common: names, `options`, `format`, `think`, `keep_alive`, messages."""

from __future__ import annotations

import math
import re
from typing import Annotated, Literal, cast

from pydantic import Field

from dovetail.core.errors import InvalidRequest
from dovetail.core.ollama_fields import CHAT, OPTIONS
from dovetail.core.request import Effort, ImagePart, JsonObject, JsonSchema, OutputFormat, PlainText, Sampling, Thinking
from dovetail.gateway.sampling import Count, ModelName, Stop
from dovetail.gateway.schemas import reduced
from dovetail.gateway.structured import ANY_OBJECT
from dovetail.gateway.thinking import EFFORT_BUDGETS
from dovetail.gateway.wire import Named, Wire, of

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_FOR_GOOD = 1e9  # seconds, thirty years: what is longer has no date
# How the base64 of an image file begins.
_IMAGES = {"iVBORw0KGgo": "image/png", "/9j/": "image/jpeg", "R0lGOD": "image/gif", "UklGR": "image/webp"}
_SHARED = (
    *("top_p", "min_p", "typical_p", "repeat_penalty", "repeat_last_n", "frequency_penalty", "presence_penalty"),
    *("mirostat", "mirostat_tau", "mirostat_eta", "temperature", "seed"),
)

Image = Annotated[str, Field(min_length=1)]


class OllamaOptions(Wire):
    """`options`."""

    temperature: Annotated[float | None, of(OPTIONS["temperature"])] = None
    top_k: Annotated[int | None, of(OPTIONS["top_k"])] = None
    top_p: Annotated[float | None, of(OPTIONS["top_p"])] = None
    min_p: Annotated[float | None, of(OPTIONS["min_p"])] = None
    typical_p: Annotated[float | None, of(OPTIONS["typical_p"])] = None
    repeat_last_n: Annotated[int | None, of(OPTIONS["repeat_last_n"])] = None
    repeat_penalty: Annotated[float | None, of(OPTIONS["repeat_penalty"])] = None
    presence_penalty: Annotated[float | None, of(OPTIONS["presence_penalty"])] = None
    frequency_penalty: Annotated[float | None, of(OPTIONS["frequency_penalty"])] = None
    mirostat: Annotated[Literal[0, 1, 2] | None, of(OPTIONS["mirostat"])] = None
    mirostat_tau: Annotated[float | None, of(OPTIONS["mirostat_tau"])] = None
    mirostat_eta: Annotated[float | None, of(OPTIONS["mirostat_eta"])] = None
    seed: Annotated[int | None, of(OPTIONS["seed"])] = None
    stop: Annotated[Stop | None, of(OPTIONS["stop"])] = None
    num_predict: Annotated[Count | Literal[-1, -2] | None, of(OPTIONS["num_predict"])] = None
    num_ctx: Annotated[int | None, of(OPTIONS["num_ctx"])] = None
    num_keep: Annotated[object, of(OPTIONS["num_keep"])] = None
    penalize_newline: Annotated[object, of(OPTIONS["penalize_newline"])] = None
    tfs_z: Annotated[object, of(OPTIONS["tfs_z"])] = None
    numa: Annotated[object, of(OPTIONS["numa"])] = None
    num_batch: Annotated[object, of(OPTIONS["num_batch"])] = None
    num_gpu: Annotated[object, of(OPTIONS["num_gpu"])] = None
    main_gpu: Annotated[object, of(OPTIONS["main_gpu"])] = None
    num_thread: Annotated[object, of(OPTIONS["num_thread"])] = None
    low_vram: Annotated[object, of(OPTIONS["low_vram"])] = None
    f16_kv: Annotated[object, of(OPTIONS["f16_kv"])] = None
    logits_all: Annotated[object, of(OPTIONS["logits_all"])] = None
    vocab_only: Annotated[object, of(OPTIONS["vocab_only"])] = None
    use_mmap: Annotated[object, of(OPTIONS["use_mmap"])] = None
    use_mlock: Annotated[object, of(OPTIONS["use_mlock"])] = None
    embedding_only: Annotated[object, of(OPTIONS["embedding_only"])] = None

    def sampling(self) -> Sampling:
        """The core's form."""
        said = {name: getattr(self, name) for name in _SHARED}
        return Sampling(**said, top_k=None if self.top_k is None else max(self.top_k, 0))

    def stops(self) -> tuple[str, ...]:
        if self.stop is None:
            return ()
        return (self.stop,) if isinstance(self.stop, str) else tuple(self.stop)

    def limit(self) -> int | None:
        """The bound on generated tokens, None: until the context is full."""
        return self.num_predict if self.num_predict is not None and self.num_predict > 0 else None


class Asked(Named):
    """What every request of this dialect that uses a model has."""

    model: Annotated[ModelName, of(CHAT["model"])]
    options: Annotated[OllamaOptions | None, of(CHAT["options"])] = None
    keep_alive: Annotated[float | Annotated[str, Field(max_length=64)] | None, of(CHAT["keep_alive"])] = None

    def kept(self) -> float | None:
        """Seconds that the model is to stay; infinite for good, None: as it is set. Raises InvalidRequest."""
        said = self.keep_alive
        if said is None:
            return None
        seconds = float(said) if isinstance(said, int | float) else _duration(said)
        return seconds if 0 <= seconds < _FOR_GOOD else math.inf


class Written(Asked):
    """What the two routes that write have in common."""

    stream: Annotated[bool | None, of(CHAT["stream"])] = None
    format: Annotated[Literal["", "json"] | dict[str, object] | None, of(CHAT["format"])] = None
    think: Annotated[bool | Literal["low", "medium", "high"] | None, of(CHAT["think"])] = None
    logprobs: Annotated[bool | None, of(CHAT["logprobs"])] = None
    top_logprobs: Annotated[int | None, of(CHAT["top_logprobs"])] = None
    truncate: Annotated[object, of(CHAT["truncate"])] = None
    shift: Annotated[object, of(CHAT["shift"])] = None

    @property
    def streamed(self) -> bool:
        return self.stream is not False

    def output(self) -> OutputFormat:
        """Raises InvalidRequest for a schema that engines cannot be held to."""
        if not self.format:
            return PlainText()
        if self.format == "json":
            return JsonSchema(ANY_OBJECT, place="format")
        return JsonSchema(reduced(cast("JsonObject", self.format), "format"), place="format")

    def thinking(self) -> Thinking:
        if self.think is None or isinstance(self.think, bool):
            return Thinking(on=self.think, switch="think")
        effort: Effort = self.think
        return Thinking(True, EFFORT_BUDGETS[effort], effort, "think", "reasoning_effort")

    def listed(self) -> int | None:
        """Rivals to list beside each token; None: no log probabilities."""
        if not self.logprobs:
            if self.top_logprobs:
                raise InvalidRequest("top_logprobs: needs logprobs to be true", param="top_logprobs")
            return None
        return self.top_logprobs or 0


def image(base64: str, where: str) -> ImagePart:
    """An image by how its file begins. Raises InvalidRequest."""
    kind = next((kind for head, kind in _IMAGES.items() if base64.startswith(head)), None)
    if kind is None:
        raise InvalidRequest(f"{where}: the base64 of a PNG, JPEG, GIF or WebP file", param=where)
    return ImagePart(base64, kind)


def _duration(text: str) -> float:
    """As Go writes it: `1h30m`, `-1`, `300ms`."""
    sign, rest = (-1, text[1:]) if text.startswith("-") else (1, text)
    if rest.replace(".", "", 1).isdecimal():
        return sign * float(rest)
    parts = _DURATION.findall(rest)
    if not parts or "".join(number + unit for number, unit in parts) != rest:
        raise InvalidRequest("keep_alive: seconds, or a duration such as 5m or 1h30m", param="keep_alive")
    return sign * sum(float(number) * _SECONDS[unit] for number, unit in parts)
