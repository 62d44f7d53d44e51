"""OpenAI's text completions, `POST /v1/completions`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated

import orjson
from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from dovetail.core.errors import InvalidRequest
from dovetail.core.events import Event, Finished, TextDelta, TokenLogprob
from dovetail.core.request import GenerateRequest, Json, JsonObject, TextPrompt
from dovetail.gateway.answers import TextCompletion
from dovetail.gateway.chunks import TextChunk
from dovetail.gateway.deps import CallerDep, ServicesDep, generation, receive_body
from dovetail.gateway.logprobs import TextLogprobs
from dovetail.gateway.openai import DONE, FINGERPRINT, OpenAIErrors, StreamOptions, new_id, timings, usage
from dovetail.gateway.openapi import answers, reads, streams
from dovetail.gateway.sampling import ModelName, SamplingBody, TokenId
from dovetail.gateway.structured import check_combination
from dovetail.gateway.wire import Inert, Refused

router = APIRouter(tags=["openai"])

MAX_CHOICES = 32
DEFAULT_MAX_TOKENS = 16  # the published API's
_Tokens = Annotated[list[TokenId], Field(min_length=1, max_length=1 << 21, fail_fast=True)]
_Several = Annotated[list[str], Field(min_length=1, max_length=MAX_CHOICES)]
_SeveralTokens = Annotated[list[_Tokens], Field(min_length=1, max_length=MAX_CHOICES)]


class CompletionBody(SamplingBody):
    """The request body."""

    model: ModelName
    prompt: str | _Tokens | _Several | _SeveralTokens
    n: Annotated[int | None, Field(ge=1, le=MAX_CHOICES)] = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    logprobs: Annotated[int | None, Field(ge=0, le=20, description="Likely tokens to list beside each.")] = None

    user: Annotated[object, Inert()] = None

    apply_chat_template: Annotated[object, Refused(False)] = None
    best_of: Annotated[object, Refused(1)] = None
    echo: Annotated[object, Refused(False)] = None
    n_probs: Annotated[object, Refused(0)] = None
    suffix: Annotated[object, Refused("")] = None

    def requests(self, request_id: str) -> list[GenerateRequest]:
        """One request for each prompt. Raises InvalidRequest when prompts times `n` is too much."""
        prompts = self._prompts()
        n = self.n or 1
        if len(prompts) * n > MAX_CHOICES:
            raise InvalidRequest(f"{len(prompts)} prompts times n is more than {MAX_CHOICES} choices", param="n")
        output = self.output()
        requests = [
            GenerateRequest(
                id=request_id if len(prompts) == 1 else f"{request_id}-{i}",
                model=self.model,
                prompt=prompt,
                sampling=self.sampling(),
                max_tokens=DEFAULT_MAX_TOKENS if self.max_tokens is None else self.limit(),
                stop=self.stops(),
                n=n,
                top_logprobs=self.logprobs,
                output=output,
            )
            for i, prompt in enumerate(prompts)
        ]
        check_combination(requests[0], self.form())
        return requests

    def _prompts(self) -> list[TextPrompt]:
        prompt = self.prompt
        if isinstance(prompt, str):
            return [TextPrompt((prompt,))]
        single = [item for item in prompt if isinstance(item, int)]
        if single:
            return [TextPrompt(tuple(single))]
        return [TextPrompt((p,) if isinstance(p, str) else tuple(p)) for p in prompt if not isinstance(p, int)]


class CompletionStream(OpenAIErrors):
    """Chunks."""

    streamed = True

    def __init__(self, common: JsonObject, n: int, *, include_usage: bool) -> None:
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
        total = orjson.dumps(usage(self._finished, self._n))
        return self._head + b'],"usage":' + total + self._timings() + b"}\n\n" + DONE

    def _timings(self) -> bytes:
        return b',"timings":' + orjson.dumps(timings(self._finished[0].timings)) if len(self._finished) == 1 else b""


class CompletionWhole(OpenAIErrors):
    """One `text_completion` object."""

    streamed = False

    def __init__(self, common: JsonObject, n: int, *, logprobs: bool = False) -> None:
        self._common = common
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
        choices: list[Json] = [self._choice(f) for f in finished]
        whole: JsonObject = {**self._common, "choices": choices, "usage": usage(finished, self._n)}
        if len(finished) == 1:
            whole["timings"] = timings(finished[0].timings)
        return orjson.dumps(whole)

    def _choice(self, finished: Finished) -> JsonObject:
        choice = _choice(finished, "".join(self._texts.get(finished.index, ())))
        if self._asked:
            choice["logprobs"] = TextLogprobs().object(self._logprobs.get(finished.index, ()))
        return choice


@router.post("/v1/completions", operation_id="createCompletion", response_model=None)
@reads(CompletionBody)
@answers(TextCompletion)
@streams(TextChunk)
async def create_completion(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """Continues one prompt or several, streamed or whole."""
    body = await receive_body(request, services, CompletionBody)
    request_id = new_id("cmpl")
    requests = body.requests(request_id)
    common, n = _common(request_id, requests), requests[0].n
    include_usage = bool(body.stream_options and body.stream_options.include_usage)
    if body.stream:
        rendering = CompletionStream(common, n, include_usage=include_usage)
    else:
        rendering = CompletionWhole(common, n, logprobs=body.logprobs is not None)
    return generation(services, caller, body, requests, rendering)


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
