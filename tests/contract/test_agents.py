"""What coding agents send, recorded and trimmed of texts: every field is taken, and nothing is refused."""

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

pytestmark = pytest.mark.anyio

CLIENTS = Path(__file__).parents[1] / "data" / "clients"
ENDS = {"message_stop", "response.completed", "response.incomplete"}


async def replayed(http: aiohttp.ClientSession, route: str, sent: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The last event of the stream but the one that ends it, and the warnings."""
    async with http.post(route, json=sent) as answer:
        text = await answer.text()
        assert answer.status == 200, text
    events = [json.loads(line[6:]) for line in text.split("\n") if line.startswith("data: ")]
    assert events[-1]["type"] in ENDS
    return events[-2], answer.headers.get("x-dovetail-warnings", "")


async def test_claude_code(http: aiohttp.ClientSession, model: str) -> None:
    sent: dict[str, Any] = {
        **json.loads((CLIENTS / "claude-code-2.1.197.json").read_text("utf-8")),
        "model": model,
        "max_tokens": 8,
    }
    line = sent["system"][0]["text"]
    usage: list[dict[str, int]] = []
    for turn in ("aaa", "bbb"):
        sent["system"][0]["text"] = line.replace("2.1.197.", f"2.1.197.{turn}")
        last, warnings = await replayed(http, "/v1/messages?beta=true", sent)
        assert warnings == ""
        usage.append(last["usage"])
    read, computed = usage[1]["cache_read_input_tokens"], usage[1]["input_tokens"]
    assert read >= 0.99 * (read + computed) > 990


async def test_codex(http: aiohttp.ClientSession, model: str) -> None:
    sent = {**json.loads((CLIENTS / "codex-0.171.0.json").read_text("utf-8")), "model": model, "max_output_tokens": 8}
    _, warnings = await replayed(http, "/v1/responses", sent)
    told = warnings.split(", ")
    assert [w for w in told if w.startswith("passed over")] == [
        "passed over: tools[4] of the type namespace", "passed over: tools[8] of the type web_search",
    ]  # fmt: skip
    # What is within tools that are passed over, and nothing else.
    assert all(w.startswith(("passed over", "unknown field: tools[4].", "unknown field: tools[8].")) for w in told)
