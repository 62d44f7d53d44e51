"""OpenAI's text completions, `POST /v1/completions`."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated

import orjson
from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from dovetail.core.errors import InvalidRequest, UnsupportedField
from dovetail.core.events import Event, Finished, TextDelta, TokenLogprob
from dovetail.core.fields import COMPLETIONS, MAX_CHOICES
from dovetail.core.request import GenerateRequest, Json, JsonObject, TextPrompt
from dovetail.gateway.adapters import adapter
from dovetail.gateway.addressee import PARAMETER, addressed
from dovetail.gateway.answers import TextCompletion
from dovetail.gateway.chunks import TextChunk
from dovetail.gateway.deps import CallerDep, ServicesDep, generation, receive_body, translated
from dovetail.gateway.echo import Detokenizer, echoed
from dovetail.gateway.logprobs import TextLogprobs
from dovetail.gateway.openai import DONE, FINGERPRINT, OpenAIErrors, StreamOptions, cache_usage, new_id, timings, usage
from dovetail.gateway.openapi import answers, reads, streams
from dovetail.gateway.sampling import ModelName, SamplingBody, TokenId
from dovetail.gateway.structured import check_combination
from dovetail.gateway.wire import of

router = APIRouter(tags=["openai"])

DEFAULT_MAX_TOKENS = 16  # the published API's
_Tokens = Annotated[list[TokenId], Field(min_length=1, max_length=1 << 21, fail_fast=True)]
_Several = Annotated[list[str], Field(min_length=1, max_length=MAX_CHOICES)]
_SeveralTokens = Annotated[list[_Tokens], Field(min_length=1, max_length=MAX_CHOICES)]


class CompletionBody(SamplingBody):
    """The request body."""

    model: Annotated[ModelName, of(COMPLETIONS["model"])] = Field(default_factory=str)  # none: `X-Model-Id` says it
    prompt: Annotated[str | _Tokens | _Several | _SeveralTokens, of(COMPLETIONS["prompt"])]
    n: Annotated[int | None, of(COMPLETIONS["n"])] = None
    best_of: Annotated[int | None, of(COMPLETIONS["best_of"])] = None
    echo: Annotated[bool | None, of(COMPLETIONS["echo"])] = None
    suffix: Annotated[str | None, of(COMPLETIONS["suffix"])] = None
    stream: Annotated[bool | None, of(COMPLETIONS["stream"])] = None
    stream_options: Annotated[StreamOptions | None, of(COMPLETIONS["stream_options"])] = None
    logprobs: Annotated[int | None, of(COMPLETIONS["logprobs"])] = None
    use_kv_cache: Annotated[bool | None, of(COMPLETIONS["use_kv_cache"])] = None
    kv_cache_threshold: Annotated[object, of(COMPLETIONS["kv_cache_threshold"])] = None
    user: Annotated[object, of(COMPLETIONS["user"])] = None
    apply_chat_template: Annotated[object, of(COMPLETIONS["apply_chat_template"])] = None
    n_probs: Annotated[object, of(COMPLETIONS["n_probs"])] = None

    def requests(self, request_id: str) -> list[GenerateRequest]:
        """One request for each prompt, of all choices that are generated. Raises InvalidRequest for too many."""
        prompts = self._prompts()
        count, param = self._generated()
        if len(prompts) * count > MAX_CHOICES:
            raise InvalidRequest(f"{len(prompts)} prompts times {param} is more than {MAX_CHOICES}", param=param)
        if self.echo and self.logprobs is not None:
            raise UnsupportedField("echo", "cannot be had with logprobs: a prompt's are not computed")
        output = self.output()
        requests = [
            GenerateRequest(
                id=request_id if len(prompts) == 1 else f"{request_id}-{i}",
                model=self.model,
                prompt=prompt,
                sampling=self.sampling(),
                max_tokens=DEFAULT_MAX_TOKENS if self.max_tokens is None else self.limit(),
                bound_said=self.max_tokens is not None,
                stop=self.stops(),
                n=count,
                top_logprobs=0 if self.logprobs is None and count > self.choices else self.logprobs,
                listed_by="best_of" if self.logprobs is None else "logprobs",
                output=output,
                adapter=adapter(self.adapter),
            )
            for i, prompt in enumerate(prompts)
        ]
        check_combination(requests[0], self.form())
        return requests

    @property
    def choices(self) -> int:
        """How many of a prompt's choices are answered."""
        return self.n or 1

    def _generated(self) -> tuple[int, str]:
        """How many choices a prompt has before the best are chosen, and the field that says so."""
        if self.best_of is None:
            return self.choices, "n"
        if self.best_of < self.choices:
            raise InvalidRequest(f"best_of is {self.best_of}, and n asks for {self.choices}", param="best_of")
        if self.stream and self.best_of > self.choices:
            raise InvalidRequest("best_of: a stream cannot wait for the best", param="best_of")
        return self.best_of, "best_of"

    def _prompts(self) -> list[TextPrompt]:
        prompt, suffix = self.prompt, self.suffix or None
        if isinstance(prompt, str):
            return [TextPrompt((prompt,), suffix)]
        single = [item for item in prompt if isinstance(item, int)]
        if single:
            return [TextPrompt(tuple(single), suffix)]
        return [TextPrompt((p,) if isinstance(p, str) else tuple(p), suffix) for p in prompt if not isinstance(p, int)]


