"""Every route for every caller, on loopback and beyond it."""

import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from fastapi import FastAPI
from starlette.routing import Mount

from dovetail.access.access import Access
from dovetail.access.keys import NewKey
from dovetail.core.caller import Role, Scope
from dovetail.gateway.app import ROUTERS, create_app
from dovetail.gateway.guard import Guard, guarded
from dovetail.gateway.rights import BY_LOGIN, RIGHTS, Right, names
from dovetail.settings import AccessSettings, ServerSettings, Settings

from ..access.parts import GOOD, HERE, access, audited  # noqa: TID252
from .fakes import Answer, Client, call, model, services

pytestmark = pytest.mark.anyio

CALLERS = ("nobody", "wrong", "viewer", "member", "admin")
# What the rule says of those who do not say who they are: where, and since when that is so.
PLACES = ("a fresh loopback", "with an account", "with a key", "require_key", "beyond", "insecure", "given key")
OPEN: dict[Right, set[str]] = {
    Right.PUBLIC: set(PLACES),
    Right.VIEW: {"a fresh loopback", "with an account", "insecure"},
    Right.USE: {"a fresh loopback", "with an account", "insecure"},
    Right.ADMIN: {"a fresh loopback", "insecure", "with a key"},
    Right.JOURNAL: {"a fresh loopback", "insecure", "with a key"},
    Right.CHATS: {"a fresh loopback", "insecure", "with a key"},
    Right.RUNS: {"a fresh loopback", "insecure", "with a key"},
    Right.OWN: set(),
    Right.OWN_KEYS: set(),
    Right.PEOPLE: set(),
}
ROLES: dict[Right, set[str]] = {
    Right.PUBLIC: {"nobody", "wrong", "viewer", "member", "admin"},
    Right.VIEW: {"viewer", "member", "admin"},
    Right.USE: {"member", "admin"},
    Right.OWN: {"viewer", "member", "admin"},
    Right.CHATS: {"viewer", "member", "admin"},
    Right.RUNS: {"member", "admin"},
    Right.OWN_KEYS: {"member", "admin"},
    Right.JOURNAL: {"member", "admin"},
    Right.ADMIN: {"admin"},
    Right.PEOPLE: {"admin"},
}
# These answer until their client leaves.
ENDLESS = {"GET /api/v1/events", "GET /models/sse", "GET /logs/stream", "GET /metrics/stream"}
# These refuse with the same statuses for reasons of their own.
OWN_REASONS = {"already_set_up", "wrong_password", "setup_code", "forbidden_here", "key_scope"}


def settings(place: str) -> Settings:
    server = ServerSettings(
        host="0.0.0.0" if place in {"beyond", "insecure"} else "127.0.0.1", insecure=place == "insecure"
    )
    return Settings(home=Path("/nowhere"), server=server, access=AccessSettings(require_key=place == "require_key"))


@dataclass
class Place:
    app: FastAPI
    access: Access
    place: str

    async def ask(self, line: str, who: str) -> Answer:
        method, path = line.split(" ")
        path = re.sub(r"\{\w+(:\w+)?\}", "nobody-s", path)
        headers = dict(self.credentials[who])
        body = b"{}" if method in {"POST", "PATCH"} else b""
        client = Client(self.app, method, path, [body], headers)
        if line in ENDLESS:
            client.leave()
        return await client.run()

    credentials: dict[str, dict[str, str]]


@pytest.fixture(params=PLACES)
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Place]:
    where: str = request.param
    with access(tmp_path, key="given-to-serve" if where == "given key" else None) as made:
        credentials: dict[str, dict[str, str]] = {"nobody": {}, "wrong": {"authorization": "Bearer none"}}
        if where in {"with an account", "require_key", "beyond"}:
            await made.people.found("chief", GOOD)
            for role in ("viewer", "member"):
                await made.people.add(role, GOOD, role)
            for name, role in (("viewer", "viewer"), ("member", "member"), ("chief", "admin")):
                _, token = await made.people.log_in(name, GOOD, HERE)
                credentials[role] = {"cookie": f"a=b; dovetail={token}", "content-type": "application/json"}
        elif where == "with a key":
            roles: tuple[Role, ...] = ("viewer", "member", "admin")
            for role, header in zip(roles, ("authorization", "x-api-key", "authorization"), strict=True):
                _, secret = await made.keys.create(NewKey("k", None, role))
                credentials[role] = {header: secret if header == "x-api-key" else f"bearer {secret}"}
        elif where == "given key":
            credentials["admin"] = {"authorization": "Bearer given-to-serve"}
        yield Place(create_app(services(settings=settings(where), access=made)), made, where, credentials)


