"""What is served of the web interface, to whom, and as what."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from starlette.types import ASGIApp

from dovetail.gateway import pages
from dovetail.gateway.app import create_app

from .fakes import call, services

pytestmark = pytest.mark.anyio

DOCUMENT = b"<!doctype html><title>Dovetail</title>"


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ASGIApp:
    (tmp_path / "assets").mkdir()
    (tmp_path / ".vite").mkdir()
    (tmp_path / "index.html").write_bytes(DOCUMENT)
    (tmp_path / "theme.js").write_bytes(b"1")
    (tmp_path / ".vite" / "manifest.json").write_bytes(b"{}")
    (tmp_path / "build.sha256").write_bytes(b"0")
    for name in ("a-1.js", "a-1.css", "a-1.woff2"):
        (tmp_path / "assets" / name).write_bytes(name.encode())
    (tmp_path / "assets" / "a-1.js.gz").write_bytes(gzip.compress(b"a-1.js"))
    monkeypatch.setattr(pages, "STATIC", tmp_path)
    return create_app(services())


async def test_every_page_is_the_one_document(app: ASGIApp) -> None:
    for path in ("/ui/", "/ui/chat", "/ui/chat/c_123", "/ui/settings/security"):
        for accept in ("text/html,application/xhtml+xml", "*/*"):
            page = await call(app, "GET", path, accept=accept)
            assert (page.status, page.body) == (200, DOCUMENT), path
            assert page.headers["content-type"] == "text/html; charset=utf-8"
            assert page.headers["cache-control"] == "no-cache"
    head = await call(app, "HEAD", "/ui/chat")
    assert (head.status, head.body) == (200, b"")


async def test_pages_run_no_script_but_files_of_this_server(app: ASGIApp) -> None:
    policy = (await call(app, "GET", "/ui/")).headers["content-security-policy"]
    rules = {name: values for name, *values in (rule.split() for rule in policy.split(";"))}
    assert rules["default-src"] == ["'none'"]
    assert rules["script-src"] == rules["connect-src"] == ["'self'"]
    assert rules["frame-ancestors"] == rules["base-uri"] == ["'none'"]
    assert "unsafe-eval" not in policy
    assert "http" not in policy


async def test_files_say_what_they_are_and_those_with_a_hash_are_kept(app: ASGIApp) -> None:
    kinds = {
        "a-1.js": "text/javascript; charset=utf-8",
        "a-1.css": "text/css; charset=utf-8",
        "a-1.woff2": "font/woff2",
    }
    for name, kind in kinds.items():
        file = await call(app, "GET", f"/ui/assets/{name}")
        assert (file.status, file.body, file.headers["content-type"]) == (200, name.encode(), kind)
        assert "immutable" in file.headers["cache-control"]
        assert file.headers["x-content-type-options"] == "nosniff"
    theme = await call(app, "GET", "/ui/theme.js")
    assert (theme.status, theme.headers["cache-control"]) == (200, "no-cache")


async def test_what_is_compressed_already_is_sent_so_to_who_takes_it(app: ASGIApp) -> None:
    packed = await call(app, "GET", "/ui/assets/a-1.js", accept_encoding="br, gzip")
    assert gzip.decompress(packed.body) == b"a-1.js"
    assert (packed.headers["content-encoding"], packed.headers["vary"]) == ("gzip", "accept-encoding")
    assert packed.headers["content-type"] == "text/javascript; charset=utf-8"
    plain = await call(app, "GET", "/ui/assets/a-1.css", accept_encoding="gzip")
    assert "content-encoding" not in plain.headers


async def test_nothing_else_is_there(app: ASGIApp, tmp_path: Path) -> None:
    (tmp_path.parent / "secret.js").write_bytes(b"secret")
    missing = [
        "/ui/assets/gone.js", "/ui/.vite/manifest.json", "/ui/build.sha256", "/ui/assets/a-1.js.gz", "/ui/../secret.js",
        "/ui/assets/../../secret.js", "/ui/%2e%2e/secret.js", "/ui/..%2fsecret.js", "/ui/%5c..%5csecret.js",
        "/ui//etc/a.js",
    ]  # fmt: skip
    for path in missing:
        answer = await call(app, "GET", path)
        assert (answer.status, answer.error[2]) == (404, "not_found"), path
    for path in ("/api/v1/nope", "/v1/nope", "/nope"):
        assert (await call(app, "GET", path, accept="text/html")).status == 404, path
    assert (await call(app, "GET", "/ui/chat", accept="application/json")).status == 404
    assert (await call(app, "POST", "/ui/chat")).status == 405


async def test_other_names_lead_there(app: ASGIApp) -> None:
    for path in ("/", "/webui", "/ui"):
        answer = await call(app, "GET", path)
        assert (answer.status, answer.headers["location"]) == (307, "/ui/"), path
    assert (await call(app, "HEAD", "/")).status == 200


async def test_where_it_was_not_built_a_page_says_how(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "STATIC", tmp_path / "none")
    page = await call(create_app(services()), "GET", "/ui/models", accept="text/html")
    assert page.status == 503
    assert b"dovetail ui build" in page.body
    assert (await call(create_app(services()), "GET", "/ui/assets/a.js")).status == 404


async def test_a_drive_is_no_place_of_the_interface(app: ASGIApp, tmp_path: Path) -> None:
    """On Windows `C:/x` below any folder is a place on that drive."""
    (tmp_path / "C:").mkdir()
    (tmp_path / "C:" / "secrets.txt").write_bytes(b"secret")
    (tmp_path / "theme.js:stream.js").write_bytes(b"hidden")
    for path in ("/ui/C:/secrets.txt", "/ui/theme.js:stream.js"):
        assert (await call(app, "GET", path)).status == 404, path
