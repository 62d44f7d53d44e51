"""The benchmark lab: what is measured, what was, and reports of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from dovetail.bench import chart, page, report
from dovetail.bench.figures import Benchmark, Plan, QualityPlan
from dovetail.bench.lab import Lab, written
from dovetail.bench.run import Progress
from dovetail.core.caller import Caller
from dovetail.core.errors import Forbidden, InvalidRequest
from dovetail.core.request import JsonObject
from dovetail.gateway import guard
from dovetail.gateway.admin.answers import Done
from dovetail.gateway.answers import Answer
from dovetail.gateway.deps import CallerDep, ServicesDep, receive_body
from dovetail.gateway.json_answer import json_answer
from dovetail.gateway.openapi import answers, reads
from dovetail.gateway.sampling import ModelName
from dovetail.gateway.services import Services
from dovetail.gateway.wire import Wire

router = APIRouter(tags=["benchmarks"])

_Tokens = Annotated[list[Annotated[int, Field(ge=2, le=1 << 20)]], Field(min_length=1, max_length=8)]
_Streams = Annotated[list[Annotated[int, Field(ge=1, le=64)]], Field(min_length=1, max_length=8)]
_Format = Literal["json", "csv", "md", "svg", "html"]
_ID: JsonObject = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
_BASELINE: JsonObject = {
    "name": "baseline", "in": "query", "required": False, "schema": {"type": "string"},
    "description": "The id of a benchmark to compare with.",
}  # fmt: skip
_FORMAT: JsonObject = {
    "name": "format", "in": "query", "required": False,
    "schema": {"type": "string", "enum": ["json", "csv", "md", "svg", "html"]}, "description": "json when unsaid.",
}  # fmt: skip

# What each form is sent as, and how it is made of a benchmark and what it is compared with.
_FORMS: dict[str, tuple[str, Callable[[Benchmark, Benchmark | None], str]]] = {
    "json": ("application/json", lambda benchmark, _: written(benchmark)),
    "csv": ("text/csv; charset=utf-8", report.comma_separated),
    "md": ("text/markdown; charset=utf-8", report.markdown),
    "svg": ("image/svg+xml", lambda benchmark, _: chart.chart(benchmark)),
    "html": ("text/html; charset=utf-8", page.page),
}


class QualityBody(Wire):
    """How well each model predicts a text, and how far it is from the reference."""

    text: Annotated[str, Field(max_length=60_000)] = Field(default="", description="Empty: the package's own.")
    reference: ModelName | None = Field(default=None, description="One of the models; null: the first.")
    positions: Annotated[int, Field(ge=16, le=1 << 16)] = 256
    window: Annotated[int, Field(ge=32, le=8192)] = 512
    top: Annotated[int, Field(ge=1, le=100)] = Field(default=64, description="Tokens compared by themselves.")

    def plan(self) -> QualityPlan:
        return QualityPlan(self.text, self.reference, self.positions, self.window, self.top)


class BenchmarkRequest(Wire):
    """What is to be measured: every prompt length with every answer length and every number of requests at once."""

    models: Annotated[list[ModelName], Field(min_length=1, max_length=16)]
    prompt: _Tokens = Field(default=[512], description="Tokens of a prompt.")
    gen: _Tokens = Field(default=[128], description="Tokens of an answer.")
    streams: _Streams = Field(default=[1], description="Requests at once.")
    repeat: Annotated[int, Field(ge=1, le=100)] = 3
    warmup: bool = Field(default=True, description="One run of each first, which does not count.")
    quality: QualityBody | None = None
    name: Annotated[str, Field(max_length=200)] = ""
    when_busy: Literal["wait", "refuse"] = Field(default="wait", description="While other requests run.")

    def plan(self) -> Plan:
        return Plan(
            models=tuple(self.models),
            prompts=tuple(dict.fromkeys(self.prompt)),
            gens=tuple(dict.fromkeys(self.gen)),
            streams=tuple(dict.fromkeys(self.streams)),
            repeats=self.repeat,
            warmup=self.warmup,
            quality=None if self.quality is None else self.quality.plan(),
            name=self.name,
        )


class BenchmarkAnswer(Answer):
    """A benchmark with the figures it has, and how far it is while it is under way."""

    benchmark: Benchmark
    progress: Progress | None


class BenchmarkList(Answer):
    """Benchmarks, the newest first; `progress` is of the one under way, which is then the first."""

    data: list[Benchmark]
    progress: Progress | None


class BenchmarkEstimate(Answer):
    """How long it would take, in seconds; `measured` where all models were measured here before, else a guess."""

    seconds: float
    steps: int
    measured: bool


@router.post("/api/v1/benchmarks", operation_id="startBenchmark", response_model=None)
@reads(BenchmarkRequest)
@answers(BenchmarkAnswer)
async def start_benchmark(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """Begins a benchmark, one at a time. It waits while other requests run, and stops for each that comes."""
    body = await receive_body(request, services, BenchmarkRequest)
    await _check_models(services, caller, body)
    guard.detail(request.scope, models=", ".join(body.models)[:200])
    await _lab(services).start(body.plan(), refuse=body.when_busy == "refuse")
    return _under_way(services)


@router.post("/api/v1/benchmarks/estimate", operation_id="estimateBenchmark", response_model=None)
@reads(BenchmarkRequest)
@answers(BenchmarkEstimate)
async def estimate_benchmark(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """How long such a benchmark would take; nothing is measured for it."""
    body = await receive_body(request, services, BenchmarkRequest)
    await _check_models(services, caller, body)
    found = await _lab(services).estimate(body.plan())
    return json_answer({"seconds": found.seconds, "steps": found.steps, "measured": found.measured})


@router.get("/api/v1/benchmarks", operation_id="listBenchmarks", response_model=None)
@answers(BenchmarkList)
async def list_benchmarks(services: ServicesDep, caller: CallerDep) -> Response:
    """The newest 100, with their figures; of those of models that the caller's key is good for."""
    lab = _lab(services)
    running = lab.under_way()
    data = [each for each in await lab.list() if _may_see(caller, each)]
    return json_answer({"data": data, "progress": running[1] if running and _may_see(caller, running[0]) else None})


