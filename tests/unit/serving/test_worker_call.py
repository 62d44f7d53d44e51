"""One question to a worker."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import cast

import pytest

from dovetail.core.caller import Caller
from dovetail.core.events import Loading, Progress
from dovetail.core.model import Model
from dovetail.core.request import Json, JsonObject
from dovetail.fleet.pool import Pool
from dovetail.serving.worker_call import ask

from .fakes import model

pytestmark = pytest.mark.anyio
SOMEBODY = Caller(id="somebody")


class Client:
    async def post(self, path: str, body: Mapping[str, Json]) -> JsonObject:
        return {"path": path, **body}


class Worker:
    def __init__(self) -> None:
        self.client = Client()


class Lease:
    def __init__(self) -> None:
        self.loaded = False

    @property
    def worker(self) -> Worker:
        assert self.loaded
        return Worker()

    async def ready(self) -> AsyncGenerator[Progress, None]:
        yield Loading("m")
        self.loaded = True


class Leases:
    @asynccontextmanager
    async def lease(self, model: Model, *, caller: Caller) -> AsyncGenerator[Lease]:
        assert (model.name, caller) == ("m", SOMEBODY)
        yield Lease()


async def test_the_model_is_loaded_before_it_is_asked() -> None:
    answer = await ask(cast("Pool", Leases()), model(), "/tokenize", {"content": "x"}, SOMEBODY)
    assert answer == {"path": "/tokenize", "content": "x"}
