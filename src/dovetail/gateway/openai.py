"""What OpenAI's text dialects have in common: usage, timings, stream options, errors."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Annotated

from dovetail import __version__
from dovetail.core.errors import DovetailError
from dovetail.core.events import Finished, Timings
from dovetail.core.request import JsonObject
from dovetail.gateway import errors
from dovetail.gateway.wire import Inert, Wire

DONE = b"data: [DONE]\n\n"
FINGERPRINT = f"dovetail-{__version__}"


class StreamOptions(Wire):
    """`stream_options`."""

    include_usage: bool | None = None
    include_obfuscation: Annotated[object, Inert()] = None


class OpenAIErrors:
    """The half of a Rendering that is the same in every OpenAI dialect."""

    lines = False

    def error_body(self, error: DovetailError) -> bytes:
        return errors.body(error)

    def error_frame(self, error: DovetailError) -> bytes:
        return errors.frame(error)


def new_id(prefix: str) -> str:
    """A fresh object id such as `chatcmpl-9f…`."""
    return f"{prefix}-{secrets.token_hex(12)}"


def usage(finished: Sequence[Finished], n: int) -> JsonObject:
    """Token counts of one answer: each prompt counts once, however many of its `n` choices there are."""
    prompts = [f.usage for f in finished if f.index % n == 0]
    prompt = sum(u.prompt for u in prompts)
    completion = sum(f.usage.completion for f in finished)
    counts: JsonObject = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": sum(u.cached for u in prompts)},
    }
    reasoning = [f.usage.reasoning for f in finished if f.usage.reasoning is not None]
    if len(reasoning) == len(finished):
        counts["completion_tokens_details"] = {"reasoning_tokens": sum(reasoning)}
    return counts


def cache_usage(finished: Sequence[Finished], n: int) -> JsonObject:
    """What an older server's `use_kv_cache` adds to the counts: what the prompt cache had, and times in seconds."""
    cached = sum(f.usage.cached for f in finished if f.index % n == 0)
    return {
        "kv_cache": {"cached_tokens": cached, "stats": {"hit": cached > 0, "prefix_length": cached}},
        "prompt_eval_time": sum(f.timings.prompt_ms for f in finished) / 1e3,
        "generation_time": sum(f.timings.predicted_ms for f in finished) / 1e3,
    }


def timings(t: Timings) -> JsonObject:
    """The worker's clock in llama-server's form."""
    return {
        "cache_n": t.cache_n,
        "prompt_n": t.prompt_n,
        "prompt_ms": t.prompt_ms,
        "prompt_per_token_ms": t.prompt_ms / t.prompt_n if t.prompt_n else 0.0,
        "prompt_per_second": 1e3 * t.prompt_n / t.prompt_ms if t.prompt_ms else 0.0,
        "predicted_n": t.predicted_n,
        "predicted_ms": t.predicted_ms,
        "predicted_per_token_ms": t.predicted_ms / t.predicted_n if t.predicted_n else 0.0,
        "predicted_per_second": 1e3 * t.predicted_n / t.predicted_ms if t.predicted_ms else 0.0,
    }
