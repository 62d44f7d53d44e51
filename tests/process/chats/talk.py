"""A conversation with a real server, as the chat page holds it."""

import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from dovetail.gateway.chats.run_shapes import RunEvent
from dovetail.gateway.chats.shapes import ChatObject


@dataclass
class Heard:
    """What a listener has: the parts it would show, the number of its last event, the last message."""

    parts: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    seq: int = 0
    phases: list[str] = field(default_factory=list[str])
    snapshots: int = 0
    done: dict[str, Any] | None = None

    @property
    def text(self) -> str:
        return "".join(part["text"] for part in self.parts if part["type"] == "text")

    def take(self, event: dict[str, Any]) -> None:
        RunEvent.model_validate(event)
        self.seq = event["seq"]
        match event["type"]:
            case "snapshot":
                self.parts = [dict(part) for part in event["message"]["parts"]]
                self.snapshots += 1
            case "phase":
                self.phases.append(event["phase"])
            case "delta":
                if event["part"] == len(self.parts):
                    self.parts.append({"type": event["kind"], "text": ""})
                self.parts[event["part"]]["text"] += event["text"]
            case "done":
                self.done = event["message"]
            case _:
                pass


@dataclass
class Talk:
    """One conversation."""

    http: aiohttp.ClientSession
    chat: str
    url: str = ""

    async def got(self, method: str, path: str, body: object = None) -> Any:
        async with self.http.request(method, f"{self.url}/api/v1{path}", json=body) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def say(self, text: str, parent: str | None = None) -> str:
        body = {"parent_id": parent, "parts": [{"type": "text", "text": text}]}
        return str((await self.got("POST", f"/chats/{self.chat}/messages", body))["message"]["id"])

    async def run(self, parent: str, **fields: Any) -> dict[str, Any]:
        found: dict[str, Any] = await self.got("POST", f"/chats/{self.chat}/runs", {"parent_id": parent, **fields})
        return found

    async def whole(self) -> dict[str, Any]:
        found = await self.got("GET", f"/chats/{self.chat}")
        ChatObject.model_validate(found)
        return found

    async def message(self, message: str) -> dict[str, Any]:
        return next(each for each in (await self.whole())["messages"] if each["id"] == message)

    async def listen(self, run: str, heard: Heard) -> AsyncGenerator[Heard, None]:
        """`heard` after each event, until the last."""
        headers = {"last-event-id": str(heard.seq)} if heard.seq else {}
        async with self.http.get(f"{self.url}/api/v1/runs/{run}/events", headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            async for line in answer.content:
                if line.startswith(b"data: "):
                    heard.take(json.loads(line[6:]))
                    yield heard
                if heard.done is not None:
                    return

    async def heard(self, run: str) -> Heard:
        """All of it."""
        heard = Heard()
        async for _ in self.listen(run, heard):
            pass
        return heard


async def talk(http: aiohttp.ClientSession, url: str = "", **fields: Any) -> Talk:
    async with http.post(f"{url}/api/v1/chats", json=fields) as answer:
        assert answer.status == 200, await answer.text()
        return Talk(http, (await answer.json())["id"], url)