def test_every_route_has_a_line_and_every_line_a_route() -> None:
    assert sorted(name for router in ROUTERS for route in router.routes for name in names(route)) == sorted(RIGHTS)


def code_of(refusal: dict[str, Any]) -> str:
    """In OpenAI's form, or in Ollama's."""
    error = refusal.get("error", {})
    return refusal["code"] if isinstance(error, str) else error.get("code")


@pytest.mark.bad_input("56")
@pytest.mark.accept("H5")
async def test_every_cell_of_the_table(place: Place) -> None:
    wrong: list[str] = []
    for line, right in RIGHTS.items():
        for who in CALLERS:
            if who not in place.credentials or line == "POST /auth/logout":
                continue
            answer = await place.ask(line, who)
            page = answer.headers.get("content-type", "").startswith("text/html")
            code = code_of(answer.json()) if answer.status >= 400 and not page else ""
            let_in = answer.status not in {401, 403} or code in OWN_REASONS
            expected = who in ROLES[right] or (who in {"nobody", "wrong"} and place.place in OPEN[right])
            if let_in is not expected:
                wrong.append(f"{line} for {who}: {answer.status} {code}")
            if not let_in:
                unknown = who in {"nobody", "wrong"}
                assert answer.status == (401 if unknown else 403)
                assert ("www-authenticate" in answer.headers) is unknown
    assert wrong == []


async def test_what_a_key_is_not_good_for(tmp_path: Path) -> None:
    with access(tmp_path) as made:
        app = create_app(services(access=made))
        chat = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
        scopes = (Scope(models=("other",)), Scope(endpoints=("/v1/models",)), Scope(read_only=True))
        for scope in scopes:
            _, secret = await made.keys.create(NewKey("k", None, "member", scope))
            refused = await call(app, "POST", "/v1/chat/completions", chat, x_api_key=secret)
            assert refused.error[::2] == ((404, "model_not_found") if scope.models else (403, "key_scope"))
            retrieved = await call(app, "GET", "/v1/models/m", x_api_key=secret)
            assert retrieved.status == (404 if scope.models else 200)
            listed = (await call(app, "GET", "/v1/models", x_api_key=secret)).json()["data"]
            assert [model["id"] for model in listed] == ([] if scope.models else ["m"])
        _, secret = await made.keys.create(NewKey("k", None, "admin", Scope(models=("other",))))
        for path in ("/tokenize", "/models/load", "/models/unload", "/v1/embeddings", "/v1/completions", "/completion"):
            body = {"content": "hi", "input": "hi", "prompt": "hi", "model": "m"}
            assert (await call(app, "POST", path, body, x_api_key=secret)).error[::2] == (404, "model_not_found")
        assert (await call(app, "GET", "/props?model=m", x_api_key=secret)).status == 404


async def test_a_key_of_some_models_is_told_of_no_others_where_it_asks_for_none(tmp_path: Path) -> None:
    with access(tmp_path) as made:
        app = create_app(services(None, model("m"), model("other"), access=made))
        _, narrow = await made.keys.create(NewKey("k", None, "member", Scope(models=("m",))))
        _, wide = await made.keys.create(NewKey("k", None, "member"))
        made.changed()
        message = [{"role": "user", "content": "hi"}]
        asks = (
            ("GET", "/v1/models/nobody", None),
            ("POST", "/v1/completions", {"model": "nobody", "prompt": "hi", "stream": True}),
            ("POST", "/v1/messages", {"model": "nobody", "max_tokens": 1, "messages": message}),
            ("POST", "/v1/messages/count_tokens", {"model": "nobody", "messages": message}),
            ("POST", "/v1/embeddings", {"model": "nobody", "input": "hi"}),
        )
        for method, path, body in asks:
            for key, others in ((narrow, False), (wide, True)):
                answer = await call(app, method, path, body, x_api_key=key)
                assert answer.status == 404
                assert b"models here: m" in answer.body
                assert (b"other" in answer.body) is others


