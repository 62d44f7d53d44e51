"""Services with conversations in a home folder, and words for what tests ask them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from dovetail.core.model import Model
from dovetail.gateway.app import create_app
from dovetail.gateway.chats import archive
from dovetail.gateway.chats.run_shapes import RunEvent, RunStarted
from dovetail.gateway.chats.runs import Runs
from dovetail.gateway.chats.shapes import ChatObject
from dovetail.gateway.services import Services

from ...access.parts import Clock  # noqa: TID252
from ..fakes import Answer, Say, call, services  # noqa: TID252

JSON = {"content_type": "application/json"}
WITHIN = 30.0  # seconds for whatever a test does at a desk, so that what never comes fails it


@dataclass
class Desk:
    """One who asks; `who` are headers that say so."""

    app: FastAPI
    services: Services
    clock: Clock
    who: dict[str, str]

    async def ask(self, method: str, path: str, body: object = None) -> Answer:
        return await call(self.app, method, f"/api/v1{path}", body, **self.who, **JSON)

    async def got(self, method: str, path: str, body: object = None) -> Any:
        answer = await self.ask(method, path, body)
        assert answer.status == 200, answer.body
        return answer.json()

    async def chat(self, **fields: Any) -> str:
        return str((await self.got("POST", "/chats", fields))["id"])

    async def say(self, chat: str, text: str, parent: str | None = None) -> str:
        body = {"parent_id": parent, "parts": [{"type": "text", "text": text}]}
        return str((await self.got("POST", f"/chats/{chat}/messages", body))["message"]["id"])

    async def run(self, chat: str, parent: str, **fields: Any) -> dict[str, Any]:
        started = await self.got("POST", f"/chats/{chat}/runs", {"parent_id": parent, **fields})
        return RunStarted.model_validate(started).model_dump()

    async def heard(self, run: str, query: str = "", **headers: str) -> list[dict[str, Any]]:
        """All events until the last."""
        answer = await call(self.app, "GET", f"/api/v1/runs/{run}/events{query}", **self.who, **headers)
        assert answer.status == 200, answer.body
        return events(answer)

    async def message(self, chat: str, message: str) -> dict[str, Any]:
        whole = await self.got("GET", f"/chats/{chat}")
        ChatObject.model_validate(whole)
        return next(each for each in whole["messages"] if each["id"] == message)


def events(answer: Answer) -> list[dict[str, Any]]:
    blocks = [block for block in answer.body.decode().split("\n\n") if block.startswith("id: ")]
    found = [json.loads(block.split("\n")[1].removeprefix("data: ")) for block in blocks]
    for event in found:
        RunEvent.model_validate(event)
    return found


def text_of(heard: list[dict[str, Any]], kind: str = "text") -> str:
    """What a client shows that has heard these events."""
    parts: list[dict[str, Any]] = []
    for event in heard:
        match event["type"]:
            case "snapshot" | "done":
                parts = [dict(part) for part in event["message"]["parts"]]
            case "delta":
                if event["part"] == len(parts):
                    parts.append({"type": event["kind"], "text": ""})
                parts[event["part"]]["text"] += event["text"]
            case _:
                pass
    return "".join(part["text"] for part in parts if part["type"] == kind)


@asynccontextmanager
async def desk(home: Path, say: Say | None = None, *models: Model, **parts: Any) -> AsyncGenerator[Desk]:
    clock = Clock()
    kept = archive.opened(home)
    kept.clock = clock
    built = services(say, *models, **parts)
    runs = Runs(kept, built.requests, lambda: built.settings.server.request_timeout)
    built = replace(built, runs=runs)
    try:
        async with asyncio.timeout(WITHIN):
            yield Desk(create_app(built), built, clock, {})
    finally:
        await runs.aclose()
        await kept.aclose()
