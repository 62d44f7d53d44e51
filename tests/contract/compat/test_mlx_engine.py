"""The MLX server's documents: `POST /chat`, on both engines."""

import json
from typing import Any

import aiohttp
import pytest

pytestmark = pytest.mark.anyio

# The document's own request, but for its length.
ASKED = {
    "prompt": "안녕하세요",
    "max_tokens": 24,
    "temperature": 0.7,
    "top_p": 0.95,
    "top_k": 40,
    "repeat_penalty": 1.1,
    "repeat_last_n": 64,
}


async def frames(http: aiohttp.ClientSession, **fields: Any) -> list[dict[str, Any]]:
    async with http.post("/chat", json={**ASKED, **fields}) as answer:
        assert answer.status == 200, await answer.text()
        assert answer.content_type == "text/event-stream"
        return [json.loads(line[6:]) for line in (await answer.text()).splitlines() if line.startswith("data: ")]


@pytest.mark.accept("A32")
async def test_a_prompt_is_answered_as_it_comes(http: aiohttp.ClientSession, model: str) -> None:
    found = await frames(http, model=model)
    assert [frame["stop"] for frame in found] == [False] * (len(found) - 1) + [True]
    assert found[-1]["model"] == model
    assert 0 < found[-1]["tokens_predicted"] <= ASKED["max_tokens"]


@pytest.mark.accept("A32")
async def test_it_is_a_conversation_and_the_fields_are_heard(http: aiohttp.ClientSession, model: str) -> None:
    asked = {"prompt": "What is the capital of France?", "max_tokens": 200, "repeat_penalty": 1}
    greedy = await frames(http, model=model, **asked, temperature=0)
    text = "".join(frame["content"] for frame in greedy)
    assert "Paris" in text
    by_one = await frames(http, model=model, **asked, temperature=1.5, top_k=1)
    assert "".join(frame["content"] for frame in by_one) == text


@pytest.mark.accept("A32")
async def test_without_a_model_one_answers(http: aiohttp.ClientSession) -> None:
    assert (await frames(http))[-1]["stop"] is True
    async with http.post("/chat", json={**ASKED, "stream": False}) as answer:
        assert (answer.status, (await answer.json())["stop"]) == (200, True)
