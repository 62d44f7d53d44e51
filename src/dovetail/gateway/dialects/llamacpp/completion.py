"""llama-server's `/completion`, `/completions` and `/infill`."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import Annotated

import orjson
from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from dovetail.core.errors import InvalidRequest, UnsupportedField
from dovetail.core.events import Event, Finished, TextDelta, TokenLogprob
from dovetail.core.fields import INFILL, NATIVE
from dovetail.core.request import GenerateRequest, JsonObject, Sampling, Snippet, TextPrompt
from dovetail.gateway.adapters import adapter
from dovetail.gateway.answers import LlamaCompletion
from dovetail.gateway.chunks import LlamaChunk
from dovetail.gateway.deps import CallerDep, ServicesDep, generation, receive_body, translated
from dovetail.gateway.dialects.llamacpp.default import chosen
from dovetail.gateway.logprobs import native_entries
from dovetail.gateway.openai import OpenAIErrors, new_id, timings
from dovetail.gateway.openapi import answers, reads, streams
from dovetail.gateway.sampling import Bias, Biased, LlamaExtras, ModelName, TokenId
from dovetail.gateway.structured import check_combination
from dovetail.gateway.wire import Wire, of

router = APIRouter(tags=["llama.cpp"])

_TEXT = b'data: {"index":0,"content":'
_RANDOM_SEEDS = (-1, (1 << 32) - 1)
_Mixed = Annotated[list[TokenId | str], Field(min_length=1, max_length=1 << 21, fail_fast=True)]
_Files = Annotated[list["ExtraFile"], Field(max_length=256, fail_fast=True)]
_BiasPair = Annotated[list[TokenId | Bias | bool | Biased], Field(min_length=2, max_length=2)]


class NativeBody(LlamaExtras):
    """What the routes have in common: everything but the prompt."""

    model: Annotated[ModelName | None, of(NATIVE["model"])] = None
    temperature: Annotated[float | None, of(NATIVE["temperature"])] = None
    seed: Annotated[int | None, of(NATIVE["seed"])] = None
    logit_bias: Annotated[Annotated[list[_BiasPair], Field(max_length=1024)] | None, of(NATIVE["logit_bias"])] = None
    stream: Annotated[bool | None, of(NATIVE["stream"])] = None
    n_probs: Annotated[int | None, of(NATIVE["n_probs"])] = None
    n_cmpl: Annotated[object, of(NATIVE["n_cmpl"])] = None
    stream_options: Annotated[object, of(NATIVE["stream_options"])] = None
    continue_final_message: Annotated[object, of(NATIVE["continue_final_message"])] = None
    echo: Annotated[object, of(NATIVE["echo"])] = None
    apply_chat_template: Annotated[object, of(NATIVE["apply_chat_template"])] = None

    def request(self, request_id: str, model: str) -> GenerateRequest:
        """The core's form. Raises InvalidRequest for what does not go together."""
        request = GenerateRequest(
            id=request_id,
            model=model,
            prompt=self.text(),
            sampling=self._sampling(),
            max_tokens=self.limit(),
            bound_said=self.max_tokens is not None,
            stop=self.stops(),
            top_logprobs=self.n_probs or None,
            listed_by=self.said("n_probs"),
            output=self.output(),
            adapter=adapter(self.adapter),
        )
        check_combination(request, self.form())
        return request

    @abstractmethod
    def text(self) -> TextPrompt:
        """The prompt. Raises InvalidRequest for what is none."""

    def _sampling(self) -> Sampling:
        seed = None if self.seed in _RANDOM_SEEDS else self.seed
        bias = dict(_bias(pair) for pair in self.logit_bias or ())
        return replace(self.shared(), temperature=self.temperature, seed=seed, logit_bias=bias)


class CompletionRequest(NativeBody):
    """The body of `/completion`."""

    prompt: Annotated[str | _Mixed, of(NATIVE["prompt"])]

    def text(self) -> TextPrompt:
        """Raises InvalidRequest for several prompts in one body."""
        prompt = self.prompt
        if not isinstance(prompt, str) and len(prompt) > 1 and all(isinstance(p, str) for p in prompt):
            raise UnsupportedField("prompt", "holds several prompts; send them one by one")
        return TextPrompt((prompt,) if isinstance(prompt, str) else tuple(prompt))


