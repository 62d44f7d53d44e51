"""What is shown of a request's fields, and what is not."""

from dovetail.gateway.dialects.llamacpp.completion import CompletionRequest
from dovetail.gateway.dialects.openai_chat.body import ChatBody
from dovetail.gateway.outline import outline

SECRET = "the treasure lies under the oak"


def test_numbers_and_switches_are_shown_texts_are_not() -> None:
    body = CompletionRequest.model_validate(
        {"model": "m", "prompt": SECRET, "temperature": 0.5, "stream": True, "stop": [SECRET], "n_predict": 7}
    )
    assert outline(body) == {
        "model": "m",
        "prompt": {"characters": len(SECRET)},
        "temperature": 0.5,
        "stream": True,
        "stop": {"items": 1},
        "max_tokens": 7,
    }


def test_nothing_that_was_written_is_shown_wherever_it_was() -> None:
    body = ChatBody.model_validate(
        {
            "model": "m",
            "messages": [{"role": "user", "content": SECRET}],
            "tools": [{"type": "function", "function": {"name": "f", "description": SECRET}}],
            "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"title": SECRET}}},
            "metadata": {"note": SECRET},
            "user": SECRET,
            SECRET: SECRET,
            "reasoning_effort": "low",
        }
    )
    shown = outline(body)
    assert "treasure" not in repr(shown)
    assert (shown["messages"], shown["reasoning_effort"]) == ({"items": 1}, "low")
