"""The fields that asked for a form and for log probabilities, by which a later refusal names them, in each dialect."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from dovetail.core.errors import InvalidRequest, UnsupportedField
from dovetail.core.events import Event, TextDelta
from dovetail.core.request import GenerateRequest, PlainText
from dovetail.gateway.app import create_app
from dovetail.gateway.dialects.openai_chat.body import ChatBody

from .fakes import call, services

pytestmark = pytest.mark.anyio

HI = [{"role": "user", "content": "hi"}]
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "integer"}}}
ROUTES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": HI},
    "/v1/completions": {"prompt": "hi"},
    "/completion": {"prompt": "hi"},
    "/v1/responses": {"input": "hi"},
    "/v1/messages": {"messages": HI, "max_tokens": 9},
    "/api/chat": {"messages": HI},
    "/api/generate": {"prompt": "hi"},
}
CHAT, COMPLETIONS, NATIVE, RESPONSES, MESSAGES, OLLAMA_CHAT, GENERATE = ROUTES
LLAMA = [("json_schema", SCHEMA), ("grammar", 'root ::= "a"'), ("regex", "a")]
FORMS: list[tuple[str, dict[str, Any], str]] = [
    *((route, {name: value}, name) for route in (CHAT, COMPLETIONS, NATIVE) for name, value in LLAMA),
    (CHAT, {"response_format": {"type": "json_object"}}, "response_format"),
    (CHAT, {"response_format": {"type": "json_object", "schema": SCHEMA}}, "response_format"),
    (CHAT, {"response_format": {"type": "json_schema", "json_schema": {"schema": SCHEMA}}}, "response_format"),
    (RESPONSES, {"text": {"format": {"type": "json_object"}}}, "text.format"),
    (RESPONSES, {"text": {"format": {"type": "json_schema", "name": "a", "schema": SCHEMA}}}, "text.format"),
    (MESSAGES, {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}}, "output_config.format"),
    *((route, {"format": value}, "format") for route in (OLLAMA_CHAT, GENERATE) for value in ("json", SCHEMA)),
]
LISTED: list[tuple[str, dict[str, Any], str]] = [
    (CHAT, {"logprobs": True}, "logprobs"),
    (COMPLETIONS, {"logprobs": 1}, "logprobs"),
    (COMPLETIONS, {"logprobs": 1, "best_of": 2}, "logprobs"),
    (COMPLETIONS, {"best_of": 2}, "best_of"),
    (NATIVE, {"n_probs": 1}, "n_probs"),
    (NATIVE, {"logprobs": 1}, "logprobs"),
    (RESPONSES, {"top_logprobs": 1}, "top_logprobs"),
    (RESPONSES, {"include": ["message.output_text.logprobs"]}, "include"),
    (OLLAMA_CHAT, {"logprobs": True}, "logprobs"),
]


async def heard(route: str, fields: dict[str, Any], said: Any) -> tuple[int, str | None]:
    """The status and the field that is named when what `said` finds in the request is refused."""

    async def refuse(request: GenerateRequest, index: int) -> AsyncGenerator[Event, None]:
        if index >= 0:
            raise UnsupportedField(said(request), "cannot be had")
        yield TextDelta("")

    answer = await call(create_app(services(refuse)), "POST", route, {"model": "m", **ROUTES[route], **fields})
    error = answer.json()["error"]
    return answer.status, answer.json()["param"] if isinstance(error, str) else error["param"]


@pytest.mark.parametrize(("route", "fields", "param"), FORMS, ids=str)
async def test_a_form(route: str, fields: dict[str, Any], param: str) -> None:
    def said(request: GenerateRequest) -> str:
        assert not isinstance(request.output, PlainText)
        return request.output.place

    assert await heard(route, fields, said) == (400, param)


@pytest.mark.parametrize(("route", "fields", "param"), LISTED, ids=str)
async def test_log_probabilities(route: str, fields: dict[str, Any], param: str) -> None:
    def said(request: GenerateRequest) -> str:
        assert request.top_logprobs is not None
        return request.listed_by

    assert await heard(route, fields, said) == (400, param)


@pytest.mark.parametrize("name", ["reasoning_budget_tokens", "thinking_budget", "thinking_budget_tokens"])
def test_a_bound_on_thoughts(name: str) -> None:
    body = ChatBody.model_validate({"messages": HI, name: 5, "chat_template_kwargs": {"thinking_budget": 5}})
    assert body.thinking().bound == name
    with pytest.raises(InvalidRequest, match=f"^{name} and chat_template_kwargs"):
        body.model_copy(update={"chat_template_kwargs": {"thinking_budget": 6}}).thinking()
