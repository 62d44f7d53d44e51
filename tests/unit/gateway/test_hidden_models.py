"""Which models there are is told to nobody who may not use them, by no route and in no form of a name."""

import json
import re
from pathlib import Path
from typing import Any, cast

import pytest

from dovetail.access.keys import NewKey
from dovetail.core.caller import Scope
from dovetail.fleet.pool import WorkerStatus
from dovetail.gateway.app import create_app
from dovetail.gateway.rights import RIGHTS
from dovetail.settings import ServerSettings, Settings

from ..access.parts import GOOD, access  # noqa: TID252
from .fakes import Pool, call, model, services

pytestmark = pytest.mark.anyio

MESSAGES = [{"role": "user", "content": "hi"}]
ASKS: tuple[tuple[str, str, dict[str, Any] | None], ...] = (
    ("GET", "/v1/models/NAME", None),
    ("GET", "/health?model=NAME", None),
    ("GET", "/props?model=NAME", None),
    ("GET", "/slots?model=NAME", None),
    ("GET", "/lora-adapters?model=NAME", None),
    ("GET", "/metrics?model=NAME", None),
    ("GET", "/v1/internal/model/info/NAME", None),
    ("GET", "/api/v1/models/NAME/details", None),
    ("DELETE", "/models?model=NAME", None),
    ("POST", "/models/load", {"model": "NAME"}),
    ("POST", "/models/unload", {"model": "NAME"}),
    ("POST", "/v1/internal/model/load", {"llm_model_name": "NAME", "adapter_name": "style"}),
    ("POST", "/gguf-info", {"model": "NAME"}),
    ("POST", "/mlx-verify", {"model": "NAME"}),
    ("POST", "/tokenize", {"model": "NAME", "content": "hi"}),
    ("POST", "/v1/internal/token-count", {"model": "NAME", "prompt": "hi"}),
    ("POST", "/v1/completions", {"model": "NAME", "prompt": ""}),
    ("POST", "/v1/chat/completions", {"model": "NAME", "messages": MESSAGES}),
    ("POST", "/v1/chat/completions", {"model": "NAME+style", "messages": MESSAGES}),
    ("POST", "/v1/chat/completions", {"model": "NAME-thinking", "messages": MESSAGES, "stream": True}),
    ("POST", "/v1/responses", {"model": "NAME", "input": "hi"}),
    ("POST", "/v1/embeddings", {"model": "NAME", "input": "hi"}),
    ("POST", "/v1/rerank", {"model": "NAME", "query": "hi", "documents": ["hi"]}),
    ("POST", "/completion", {"model": "NAME", "prompt": "hi"}),
    ("POST", "/chat", {"model": "NAME", "prompt": "hi"}),
    ("POST", "/api/show", {"model": "NAME"}),
    ("POST", "/api/chat", {"model": "NAME:latest", "messages": MESSAGES}),
    ("POST", "/api/v1/benchmarks/ask", {"model": "NAME", "prompt": "hi"}),
    ("POST", "/api/chat/completions", {"filename": "NAME", "prompt": "hi"}),
    ("GET", "/NAME/v1/models", None),
    ("GET", "/NAME/health", None),
    ("GET", "/NAME/api/version", None),
    ("GET", "/NAME/ui/", None),
)


@pytest.mark.parametrize(("method", "path", "body"), ASKS)
async def test_a_key_of_other_models_hears_of_one_what_it_hears_of_none(
    tmp_path: Path, method: str, path: str, body: dict[str, Any] | None
) -> None:
    with access(tmp_path) as made:
        app = create_app(services(None, model("mine"), model("hidden"), access=made))
        _, narrow = await made.keys.create(NewKey("k", None, "admin", Scope(models=("mine",))))
        made.changed()

        async def asked(name: str) -> tuple[int, bytes]:
            said = b"" if body is None else json.dumps(body).replace("NAME", name).encode()
            answer = await call(app, method, path.replace("NAME", name), said, x_api_key=narrow)
            return answer.status, answer.body.replace(name.encode(), b"NAME")

        absent = await asked("absent")
        assert absent[0] == 404 or b"does not exist" in absent[1]
        assert await asked("hidden") == absent


