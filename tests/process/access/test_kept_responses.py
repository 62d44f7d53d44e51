"""Responses and chat completions that are kept: over a restart, and for nobody but their caller."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import openai
import pytest
from openai.types.responses import ResponseInputParam

from ..serving.running import Running, running  # noqa: TID252

pytestmark = pytest.mark.anyio

Run = Callable[..., "subprocess.CompletedProcess[str]"]
MODEL = "tiny-gguf"


def client(server: Running, key: str) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key=key, max_retries=0, timeout=60)


async def ask(sdk: openai.AsyncOpenAI, said: str | ResponseInputParam, previous: str | None = None) -> tuple[str, str]:
    """The id and the text of a response."""
    answer = await sdk.responses.create(
        model=MODEL, input=said, previous_response_id=previous, temperature=0, reasoning={"effort": "none"},
        max_output_tokens=40,
    )  # fmt: skip
    return answer.id, answer.output_text


async def test_they_outlive_a_restart_and_are_their_callers_alone(tmp_path: Path, run: Run) -> None:
    ann, bob = (json.loads(run("key", "create", name, "--json").stdout)["key"] for name in ("ann", "bob"))
    async with running(tmp_path) as server, client(server, ann) as sdk:
        first, said = await ask(sdk, "What is the capital of France?")
        assert "Paris" in said
    async with running(tmp_path) as server, client(server, ann) as sdk, client(server, bob) as other:
        second, said = await ask(sdk, "What is the capital of Japan?", first)
        assert "Tokyo" in said
        assert (await sdk.responses.retrieve(first)).output_text
        items = [item async for item in sdk.responses.input_items.list(second, limit=1, order="asc")]
        assert [item.type for item in items] == ["message"]
        item_id = items[0].id or ""

        for call in (other.responses.retrieve, other.responses.delete, other.responses.input_items.list):
            with pytest.raises(openai.NotFoundError) as refused:
                await call(first)
            assert refused.value.code == "response_not_found"
        with pytest.raises(openai.BadRequestError) as before:
            await ask(other, "hi", first)
        assert before.value.code == "previous_response_not_found"
        with pytest.raises(openai.BadRequestError) as named:
            await ask(other, [{"type": "item_reference", "id": item_id}])
        assert named.value.param == "input[0].id"

        await sdk.responses.delete(first)
        with pytest.raises(openai.BadRequestError):  # what goes on from it lacks its beginning
            await ask(sdk, "hi", second)
        assert (await sdk.responses.retrieve(second)).id == second


async def complete(sdk: openai.AsyncOpenAI, said: str) -> str:
    """The id of a chat completion that is stored."""
    answer = await sdk.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": said}], store=True, max_tokens=40, temperature=0,
        reasoning_effort="none",
    )  # fmt: skip
    return answer.id


async def test_so_do_chat_completions(tmp_path: Path, run: Run) -> None:
    ann, bob = (json.loads(run("key", "create", name, "--json").stdout)["key"] for name in ("ann", "bob"))
    async with running(tmp_path) as server, client(server, ann) as sdk:
        first = await complete(sdk, "What is the capital of France?")
    async with running(tmp_path) as server, client(server, ann) as sdk, client(server, bob) as other:
        second = await complete(sdk, "What is the capital of Japan?")
        assert [one.id async for one in sdk.chat.completions.list(limit=1)] == [first, second]
        assert "Paris" in ((await sdk.chat.completions.retrieve(first)).choices[0].message.content or "")
        assert (await sdk.chat.completions.messages.list(first)).data[0].content == "What is the capital of France?"

        theirs = other.chat.completions
        assert [one.id async for one in theirs.list()] == []
        for call in (theirs.retrieve, theirs.delete, theirs.messages.list):
            with pytest.raises(openai.NotFoundError) as refused:
                await call(first)
            assert refused.value.code == "completion_not_found"
        with pytest.raises(openai.NotFoundError):
            await theirs.update(first, metadata={"mine": "yes"})
        with pytest.raises(openai.BadRequestError) as behind:
            await theirs.list(after=first)
        assert behind.value.param == "after"
        assert (await sdk.chat.completions.retrieve(first)).metadata == {}
