"""Stored chat completions as OpenAI's own SDK and as plain HTTP use them, the same on both engines."""

import json
from typing import Any

import aiohttp
import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionDeleted, ChatCompletionStoreMessage

from dovetail.gateway.dialects.openai_chat.answers import StoredCompletion, StoredCompletions, StoredMessages

from ..process.serving.running import Running  # noqa: TID252
from .test_openai_chat import CHAT, FRANCE, KOREA, PLAIN, WEATHER, body, chunks

pytestmark = pytest.mark.anyio

FORECAST: Any = [{"role": "user", "content": "What is the weather in Paris?"}]


async def answer(http: aiohttp.ClientSession, **sent: Any) -> dict[str, Any]:
    async with http.post(CHAT, json=sent) as response:
        assert response.status == 200, await response.text()
        return await response.json()


async def stored(http: aiohttp.ClientSession, completion_id: str) -> dict[str, Any]:
    """As the SDK's own model has it, and as ours has."""
    async with http.get(f"{CHAT}/{completion_id}") as response:
        assert response.status == 200
        found = await response.json()
    ChatCompletion.model_validate(found, strict=True)
    StoredCompletion.model_validate(found)
    return found


@pytest.mark.field("/v1/chat/completions store")
@pytest.mark.accept("A36")
async def test_the_sdk_reads_notes_on_lists_and_removes(sdk: openai.AsyncOpenAI, model: str) -> None:
    kept: Any = sdk.chat.completions  # whose overloads know no keywords from a dictionary
    asked: dict[str, Any] = {"model": model, "temperature": 0, "max_tokens": 40, "store": True, "extra_body": PLAIN}
    first = await kept.create(messages=FRANCE, metadata={"run": model, "turn": "1"}, **asked)
    second = await kept.create(messages=KOREA, metadata={"run": model, "turn": "2"}, **asked)
    unkept = await kept.create(messages=FRANCE, **{**asked, "store": False})
    found = await kept.retrieve(first.id)
    assert found.choices == first.choices
    assert (found.usage, found.created, found.model) == (first.usage, first.created, model)
    assert found.metadata == {"run": model, "turn": "1"}
    assert [one.id async for one in kept.list(metadata={"run": model}, limit=1)] == [first.id, second.id]
    assert [one.id async for one in kept.list(metadata={"run": model}, order="desc")] == [second.id, first.id]
    assert [one.id async for one in kept.list(metadata={"run": model, "turn": "2"}, model=model)] == [second.id]
    assert [one.id async for one in kept.list(model="no-such-model")] == []
    page = await kept.list(after=first.id, metadata={"run": model}, limit=1)
    assert ([one.id for one in page.data], page.has_more) == ([second.id], False)
    assert (await kept.update(first.id, metadata={"run": "over"})).metadata == {"run": "over"}
    assert [one.id async for one in kept.list(metadata={"run": model})] == [second.id]
    messages = await kept.messages.list(second.id)
    assert [(one.id, one.content, one.content_parts) for one in messages.data] == [
        (f"{second.id}-0", KOREA[0].get("content"), None)
    ]
    for one in (first, second):
        gone = await kept.delete(one.id)
        assert gone == ChatCompletionDeleted(id=one.id, deleted=True, object="chat.completion.deleted")
    for missing in (first, unkept):
        with pytest.raises(openai.NotFoundError) as refused:
            await kept.retrieve(missing.id)
        assert refused.value.code == "completion_not_found"


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"n": 2, "temperature": 1.0, "seed": 5},
        {"logprobs": True, "top_logprobs": 2},
        {"messages": FORECAST, "tools": [WEATHER], "max_tokens": 120},
        {"messages": FORECAST, "tools": [WEATHER], "tool_choice": "required", "max_tokens": 120},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}},
        {"chat_template_kwargs": {"enable_thinking": True}, "max_tokens": 200},
    ],
    ids=["plain", "choices", "logprobs", "tools", "forced", "form", "thought"],
)
async def test_whole_and_streamed_the_same_is_kept_that_was_answered(
    http: aiohttp.ClientSession, model: str, fields: dict[str, Any]
) -> None:
    asked = body(model, store=True, **fields)
    whole = await answer(http, **asked)
    kept = await stored(http, whole["id"])
    assert {name: kept[name] for name in whole} == whole
    assert kept["tools"] == asked.get("tools")
    assert kept["response_format"] == asked.get("response_format")
    frames = await chunks(http, asked)
    streamed = await stored(http, frames[0]["id"])
    said: list[str] = [""] * len(streamed["choices"])
    for frame in frames:
        for choice in frame["choices"]:
            said[choice["index"]] += choice["delta"].get("content") or ""
    assert [choice["message"]["content"] or "" for choice in streamed["choices"]] == said
    assert streamed["created"] == frames[0]["created"]
    same = ("content", "reasoning_content")
    for a, b in zip(kept["choices"], streamed["choices"], strict=True):
        assert {name: a["message"].get(name) for name in same} == {name: b["message"].get(name) for name in same}
        assert [c["function"] for c in a["message"].get("tool_calls", ())] == [
            c["function"] for c in b["message"].get("tool_calls", ())
        ]
        assert (a["finish_reason"], a["logprobs"] is None) == (b["finish_reason"], b["logprobs"] is None)
    async with http.get(CHAT, params={"order": "desc", "limit": "2"}) as response:
        page = StoredCompletions.model_validate(await response.json())
    assert [one.id for one in page.data] == [streamed["id"], whole["id"]]


async def test_the_messages_are_in_the_sdks_form(http: aiohttp.ClientSession, model: str) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "get_weather", "arguments": json.dumps({"city": "P"})}}
    messages: Any = [
        {"role": "user", "content": [{"type": "text", "text": "What is the weather in Paris?"}]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "sunny"},
    ]
    whole = await answer(http, **body(model, messages=messages, tools=[WEATHER], store=True))
    async with http.get(f"{CHAT}/{whole['id']}/messages") as response:
        page = await response.json()
    StoredMessages.model_validate(page)
    assert [each["role"] for each in page["data"]] == ["user", "assistant", "tool"]
    for each in page["data"]:  # the SDK's model is of the assistant's messages alone
        ChatCompletionStoreMessage.model_validate({**each, "role": "assistant"}, strict=True)
    assert page["data"][0]["content_parts"] == messages[0]["content"]
    assert page["data"][1]["tool_calls"] == [call]
    async with http.get(f"{CHAT}/{whole['id']}/messages", params={"limit": "1", "order": "desc"}) as response:
        last = await response.json()
    assert ([each["id"] for each in last["data"]], last["has_more"]) == ([f"{whole['id']}-2"], True)


async def test_a_server_that_keeps_nothing_refuses_to(forgetful: Running) -> None:
    async with openai.AsyncOpenAI(base_url=f"{forgetful.url}/v1", api_key="none", max_retries=0) as client:
        with pytest.raises(openai.BadRequestError) as refused:
            await client.chat.completions.create(model="tiny-gguf", messages=FRANCE, store=True)
        assert (refused.value.code, refused.value.param) == ("unsupported_field", "store")
        assert [one.id async for one in client.chat.completions.list()] == []