@router.get(
    "/api/v1/benchmarks/{id}",  # noqa: FAST003  read from the path
    operation_id="getBenchmark",
    response_model=None,
    openapi_extra={"parameters": [_ID]},
)
@answers(BenchmarkAnswer)
async def get_benchmark(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """One, with the figures that it has by now."""
    lab, wanted = _lab(services), _wanted(request)
    benchmark, running = await _seen(lab, caller, wanted), lab.under_way()
    progress = running[1] if running is not None and running[0].id == wanted else None
    return json_answer({"benchmark": benchmark, "progress": progress})


@router.post(
    "/api/v1/benchmarks/{id}/cancel",  # noqa: FAST003  read from the path
    operation_id="cancelBenchmark",
    response_model=None,
    openapi_extra={"parameters": [_ID]},
)
@answers(Done)
async def cancel_benchmark(request: Request, services: ServicesDep, _caller: CallerDep) -> Response:
    """Ends it and frees its models; it is kept with the figures that it has."""
    await _lab(services).cancel(_wanted(request))
    return json_answer({"ok": True})


@router.delete(
    "/api/v1/benchmarks/{id}",  # noqa: FAST003  read from the path
    operation_id="deleteBenchmark",
    response_model=None,
    openapi_extra={"parameters": [_ID]},
)
@answers(Done)
async def delete_benchmark(request: Request, services: ServicesDep, _caller: CallerDep) -> Response:
    """Forgets one that has ended."""
    await _lab(services).delete(_wanted(request))
    return json_answer({"ok": True})


@router.get(
    "/api/v1/benchmarks/{id}/export",  # noqa: FAST003  read from the path
    operation_id="exportBenchmark",
    response_model=None,
    openapi_extra={"parameters": [_ID, _FORMAT, _BASELINE]},
)
async def export_benchmark(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """As a file: JSON or CSV for programs, Markdown, one drawing, or one page that needs nothing else."""
    wanted = request.query_params.get("format", "json")
    if wanted not in _FORMS:
        raise InvalidRequest(f"format: one of {', '.join(_FORMS)}", param="format")
    lab = _lab(services)
    benchmark = await _seen(lab, caller, _wanted(request))
    baseline = request.query_params.get("baseline")
    compared = await _seen(lab, caller, baseline) if baseline else None
    media, form = _FORMS[wanted]
    headers = {
        "content-disposition": f'attachment; filename="{benchmark.id}.{wanted}"',
        "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
        "x-content-type-options": "nosniff",
    }
    return Response(form(benchmark, compared), media_type=media, headers=headers)


def _lab(services: Services) -> Lab:
    if services.lab is None:
        raise InvalidRequest("this server has no benchmark lab", code="not_found", status=404)
    return services.lab


async def _seen(lab: Lab, caller: Caller, wanted: str) -> Benchmark:
    """Raises InvalidRequest (404), or Forbidden for one of models that the caller's key is not good for."""
    benchmark = await lab.get(wanted)
    if not _may_see(caller, benchmark):
        raise Forbidden("this benchmark is of models that the key is not good for", code="key_scope")
    return benchmark


async def _check_models(services: Services, caller: Caller, body: BenchmarkRequest) -> None:
    """Raises ModelNotFound for one that the caller may not use."""
    reference = body.quality.reference if body.quality is not None else None
    for name in (*body.models, *([] if reference is None else [reference])):
        await asyncio.to_thread(services.catalog.find, name, None, caller)


def _may_see(caller: Caller, benchmark: Benchmark) -> bool:
    return all(caller.may_use(model) for model in benchmark.plan.models)


def _wanted(request: Request) -> str:
    wanted: str = request.path_params["id"]
    return wanted


def _under_way(services: Services) -> Response:
    running = _lab(services).under_way()
    benchmark, progress = running if running is not None else (None, None)
    return json_answer({"benchmark": benchmark, "progress": progress})
