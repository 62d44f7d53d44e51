"""Whole sessions of coding agents and a chat page, recorded, without their texts: all is answered, nothing dropped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

pytestmark = pytest.mark.anyio

CLIENTS = Path(__file__).parents[1] / "data" / "clients"
ENDS = {"message_stop", "response.completed", "response.incomplete"}
LONG = aiohttp.ClientTimeout(total=240)  # some thousand tokens of tools
MOST = {"/v1/messages": "max_tokens", "/v1/responses": "max_output_tokens", "/v1/chat/completions": "max_tokens"}
# Codex offers tools that only OpenAI's servers have: they are passed over, and nothing else is.
PASSED_OVER = ["passed over: tools[4] of the type namespace", "passed over: tools[8] of the type web_search"]


def session(name: str, model: str) -> list[dict[str, Any]]:
    """The requests of a recording, in their order; what is the same as in an earlier one stands there once."""
    requests: list[dict[str, Any]] = json.loads((CLIENTS / f"{name}.json").read_text("utf-8"))["requests"]
    for request in requests:
        body = request["body"]
        for key, value in body.items():
            if isinstance(value, dict) and "as" in value:
                body[key] = requests[value["as"]]["body"][key]
        body |= {"model": model, MOST[request["path"].partition("?")[0]]: 8}
    return requests


async def replayed(http: aiohttp.ClientSession, request: dict[str, Any]) -> tuple[list[dict[str, Any]], list[str]]:
    """The frames of the answer, or that alone, which ends as its API says, and the warnings."""
    sent = http.post(request["path"], json=request["body"], headers=request["headers"], timeout=LONG)
    async with sent as answer:
        text = await answer.text()
        assert answer.status == 200, text
        warnings = answer.headers.get("x-dovetail-warnings", "")
    if not request["body"]["stream"]:
        return [json.loads(text)], [warnings] if warnings else []
    data = [line[6:] for line in text.split("\n") if line.startswith("data: ")]
    if data[-1] == "[DONE]":
        frames = [json.loads(line) for line in data[:-1]]
        assert not any("error" in frame for frame in frames)
        return frames, [warnings] if warnings else []
    frames = [json.loads(line) for line in data]
    assert frames[-1]["type"] in ENDS
    return frames, warnings.split(", ") if warnings else []


@pytest.mark.client("claude-code chat", "claude-code streaming", "claude-code tools")
async def test_claude_code(http: aiohttp.ClientSession, model: str) -> None:
    """It looks for a tool that it has not been told of, is given it, calls it, and goes on in another session."""
    requests = session("claude-code-2.1.332", model)
    loaded = {"type": "tool_reference", "tool_name": "CronList"}
    assert any(loaded in block.get("content", ()) for block in requests[1]["body"]["messages"][3]["content"])
    for request in requests:
        _, warnings = await replayed(http, request)
        assert warnings == []


async def test_the_line_that_claude_code_changes_costs_no_cached_prompt(
    http: aiohttp.ClientSession, model: str
) -> None:
    request = session("claude-code-2.1.332", model)[0]
    system = request["body"]["system"]
    line: str = system[0]["text"]
    assert line.startswith("x-anthropic-billing-header: ")
    usage: list[dict[str, int]] = []
    for turn in ("aaa", "bbb"):
        system[0]["text"] = line.replace("2.1.332.", f"2.1.332.{turn}")
        frames, _ = await replayed(http, request)
        usage.append(frames[-2]["usage"])
    read, computed = usage[1]["cache_read_input_tokens"], usage[1]["input_tokens"]
    assert read >= 0.99 * (read + computed) > 990


@pytest.mark.client("codex chat", "codex streaming", "codex tools")
async def test_codex(http: aiohttp.ClientSession, model: str) -> None:
    """It is told to run a command, does so, and brings the result."""
    requests = session("codex-0.171.0", model)
    assert requests[1]["body"]["input"][-1]["type"] == "function_call_output"
    for request in requests:
        _, warnings = await replayed(http, request)
        assert warnings == PASSED_OVER


@pytest.mark.client("opencode chat", "opencode streaming", "opencode tools")
async def test_opencode(http: aiohttp.ClientSession, model: str) -> None:
    """It asks for a title, then for the answer, runs a command, and brings the result."""
    requests = session("opencode-1.18.33", model)
    assert requests[2]["body"]["messages"][-1]["role"] == "tool"
    for request in requests:
        frames, warnings = await replayed(http, request)
        assert warnings == []
        assert frames[-1]["usage"]["completion_tokens"] <= 8


@pytest.mark.client("open-webui chat", "open-webui streaming", "open-webui tools")
async def test_open_webui(http: aiohttp.ClientSession, model: str) -> None:
    """Its page asks for a title, for the answer with all its tools, brings the results of four, and asks what else."""
    requests = session("open-webui-0.12.4", model)
    assert [request["body"]["stream"] for request in requests] == [False, True, True, False, False]
    assert [message["role"] for message in requests[2]["body"]["messages"]] == ["user", "assistant", *["tool"] * 4]
    for request in requests:
        frames, warnings = await replayed(http, request)
        assert warnings == []
        assert frames[-1]["choices"][0]["finish_reason"] in {"stop", "length", "tool_calls"}
