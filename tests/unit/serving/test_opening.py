"""A grammar learns whether its prompt opens a thought."""

import pytest

from dovetail.core.request import (
    ChatPrompt,
    GenerateRequest,
    Grammar,
    Message,
    OutputFormat,
    PlainText,
    TextPart,
    Thought,
)
from dovetail.serving.opening import opened

pytestmark = pytest.mark.anyio


class Rendered:
    def __init__(self, prompt: str) -> None:
        self.prompt = prompt
        self.asked = 0

    async def rendered(self, request: GenerateRequest) -> str:
        del request
        self.asked += 1
        return self.prompt


def asked(output: OutputFormat) -> GenerateRequest:
    return GenerateRequest("r", "m", ChatPrompt((Message("user", (TextPart("hi"),)),)), output=output)


@pytest.mark.parametrize(
    ("prompt", "found"),
    [
        ("hi<think>\n", True),
        ("hi<think>", True),
        ("hi", False),
        ("hi<think>\n\n</think>\n\n", False),
        ("<think>hi", False),
    ],
)
async def test_the_end_of_the_prompt_says_it(prompt: str, *, found: bool) -> None:
    request = await opened(asked(Grammar("g", Thought("<think>", "</think>"))), Rendered(prompt))
    assert request.output == Grammar("g", Thought("<think>", "</think>", opened=found))


async def test_a_thought_that_would_be_taken_for_the_answer_is_none() -> None:
    request = asked(Grammar("g", Thought("<think>", "</think>", told=False)))
    assert (await opened(request, Rendered("hi"))).output == Grammar("g")
    assert (await opened(request, Rendered("hi<think>"))).output == Grammar(
        "g", Thought("<think>", "</think>", opened=True, told=False)
    )


@pytest.mark.parametrize("output", [PlainText(), Grammar("g")])
async def test_nothing_is_asked_for_other_answers(output: OutputFormat) -> None:
    worker = Rendered("<think>")
    assert await opened(asked(output), worker) == asked(output)
    assert not worker.asked