class CompletionStream(OpenAIErrors):
    """Chunks."""

    streamed = True

    def __init__(self, common: JsonObject, n: int, *, include_usage: bool, with_cache: bool = False) -> None:
        self._with_cache = with_cache
        self._head = b"data: " + orjson.dumps(common)[:-1] + b',"choices":['
        self._rest = b',"usage":null}\n\n' if include_usage else b"}\n\n"
        self._finished: list[Finished] = []
        self._offsets: dict[int, TextLogprobs] = {}
        self._n = n
        self._include_usage = include_usage

    def frames(self, event: Event) -> bytes:
        match event:
            case TextDelta(text, index, logprobs):
                found = orjson.dumps(self._logprobs(index, logprobs)) if logprobs else b"null"
                tail = b',"index":%d,"logprobs":%b,"finish_reason":null}]' % (index, found)
                return self._head + b'{"text":' + orjson.dumps(text) + tail + self._rest
            case Finished():
                self._finished.append(event)
                extra = b"" if self._include_usage else self._timings()
                return self._head + orjson.dumps(_choice(event, "")) + b"]" + extra + self._rest
            case _:
                return b""

    def _logprobs(self, index: int, logprobs: Sequence[TokenLogprob]) -> JsonObject:
        return self._offsets.setdefault(index, TextLogprobs()).object(logprobs)

    def end(self) -> bytes:
        if not self._include_usage:
            return DONE
        cache = cache_usage(self._finished, self._n) if self._with_cache else {}
        total = orjson.dumps(usage(self._finished, self._n) | cache)
        return self._head + b'],"usage":' + total + self._timings() + b"}\n\n" + DONE

    def _timings(self) -> bytes:
        return b',"timings":' + orjson.dumps(timings(self._finished[0].timings)) if len(self._finished) == 1 else b""


class CompletionWhole(OpenAIErrors):
    """One `text_completion` object."""

    streamed = False

    def __init__(
        self,
        common: JsonObject,
        n: int,
        *,
        best: int | None = None,
        logprobs: bool = False,
        with_cache: bool = False,
    ) -> None:
        self._with_cache = with_cache
        self._common = common
        self._best = n if best is None else best
        self._asked = logprobs
        self._logprobs: dict[int, list[TokenLogprob]] = {}
        self._n = n
        self._texts: dict[int, list[str]] = {}
        self._finished: list[Finished] = []

    def frames(self, event: Event) -> bytes:
        match event:
            case TextDelta(text, index):
                self._texts.setdefault(index, []).append(text)
                self._logprobs.setdefault(index, []).extend(event.logprobs)
            case Finished():
                self._finished.append(event)
            case _:
                pass
        return b""

    def end(self) -> bytes:
        finished = sorted(self._finished, key=lambda f: f.index)
        choices: list[Json] = [self._choice(f, index) for index, f in enumerate(self._chosen(finished))]
        cache = cache_usage(finished, self._n) if self._with_cache else {}
        whole: JsonObject = {**self._common, "choices": choices, "usage": usage(finished, self._n) | cache}
        if len(finished) == 1:
            whole["timings"] = timings(finished[0].timings)
        return orjson.dumps(whole)

    def _chosen(self, finished: list[Finished]) -> list[Finished]:
        """Of each prompt's choices the best, best first; all of them in their order where none is left out."""
        if self._best == self._n:
            return finished
        prompts = [finished[at : at + self._n] for at in range(0, len(finished), self._n)]
        return [f for choices in prompts for f in sorted(choices, key=self._mean, reverse=True)[: self._best]]

    def _mean(self, finished: Finished) -> float:
        """The mean log probability of a choice's text; an empty one is the worst."""
        values = [entry.logprob for entry in self._logprobs.get(finished.index, ())]
        return sum(values) / len(values) if values else -math.inf

    def _choice(self, finished: Finished, index: int) -> JsonObject:
        choice = _choice(replace(finished, index=index), "".join(self._texts.get(finished.index, ())))
        if self._asked:
            choice["logprobs"] = TextLogprobs().object(self._logprobs.get(finished.index, ()))
        return choice


@router.post(
    "/v1/completions", operation_id="createCompletion", response_model=None, openapi_extra={"parameters": [PARAMETER]}
)
@reads(CompletionBody)
@answers(TextCompletion)
@streams(TextChunk)
async def create_completion(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """Continues one prompt or several, streamed or whole."""
    body = await addressed(await receive_body(request, services, CompletionBody), request, services, caller)
    request_id = new_id("cmpl")
    requests = await translated(request, lambda: body.requests(request_id))
    common, n = _common(request_id, requests), requests[0].n
    cache = body.use_kv_cache is True
    include_usage = cache or bool(body.stream_options and body.stream_options.include_usage)
    if body.stream:
        rendering = CompletionStream(common, n, include_usage=include_usage, with_cache=cache)
    else:
        asked = body.logprobs is not None
        rendering = CompletionWhole(common, n, best=body.choices, logprobs=asked, with_cache=cache)
    change = partial(echoed, requests=requests, detokenize=Detokenizer(services, caller)) if body.echo else None
    return generation(services, caller, body, requests, rendering, change)


def _common(request_id: str, requests: Sequence[GenerateRequest]) -> JsonObject:
    return {
        "id": request_id,
        "object": "text_completion",
        "created": int(time.time()),
        "model": requests[0].model,
        "system_fingerprint": FINGERPRINT,
    }


def _choice(finished: Finished, text: str) -> JsonObject:
    return {"text": text, "index": finished.index, "logprobs": None, "finish_reason": finished.reason}
