"""What somebody may who has no name, or no longer the role with which the request began."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from starlette.types import Message

from dovetail.access.access import Access
from dovetail.access.keys import NewKey
from dovetail.core.caller import GUEST, LOCAL, Scope
from dovetail.fleet.pool import WorkerStatus
from dovetail.gateway.app import create_app
from dovetail.gateway.rights import OF_ALL_MODELS, RIGHTS

from ..access.parts import GOOD, HERE, access  # noqa: TID252
from ..serving.fakes import model  # noqa: TID252
from .fakes import Client, call, services

pytestmark = pytest.mark.anyio


class Slow(Client):
    """Sends its body when it is told to."""

    def __init__(self, *request: object, **more: object) -> None:
        super().__init__(*request, **more)  # pyright: ignore[reportArgumentType]  as `Client` has them
        self.waits = asyncio.Event()
        self.go_on = asyncio.Event()

    async def _receive(self) -> Message:
        self.waits.set()
        await self.go_on.wait()
        return await super()._receive()


@pytest.mark.accept("H5")
async def test_without_a_name_nobody_is_an_admin_once_there_is_an_account(tmp_path: Path) -> None:
    with access(tmp_path) as made:
        app = create_app(services(access=made))
        message = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "keep_alive": -1}
        assert (await call(app, "GET", "/models")).json()["data"][0]["path"]
        await made.people.found("chief", GOOD)
        made.changed()
        for body in (message, {**message, "keep_alive": 0}, {"model": "m", "keep_alive": 0}):
            refused = await call(app, "POST", "/api/chat", body)
            assert (refused.status, "keep_alive" in refused.json()["error"]) == (403, True)
        asked = await call(app, "POST", "/api/chat", {k: v for k, v in message.items() if k != "keep_alive"})
        assert asked.status == 200
        assert (await call(app, "GET", "/models")).json()["data"][0]["path"] is None
    assert LOCAL.id == GUEST.id


async def test_a_key_of_other_models_changes_and_removes_none(tmp_path: Path) -> None:
    with access(tmp_path) as made:
        app = create_app(services(access=made))
        _, secret = await made.keys.create(NewKey("k", None, "admin", Scope(models=("other",))))
        for method, path, body in (
            ("PATCH", "/api/v1/models/m", {"settings": {"ttl": 1}}),
            ("DELETE", "/api/v1/models/m", None),
            ("DELETE", "/api/v1/models/m?files=true&confirm=m", None),
            ("DELETE", "/models?model=m", None),
            ("DELETE", "/api/delete", {"model": "m"}),
            ("GET", "/api/v1/models/m/removal", None),
            ("GET", "/api/v1/models/m/adapters", None),
            ("POST", "/api/v1/models/estimate", {"model": "m"}),
            ("POST", "/models/config", {"model": "m", "config": {"contextSize": 64}}),
            ("POST", "/management/process/clean-up", {"model": "m", "timeout": 0}),
            ("GET", "/management/debug/latest", None),
            ("POST", "/v1/internal/model/load", {"llm_model_name": "m", "priority": 3}),
            ("POST", "/api/chat/completions", {"filename": "m.gguf", "prompt": "a", "model_params": {"n_ctx": 64}}),
        ):
            number = {"x_model_id": "m"} if path == "/management/debug/latest" else {}
            refused = await call(app, method, path, body, x_api_key=secret, **number)
            assert (refused.status, b"does not exist; models here: none" in refused.body) == (404, True), path


async def test_a_key_of_some_models_that_names_none_means_one_of_them(tmp_path: Path) -> None:
    with access(tmp_path) as made:
        app = create_app(services(None, model("m"), model("other"), access=made))
        for models, status in ((("other",), 200), (("gone",), 404)):
            _, secret = await made.keys.create(NewKey("k", None, "member", Scope(models=models)))
            answer = await call(app, "POST", "/completion", {"prompt": "hi", "n_predict": 2}, x_api_key=secret)
            assert answer.status == status, answer.body
            assert status == 404 or answer.json()["model"] == "other"


async def test_what_is_about_all_models_is_not_for_a_key_of_some(tmp_path: Path) -> None:
    assert set(RIGHTS) >= OF_ALL_MODELS
    with access(tmp_path) as made:
        worker = WorkerStatus("m", "ready", os.getpid(), served=model())
        app = create_app(services(access=made, statuses={"m": worker}))
        _, secret = await made.keys.create(NewKey("k", None, "admin", Scope(models=("other",))))
        for line in sorted(OF_ALL_MODELS):
            method, path = line.split()
            refused = await call(app, method, path, {} if method != "GET" else None, x_api_key=secret)
            assert (refused.status, b"about all models" in refused.body) == (403, True), line
        assert (await call(app, "GET", "/models/config", x_api_key=secret)).json() == {"models": {}}
        assert (await call(app, "GET", "/management/processes", x_api_key=secret)).json() == {"processes": []}


async def _demoted(made: Access) -> None:
    await made.people.change("ann", "viewer")


async def _member(made: Access) -> None:
    await made.people.change("ann", "member")


async def _removed(made: Access) -> None:
    await made.people.remove("ann")


ROUTES = {
    ("POST", "/api/v1/keys"): b'{"name": "k", "role": "admin"}',
    ("POST", "/api/v1/users"): b'{"name": "eve", "password": "%b", "role": "admin"}' % GOOD.encode(),
    ("PATCH", "/api/v1/config"): b'{"change": {"fleet": {"idle_ttl": 1}}}',
}


@pytest.mark.parametrize("change", [_demoted, _member, _removed])
@pytest.mark.parametrize("route", ROUTES)
async def test_who_loses_a_role_while_the_body_comes_does_nothing_with_it(
    tmp_path: Path, route: tuple[str, str], change: Callable[[Access], Awaitable[None]]
) -> None:
    with access(tmp_path) as made:
        await made.people.found("chief", GOOD)
        await made.people.add("ann", GOOD, "admin")
        _, token = await made.people.log_in("ann", GOOD, HERE)
        headers = {"cookie": f"dovetail={token}", "content-type": "application/json"}
        client = Slow(create_app(services(access=made)), *route, [ROUTES[route]], headers)
        asking = asyncio.create_task(client.run())
        await client.waits.wait()
        await change(made)
        made.changed()
        client.go_on.set()
        assert (await asking).status in {401, 403}
        assert await made.keys.list(None) == []
        assert "eve" not in {account.name for account in await made.people.accounts()}
