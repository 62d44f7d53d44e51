"""llama-server's own routes: `/completion`, `/tokenize`, `/detokenize`, and its router's `/models/load` and `unload`.

Reference: llama.cpp tools/server README. `model` may be left out of the first three: the only loaded model answers,
or, where none or several are loaded, the first by id that is not broken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated

import orjson
from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from dovetail.core.caller import Caller
from dovetail.core.errors import InvalidRequest, ModelNotFound, UnsupportedField
from dovetail.core.events import Event, Finished, TextDelta, TokenLogprob
from dovetail.core.fields import DETOKENIZE, NATIVE, TOKENIZE
from dovetail.core.model import Model
from dovetail.core.request import GenerateRequest, Json, JsonObject, Sampling, TextPrompt
from dovetail.gateway import guard, views, wire
from dovetail.gateway.adapters import adapter
from dovetail.gateway.answers import LlamaCompletion, PropsAnswer, Success, Text, Tokens
from dovetail.gateway.chunks import LlamaChunk
from dovetail.gateway.deps import CallerDep, ServicesDep, generation, receive_body, translated, while_connected
from dovetail.gateway.logprobs import native_entries
from dovetail.gateway.openai import OpenAIErrors, new_id, timings
from dovetail.gateway.openapi import MODEL_QUERY, answers, reads, streams
from dovetail.gateway.outline import outline
from dovetail.gateway.props import props
from dovetail.gateway.sampling import Bias, Biased, LlamaExtras, ModelName, TokenId
from dovetail.gateway.services import Services
from dovetail.gateway.sse import waited
from dovetail.gateway.structured import check_combination
from dovetail.gateway.wire import Wire, of
from dovetail.serving.limits import check_scope, check_token_ids
from dovetail.serving.requests import Ticket
from dovetail.serving.worker_call import ask

router = APIRouter(tags=["llama.cpp"])

_TEXT = b'data: {"index":0,"content":'
_RANDOM_SEEDS = (-1, (1 << 32) - 1)
_Mixed = Annotated[list[TokenId | str], Field(min_length=1, max_length=1 << 21, fail_fast=True)]
_TokenIds = Annotated[list[TokenId], Field(max_length=1 << 21, fail_fast=True)]
_BiasPair = Annotated[list[TokenId | Bias | bool | Biased], Field(min_length=2, max_length=2)]


class CompletionRequest(LlamaExtras):
    """The body of `/completion`."""

    model: Annotated[ModelName | None, of(NATIVE["model"])] = None
    prompt: Annotated[str | _Mixed, of(NATIVE["prompt"])]
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
        """The core's form. Raises InvalidRequest for several prompts in one body."""
        prompt = self.prompt
        if not isinstance(prompt, str) and len(prompt) > 1 and all(isinstance(p, str) for p in prompt):
            raise UnsupportedField("prompt", "holds several prompts; send them one by one")
        request = GenerateRequest(
            id=request_id,
            model=model,
            prompt=TextPrompt((prompt,) if isinstance(prompt, str) else tuple(prompt)),
            sampling=self._sampling(),
            max_tokens=self.limit(),
            stop=self.stops(),
            top_logprobs=self.n_probs or None,
            output=self.output(),
            adapter=adapter(self.adapter),
        )
        check_combination(request, self.form())
        return request

    def _sampling(self) -> Sampling:
        seed = None if self.seed in _RANDOM_SEEDS else self.seed
        bias = dict(_bias(pair) for pair in self.logit_bias or ())
        return replace(self.shared(), temperature=self.temperature, seed=seed, logit_bias=bias)


class TokenizeRequest(Wire):
    """The body of `/tokenize`."""

    model: Annotated[ModelName | None, of(TOKENIZE["model"])] = None
    content: Annotated[str, of(TOKENIZE["content"])]
    add_special: Annotated[bool | None, of(TOKENIZE["add_special"])] = None
    parse_special: Annotated[bool | None, of(TOKENIZE["parse_special"])] = None
    with_pieces: Annotated[bool | None, of(TOKENIZE["with_pieces"])] = None


class DetokenizeRequest(Wire):
    """The body of `/detokenize`."""

    model: Annotated[ModelName | None, of(DETOKENIZE["model"])] = None
    tokens: Annotated[_TokenIds, of(DETOKENIZE["tokens"])]


class ModelRequest(Wire):
    """The body of `/models/load` and `/models/unload`."""

    model: ModelName


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
    model = await _model(request, services, body.model)
    generate = await translated(request, lambda: body.request(new_id("cmpl"), body.model or model.id))
    return generation(services, caller, body, [generate], Completion(model.name, streamed=bool(body.stream)))


