"""Answers as llama-server frames them: chat completion chunks and native completion frames (llama.cpp b11549)."""

from __future__ import annotations

import secrets
import string
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import orjson

from dovetail.core.events import Timings
from dovetail.core.request import Json, JsonObject
from dovetail.workers.mlx.events import Done, Event, Failed, Piece, Progress
from dovetail.workers.mlx.protocol import Generate
from dovetail.workers.mlx.reasoning import AnswerParser
from dovetail.workers.mlx.tool_calls import CallArguments, CallStart, Content, Delta, Reasoning

DONE = b"data: [DONE]\n\n"
_ALPHABET = string.ascii_letters + string.digits


def frame(body: JsonObject) -> bytes:
    return b"data: " + orjson.dumps(body) + b"\n\n"


def error_body(message: str, status: int, type_: str, **extra: int) -> JsonObject:
    return {"error": {"code": status, "message": clean(message), "type": type_, **extra}}


def clean(text: str) -> str:
    """Valid Unicode: a lone surrogate, which JSON escapes can carry, cannot be encoded."""
    return text.encode("utf-8", "replace").decode("utf-8")


def timings_body(timings: Timings) -> JsonObject:
    def per(amount: float, count: float, scale: float) -> float:
        return scale * amount / count if count else 0.0

    t = timings
    return {
        "cache_n": t.cache_n,
        "prompt_n": t.prompt_n,
        "prompt_ms": t.prompt_ms,
        "prompt_per_token_ms": per(t.prompt_ms, t.prompt_n, 1),
        "prompt_per_second": per(t.prompt_n, t.prompt_ms, 1e3),
        "predicted_n": t.predicted_n,
        "predicted_ms": t.predicted_ms,
        "predicted_per_token_ms": per(t.predicted_ms, t.predicted_n, 1),
        "predicted_per_second": per(t.predicted_n, t.predicted_ms, 1e3),
    }


def progress_body(progress: Progress) -> JsonObject:
    return {
        "total": progress.total,
        "cache": progress.cached,
        "processed": progress.processed,
        "time_ms": int(progress.ms),
    }


@dataclass(frozen=True, slots=True)
class Identity:
    """What every answer of this worker says of itself."""

    model: str
    build: str
    piece: Callable[[int], bytes]

    def logprobs(self, piece: Piece) -> list[Json]:
        """At most one entry: its text is all of the piece's, its numbers are those of the piece's last token."""
        found = piece.logprob
        if found is None:
            return []
        top: list[Json] = [_entry(token, self.piece(token), logprob) for token, logprob in found.top]
        return [{**_entry(found.token, clean(piece.text).encode(), found.logprob), "top_logprobs": top}]


def _entry(token: int, data: bytes, logprob: float) -> JsonObject:
    raw: list[Json] = list(data)
    return {"id": token, "token": data.decode("utf-8", "replace"), "bytes": raw, "logprob": logprob}


def timed(timings: Timings, *, wanted: bool) -> JsonObject:
    return {"timings": timings_body(timings)} if wanted else {}


class ChatFrames:
    """The frames of one chat answer. Once `complete`, no more may follow, whatever the model still writes."""

    def __init__(
        self,
        identity: Identity,
        parser: AnswerParser,
        request: Generate,
        *,
        prompt_tokens: int,
        include_usage: bool,
        prefix: str = "",
    ) -> None:
        self._identity = identity
        self._parser = parser
        self._request = request
        self._prompt_tokens = prompt_tokens
        self._include_usage = include_usage
        self._prefix = prefix
        self.complete = False
        self._begun = False
        self._thought = 0
        self._base: JsonObject = {
            "created": int(time.time()),
            "id": "chatcmpl-" + "".join(secrets.choice(_ALPHABET) for _ in range(32)),
            "model": identity.model,
            "system_fingerprint": identity.build,
            "object": "chat.completion.chunk",
        }

    def encode(self, event: Event) -> list[bytes]:
        match event:
            case Progress():
                per_token = timed(event.timings, wanted=self._request.timings_per_token)
                return [self._chunk(_ROLE, {**per_token, "prompt_progress": progress_body(event)})]
            case Piece():
                text, self._prefix = self._prefix + event.text, ""
                per_token = timed(event.timings, wanted=self._request.timings_per_token)
                deltas = self._thinking(self._parser.push(text), event.timings)
                frames = self._deltas(deltas, per_token, self._identity.logprobs(event))
                self.complete = self._parser.complete
                return [*frames, *self._end(Done("eos", "", event.timings))] if self.complete else frames
            case Done():
                return self._end(event)
            case Failed():
                return [frame(error_body(event.message, event.status, event.type))]

    def _thinking(self, deltas: Sequence[Delta], timings: Timings) -> Sequence[Delta]:
        """Counts the tokens up to the last of the thought."""
        if any(isinstance(delta, Reasoning) for delta in deltas):
            self._thought = timings.predicted_n
        return deltas

    def _deltas(self, deltas: Sequence[Delta], extra: JsonObject, logprobs: Sequence[Json] = ()) -> list[bytes]:
        """As in llama-server the last delta has the entry, and where none is shown there is no entry."""
        frames = [self._chunk(_delta_body(delta), extra) for delta in deltas[:-1]]
        frames += [self._chunk(_delta_body(delta), extra, logprobs=logprobs) for delta in deltas[-1:]]
        if frames and not self._begun:
            self._begun = True
            frames.insert(0, self._chunk(_ROLE, {}))
        return frames

    def _chunk(
        self, delta: JsonObject, extra: JsonObject, finish: str | None = None, *, logprobs: Sequence[Json] = ()
    ) -> bytes:
        choice: JsonObject = {"finish_reason": finish, "index": 0, "delta": delta}
        if logprobs:
            choice["logprobs"] = {"content": list(logprobs)}
        return frame({"choices": [choice], **self._base, **extra})

    def _end(self, done: Done) -> list[bytes]:
        frames = self._deltas(self._thinking(self._parser.finish(cut=done.stop != "eos"), done.timings), {})
        if not self._begun:
            frames.append(self._chunk(_ROLE, {}))
        stop: JsonObject = {"stop_type": done.stop, "stopping_word": done.word}
        timings: JsonObject = {"timings": timings_body(done.timings)}
        reason = "length" if done.stop == "limit" else "tool_calls" if self._parser.called else "stop"
        frames.append(self._chunk({}, stop if self._include_usage else {**timings, **stop}, reason))
        if self._include_usage:
            usage = self._usage(done.timings)
            frames.append(frame({"choices": [], **self._base, "usage": usage, **timings, **stop}))
        return [*frames, DONE]

    def _usage(self, timings: Timings) -> JsonObject:
        return {
            "completion_tokens": timings.predicted_n,
            "prompt_tokens": self._prompt_tokens,
            "total_tokens": self._prompt_tokens + timings.predicted_n,
            "prompt_tokens_details": {"cached_tokens": timings.cache_n},
            "completion_tokens_details": {"reasoning_tokens": self._thought},
        }


