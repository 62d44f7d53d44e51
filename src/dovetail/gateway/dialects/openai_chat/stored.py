"""OpenAI's stored chat completions: listed, read, noted on and removed by whoever asked for them with `store`.

Reference: platform.openai.com/docs/api-reference/chat, as typed in the `openai` package 3.52.
"""

from __future__ import annotations

import re

from fastapi import APIRouter, Request
from starlette.responses import Response

from dovetail.core.errors import InvalidRequest
from dovetail.core.request import JsonObject
from dovetail.gateway import wire
from dovetail.gateway.cursor import cursor, parameters
from dovetail.gateway.deps import CallerDep, ServicesDep, receive_body
from dovetail.gateway.dialects.openai_chat.answers import (
    RemovedCompletion,
    StoredCompletion,
    StoredCompletions,
    StoredMessages,
)
from dovetail.gateway.dialects.openai_chat.body import NotesBody
from dovetail.gateway.dialects.openai_chat.completions import Completions
from dovetail.gateway.json_answer import json_answer
from dovetail.gateway.openapi import MODEL_QUERY, answers, reads

router = APIRouter(tags=["openai"])

_NOTE = re.compile(r"metadata\[(.*)\]", re.DOTALL)
_NOTES: JsonObject = {
    "name": "metadata",
    "in": "query",
    "required": False,
    "style": "deepObject",
    "explode": True,
    "schema": {"type": "object", "additionalProperties": {"type": "string"}},
}


@router.get(
    "/v1/chat/completions",
    operation_id="listChatCompletions",
    response_model=None,
    openapi_extra={"parameters": [*parameters("asc"), MODEL_QUERY, _NOTES]},
)
@answers(StoredCompletions)
async def list_chat_completions(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """The chat completions that are stored, the oldest first unless `order` is `desc`; of a model, with metadata."""
    at, model, notes = cursor(request, "asc"), request.query_params.get("model"), _notes(request)
    return json_answer(await Completions(services, caller).page(at, model, notes))


@router.get("/v1/chat/completions/{completion_id}", operation_id="getChatCompletion", response_model=None)
@answers(StoredCompletion)
async def get_chat_completion(completion_id: str, services: ServicesDep, caller: CallerDep) -> Response:
    """A chat completion that is stored."""
    return json_answer(await Completions(services, caller).completion(completion_id))


@router.post("/v1/chat/completions/{completion_id}", operation_id="updateChatCompletion", response_model=None)
@reads(NotesBody)
@answers(StoredCompletion)
async def update_chat_completion(
    request: Request, completion_id: str, services: ServicesDep, caller: CallerDep
) -> Response:
    """Puts other metadata in the place of that of a chat completion that is stored."""
    body = await receive_body(request, services, NotesBody)
    headers = wire.warnings(body, strict=services.settings.strict)
    noted = await Completions(services, caller).note(completion_id, body.metadata or {})
    return json_answer(noted, headers=headers)


@router.delete("/v1/chat/completions/{completion_id}", operation_id="deleteChatCompletion", response_model=None)
@answers(RemovedCompletion)
async def delete_chat_completion(completion_id: str, services: ServicesDep, caller: CallerDep) -> Response:
    """Removes a chat completion that is stored, with its messages."""
    await Completions(services, caller).remove(completion_id)
    return json_answer({"id": completion_id, "object": "chat.completion.deleted", "deleted": True})


@router.get(
    "/v1/chat/completions/{completion_id}/messages",
    operation_id="listChatMessages",
    response_model=None,
    openapi_extra={"parameters": [*parameters("asc")]},
)
@answers(StoredMessages)
async def list_chat_messages(
    request: Request, completion_id: str, services: ServicesDep, caller: CallerDep
) -> Response:
    """The messages that a stored chat completion answers, the first one first unless `order` is `desc`."""
    at = cursor(request, "asc")
    return json_answer(at.page(await Completions(services, caller).messages(completion_id)))


def _notes(request: Request) -> dict[str, str]:
    """The metadata that is asked for, as `metadata[key]=value`."""
    found: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name.partition("[")[0] == "metadata":
            key = _NOTE.fullmatch(name)
            if key is None:
                raise InvalidRequest("metadata: as metadata[key]=value", param="metadata")
            found[key[1]] = value
    return found
