"""The worker's routes: llama-server's, as far as this worker has them. Everything else is a 404."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import asdict
from typing import TypeAlias, TypeVar, cast

import mlx.core as mx
import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from dovetail.core.request import Json, JsonObject
from dovetail.workers.listener import Guard
from dovetail.workers.mlx.adapter import read_adapter
from dovetail.workers.mlx.answer import AnswerResponse
from dovetail.workers.mlx.budget import read_bound
from dovetail.workers.mlx.conversation import render
from dovetail.workers.mlx.embeddings import answer as embeddings_body
from dovetail.workers.mlx.embeddings import read_embed
from dovetail.workers.mlx.engine import Engine, encode_mixed
from dovetail.workers.mlx.form import read_form
from dovetail.workers.mlx.frames import clean, error_body, settings_body
from dovetail.workers.mlx.load import Loaded
from dovetail.workers.mlx.protocol import (
    Fields,
    Known,
    RequestError,
    mixed,
    parse_json,
    read_chat,
    read_completion,
    token_ids,
)

MAX_BODY = 64 << 20
Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]
T = TypeVar("T")
log = logging.getLogger(__name__)


class Routes:
    """The handlers, over one engine. `default_tokens` is the length of an answer whose request names none."""

    def __init__(self, engine: Engine, default_tokens: int) -> None:
        self._engine = engine
        self._default_tokens = default_tokens

    def table(self) -> list[Route]:
        reads: list[tuple[str, Endpoint]] = [("/health", self.health), ("/props", self.props)]
        posts: list[tuple[str, Endpoint]] = [
            ("/v1/chat/completions", self.chat),
            ("/completion", self.completion),
            ("/v1/embeddings", self.embeddings),
            ("/tokenize", self.tokenize),
            ("/detokenize", self.detokenize),
            ("/apply-template", self.apply_template),
        ]
        return [
            *(Route(path, _answering(endpoint), methods=["GET"]) for path, endpoint in reads),
            *(Route(path, _answering(endpoint), methods=["POST"]) for path, endpoint in posts),
        ]

    def _known(self, loaded: Loaded) -> Known:
        return Known(
            loaded.n_vocab,
            loaded.vocabulary.eos,
            self._default_tokens,
            lambda text: loaded.vocabulary.encode(text, add_special=False, parse_special=False),
        )

    async def health(self, request: Request) -> Response:
        del request
        problem = self._engine.unhealthy()
        if problem is not None:
            return _json(error_body(problem, 503, "unavailable_error"), 503)
        memory: JsonObject = {
            "active": mx.get_active_memory(),
            "cache": mx.get_cache_memory(),
            "peak": mx.get_peak_memory(),
        }
        return _json({"status": "ok", "memory": memory})

    async def props(self, request: Request) -> Response:
        del request
        loaded = self._engine.loaded
        return _json(_props(self._engine, loaded, self._known(loaded)))

    async def chat(self, request: Request) -> Response:
        loaded, body = self._engine.loaded, await _body(request)
        chat = read_chat(body, self._known(loaded))
        return AnswerResponse(await self._engine.chat(chat, read_form(body), read_adapter(body), read_bound(body)))

    async def completion(self, request: Request) -> Response:
        loaded, body = self._engine.loaded, await _body(request)
        completion = read_completion(body, self._known(loaded))
        return AnswerResponse(await self._engine.complete(completion, read_form(body), read_adapter(body)))

    async def embeddings(self, request: Request) -> Response:
        loaded, body = self._engine.loaded, await _body(request)
        asked = read_embed(body, loaded.n_vocab)
        vectors, tokens = await _while_connected(request, self._engine.embed(asked))
        return _json(embeddings_body(loaded.path.name, vectors, tokens, as_base64=asked.as_base64))

    async def tokenize(self, request: Request) -> Response:
        loaded, body = self._engine.loaded, await _body(request)
        fields = Fields(body)
        content = fields.get("content")
        parts = mixed([] if content is None else content, "content", loaded.n_vocab)
        tokens = await asyncio.to_thread(
            encode_mixed,
            loaded.vocabulary,
            parts,
            add_special=fields.flag("add_special", default=False),
            parse_special=fields.flag("parse_special", default=True),
        )
        if fields.flag("with_pieces", default=False):
            return _json({"tokens": [_piece(token, loaded.vocabulary.piece(token)) for token in tokens]})
        return _json({"tokens": cast("list[Json]", tokens)})

    async def detokenize(self, request: Request) -> Response:
        loaded, body = self._engine.loaded, await _body(request)
        tokens = token_ids(body.get("tokens"), "tokens", loaded.n_vocab)
        return _json({"content": loaded.vocabulary.decode(tokens)})

    async def apply_template(self, request: Request) -> Response:
        loaded, body = self._engine.loaded, await _body(request)
        chat = read_chat(body, self._known(loaded))
        return _json({"prompt": clean(await asyncio.to_thread(render, loaded.template, chat))})


def build_app(engine: Engine, *, default_tokens: int, secret: str | None) -> ASGIApp:
    """The application; with a `secret`, every request must carry it as a bearer token."""
    app = Starlette(
        routes=Routes(engine, default_tokens).table(),
        exception_handlers={
            HTTPException: _no_route,
        },
    )
    return app if secret is None else Guard(app, secret)


def _answering(endpoint: Endpoint) -> Endpoint:
    """The request boundary: every failure is an answer, and no text of a request reaches a log."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except RequestError as error:
            return _json(error_body(str(error), error.status, error.type, **error.extra), error.status)
        except Exception as error:  # noqa: BLE001
            log.error("a request failed path=%s error=%s", request.url.path, type(error).__name__)  # noqa: TRY400
            return _json(error_body(f"{type(error).__name__}: {error}", 500, "server_error"), 500)

    return answer


