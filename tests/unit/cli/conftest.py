from __future__ import annotations

import threading
from collections.abc import Generator
from http.server import ThreadingHTTPServer

import pytest

from .scripted import ScriptedServer, handler


@pytest.fixture
def server() -> Generator[ScriptedServer]:
    made: list[ScriptedServer] = []
    with ThreadingHTTPServer(("127.0.0.1", 0), handler(lambda: made[0])) as listener:
        made.append(ScriptedServer(f"http://127.0.0.1:{listener.server_port}"))
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made[0]
        listener.shutdown()
        thread.join()