@pytest.mark.parametrize("path", ["/api/v1/benchmarks", "/api/v1/benchmarks/estimate"])
@pytest.mark.parametrize("name", ["hidden", "absent"])
@pytest.mark.parametrize("reference", [False, True])
async def test_nothing_hidden_is_measured(tmp_path: Path, path: str, name: str, reference: bool) -> None:
    with access(tmp_path) as made:
        app = create_app(services(None, model("mine"), model("hidden"), access=made))
        _, narrow = await made.keys.create(NewKey("k", None, "admin", Scope(models=("mine",))))
        plan = {"models": ["mine"], "quality": {"reference": name}} if reference else {"models": ["mine", name]}
        refused = await call(app, "POST", path, plan, x_api_key=narrow)
        assert refused.error[::2] == (404, "model_not_found")
        assert b"models here: mine" in refused.body


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/models/load", {"model": "mine"}),
        ("/v1/internal/model/load", {"llm_model_name": "mine"}),
        ("/api/v1/models/mine/load", None),
        ("/api/chat", {"model": "mine", "messages": []}),
        ("/tokenize", {"model": "mine", "content": "x"}),
        ("/v1/completions", {"model": "mine", "prompt": [4], "echo": True}),
        ("/api/v1/models/estimate", {"model": "mine"}),
    ],
)
async def test_a_load_is_refused_in_words_for_who_asks(tmp_path: Path, path: str, body: dict[str, Any] | None) -> None:
    with access(tmp_path) as made:
        served = services(None, model("mine"), model("hidden"), access=made)
        _, narrow = await made.keys.create(NewKey("k", None, "admin", Scope(models=("mine",))))
        await call(create_app(served), "POST", path, body, x_api_key=narrow)
        assert {caller.scope.models for caller in cast("Pool", served.pool).askers} == {("mine",)}


async def test_numbers_of_hidden_models_stand_for_none(tmp_path: Path) -> None:
    with access(tmp_path) as made:
        worker = WorkerStatus("hidden", "ready", served=model("hidden"))
        served = services(None, model("mine"), model("hidden"), access=made, statuses={"hidden": worker})
        app = create_app(served)
        _, narrow = await made.keys.create(NewKey("k", None, "admin", Scope(models=("mine",))))
        made.changed()
        served.instances.give(3, "hidden")
        for number in ("3", "4"):
            refused = await call(app, "POST", "/chat", {"prompt": "hi"}, x_api_key=narrow, x_model_id=number)
            assert (refused.status, b"hidden" in refused.body) == (400, False), refused.body
        answer = await call(app, "POST", "/chat", {"prompt": "hi", "stream": False}, x_api_key=narrow)
        assert answer.json()["model"] == "mine"


@pytest.mark.accept("H5")
async def test_beyond_loopback_no_path_tells_strangers_which_names_there_are(tmp_path: Path) -> None:
    with access(tmp_path) as made:
        await made.people.found("chief", GOOD)
        settings = Settings(home=Path("/nowhere"), server=ServerSettings(host="0.0.0.0"))
        app = create_app(services(settings=settings, access=made))
        for line in RIGHTS:
            method, path = re.sub(r"\{\w+(:\w+)?\}", "nobody-s", line).split(" ")
            told = [(await call(app, method, f"/{name}{path}", {})).status for name in ("m", "absent")]
            assert told == [401, 401], line
        for path, status in (
            ("/m/health", 200),
            ("/absent/health", 404),
            ("/m/nothing", 404),
            ("/absent/nothing", 404),
        ):
            assert (await call(app, "GET", path, x_api_key=made.local_key)).status == status, path
