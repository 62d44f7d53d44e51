"""Routes of other servers that have no meaning here: each is a 501 that says why, none answers as if it worked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from dovetail.core.errors import InvalidRequest

_SPEECH = "no text is spoken here"
ABSENT: dict[str, str] = {
    "POST /api/push": "models are not published from here: the hub's own tools do that",
    "POST /api/copy": "a model has further names by [models.ID] aliases, in dovetail.toml",
    "POST /api/create": "a model is a file or a folder: POST /api/v1/models adds one, [models.ID] has its options",
    "POST /api/blobs/{digest}": "there are no blobs: a model is a file or a folder",
    "POST /slots/{id}": "prompt caches are saved and restored by themselves; `dovetail kv export` takes one out",
    "POST /props": "what models are loaded by is set in [models.ID]",
    "POST /v1/audio/speech": _SPEECH,
    "POST /kokoro/generate": _SPEECH,
}


class NotHere(InvalidRequest):
    """The route is another server's."""

    status = 501
    code = "not_implemented"


def _answering(line: str, why: str) -> Callable[[Request], Awaitable[Response]]:
    async def answer(_request: Request) -> Response:
        raise NotHere(f"{line} has no meaning here: {why}")

    return answer


def _router() -> APIRouter:
    router = APIRouter()
    for line, why in ABSENT.items():
        method, _, path = line.partition(" ")
        router.add_route(path, _answering(line, why), methods=[method], include_in_schema=False)
    return router


router = _router()
