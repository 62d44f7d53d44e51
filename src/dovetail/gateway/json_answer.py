"""An answer in JSON, as most routes give it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson
from starlette.responses import Response


def json_answer(
    body: Mapping[str, object] | Sequence[object], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """`body` holds what orjson writes; its length is said, as of every whole answer."""
    return Response(orjson.dumps(body), status, headers, "application/json")