@pytest.mark.parametrize("line", sorted(BY_LOGIN))
async def test_what_takes_a_login_takes_no_key(tmp_path: Path, line: str) -> None:
    with access(tmp_path) as made:
        await made.people.found("chief", GOOD)
        app = create_app(services(access=made))
        _, secret = await made.keys.create(NewKey("k", "chief", "admin"))
        _, token = await made.people.log_in("chief", GOOD, HERE)
        method, path = line.replace("{name}", "chief").split(" ")
        refused = await call(app, method, path, {}, x_api_key=secret)
        assert refused.error[:3] == (403, "permission_error", "key_scope")
        cookie = {"cookie": f"dovetail={token}", "content_type": "application/json"}
        assert (await call(app, method, path, {}, **cookie)).status == 400  # it is let in, and the body read


async def test_a_key_leaves_no_account_behind_and_no_admin_takes_the_super_admin_s(tmp_path: Path) -> None:
    with access(tmp_path) as made:
        await made.people.found("chief", GOOD)
        await made.people.add("second", GOOD, "admin")
        app = create_app(services(access=made))
        _, secret = await made.keys.create(NewKey("k", "second", "admin"))
        token = (await made.people.log_in("second", GOOD, HERE))[1]
        second = {"cookie": f"dovetail={token}", "content_type": "application/json"}
        new = {"name": "mallory", "password": GOOD, "role": "admin"}
        assert (await call(app, "POST", "/api/v1/users", new, x_api_key=secret)).error[2] == "key_scope"
        change = {"password": "another one entirely"}
        assert (await call(app, "PATCH", "/api/v1/users/second", change, x_api_key=secret)).error[2] == "key_scope"
        assert (await call(app, "PATCH", "/api/v1/users/chief", change, **second)).error[2] == "super_admin"
        await made.people.log_in("chief", GOOD, HERE)
        assert (await call(app, "POST", "/api/v1/users", new, x_api_key=made.local_key)).status == 200


async def test_health_tells_strangers_beyond_this_machine_nothing_of_models(tmp_path: Path) -> None:
    with access(tmp_path) as made:
        await made.people.found("chief", GOOD)
        for place, status in (("beyond", 401), ("with an account", 200)):
            app = create_app(services(settings=settings(place), access=made))
            assert (await call(app, "GET", "/health?model=m")).status == status
            assert (await call(app, "GET", "/health")).json()["models"] == []
            assert (await call(app, "GET", "/health?model=m", x_api_key=made.local_key)).status == 200


async def test_liveness_asks_no_database(tmp_path: Path) -> None:
    with access(tmp_path) as made:
        app = create_app(services(access=made))
    for path in ("/health", "/ready"):  # with a credential to look up, and the database closed
        assert (await call(app, "GET", path, x_api_key="sk-dvt-none")).status in {200, 503}


@pytest.mark.parametrize("header", ["x_forwarded_for", "forwarded", "x_real_ip"])
async def test_what_comes_through_a_proxy_that_nobody_named_is_not_of_this_machine(tmp_path: Path, header: str) -> None:
    with access(tmp_path) as made:
        for place, status in (("a fresh loopback", 401), ("insecure", 200)):
            app = create_app(services(settings=settings(place), access=made))
            assert (await call(app, "GET", "/v1/models", **{header: "203.0.113.9"})).status == status
        app = create_app(services(access=made))
        refused = await call(app, "POST", "/auth/setup", {"password": GOOD}, **{header: "203.0.113.9"})
        assert (refused.status, made.people.chief) == (403, None)


def test_a_route_that_could_not_be_asked_about_is_no_route() -> None:
    with pytest.raises(TypeError, match="table of rights"):
        guarded(Mount("/files", routes=[]), cast("Guard", object()))


HI = {"content-type": "application/json", "host": "localhost:8080"}


