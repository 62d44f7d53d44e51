"""What runs where, as a report of a fault has to say it."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from starlette.responses import Response

from dovetail.engines.gguf import Origin
from dovetail.gateway.answers import Answer
from dovetail.gateway.deps import CallerDep, ServicesDep
from dovetail.gateway.json_answer import json_answer
from dovetail.gateway.openapi import answers
from dovetail.gateway.versions import system, versions
from dovetail.hardware.machine import machine

router = APIRouter(tags=["configuration"])


class About(Answer):
    """Versions, null for what is not installed, and the machine.

    llama_cpp  the one in use: the package's own (`wheel`), the package compiled here (`native`), another `program`, or
        null for none
    """

    dovetail: str
    python: str
    xllamacpp: str | None
    llama_cpp: Origin | None
    mlx: str | None
    mlx_lm: str | None
    system: str
    processor: str


@router.get("/api/v1/about", operation_id="about", response_model=None)
@answers(About)
async def about(services: ServicesDep, _caller: CallerDep) -> Response:
    """The versions of Dovetail, Python and the engines, and which machine this is."""
    found = await asyncio.to_thread(versions, services.engines)
    facts = await asyncio.to_thread(machine)
    return json_answer(
        {
            "dovetail": found.dovetail,
            "python": found.python,
            "xllamacpp": found.xllamacpp or None,
            "llama_cpp": found.origin,
            "mlx": found.mlx or None,
            "mlx_lm": found.mlx_lm or None,
            "system": system(facts),
            "processor": facts.processor.name,
        }
    )
