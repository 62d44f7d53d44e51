"""Chat completions that are stored, over a scripted model and a real database."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp

from dovetail.access.keys import NewKey
from dovetail.core.caller import Scope
from dovetail.core.errors import EngineFailure
from dovetail.core.events import Event, TextDelta
from dovetail.core.request import GenerateRequest
from dovetail.gateway.app import create_app
from dovetail.gateway.dialects.openai_chat.answers import (
    RemovedCompletion,
    StoredCompletion,
    StoredCompletions,
    StoredMessages,
)
from dovetail.settings import Settings
from dovetail.settings.sections import ResponseSettings

from ..access.parts import GOOD, access  # noqa: TID252
from ..serving.fakes import model  # noqa: TID252
from .fakes import Answer, Say, call, says, services
from .test_openai_chat import everything

pytestmark = pytest.mark.anyio

PATH = "/v1/chat/completions"
HI = [{"role": "user", "content": "hi"}]


@pytest.fixture
def app(tmp_path: Path) -> Generator[ASGIApp]:
    with access(tmp_path) as made:
        yield create_app(services(says("Hello", " there"), access=made))


@contextmanager
def keeping(tmp_path: Path, say: Say, **bounds: Any) -> Generator[ASGIApp]:
    with access(tmp_path) as made:
        settings = Settings(home=tmp_path, responses=ResponseSettings(**bounds))
        yield create_app(services(say, access=made, settings=settings))


async def create(app: ASGIApp, **fields: Any) -> Answer:
    return await call(app, "POST", PATH, {"model": "m", "messages": HI, "store": True, **fields})


async def stored(app: ASGIApp, query: str = "") -> list[str]:
    answer = await call(app, "GET", PATH + query)
    assert answer.status == 200, answer.body
    return [one.id for one in StoredCompletions.model_validate(answer.json()).data]


async def test_what_was_answered_is_what_is_kept(app: ASGIApp) -> None:
    whole = (await create(app, temperature=0.5, n=2, metadata={"a": "b"}, user="kim")).json()
    kept = (await call(app, "GET", f"{PATH}/{whole['id']}")).json()
    StoredCompletion.model_validate(kept)
    assert {name: kept[name] for name in whole} == whole
    assert len(kept["choices"]) == 2
    assert (kept["metadata"], kept["temperature"], kept["top_p"], kept["input_user"]) == ({"a": "b"}, 0.5, None, "kim")


async def test_a_stream_is_kept_as_it_would_have_been_answered_whole(tmp_path: Path) -> None:
    with keeping(tmp_path, everything) as app:
        frames = (await create(app, stream=True)).frames()
        assert frames[-1] == "[DONE]"
        whole = (await create(app)).json()
        (kept, _) = (await call(app, "GET", PATH)).json()["data"]
        assert (kept["id"], kept["created"]) == (frames[0]["id"], frames[0]["created"])
        assert kept["choices"] == whole["choices"]
        assert kept["usage"] == whole["usage"]
        assert kept["choices"][0]["message"]["tool_calls"]


async def test_only_what_asks_for_it_and_ended_well_is_kept(tmp_path: Path) -> None:
    async def broken(request: GenerateRequest, index: int) -> AsyncGenerator[Event, None]:
        del request
        yield TextDelta("so", index)
        raise EngineFailure("it broke")

    with keeping(tmp_path, broken) as app:
        assert (await create(app)).status == 500
        await create(app, stream=True)
        assert await stored(app) == []


@pytest.mark.parametrize("store", [False, None])
async def test_nothing_is_kept_unasked(app: ASGIApp, store: bool | None) -> None:
    assert (await create(app, store=store, metadata={"any": ["thing"]})).status == 200
    assert await stored(app) == []


MESSAGES: list[dict[str, Any]] = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "name": "kim"},
    {"role": "assistant", "content": None, "reasoning": "hm",
     "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "{}"}}]},
    {"role": "tool", "tool_call_id": "c", "content": "1"},
    {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}], "refusal": "no"},
    {"role": "user", "content": "so"},
]  # fmt: skip


async def test_the_messages_are_those_that_it_answers(app: ASGIApp) -> None:
    name = (await create(app, messages=MESSAGES)).json()["id"]
    answer = await call(app, "GET", f"{PATH}/{name}/messages")
    page = StoredMessages.model_validate(answer.json())
    assert [message.id for message in page.data] == [f"{name}-{i}" for i in range(6)]
    assert [message.role for message in page.data] == [each["role"] for each in MESSAGES]
    assert [message.content for message in page.data] == ["Be kind.", "ab", None, "1", "no", "so"]
    parts = [message.content_parts for message in page.data]
    assert parts == [None, MESSAGES[1]["content"], None, None, [{"type": "text", "text": "no"}], None]
    assert page.data[1].name == "kim"
    assert page.data[2].reasoning_content == "hm"
    assert page.data[2].tool_calls
    assert page.data[2].tool_calls[0].function.name == "f"
    assert page.data[3].tool_call_id == "c"
    last = (await call(app, "GET", f"{PATH}/{name}/messages?order=desc&limit=1")).json()
    assert (last["first_id"], last["has_more"]) == (f"{name}-5", True)


async def test_they_are_listed_by_model_and_notes_and_noted_on(app: ASGIApp) -> None:
    first, second, third = [
        (await create(app, metadata=notes)).json()["id"] for notes in ({"team": "a b", "[x]": "1"}, {"team": "c"}, None)
    ]
    assert await stored(app) == [first, second, third]
    assert await stored(app, "?order=desc&limit=2") == [third, second]
    assert await stored(app, f"?after={first}&limit=1") == [second]
    assert await stored(app, "?model=m") == [first, second, third]
    assert await stored(app, "?model=other") == []
    assert await stored(app, "?metadata[team]=a%20b") == [first]
    assert await stored(app, "?metadata[team]=a%20b&metadata[[x]]=1") == [first]
    assert await stored(app, "?metadata[team]=c&metadata[[x]]=1") == []
    noted = await call(app, "POST", f"{PATH}/{second}", {"metadata": {"team": "a b"}})
    assert StoredCompletion.model_validate(noted.json()).metadata == {"team": "a b"}
    assert await stored(app, "?metadata[team]=a%20b&order=desc&limit=1") == [second]
    await call(app, "POST", f"{PATH}/{first}", {"metadata": None})
    assert (await call(app, "GET", f"{PATH}/{first}")).json()["metadata"] == {}


async def test_one_is_removed_with_its_messages(app: ASGIApp) -> None:
    name = (await create(app)).json()["id"]
    RemovedCompletion.model_validate((await call(app, "DELETE", f"{PATH}/{name}")).json())
    noted: dict[str, Any] = {"metadata": {}}
    for method, path, sent in (
        ("GET", "", None),
        ("DELETE", "", None),
        ("POST", "", noted),
        ("GET", "/messages", None),
    ):
        gone = await call(app, method, f"{PATH}/{name}{path}", sent)
        assert gone.error == (404, "invalid_request_error", "completion_not_found", None)
    assert (await call(app, "GET", f"/v1/responses/{name}")).error[2] == "response_not_found"


@pytest.mark.parametrize(
    ("metadata", "param"),
    [
        ([], "metadata"),
        ({"a": 1}, "metadata.a"),
        ({"a": "x" * 513}, "metadata.a"),
        ({str(i): "" for i in range(17)}, "metadata"),
    ],
    ids=["list", "number", "long", "many"],
)
async def test_metadata_that_cannot_be_kept(app: ASGIApp, metadata: object, param: str) -> None:
    assert (await create(app, metadata=metadata)).error == (400, "invalid_request_error", "invalid_request", param)
    name = (await create(app)).json()["id"]
    assert (await call(app, "POST", f"{PATH}/{name}", {"metadata": metadata})).error[3] == param
    assert (await call(app, "POST", f"{PATH}/{name}", {})).error[3] == "metadata"


@pytest.mark.parametrize(
    ("query", "param"),
    [("?order=up", "order"), ("?limit=0", "limit"), ("?after=x", "after"), ("?metadata=x", "metadata")],
)
async def test_a_list_that_cannot_be_had(app: ASGIApp, query: str, param: str) -> None:
    assert (await call(app, "GET", PATH + query)).error[3] == param


async def test_a_server_that_keeps_nothing_says_so(tmp_path: Path) -> None:
    with keeping(tmp_path, says("x"), keep=0) as app:
        assert (await create(app)).error == (400, "invalid_request_error", "unsupported_field", "store")
        assert await stored(app) == []


@pytest.mark.parametrize("stream", [False, True])
async def test_what_does_not_fit_into_what_is_kept_is_an_error(tmp_path: Path, stream: bool) -> None:
    with keeping(tmp_path, says("x"), max_bytes=1 << 20) as app:
        await create(app)
        answer = await create(app, messages=[{"role": "user", "content": "x" * (1 << 20)}], stream=stream)
        if stream:
            assert answer.frames()[-1]["error"]["code"] == "insufficient_storage"
        else:
            assert answer.error[2] == "insufficient_storage"
        assert len(await stored(app)) == 1


async def test_a_key_of_some_models_finds_what_others_have_answered_as_little(tmp_path: Path) -> None:
    with access(tmp_path) as made:
        await made.people.add("ann", GOOD, "admin")
        keys = [await made.keys.create(NewKey("k", "ann", "member", Scope(models=m))) for m in ((), ("m",), ("other",))]
        every, own, other = (secret for _, secret in keys)
        app = create_app(services(says("x"), model("m"), model("other"), access=made))
        body = {"model": "m", "messages": HI, "store": True}
        name = (await call(app, "POST", PATH, body, x_api_key=every)).json()["id"]
        kept = (await call(app, "POST", "/v1/responses", {"model": "m", "input": "hi"}, x_api_key=every)).json()["id"]
        for method, path, sent in (
            ("GET", f"{PATH}/{name}", None),
            ("GET", f"{PATH}/{name}/messages", None),
            ("POST", f"{PATH}/{name}", {"metadata": {"a": "b"}}),
            ("DELETE", f"{PATH}/{name}", None),
            ("GET", f"/v1/responses/{kept}", None),
            ("DELETE", f"/v1/responses/{kept}", None),
        ):
            assert (await call(app, method, path, sent, x_api_key=other)).status == 404, path
        on = {"model": "other", "input": "so", "previous_response_id": kept}
        assert (await call(app, "POST", "/v1/responses", on, x_api_key=other)).error[2] == "previous_response_not_found"
        assert (await call(app, "GET", PATH, x_api_key=other)).json()["data"] == []
        assert [one["id"] for one in (await call(app, "GET", PATH, x_api_key=own)).json()["data"]] == [name]
        for path in (f"{PATH}/{name}", f"/v1/responses/{kept}"):
            assert (await call(app, "DELETE", path, x_api_key=own)).status == 200


async def test_a_key_of_some_models_reads_nothing_of_others_through_what_goes_on_from_it(tmp_path: Path) -> None:
    with access(tmp_path) as made:
        await made.people.add("ann", GOOD, "admin")
        scopes = (Scope(), Scope(models=("other",)))
        every, other = [(await made.keys.create(NewKey("k", "ann", "member", scope)))[1] for scope in scopes]
        app = create_app(services(says("x"), model("m"), model("other"), access=made))

        async def ask(key: str, model: str, said: object, previous: str | None = None) -> Answer:
            body = {"model": model, "input": said, "previous_response_id": previous}
            return await call(app, "POST", "/v1/responses", body, x_api_key=key)

        first = (await ask(every, "m", "a secret")).json()
        second = (await ask(every, "other", "so", first["id"])).json()
        assert (await ask(other, "other", "what was said?", second["id"])).error[2] == "previous_response_not_found"
        for kept, status in ((first, 400), (second, 200)):
            given = [{"type": "item_reference", "id": kept["output"][0]["id"]}]
            assert (await ask(other, "other", [*given, {"role": "user", "content": "hi"}])).status == status
            assert (await ask(every, "other", [*given, {"role": "user", "content": "hi"}])).status == 200


async def test_what_begins_before_the_first_account_is_made_and_ends_afterwards_is_that_account_s(
    tmp_path: Path,
) -> None:
    begun, go_on = asyncio.Semaphore(0), asyncio.Event()

    async def slow(request: GenerateRequest, index: int) -> AsyncGenerator[Event, None]:
        begun.release()
        await go_on.wait()
        async for event in says("Hello")(request, index):
            yield event

    with access(tmp_path) as made:
        app = create_app(services(slow, access=made))
        asked = [
            asyncio.create_task(create(app, stream=True)),
            asyncio.create_task(call(app, "POST", "/v1/responses", {"model": "m", "input": "hi"})),
        ]
        for _ in asked:
            await begun.acquire()
        setup = {"superAdminId": "chief", "password": GOOD}
        entered = await call(app, "POST", "/auth/setup", setup, content_type="application/json")
        assert entered.status == 200, entered.body
        go_on.set()
        chat, response = [await each for each in asked]
        cookie = {"cookie": entered.headers["set-cookie"].partition(";")[0]}
        for path in (f"{PATH}/{chat.frames()[0]['id']}", f"/v1/responses/{response.json()['id']}"):
            assert (await call(app, "GET", path, **cookie)).status == 200, path
            assert (await call(app, "GET", path)).status == 404, path
        guest = (await create(app)).json()["id"]
        assert (await call(app, "GET", f"{PATH}/{guest}")).status == 200
        assert (await call(app, "GET", f"{PATH}/{guest}", **cookie)).status == 404