@router.post("/completions", operation_id="llamaCompletions", response_model=None)
@reads(CompletionRequest)
@answers(LlamaCompletion)
@streams(LlamaChunk)
async def completions(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """The same as `/completion`."""
    return await completion(request, services, caller)


@router.post("/tokenize", operation_id="tokenize", response_model=None)
@reads(TokenizeRequest)
@answers(Tokens)
async def tokenize(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """Token ids of a text."""
    body = await receive_body(request, services, TokenizeRequest)
    return await _ask(request, services, caller, body, ("content", "add_special", "parse_special", "with_pieces"))


@router.post("/detokenize", operation_id="detokenize", response_model=None)
@reads(DetokenizeRequest)
@answers(Text)
async def detokenize(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """The text of token ids."""
    body = await receive_body(request, services, DetokenizeRequest)
    return await _ask(request, services, caller, body, ("tokens",))


@router.get("/props", operation_id="props", response_model=None, openapi_extra={"parameters": [MODEL_QUERY]})
@answers(PropsAnswer)
async def show_props(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """What a model is like to ask: the context of one request, slots, template, modalities. Loads nothing."""
    model = await _model(request, services, request.query_params.get("model"))
    check_scope(caller, model)
    return _json(props(services, model), {})


@router.post("/models/load", operation_id="loadModel", response_model=None)
@reads(ModelRequest)
@answers(Success)
async def load_model(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """Loads a model and answers when it is ready."""
    body = await receive_body(request, services, ModelRequest)
    headers = wire.warnings(body, strict=services.settings.strict)
    model = await asyncio.to_thread(services.catalog.find, body.model)
    check_scope(caller, model)
    guard.detail(request.scope, model=model.name)
    ticket = Ticket("load", caller, model.name, outline(body))
    ticket.worker = model.name
    await while_connected(request, services, ticket, services.pool.load(model, ticket.note))
    return _json({"success": True}, headers)


@router.post("/models/unload", operation_id="unloadModel", response_model=None)
@reads(ModelRequest)
@answers(Success)
async def unload_model(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """Unloads a model once its running requests are done."""
    body = await receive_body(request, services, ModelRequest)
    headers = wire.warnings(body, strict=services.settings.strict)
    model = await asyncio.to_thread(services.catalog.find, body.model)
    check_scope(caller, model)
    guard.detail(request.scope, model=model.name)
    if not await services.pool.unload(model.id, model.adapter.name if model.adapter else None):
        raise InvalidRequest(f"{model.name} is not loaded", code="model_not_loaded", param="model")
    return _json({"success": True}, headers)


async def _ask(
    request: Request,
    services: Services,
    caller: Caller,
    body: TokenizeRequest | DetokenizeRequest,
    fields: tuple[str, ...],
) -> Response:
    headers = wire.warnings(body, strict=services.settings.strict)
    model = await _model(request, services, body.model)
    check_scope(caller, model)
    if isinstance(body, DetokenizeRequest):
        check_token_ids(body.tokens, model, "tokens")
    sent: JsonObject = {name: value for name in fields if (value := getattr(body, name)) is not None}
    ticket = Ticket("token count", caller, model.name, outline(body))
    work = ask(services.pool, model, request.url.path, sent, ticket)
    answer = await while_connected(request, services, ticket, work)
    shown = {name: answer.get(name) for name in ("tokens", "content") if name in answer}
    return _json(shown, headers | waited(ticket))


async def _model(request: Request, services: Services, name: str | None) -> Model:
    if name is not None:
        return await asyncio.to_thread(services.catalog.find, name)
    only = views.shown(request, services)
    models = [m for m in await asyncio.to_thread(services.catalog.models) if only in {None, m.format}]
    loaded = [m for m in models if services.pool.status(m.id).state == "ready"]
    if len(loaded) == 1:
        return loaded[0]
    sound = [m for m in models if m.invalid is None] or models
    if not sound:
        raise ModelNotFound("", [])
    return sound[0]


def _bias(pair: list[int | float | bool | str]) -> tuple[int | str, float]:
    token, bias = pair
    if isinstance(token, bool | float) or isinstance(bias, str) or bias is True:
        raise InvalidRequest("logit_bias: pairs of a token id or a text and a number or false", param="logit_bias")
    # false means never: a bias no logit outweighs.
    return token, -1e4 if bias is False else float(bias)


def _json(body: dict[str, Json], headers: Mapping[str, str]) -> Response:
    return Response(orjson.dumps(body), headers=headers, media_type="application/json")
