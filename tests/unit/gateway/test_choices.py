"""`best_of` and `echo` of text completions, over a scripted model."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from dovetail.core.events import Event, TextDelta, TokenLogprob
from dovetail.core.model import Adapter, Model
from dovetail.core.request import GenerateRequest
from dovetail.gateway.answers import TextCompletion
from dovetail.gateway.app import create_app

from .fakes import Answer, call, finished, services

pytestmark = pytest.mark.anyio

MEANS = (-3.0, -1.0, None, -2.0)  # of choices 0 to 3; the one without has no text


async def say(request: GenerateRequest, index: int) -> AsyncGenerator[Event, None]:
    assert request.top_logprobs is not None
    mean = MEANS[index]
    if mean is not None:
        entries = (TokenLogprob(1, "a", mean - 0.5), TokenLogprob(2, "b", mean + 0.5))
        yield TextDelta(f"choice {index}", index, entries)
    yield finished(index, 2)


async def post(say: Any = None, **fields: Any) -> Answer:
    return await call(create_app(services(say)), "POST", "/v1/completions", {"model": "m", "prompt": "x", **fields})


async def test_the_best_are_answered_best_first() -> None:
    whole = TextCompletion.model_validate((await post(say, best_of=4, n=3)).json())
    assert [(c.index, c.text) for c in whole.choices] == [(0, "choice 1"), (1, "choice 3"), (2, "choice 0")]
    assert whole.usage.completion_tokens == 8
    assert all(choice.logprobs is None for choice in whole.choices)


async def test_each_prompt_has_its_own_best() -> None:
    whole = TextCompletion.model_validate((await post(say, prompt=["a", "b"], best_of=4, logprobs=1)).json())
    assert [(c.index, c.text) for c in whole.choices] == [(0, "choice 1"), (1, "choice 1")]
    assert whole.choices[1].logprobs is not None
    assert whole.choices[1].logprobs.token_logprobs == [-1.5, -0.5]
    assert (whole.usage.prompt_tokens, whole.usage.completion_tokens) == (4, 16)


async def test_none_is_chosen_where_all_are_wanted() -> None:
    answer = await post(None, best_of=2, n=2, stream=True)
    assert {c["choices"][0]["index"] for c in answer.frames()[:-1]} == {0, 1}


@pytest.mark.parametrize("stream", [True, False])
async def test_the_prompt_is_the_beginning_of_each_of_its_choices(stream: bool) -> None:
    answer = await post(None, prompt=["one ", "two "], n=2, echo=True, stream=stream)
    texts = ["", "", "", ""]
    for chunk in answer.frames()[:-1] if stream else [answer.json()]:
        for choice in chunk["choices"]:
            texts[choice["index"]] += choice["text"]
    assert texts == ["one Hello there"] * 2 + ["two Hello there"] * 2


async def test_ids_are_echoed_as_text() -> None:
    whole = (await post(None, prompt=[4, 5], echo=True)).json()
    assert whole["choices"][0]["text"] == "[4, 5]Hello there"


async def test_an_echo_is_asked_of_the_worker_that_generates() -> None:
    taken: list[Model] = []
    app = create_app(services(None, taken=taken))
    sent = {"model": "m", "prompt": [4], "echo": True, "adapter": {"name": "shout", "scale": 0.5}}
    assert (await call(app, "POST", "/v1/completions", sent)).status == 200
    assert [model.adapter for model in taken] == [Adapter("shout", 0.5)] * 2


async def test_an_empty_answer_is_the_prompt() -> None:
    async def silent(request: GenerateRequest, index: int) -> AsyncGenerator[Event, None]:
        del request
        yield finished(index)

    assert (await post(silent, echo=True)).json()["choices"][0]["text"] == "x"
