"""mlx_gguf_server's management of processes: what runs in each, and an end to what has run too long.

`X-Model-Id` is a number that a model was loaded by, or one of those from 100 on that others have in the order in which
they were first asked for since the start; or a model's name.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, cast

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from dovetail.core.errors import InvalidRequest
from dovetail.core.model import Model
from dovetail.core.request import Json, JsonObject
from dovetail.fleet.pool import WorkerStatus
from dovetail.gateway import wire
from dovetail.gateway.addressee import PARAMETER, found, numbered
from dovetail.gateway.answers import Answer
from dovetail.gateway.deps import CallerDep, ServicesDep, receive_body
from dovetail.gateway.instances import base
from dovetail.gateway.json_answer import json_answer
from dovetail.gateway.openapi import answers, reads
from dovetail.gateway.sampling import ModelName
from dovetail.gateway.wire import Wire
from dovetail.hardware.usage import Usage, usage
from dovetail.serving.requests import Kind, Ticket
from dovetail.storage.journal import Filter

router = APIRouter(tags=["older servers"])

_SAMPLE = 0.1  # seconds over which CPU use is measured
_TYPES = {"gguf": "llama-cpp", "mlx": "mlx", "whisper": "whisper"}
_TASKS: dict[Kind, str] = {
    "generation": "completions_stream",
    "embedding": "embeddings",
    "ranking": "rerank",
    "token count": "token-count",
    "transcription": "transcription",
    "load": "load",
}
_FORMAT: JsonObject = {
    "name": "format",
    "in": "query",
    "required": False,
    "schema": {"type": "string", "enum": ["list", "map"]},
}


class CurrentQueue(Answer):
    """What waits for a process and what runs in it; `queues` by request id: a task with its fields, `start_time`."""

    request_queue_size: int
    response_queue_size: int
    queues: dict[str, dict[str, object]]


class ProcessAnswer(Answer):
    """A worker process: `cpu_usage` in percent of one core, `memory_usage` in bytes, null where neither can be read."""

    model_id: str
    model_name: str
    model_path: str
    model_type: str
    context_length: int
    process_id: int | None
    cpu_usage: float | None
    memory_usage: int | None
    current_queue: CurrentQueue


class ProcessList(Answer):
    """Every process; with `?format=map` by the name of its worker."""

    processes: list[ProcessAnswer] | dict[str, ProcessAnswer]


class LatestCache(Answer):
    """Tokens of the prompt, and those of them that the prompt cache had."""

    cached_tokens: int
    prompt_tokens: int


class LatestGeneration(Answer):
    """How it ended, and times in seconds, null where there are none."""

    model: str
    finish_reason: str | None
    status: int
    error: str | None
    completion_tokens: int
    prompt_eval_time: float | None
    generation_time: float | None


class LatestTask(Answer):
    """A request that has ended."""

    task_id: str
    task_category: str
    params: dict[str, object]
    kv_cache: LatestCache
    stream_generate: LatestGeneration


class CleanUpBody(Wire):
    """The body of `/management/process/clean-up`: ends what came more than `timeout` seconds ago."""

    timeout: Annotated[float, Field(ge=0, le=1e9, description="Seconds.")]
    model: Annotated[ModelName | None, Field(description="Instead of `X-Model-Id`.")] = None


class CleanUpAnswer(Answer):
    """Done."""

    process_clean_up: str


@router.get(
    "/management/processes",
    operation_id="listProcesses",
    response_model=None,
    openapi_extra={"parameters": [_FORMAT]},
)
@answers(ProcessList)
async def list_processes(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """The worker processes, with their load and what each of them has to do; with a key, of what it is good for."""
    shape = request.query_params.get("format", "list")
    if shape not in {"list", "map"}:
        raise InvalidRequest("format: should be list or map", param="format")
    tickets = list(services.requests)
    busy = {ticket.worker for ticket in tickets}
    seen = [s for s in services.pool.states() if s.served is None or caller.may_use(s.served.id)]
    states = [state for state in seen if state.pid is not None or state.model in busy]
    before, after = await _measured([state.pid for state in states if state.pid is not None])
    numbers = {name: str(number) for number, name in numbered(services).items()}
    shown: dict[str, Json] = {
        state.model: _process(state, numbers, [t for t in tickets if t.worker == state.model], before, after)
        for state in states
    }
    return json_answer({"processes": shown if shape == "map" else [*shown.values()]})


@router.get(
    "/management/debug/latest",
    operation_id="latestTask",
    response_model=None,
    openapi_extra={"parameters": [PARAMETER]},
)
@answers(LatestTask)
async def latest(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """The last request of a model that has ended: what it was, what the prompt cache had, its times. No text of it."""
    model = await found(request, services, caller)
    entries = await services.insight.journal.page(Filter(model=model.name), 1)
    if not entries:
        raise InvalidRequest(f"no request of {model.name} has ended yet", code="request_not_found", status=404)
    _, last = entries[0]
    return json_answer(
        {
            "task_id": last.id,
            "task_category": _TASKS.get(cast("Kind", last.kind), last.kind),
            "params": {"stream": last.streamed, "n": last.choices},
            "kv_cache": {"cached_tokens": last.cached_tokens, "prompt_tokens": last.prompt_tokens},
            "stream_generate": {
                "model": last.model,
                "finish_reason": last.finish,
                "status": last.status,
                "error": last.error,
                "completion_tokens": last.completion_tokens,
                "prompt_eval_time": last.prefill,
                "generation_time": last.decode,
            },
        }
    )


@router.post(
    "/management/process/clean-up",
    operation_id="cleanUpProcess",
    response_model=None,
    openapi_extra={"parameters": [PARAMETER]},
)
@reads(CleanUpBody)
@answers(CleanUpAnswer)
async def clean_up(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """Ends what waits for a model or runs on it and came longer ago than `timeout`: its clients get `cancelled`."""
    body = await receive_body(request, services, CleanUpBody)
    headers = wire.warnings(body, strict=services.settings.strict)
    model = await found(request, services, caller, body.model)
    states = services.pool.states()
    workers = frozenset(state.model for state in states if state.served and state.served.id == model.id)
    services.requests.clean_up(workers, body.timeout)
    return json_answer({"process_clean_up": "success"}, headers=headers)


async def _measured(pids: list[int]) -> tuple[dict[int, Usage], dict[int, Usage]]:
    def measure() -> dict[int, Usage]:
        return {pid: usage(pid) for pid in pids}

    before = await asyncio.to_thread(measure)
    if pids:
        await asyncio.sleep(_SAMPLE)
    return before, await asyncio.to_thread(measure)


def _process(
    state: WorkerStatus,
    numbers: dict[str, str],
    tickets: list[Ticket],
    before: dict[int, Usage],
    after: dict[int, Usage],
) -> JsonObject:
    model, pid = state.served, state.pid
    then, now = (Usage(), Usage()) if pid is None else (before[pid], after[pid])
    queues: JsonObject = {
        ticket.id: {_TASKS[ticket.kind]: ticket.params, "start_time": ticket.began} for ticket in tickets
    }
    waiting = sum(ticket.phase in {"starting", "loading", "queued"} for ticket in tickets)
    return {
        "model_id": _number(model, numbers) if model else "",
        "model_name": state.model,
        "model_path": str(model.path) if model else "",
        "model_type": _TYPES.get(model.format, model.format) if model else "",
        "context_length": state.context,
        "process_id": pid,
        "cpu_usage": now.percent(then, _SAMPLE),
        "memory_usage": now.memory,
        "current_queue": {
            "request_queue_size": waiting,
            "response_queue_size": len(tickets) - waiting,
            "queues": queues,
        },
    }


def _number(model: Model, numbers: dict[str, str]) -> str:
    """A worker of a model that was loaded with an adapter alone has that one's."""
    if model.name in numbers:
        return numbers[model.name]
    return next((number for name, number in numbers.items() if base(name) == model.id), "")
