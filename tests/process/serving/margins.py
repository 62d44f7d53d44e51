"""Finds the prompts of `stories.json`: greedy answers of 300 tokens whose likeliest token is never close to the next.

    python -m tests.process.serving.margins

The margin is the difference of the two largest log probabilities, the least over all tokens, on the model that has
less of it. Near-ties would be decided by rounding, which a second run alone in its worker does not change, but a
cached prefix or a neighbour in the batch does.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from itertools import product
from pathlib import Path
from typing import Any

import aiohttp

from .running import Running, running

STORIES = Path(__file__).with_name("stories.json")
MODELS = ("tiny-gguf", "tiny-mlx")
TOKENS = 300
LEAST = 0.05
WANTED = 4
ASKED = ("Tell me a long story", "Tell me a story", "Write a story", "Once upon a time", "Count from one to a hundred")
ENDINGS = ("", ".", "!", " please", " about a cat", " about Dovi", " about the sea", " about a house", " in Seoul")


def body(model: str, prompt: str) -> dict[str, Any]:
    """A greedy answer of exactly `TOKENS` tokens."""
    messages = [{"role": "user", "content": prompt}]
    fields = {"temperature": 0, "max_tokens": TOKENS, "ignore_eos": True, "messages": messages, "model": model}
    return {**fields, "chat_template_kwargs": {"enable_thinking": False}}


async def margin(session: aiohttp.ClientSession, server: Running, model: str, prompt: str) -> float:
    asked = {**body(model, prompt), "logprobs": True, "top_logprobs": 2}
    async with session.post(f"{server.url}/v1/chat/completions", json=asked) as response:
        answer = await response.json()
    least = float("inf")
    for token in answer["choices"][0]["logprobs"]["content"]:
        first, second = (likely["logprob"] for likely in token["top_logprobs"])
        least = min(least, abs(first - second))
    return least


async def main() -> None:
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as home:
        async with running(Path(home)) as server, aiohttp.ClientSession() as session:
            for asked, ending in product(ASKED, ENDINGS):
                prompt = asked + ending
                least = min([await margin(session, server, model, prompt) for model in MODELS])
                print(f"{least:.4f} {prompt}")
                if least >= LEAST:
                    found[prompt] = round(least, 4)
                if len(found) == WANTED:
                    break
    STORIES.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
