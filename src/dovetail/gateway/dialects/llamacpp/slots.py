"""llama-server's `/slots`: what of a model's places is in use."""

from __future__ import annotations

from itertools import chain, repeat

from fastapi import APIRouter, Request
from pydantic import RootModel
from starlette.responses import Response

from dovetail.core.errors import Busy
from dovetail.core.model import Model
from dovetail.core.request import JsonObject
from dovetail.gateway.answers import Answer
from dovetail.gateway.deps import CallerDep, ServicesDep
from dovetail.gateway.dialects.llamacpp.default import chosen
from dovetail.gateway.json_answer import json_answer
from dovetail.gateway.openapi import MODEL_QUERY, answers
from dovetail.gateway.services import Services
from dovetail.serving.requests import Ticket

router = APIRouter(tags=["llama.cpp"])

_FAIL: JsonObject = {
    "name": "fail_on_no_slot", "in": "query", "required": False, "schema": {"type": "string", "enum": ["0", "1"]},
}  # fmt: skip


class NextToken(Answer):
    """How far the answer is: pieces of it so far."""

    n_decoded: int


class SlotAnswer(Answer):
    """A place for one request; `id_task` is the number of the request in it, -1 where there is none."""

    id: int
    id_task: int
    n_ctx: int
    speculative: bool
    is_processing: bool
    next_token: NextToken


class SlotList(RootModel[list[SlotAnswer]]):
    """The places of a model; none of one that is not loaded."""


@router.get("/slots", operation_id="slots", response_model=None, openapi_extra={"parameters": [MODEL_QUERY, _FAIL]})
@answers(SlotList)
async def show_slots(request: Request, services: ServicesDep, _caller: CallerDep) -> Response:
    """The places for requests of a model that is loaded. Loads nothing."""
    model = await chosen(request, services, request.query_params.get("model"))
    status = services.status(model)
    total = status.slots if status.state == "ready" else 0
    if request.query_params.get("fail_on_no_slot") == "1" and status.active >= total:
        raise Busy(f"no slot of {model.id} is free: {status.active} of {total} are in use", retry_after=1.0)
    settings = services.settings.models.get(model.id)
    guesses = settings is not None and (settings.draft is not None or settings.ngram is not None)
    running = chain(_running(services, model), repeat(None))
    return json_answer(
        [
            {
                "id": place,
                "id_task": ticket.number if ticket else -1,
                "n_ctx": services.context(model),
                "speculative": guesses,
                "is_processing": place < status.active,
                "next_token": {"n_decoded": ticket.tokens if ticket else 0},
            }
            for place, ticket in zip(range(total), running, strict=False)
        ]
    )


def _running(services: Services, model: Model) -> list[Ticket]:
    """The requests in its places, the oldest first."""
    workers = {state.model for state in services.pool.states() if state.served and state.served.name == model.name}
    return [each for each in services.requests if each.worker in workers and each.phase in {"prefill", "decoding"}]
