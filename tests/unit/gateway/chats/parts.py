"""Services with conversations in a home folder, and words for what tests ask them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from dovetail.gateway.app import create_app
from dovetail.gateway.chats import archive
from dovetail.gateway.services import Services

from ...access.parts import Clock  # noqa: TID252
from ..fakes import Answer, Say, call, services  # noqa: TID252

JSON = {"content_type": "application/json"}


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


@asynccontextmanager
async def desk(home: Path, say: Say | None = None, **parts: Any) -> AsyncGenerator[Desk]:
    clock = Clock()
    kept = archive.opened(home)
    kept.clock = clock
    built = replace(services(say, **parts), archive=kept)
    try:
        yield Desk(create_app(built), built, clock, {})
    finally:
        await kept.aclose()
