"""Who hears a request and its answer while requests are captured."""

from __future__ import annotations

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dovetail.core.caller import Caller
from dovetail.gateway.sse import LATER, request_id
from dovetail.telemetry.capture import Capture

MOST = 1 << 20  # bytes that are kept of a body


class Witness:
    """Hears one request of `caller`, and writes into `capture` what was asked and what was said."""

    def __init__(self, capture: Capture, caller: Caller) -> None:
        self._capture = capture
        self._caller = caller
        self._status: int | None = None
        self._asked = bytearray()
        self._said = bytearray()

    async def hear(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers by `app`; the answer is written inside, not later, for it to be heard."""
        began = time.time()
        scope.pop(LATER, None)

        async def heard() -> Message:
            message = await receive()
            self._asked += message.get("body", b"")[: MOST - len(self._asked)]
            return message

        async def said(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._status = message["status"]
            self._said += message.get("body", b"")[: MOST - len(self._said)]
            await send(message)

        try:
            await app(scope, heard, said)
        finally:
            await self._capture.add(self._entry(scope, began))

    def _entry(self, scope: Scope, began: float) -> dict[str, object]:
        return {
            "time": began,
            "id": request_id(scope),
            "caller": self._caller.id,
            "key": self._caller.key,
            "route": f"{scope['method']} {scope['path']}",
            "status": self._status,
            "request": self._asked.decode("utf-8", "replace"),
            "response": self._said.decode("utf-8", "replace"),
        }
