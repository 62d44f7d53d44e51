"""Routes that are not dialects, and what holds for every route."""

import asyncio
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dovetail.core.model import Model, Shape
from dovetail.fleet.pool import WorkerStatus
from dovetail.fleet.props import Props
from dovetail.gateway.answers import Health, ModelList, ModelObject, PropsAnswer, Ready
from dovetail.gateway.app import ROUTERS, create_app, openapi_document
from dovetail.gateway.door import Door, Edge
from dovetail.settings import LoadSettings, ModelSettings, ServerSettings, Settings

from .fakes import Client, call, model, services

pytestmark = pytest.mark.anyio

CHAT = "/v1/chat/completions"


async def test_health_is_a_superset_of_what_was_promised() -> None:
    states = {
        "a": WorkerStatus("a", "ready", slots=4, active=1),
        "b": WorkerStatus("b", "ready", slots=2, active=5),
        "c": WorkerStatus("c", "starting", slots=8),
    }
    answer = await call(create_app(services(statuses=states)), "GET", "/health")
    health = Health.model_validate(answer.json())
    assert (health.model_loaded, health.slots_available, health.slots_total) == (True, 3, 6)
    assert [m.id for m in health.models] == ["a", "b", "c"]


async def test_health_of_an_empty_server() -> None:
    health = (await call(create_app(services()), "GET", "/health")).json()
    assert (health["status"], health["model_loaded"], health["slots_total"]) == ("ok", False, 0)


async def test_health_and_props_of_one_model() -> None:
    said = Props(300, 3, {"chat_template": "{{ it }}", "modalities": {"vision": True}, "bos_token": "<s>", "own": 1})
    states = {"m": WorkerStatus("m", "ready", context=300, slots=3, active=5)}
    for state, loaded, context in (({}, {}, 8192), (states, {"m": said}, 300)):
        app = create_app(
            services(
                None,
                replace(model(), template="{{ file }}", shape=Shape(context=8192), sampling=(("top_k", 9),)),
                statuses=state,
                said=loaded,
            )
        )
        health = Health.model_validate((await call(app, "GET", "/health?model=m")).json())
        assert (health.model, health.context, health.model_loaded) == ("m", context, bool(loaded))
        assert (health.slots_available, health.slots_total) == ((0, 3) if loaded else (0, 4))
        props = PropsAnswer.model_validate((await call(app, "GET", "/props")).json())
        assert props.default_generation_settings.n_ctx == context
        params = props.default_generation_settings.params
        assert (params["top_k"], params["top_p"]) == (9, 1.0)  # the makers' advice, then the server's default
        assert props.chat_template == ("{{ it }}" if loaded else "{{ file }}")
        assert (props.modalities.vision, props.is_sleeping) == (bool(loaded), not loaded)
    assert (await call(app, "GET", "/health?model=x")).status == 404


async def test_ready_follows_preloads_and_the_door() -> None:
    parts = services()
    app = create_app(parts)
    assert (await call(app, "GET", "/ready")).status == 503
    parts.preloaded.set()
    ready = await call(app, "GET", "/ready")
    assert (ready.status, Ready.model_validate(ready.json()).status) == (200, "ready")
    parts.door.shut = True
    draining = await call(app, "GET", "/ready")
    assert (draining.status, draining.json()) == (503, {"status": "draining"})
    assert (await call(app, "GET", "/health")).status == 200


async def test_a_shut_door_turns_requests_away() -> None:
    parts = services()
    parts.door.shut = True
    answer = await call(create_app(parts), "POST", CHAT, {})
    assert answer.error[:3] == (503, "server_error", "shutting_down")
    assert answer.headers["connection"] == "close"
    assert answer.headers["retry-after"] == "1"


async def test_models_with_context_format_and_state() -> None:
    settings = Settings(load=LoadSettings(context=512), models={"b": ModelSettings(context=256)})
    states = {"a": WorkerStatus("a", "ready", context=1024)}
    broken = Model("c", "mlx", Path("/c"), invalid="half a file")
    parts = services(None, model("a"), model("b"), broken, settings=settings, statuses=states)
    listed = ModelList.model_validate((await call(create_app(parts), "GET", "/v1/models")).json()).data
    assert [(m.id, m.state, m.context) for m in listed] == [
        ("a", "ready", 1024),
        ("b", "unloaded", 256),
        ("c", "failed", 512),
    ]
    assert listed[2].reason == "half a file"
    assert {m.owned_by for m in listed} == {"local"}


async def test_one_model() -> None:
    app = create_app(services(None, model("a")))
    one = await call(app, "GET", "/v1/models/a")
    assert ModelObject.model_validate(one.json()).id == "a"
    for name in ("zip", "../../etc/passwd", "a/b", "%00"):
        assert (await call(app, "GET", f"/v1/models/{name}")).error[:3] == (
            404,
            "invalid_request_error",
            "model_not_found",
        )


async def test_unknown_routes_and_methods() -> None:
    app = create_app(services())
    assert (await call(app, "GET", "/nope")).error == (404, "invalid_request_error", "not_found", None)
    wrong = await call(app, "GET", "/v1/completions")
    assert wrong.error == (405, "invalid_request_error", "method_not_allowed", None)
    assert wrong.headers["allow"] == "POST"
    assert (await call(app, "GET", "/health/")).status == 404


@pytest.mark.parametrize(
    ("wanted", "kept"), [("abc-1.2_3", True), ("a b", False), ("x" * 65, False), ("é", False), ("", False)]
)
async def test_every_answer_has_a_request_id(wanted: str, kept: bool) -> None:
    app = create_app(services())
    for path in ("/health", "/nope"):
        given = (await call(app, "GET", path, x_request_id=wanted)).headers["x-request-id"]
        assert (given == wanted) is kept
        assert kept or given.startswith("req-")