@pytest.mark.bad_input("53")
async def test_setup_login_and_logout(tmp_path: Path) -> None:
    with access(tmp_path) as made:
        app = create_app(services(access=made))
        before = (await call(app, "GET", "/auth/status")).json()
        assert (before["initialized"], before["setup_required"], before["authenticated"]) == (False, True, False)
        weak = await call(app, "POST", "/auth/setup", {"superAdminId": "chief", "password": "short"})
        assert weak.error == (400, "invalid_request_error", "weak_password", "password")
        done = await call(app, "POST", "/auth/setup", {"superAdminId": "chief", "password": GOOD})
        assert done.json() == {"ok": True, "name": "chief", "role": "admin"}
        cookie = done.headers["set-cookie"]
        assert re.fullmatch(r"dovetail=[\w-]{43}; HttpOnly; Max-Age=604800; Path=/; SameSite=strict", cookie)
        again = await call(app, "POST", "/auth/setup", {"superAdminId": "other", "password": GOOD})
        assert again.error[:3] == (403, "permission_error", "already_set_up")
        session = cookie.partition(";")[0]
        after = (await call(app, "GET", "/auth/status", cookie=session)).json()
        assert (after["authenticated"], after["superAdminId"], after["role"]) == (True, "chief", "admin")
        stranger = (await call(app, "GET", "/auth/status")).json()
        assert (stranger["initialized"], stranger["superAdminId"]) == (True, None)
        out = await call(app, "POST", "/auth/logout", cookie=session)
        assert "Max-Age=0" in out.headers["set-cookie"]
        gone = await call(app, "GET", "/api/v1/sessions", cookie=session)
        assert gone.error[:3] == (401, "authentication_error", "session_ended")
        wrong = await call(app, "POST", "/auth/login", {"name": "chief", "password": GOOD + "?"})
        assert wrong.error[:3] == (401, "authentication_error", "wrong_password")
    said = audited(tmp_path)
    assert [(line["what"], line["who"]) for line in said] == [
        ("setup", "chief"),
        ("logout", "chief"),
        ("login refused", "chief"),
    ]
    assert GOOD not in (tmp_path / "logs" / "audit.jsonl").read_text()


