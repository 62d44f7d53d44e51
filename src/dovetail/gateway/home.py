"""The page at `/`: plain, until the web interface exists."""

from __future__ import annotations

import asyncio
from html import escape
from string import Template

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from dovetail import __version__
from dovetail.gateway.deps import ServicesDep

router = APIRouter(tags=["health"])

_PAGE = Template("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Dovetail</title>
<h1>Dovetail $version</h1>
<p>A local server for GGUF and MLX models. Models here:</p>
<table>
<tr><th align="left">name<th align="left">format<th align="left">state</tr>
$rows
</table>
<p>Ask one:</p>
<pre>curl ${url}v1/chat/completions -d '{"model": "$example", "messages": [{"role": "user", "content": "Hello"}]}'</pre>
</html>
""")


@router.head("/", include_in_schema=False)
@router.get("/", operation_id="home", response_class=HTMLResponse)
async def home(request: Request, services: ServicesDep) -> HTMLResponse:
    """Version, models and an example."""
    models = await asyncio.to_thread(services.catalog.models)
    sound = [m for m in models if m.invalid is None]
    rows = "\n".join(f"<tr><td>{escape(m.id)}<td>{m.format}<td>{services.pool.status(m.id).state}</tr>" for m in models)
    page = _PAGE.substitute(
        version=escape(__version__),
        rows=rows,
        url=escape(str(request.base_url)),
        example=escape(sound[0].id) if sound else "MODEL",
    )
    headers = {"content-security-policy": "default-src 'none'", "x-content-type-options": "nosniff"}
    return HTMLResponse(page, headers=headers)