BROWSER = [{"origin": "http://evil"}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-mode": "cors"}, {"cookie": "a=b"}]


@pytest.mark.parametrize("headers", BROWSER)
async def test_a_browser_has_to_say_json(headers: dict[str, str]) -> None:
    app = create_app(services())
    answer = await call(
        app, "POST", CHAT, {}, content_type="text/plain", **{k.replace("-", "_"): v for k, v in headers.items()}
    )
    assert answer.error == (415, "invalid_request_error", "unsupported_media_type", None)


async def test_curl_does_not_have_to() -> None:
    answer = await call(create_app(services()), "POST", CHAT, {}, content_type="application/x-www-form-urlencoded")
    assert answer.status == 400


async def test_compressed_bodies_are_refused() -> None:
    answer = await call(create_app(services()), "POST", CHAT, b"\x1f\x8b", content_encoding="gzip")
    assert answer.error == (415, "invalid_request_error", "unsupported_media_type", None)
    assert answer.headers["connection"] == "close"


async def test_a_claimed_length_is_refused_unread() -> None:
    answer = await call(create_app(services()), "POST", CHAT, b"x", content_length=str(10 << 30))
    assert answer.error == (413, "invalid_request_error", "request_too_large", None)


async def test_a_body_that_grows_too_large_is_refused_while_it_comes() -> None:
    parts = services(settings=Settings(server=ServerSettings(max_body=1000)))
    asking = Client(create_app(parts), "POST", CHAT, [b"x" * 400] * 10)
    answer = await asking.run()
    assert answer.error[0] == 413
    assert answer.complete


async def test_a_body_that_does_not_come_is_given_up() -> None:
    parts = services(settings=Settings(server=ServerSettings(body_timeout=0.05)))
    answer = await Client(create_app(parts), "POST", CHAT, ()).run()
    assert answer.error[:3] == (408, "invalid_request_error", "request_timeout")


async def test_a_client_that_leaves_before_its_body_has_come_gets_nothing() -> None:
    asking = Client(create_app(services()), "POST", CHAT, ())
    asking.leave()
    assert (await asking.run()).status == 0


async def test_a_large_body_is_read_in_a_thread() -> None:
    sent = {"model": "m", "messages": [{"role": "user", "content": "x" * 500_000}]}
    assert (await call(create_app(services()), "POST", CHAT, sent)).status == 200
    assert (await call(create_app(services()), "POST", CHAT, b"[" * 500_000)).error[2] == "json_too_deep"


async def test_the_last_resort_answers_once(capsys: pytest.CaptureFixture[str]) -> None:
    async def fails(*_: Any) -> None:
        raise ZeroDivisionError("detail")

    door = Door()
    answer = await Client(Edge(fails, door), "GET", "/").run()
    assert answer.error == (500, "server_error", "internal_error", None)
    assert "x-request-id" in answer.headers
    said = capsys.readouterr().out
    assert "ZeroDivisionError" in said
    assert answer.headers["x-request-id"] in said
    assert door.inside == 0


async def test_the_last_resort_cuts_what_has_begun() -> None:
    async def fails(*asgi: Any) -> None:
        await asgi[2]({"type": "http.response.start", "status": 200, "headers": []})
        raise ZeroDivisionError

    asking = Client(Edge(fails, Door()), "GET", "/")
    await asking.run()
    assert asking.aborted
    asking = Client(Edge(fails, Door()), "GET", "/")
    del asking._scope["dovetail.abort"]
    assert (await asking.run()).status == 200


async def test_other_scopes_pass_the_edge() -> None:
    seen: list[str] = []

    async def app(scope: Any, *_: Any) -> None:
        seen.append(scope["type"])

    async def nothing(*_: Any) -> Any: ...

    await Edge(app, Door())({"type": "lifespan"}, nothing, nothing)
    assert seen == ["lifespan"]


async def test_the_door_counts() -> None:
    door = Door()
    assert await door.empty(0.01)
    door.enter()
    assert not await door.empty(0.01)
    waiting = asyncio.create_task(door.empty(5))
    door.leave()
    assert await waiting


def test_the_document_describes_every_route() -> None:
    document: Any = openapi_document()
    json.dumps(document)
    operations = [op for path in document["paths"].values() for op in path.values()]
    ids = [op["operationId"] for op in operations]
    assert len(set(ids)) == len(ids)
    assert {"createChatCompletion", "createCompletion", "listModels", "health", "tokenize", "loadModel"} <= set(ids)
    chat = document["paths"][CHAT]["post"]
    assert chat["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/ChatBody"}
    assert "200" in chat["responses"]
    assert all("500" in op["responses"] for op in operations)
    schemas = document["components"]["schemas"]
    for name in _references(document):
        assert name in schemas
    assert schemas["ChatBody"]["properties"]["functions"]["enum"] == [None, []]


def _references(tree: Any) -> set[str]:
    return set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(tree)))


async def test_who_only_asks_whether_somebody_is_there() -> None:
    answer = await call(create_app(services()), "HEAD", "/")
    assert answer.status == 200


def test_each_name_in_the_document_is_one_thing() -> None:
    found: dict[str, dict[str, Any]] = {}
    for route in (route for router in ROUTERS for route in router.routes):
        for told, mode in (("reads", "validation"), ("answers", "serialization"), ("streams", "serialization")):
            model = getattr(getattr(route, "endpoint", None), told, None)
            if model is None:
                continue
            whole = model.model_json_schema(mode=mode)
            for name, schema in {**whole.pop("$defs", {}), model.__name__: whole}.items():
                assert found.setdefault(name, schema) == schema, name
