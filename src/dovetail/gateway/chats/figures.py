"""What an answer took, by the same record that the journal keeps and the worker's own clock."""

from __future__ import annotations

from dovetail.core.events import Finished, Usage
from dovetail.core.observe import RequestRecord
from dovetail.core.request import JsonObject
from dovetail.gateway import openai


def usage_answer(finished: Finished | None, record: RequestRecord | None) -> JsonObject | None:
    """A `UsageAnswer`; of an answer that did not end by itself, pieces count for tokens."""
    if finished is not None:
        return openai.usage([finished], 1)
    if record is None or record.usage == Usage():
        return None
    used = record.usage
    return {
        "prompt_tokens": used.prompt,
        "completion_tokens": used.completion,
        "total_tokens": used.prompt + used.completion,
        "prompt_tokens_details": {"cached_tokens": used.cached},
    }


def timings_answer(finished: Finished | None, record: RequestRecord | None) -> JsonObject | None:
    """A `ChatTimings`."""
    if record is None:
        return None
    names = ("cache_n", "prompt_n", "prompt_ms", "prompt_per_second")
    names += ("predicted_n", "predicted_ms", "predicted_per_second")
    worker: JsonObject = {} if finished is None else openai.timings(finished.timings)
    return {
        "queued_ms": _ms(record.queued),
        "loading_ms": _ms(record.loading),
        "ttft_ms": None if record.ttft is None else _ms(record.ttft),
        "total_ms": _ms(record.duration),
        **{name: worker.get(name) for name in names},
    }


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