_ROLE: JsonObject = {"role": "assistant", "content": None}


def _delta_body(delta: Delta) -> JsonObject:
    match delta:
        case Content(text):
            return {"content": text}
        case Reasoning(text):
            return {"reasoning_content": text}
        case CallStart(index, id_, name, arguments):
            function: Json = {"name": clean(name), "arguments": clean(arguments)}
            return {"tool_calls": [{"index": index, "id": id_, "type": "function", "function": function}]}
        case CallArguments(index, text):
            return {"tool_calls": [{"index": index, "function": {"arguments": clean(text)}}]}


class CompletionFrames:
    """The frames of one native completion."""

    complete = False

    def __init__(self, identity: Identity, request: Generate, *, prompt_tokens: int) -> None:
        self._identity = identity
        self._request = request
        self._prompt_tokens = prompt_tokens
        self._new_line = False

    def encode(self, event: Event) -> list[bytes]:
        match event:
            case Progress():
                body = self._body("", [], event.timings, stop=False)
                return [
                    frame(
                        {
                            **body,
                            **timed(event.timings, wanted=self._request.timings_per_token),
                            "prompt_progress": progress_body(event),
                        }
                    )
                ]
            case Piece():
                return [frame(self._piece(event))]
            case Done():
                return [frame(self._last(event))]
            case Failed():
                return [frame(error_body(event.message, event.status, event.type))]

    def _body(self, text: str, tokens: Sequence[int], timings: Timings, *, stop: bool) -> JsonObject:
        return {
            "index": 0,
            "content": text,
            "tokens": cast("list[Json]", list(tokens)),
            "stop": stop,
            "id_slot": -1,
            "tokens_predicted": timings.predicted_n,
            "tokens_evaluated": self._prompt_tokens,
        }

    def _piece(self, piece: Piece) -> JsonObject:
        self._new_line = self._new_line or "\n" in piece.text
        body = self._body(piece.text, piece.tokens, piece.timings, stop=False)
        if found := self._identity.logprobs(piece):
            body["completion_probabilities"] = found
        return body | timed(piece.timings, wanted=self._request.timings_per_token)

    def _last(self, done: Done) -> JsonObject:
        return {
            **self._body("", [], done.timings, stop=True),
            "model": self._identity.model,
            "generation_settings": settings_body(self._request),
            "has_new_line": self._new_line,
            "truncated": False,
            "stop_type": done.stop,
            "stopping_word": done.word,
            "tokens_cached": self._prompt_tokens + max(done.timings.predicted_n - 1, 0),
            "timings": timings_body(done.timings),
        }


_SAMPLERS = ("penalties", "dry", "top_n_sigma", "top_k", "typ_p", "top_p", "min_p", "xtc", "temperature")


def settings_body(request: Generate) -> JsonObject:
    """The settings in force, by llama-server's names."""
    sampling = request.sampling
    return {
        "seed": sampling.seed,
        "temperature": sampling.chain.temperature,
        "top_k": sampling.chain.top_k,
        "top_p": sampling.chain.top_p,
        "min_p": sampling.chain.min_p,
        "typical_p": sampling.chain.typical_p,
        "top_n_sigma": sampling.chain.top_n_sigma,
        "xtc_probability": sampling.chain.xtc_probability,
        "xtc_threshold": sampling.chain.xtc_threshold,
        "dynatemp_range": sampling.chain.dynatemp_range,
        "dynatemp_exponent": sampling.chain.dynatemp_exponent,
        "dry_multiplier": sampling.dry.multiplier if sampling.dry else 0.0,
        "mirostat": sampling.mirostat.mode if sampling.mirostat else 0,
        "repeat_last_n": sampling.repeat_last_n,
        "repeat_penalty": sampling.repeat_penalty,
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
        "stop": cast("list[Json]", list(request.stops)),
        "max_tokens": request.max_tokens,
        "n_predict": request.max_tokens,
        "ignore_eos": request.ignore_eos,
        "stream": True,
        "n_probs": request.top_logprobs or 0,
        "samplers": [*_SAMPLERS],
        "timings_per_token": request.timings_per_token,
    }
