"""Which tools of a request to `/v1/messages` the model sees: all, or as the conversation loads and withdraws them."""

from typing import Any

import pytest

from dovetail.core.errors import InvalidRequest
from dovetail.core.request import ChatPrompt, Message, NamedTool, TextPart
from dovetail.gateway.dialects.anthropic.body import MessagesBody
from dovetail.gateway.wire import warnings

ASK = {"role": "user", "content": "hi"}
SEARCH = {"type": "tool_use", "id": "t1", "name": "ToolSearch", "input": {"query": "cron"}}


def tool(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "input_schema": {"type": "object", "properties": {}}, **fields}


TOOLS = [tool("ToolSearch"), tool("CronList", defer_loading=True), tool("CronDelete", defer_loading=True), tool("Read")]


def found(*names: str) -> list[dict[str, Any]]:
    references = [{"type": "tool_reference", "tool_name": name} for name in names]
    result = {"type": "tool_result", "tool_use_id": "t1", "content": references}
    return [ASK, {"role": "assistant", "content": [SEARCH]}, {"role": "user", "content": [result]}]


def change(kind: str, **named: Any) -> dict[str, Any]:
    return {"role": "system", "content": [{"type": kind, "tool": named}]}


def prompt(messages: list[Any], **fields: Any) -> ChatPrompt:
    body = {"model": "m", "max_tokens": 5, "messages": messages, "tools": TOOLS, **fields}
    asked = MessagesBody.model_validate(body).request("id").prompt
    assert isinstance(asked, ChatPrompt)
    return asked


def names(messages: list[Any], **fields: Any) -> list[str]:
    return [shown.name for shown in prompt(messages, **fields).tools]


def said(message: Message) -> str:
    return "".join(part.text for part in message.parts if isinstance(part, TextPart))


def test_a_deferred_tool_is_seen_once_it_is_found_and_stands_last() -> None:
    assert names([ASK]) == ["ToolSearch", "Read"]
    assert names(found("CronList")) == ["ToolSearch", "Read", "CronList"]
    assert names(found("CronDelete", "CronList")) == ["ToolSearch", "Read", "CronDelete", "CronList"]
    assert "The tool CronList is loaded" in said(prompt(found("CronList")).messages[-1])


def test_all_are_seen_where_only_a_server_could_search() -> None:
    searched: list[Any] = [{"type": "tool_search_tool_regex_20251119", "name": "tool_search_tool_regex"}, *TOOLS[1:]]
    assert names([ASK], tools=searched) == ["CronList", "CronDelete", "Read"]


def test_what_is_in_a_tool_of_anthropics_own_is_not_looked_at() -> None:
    search = {"type": "web_search_20250305", "name": "web_search", "max_uses": 5, "allowed_callers": ["code"]}
    asked = MessagesBody.model_validate({"model": "m", "max_tokens": 5, "messages": [ASK], "tools": [search]})
    told = {"x-dovetail-warnings": "passed over: tools[0] of the type web_search_20250305"}
    assert warnings(asked, strict=False) == told


def test_tools_come_and_go_in_the_middle() -> None:
    added = [ASK, change("tool_addition", type="tool_reference", name="CronList")]
    assert names(added) == ["ToolSearch", "Read", "CronList"]
    assert "The tool CronList can be called from now on." in said(prompt(added).messages[-1])
    gone = [*added, change("tool_removal", type="tool_reference", name="Read")]
    assert names(gone) == ["ToolSearch", "CronList"]
    inline = change("tool_addition", type="tool_definition", definition=tool("Late"))
    assert names([*gone, inline]) == ["ToolSearch", "CronList", "Late"]
    again = change("tool_removal", type="tool_reference", name="Late")
    assert names([*gone, inline, again]) == ["ToolSearch", "CronList"]


def test_a_choice_has_only_what_is_seen() -> None:
    chosen = {"type": "tool", "name": "CronList"}
    assert prompt(found("CronList"), tool_choice=chosen).tool_choice == NamedTool("CronList")
    with pytest.raises(InvalidRequest, match="not among the tools"):
        prompt([ASK], tool_choice=chosen)
    with pytest.raises(InvalidRequest, match="not among the tools"):
        prompt([ASK], tools=TOOLS[1:3], tool_choice={"type": "any"})


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        (found("None"), "messages[2].content[0].content[0].tool_name"),
        ([ASK, change("tool_addition", type="tool_reference", name="None")], "messages[1].content[0].tool"),
        ([ASK, change("tool_addition", type="tool_reference")], "messages[1].content[0].tool.name"),
        ([{"role": "user", "content": [{"type": "tool_addition"}]}], "messages[0].content[0].type"),
        ([{**ASK, "content": [{"type": "tool_reference", "tool_name": "Read"}]}], "messages[0].content[0].type"),
    ],
)  # fmt: skip
def test_a_change_of_no_tool_is_named(messages: list[Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as wrong:
        prompt(messages)
    assert wrong.value.param == param


def test_a_tool_that_comes_in_the_middle_is_checked_as_all_are() -> None:
    wrong = {**tool("Late"), "input_schema": {"type": "nothing"}}
    with pytest.raises(InvalidRequest) as refused:
        prompt([ASK, change("tool_addition", type="tool_definition", definition=wrong)])
    assert (refused.value.param or "").startswith("messages[1].content[0].tool.definition.input_schema")