async def _no_route(request: Request, error: Exception) -> Response:
    del request
    status = error.status_code if isinstance(error, HTTPException) else 404
    if status == 404:
        return _json(error_body("File Not Found", 404, "not_found_error"), 404)
    return _json(error_body("Method Not Allowed", status, "invalid_request_error"), status)


async def _body(request: Request) -> JsonObject:
    data = bytearray()
    try:
        async for chunk in request.stream():
            data += chunk
            if len(data) > MAX_BODY:
                raise RequestError(f"the body is larger than {MAX_BODY} bytes", status=413)
    except ClientDisconnect as error:
        raise RequestError("the client left") from error
    return parse_json(bytes(data))


async def _while_connected(request: Request, work: Coroutine[object, object, T]) -> T:
    """The result of `work`, which is cancelled when the client leaves."""
    task, gone = asyncio.ensure_future(work), asyncio.ensure_future(request.receive())
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise RequestError("the client left")
        return task.result()
    finally:
        task.cancel()
        gone.cancel()


def _json(body: JsonObject, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")


def _piece(token: int, data: bytes) -> Json:
    """llama-server's: text where the token is valid UTF-8, else its bytes."""
    try:
        return {"id": token, "piece": data.decode()}
    except UnicodeDecodeError:
        return {"id": token, "piece": list(data)}


def _props(engine: Engine, loaded: Loaded, known: Known) -> JsonObject:
    defaults = read_completion({"prompt": ""}, known).generate
    params: JsonObject = {**settings_body(defaults), "seed": (1 << 32) - 1}
    vocabulary, template = loaded.vocabulary, loaded.template
    return {
        "default_generation_settings": {"params": params, "n_ctx": engine.settings.context},
        "total_slots": engine.settings.parallel if loaded.batched else 1,
        "model_alias": loaded.path.name,
        "model_path": str(loaded.path),
        "modalities": {"vision": False, "video": False, "audio": False},
        "chat_template": template.text,
        "chat_template_caps": cast("JsonObject", asdict(template.caps)),
        "bos_token": vocabulary.bos_token,
        "eos_token": vocabulary.eos_token,
        "build_info": engine.build,
        "engine": engine.build,
        "n_vocab": loaded.n_vocab,
        "is_sleeping": False,
    }
