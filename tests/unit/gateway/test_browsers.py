"""Other names than the server's, other people's pages, and what answers tell browsers."""

from pathlib import Path

import pytest
from fastapi import FastAPI

from dovetail.gateway.app import create_app
from dovetail.settings import ServerSettings, Settings

from .fakes import Client, call, services

pytestmark = pytest.mark.anyio

CHAT = "/v1/chat/completions"


def app(**server: object) -> FastAPI:
    made = Settings(home=Path("/nowhere"), server=ServerSettings.model_validate(server))
    return create_app(services(settings=made))


LOCAL = ["localhost", "localhost:8080", "LOCALHOST:1", "127.0.0.1:8080", "127.8.8.8", "[::1]:8080", "localhost."]
FOREIGN = [
    "evil.example", "127.0.0.1.evil.example", "localhost.evil", "10.0.0.1:8080", "[2001:db8::1]", "", "a b",
    "[::1]evil", "[::1%25evil]:8080", "localhost:8080.evil", "localhost:123456", "[::1", "localhost..",
    "user@localhost",
]  # fmt: skip


@pytest.mark.parametrize(("host", "known"), [*((h, True) for h in LOCAL), *((h, False) for h in FOREIGN)])
async def test_names_of_a_server_on_loopback(host: str, known: bool) -> None:
    answer = await call(app(), "GET", "/v1/models", host=host)
    assert answer.status == (200 if known else 421)
    if not known:
        assert answer.error[:3] == (421, "permission_error", "unknown_host")
    assert (await call(app(), "GET", "/health", host=host)).status == 200


async def test_names_of_a_server_beyond_loopback() -> None:
    beyond = app(host="0.0.0.0", allowed_hosts=("Box.example",), insecure=True)
    for host, status in (("10.0.0.1:8080", 200), ("[2001:db8::1]", 200), ("box.example", 200), ("evil", 421)):
        assert (await call(beyond, "GET", "/v1/models", host=host)).status == status


ORIGINS = [
    ("http://localhost:8080", True), ("https://localhost:8080", True), ("http://localhost", False), ("null", False),
    ("http://evil.example", False), ("http://localhost:8081", False), ("http://localhost:8080.evil", False),
    ("file://", False), ("http://localhost:8080@evil", False),
]  # fmt: skip


@pytest.mark.parametrize(("origin", "own"), ORIGINS)
async def test_pages_of_other_sites(origin: str, own: bool) -> None:
    for method, path in (("POST", CHAT), ("GET", "/v1/models"), ("POST", "/auth/logout"), ("GET", "/nothing")):
        headers = {"host": "localhost:8080", "origin": origin, "content_type": "application/json"}
        answer = await call(app(), method, path, **headers)
        assert (answer.status != 403) is own
        if not own:
            assert answer.error[:3] == (403, "permission_error", "bad_origin")
            assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_foreign_post_without_an_origin(site: str) -> None:
    headers = {"sec_fetch_site": site, "content_type": "application/json"}
    assert (await call(app(), "POST", "/models/load", {}, **headers)).error[2] == "bad_origin"
    assert (await call(app(), "GET", "/", **headers)).status == 307  # a link


async def test_a_page_that_came_without_tls_is_not_the_server_s_own() -> None:
    for origin, own in (("https://box.example", True), ("http://box.example", False)):
        headers = {"host": "box.example", "origin": origin, "content-type": "application/json"}
        tls = app(host="0.0.0.0", allowed_hosts=("box.example",), insecure=True)
        answer = await Client(tls, "POST", "/auth/logout", [b"{}"], headers, scheme="https").run()
        assert (answer.status != 403) is own


@pytest.mark.accept("H15")
async def test_pages_that_are_allowed_may_read_answers() -> None:
    friendly = app(cors_origins=("https://chat.example",))
    headers = {"host": "localhost:8080", "origin": "https://chat.example", "content_type": "application/json"}
    asked = await call(friendly, "OPTIONS", CHAT, access_control_request_method="POST", **headers)
    assert asked.status == 204
    answer = await call(friendly, "POST", CHAT, {}, **headers)
    for one in (asked, answer):
        assert one.headers["access-control-allow-origin"] == "https://chat.example"
        assert "access-control-allow-credentials" not in one.headers
    assert answer.status == 400
    headers["origin"] = "https://chat.example.evil"
    refused = await call(friendly, "OPTIONS", CHAT, access_control_request_method="POST", **headers)
    assert refused.status == 403
    assert "access-control-allow-origin" not in refused.headers


async def test_answers_tell_browsers_what_they_may() -> None:
    for path in ("/health", "/v1/models", "/nothing", "/"):
        headers = (await call(app(), "GET", path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
    refused = await call(app(), "GET", "/v1/models", host="evil")
    assert refused.headers["x-content-type-options"] == "nosniff"
