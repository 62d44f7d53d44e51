"""The web interface: its files under `/ui/`, and for every address of a page there the one document."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from dovetail.core.errors import InvalidRequest

router = APIRouter(tags=["pages"])

STATIC = Path(__file__).parent / "static"
_FOREVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"
# What the files are is said here: on Windows the registry may call JavaScript plain text.
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".png": "image/png",
    ".wasm": "application/wasm",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "media-src 'self' data: blob:; font-src 'self'; connect-src 'self'; worker-src 'self' blob:; manifest-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_ABSENT = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Dovetail</title>
<h1>Dovetail</h1>
<p>The server runs. The web interface is not built: run <code>dovetail ui build</code> in the clone that it was
installed from, then load this page again.</p>
</html>
"""


@router.head("/", include_in_schema=False)
@router.get("/", operation_id="home", response_class=RedirectResponse, status_code=307)
async def home(request: Request) -> Response:
    """To the web interface. Clients that ask with HEAD whether a server is here get a plain yes."""
    return Response() if request.method == "HEAD" else _to_pages()


@router.head("/webui", include_in_schema=False)
@router.get("/webui", include_in_schema=False)
@router.head("/ui", include_in_schema=False)
@router.get("/ui", include_in_schema=False)
async def other_names() -> Response:
    return _to_pages()


@router.head("/ui/{path:path}", include_in_schema=False)  # noqa: FAST003  read from the path
@router.get("/ui/{path:path}", include_in_schema=False)
async def page(request: Request) -> Response:
    """A file of the interface; its document where a page is asked for; else 404."""
    path: str = request.path_params["path"]
    found = await asyncio.to_thread(_find, path, "gzip" in request.headers.get("accept-encoding", ""))
    if found is not None:
        return _answer(*found)
    if not _is_page(path, request.headers.get("accept", "")):
        raise InvalidRequest("there is nothing at this address", code="not_found", status=404)
    document = await asyncio.to_thread(_find, "index.html", compressed=False)
    if document is None:
        return HTMLResponse(_ABSENT, 503, {"cache-control": "no-store"})
    return _answer(*document)


def _to_pages() -> Response:
    return RedirectResponse("/ui/", 307, {"cache-control": _ASK_AGAIN})


def _is_page(path: str, accept: str) -> bool:
    """Whether a browser asks for a page: it says that it takes HTML, and no page has a dot in its last part."""
    return ("text/html" in accept or accept in {"", "*/*"}) and "." not in path.rsplit("/", 1)[-1]


def _find(path: str, compressed: bool) -> tuple[str, Path, bool] | None:
    """The file at `path` and its name, or the compressed one beside it. Blocks on the disk."""
    parts = path.split("/")
    suffix = Path(path).suffix
    if (
        any(part.startswith(".") or part == "" for part in parts)
        or not {"\\", ":", "\0"}.isdisjoint(path)  # a drive of Windows is a place elsewhere
        or suffix not in _TYPES
    ):
        return None
    plain = STATIC.joinpath(*parts)
    packed = plain.with_name(f"{plain.name}.gz")
    if compressed and _is_file(packed):
        return path, packed, True
    return (path, plain, False) if _is_file(plain) else None


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def _answer(path: str, file: Path, packed: bool) -> Response:
    kind = _TYPES[Path(path).suffix]
    headers = {"cache-control": _FOREVER if path.startswith("assets/") else _ASK_AGAIN, "vary": "accept-encoding"}
    if packed:
        headers["content-encoding"] = "gzip"
    if kind.startswith("text/html"):
        headers["content-security-policy"] = _POLICY
    return FileResponse(file, headers=headers, media_type=kind)