class ExtraFile(Wire):
    """A file of `input_extra`."""

    filename: Annotated[str, Field(max_length=4096)] = ""
    text: str


class InfillRequest(NativeBody):
    """The body of `/infill`."""

    input_prefix: Annotated[str, of(INFILL["input_prefix"])]
    input_suffix: Annotated[str, of(INFILL["input_suffix"])]
    input_extra: Annotated[_Files | None, of(INFILL["input_extra"])] = None
    prompt: Annotated[str | None, of(INFILL["prompt"])] = None

    def text(self) -> TextPrompt:
        around = tuple(Snippet(each.filename, each.text) for each in self.input_extra or ())
        return TextPrompt((self.input_prefix,), self.input_suffix, self.prompt or "", around)


class Completion(OpenAIErrors):
    """`/completion`'s frames and object; the last frame of a stream is the object without its text."""

    def __init__(self, model: str, *, streamed: bool) -> None:
        self.streamed = streamed
        self._model = model
        self._text: list[str] = []
        self._logprobs: list[TokenLogprob] = []
        self._tokens = 0
        self._evaluated = 0
        self._finished: Finished | None = None

    def frames(self, event: Event) -> bytes:
        match event:
            case TextDelta(text, _, logprobs):
                if not self.streamed:
                    self._text.append(text)
                    self._logprobs += logprobs
                    return b""
                found = b',"completion_probabilities":' + orjson.dumps(native_entries(logprobs)) if logprobs else b""
                return _TEXT + orjson.dumps(text) + b',"tokens":[],"stop":false' + found + b"}\n\n"
            case Finished():
                self._finished = event
            case _:
                pass
        return b""

    def end(self) -> bytes:
        last = orjson.dumps(self._last())
        return b"data: " + last + b"\n\n" if self.streamed else last

    def _last(self) -> JsonObject:
        finished = self._finished
        if finished is None:
            return {}
        kind = "limit" if finished.reason == "length" else "word" if finished.stop_string else "eos"
        return {
            "index": 0,
            "content": "".join(self._text),
            "tokens": [],
            "id_slot": -1,
            "stop": True,
            "model": self._model,
            "tokens_predicted": finished.usage.completion,
            "tokens_evaluated": finished.usage.prompt,
            "tokens_cached": finished.usage.cached,
            "truncated": False,
            "stop_type": kind,
            "stopping_word": finished.stop_string or "",
            "timings": timings(finished.timings),
            **({"completion_probabilities": native_entries(self._logprobs)} if self._logprobs else {}),
        }


@router.post("/completion", operation_id="llamaCompletion", response_model=None)
@reads(CompletionRequest)
@answers(LlamaCompletion)
@streams(LlamaChunk)
async def completion(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """Continues a prompt of text and token ids, streamed or whole, in llama-server's form."""
    body = await receive_body(request, services, CompletionRequest)
    model = await chosen(request, services, body.model, writing=True)
    generate = await translated(request, lambda: body.request(new_id("cmpl"), body.model or model.id))
    return generation(services, caller, body, [generate], Completion(model.name, streamed=bool(body.stream)))


@router.post("/completions", operation_id="llamaCompletions", response_model=None)
@reads(CompletionRequest)
@answers(LlamaCompletion)
@streams(LlamaChunk)
async def completions(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """The same as `/completion`."""
    return await completion(request, services, caller)


@router.post("/infill", operation_id="llamaInfill", response_model=None)
@reads(InfillRequest)
@answers(LlamaCompletion)
@streams(LlamaChunk)
async def infill(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """Writes what stands between two texts, by a model with tokens to fill in the middle."""
    body = await receive_body(request, services, InfillRequest)
    model = await chosen(request, services, body.model, writing=True)
    generate = await translated(request, lambda: body.request(new_id("infill"), body.model or model.id))
    return generation(services, caller, body, [generate], Completion(model.name, streamed=bool(body.stream)))


def _bias(pair: list[int | float | bool | str]) -> tuple[int | str, float]:
    token, bias = pair
    if isinstance(token, bool | float) or isinstance(bias, str) or bias is True:
        raise InvalidRequest("logit_bias: pairs of a token id or a text and a number or false", param="logit_bias")
    # false means never: a bias no logit outweighs.
    return token, -1e4 if bias is False else float(bias)