async def test_a_login_over_tls_has_a_cookie_for_this_host_alone(tmp_path: Path) -> None:
    with access(tmp_path) as made:
        await made.people.found("chief", GOOD)
        app = create_app(services(access=made))
        body = b'{"name": "chief", "password": "%s"}' % GOOD.encode()
        answer = await Client(app, "POST", "/auth/login", [body], HI, scheme="https").run()
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-dovetail=")
        assert {"Secure", "HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
        assert "Domain" not in cookie


@pytest.mark.bad_input("53")
async def test_a_login_is_a_new_session_and_ends_the_one_before(tmp_path: Path) -> None:
    with access(tmp_path) as made:
        await made.people.found("chief", GOOD)
        app = create_app(services(access=made))
        body = {"name": "chief", "password": GOOD}
        first = (await call(app, "POST", "/auth/login", body)).headers["set-cookie"].partition(";")[0]
        again = await call(app, "POST", "/auth/login", body, cookie=first, content_type="application/json")
        second = again.headers["set-cookie"].partition(";")[0]
        assert second != first
        assert (await call(app, "GET", "/api/v1/sessions", cookie=first)).status == 401
        assert len((await call(app, "GET", "/api/v1/sessions", cookie=second)).json()["data"]) == 1


async def test_setup_from_elsewhere_needs_the_code(tmp_path: Path) -> None:
    with access(tmp_path) as made:
        for place in ("beyond", "insecure"):
            app = create_app(services(settings=settings(place), access=made))
            assert (await call(app, "GET", "/auth/status")).json()["setup_needs_code"] is True
            for code in ({}, {"code": "setup_000"}):
                refused = await call(app, "POST", "/auth/setup", {"password": GOOD, **code})
                assert refused.error[:3] == (403, "permission_error", "setup_code")
        done = await call(app, "POST", "/auth/setup", {"password": GOOD, "code": made.setup_code})
        assert done.status == 200


@pytest.mark.bad_input("53")
async def test_a_password_change_ends_the_other_sessions(tmp_path: Path) -> None:
    with access(tmp_path) as made:
        await made.people.found("chief", GOOD)
        app = create_app(services(access=made))
        here, there = [(await made.people.log_in("chief", GOOD, HERE))[1] for _ in range(2)]
        body = {"password": GOOD, "new_password": GOOD + "!"}
        headers = {"cookie": f"dovetail={here}", "content_type": "application/json"}
        wrong = await call(app, "POST", "/auth/password", {**body, "password": "not it"}, **headers)
        assert wrong.status == 401
        assert (await call(app, "POST", "/auth/password", body, **headers)).status == 200
        assert (await call(app, "GET", "/api/v1/sessions", cookie=f"dovetail={here}")).status == 200
        assert (await call(app, "GET", "/api/v1/sessions", cookie=f"dovetail={there}")).status == 401


async def test_one_sees_and_ends_only_ones_own(tmp_path: Path) -> None:
    with access(tmp_path) as made:
        await made.people.found("chief", GOOD)
        app = create_app(services(access=made))
        cookies: dict[str, dict[str, str]] = {}
        for name in ("ann", "bob", "chief"):
            if name != "chief":
                await made.people.add(name, GOOD, "member")
            token = (await made.people.log_in(name, GOOD, HERE))[1]
            cookies[name] = {"cookie": f"dovetail={token}", "content_type": "application/json"}
        key = (await call(app, "POST", "/api/v1/keys", {"name": "laptop"}, **cookies["ann"])).json()
        assert (key["role"], key["account"]) == ("member", "ann")
        session = (await call(app, "GET", "/api/v1/sessions", **cookies["ann"])).json()["data"][0]["id"]
        for what in (f"/api/v1/keys/{key['id']}", f"/api/v1/sessions/{session}"):
            assert (await call(app, "DELETE", what, **cookies["bob"])).status == 404
        for what in ("/api/v1/keys?all=true", "/api/v1/sessions?all=true"):
            mine = (await call(app, "GET", what, **cookies["bob"])).json()["data"]
            assert [entry for entry in mine if entry.get("account", "bob") != "bob"] == []
            assert len((await call(app, "GET", what, **cookies["chief"])).json()["data"]) >= 1
        listed = (await call(app, "GET", "/api/v1/keys", **cookies["ann"])).body
        assert key["key"].encode() not in listed
        refused = (
            ({"name": "k", "role": "admin"}, cookies["ann"]),
            ({"name": "k", "priority": 5}, cookies["ann"]),
            ({"name": "k"}, {"x_api_key": key["key"]}),
        )
        for body, who in refused:
            assert (await call(app, "POST", "/api/v1/keys", body, **who)).status == 403
        assert (await call(app, "DELETE", f"/api/v1/keys/{key['id']}", **cookies["chief"])).status == 200
        assert (await call(app, "GET", "/v1/models", x_api_key=key["key"])).status in {200, 401}
        assert (await call(app, "DELETE", f"/api/v1/sessions/{session}", **cookies["ann"])).status == 200
        assert (await call(app, "GET", "/api/v1/sessions", **cookies["ann"])).status == 401


async def test_users_are_the_admin_s(tmp_path: Path) -> None:
    with access(tmp_path) as made:
        await made.people.found("chief", GOOD)
        app = create_app(services(access=made))
        token = (await made.people.log_in("chief", GOOD, HERE))[1]
        chief = {"cookie": f"dovetail={token}", "content_type": "application/json"}
        new = {"name": "ann", "password": GOOD}
        assert (await call(app, "POST", "/api/v1/users", new, **chief)).status == 200
        assert (await call(app, "POST", "/api/v1/users", new, **chief)).error[0] == 409
        assert (
            await call(app, "PATCH", "/api/v1/users/ann", {"role": "viewer", "password": GOOD + "1"}, **chief)
        ).status == 200
        assert (await call(app, "PATCH", "/api/v1/users/ann", {}, **chief)).status == 400
        listed = (await call(app, "GET", "/api/v1/users", **chief)).json()["data"]
        assert [(u["name"], u["role"], u["super_admin"]) for u in listed] == [
            ("chief", "admin", True),
            ("ann", "viewer", False),
        ]
        assert (await call(app, "DELETE", "/api/v1/users/chief", **chief)).status == 403
        assert (await call(app, "DELETE", "/api/v1/users/ann", **chief)).status == 200
        assert (await call(app, "DELETE", "/api/v1/users/ann", **chief)).status == 404
    lines = [(line["what"], line.get("user"), line["status"]) for line in audited(tmp_path)]
    assert lines[0] == ("POST /api/v1/users", "ann", 200)
    assert lines[-1] == ("DELETE /api/v1/users/{name}", "ann", 404)
    assert GOOD not in (tmp_path / "logs" / "audit.jsonl").read_text()
