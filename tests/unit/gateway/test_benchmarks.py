"""Who is told of benchmarks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dovetail.access.keys import NewKey
from dovetail.bench.figures import Benchmark, Plan, Setup
from dovetail.bench.lab import Lab
from dovetail.core.caller import Scope
from dovetail.gateway.app import create_app

from ..access.parts import access  # noqa: TID252
from .fakes import call, services

pytestmark = pytest.mark.anyio
SETUP = Setup("Linux", "CPU", 2, 1 << 30, (), ())
KEPT = {name: Benchmark(name, Plan((name,)), SETUP, 0.0, state="done") for name in ("m", "other")}


class Kept(Lab):
    """A lab in which nothing runs."""

    def __init__(self) -> None:
        pass

    def under_way(self) -> None:
        return None

    async def list(self) -> list[Benchmark]:
        return [*KEPT.values()]

    async def get(self, wanted: str) -> Benchmark:
        return KEPT[wanted]


async def test_a_key_of_some_models_is_told_of_these(tmp_path: Path) -> None:
    with access(tmp_path) as made:
        app = create_app(replace(services(access=made), lab=Kept()))
        _, narrow = await made.keys.create(NewKey("k", None, "viewer", Scope(models=("m",))))
        made.changed()
        listed = (await call(app, "GET", "/api/v1/benchmarks", x_api_key=narrow)).json()["data"]
        assert [each["id"] for each in listed] == ["m"]
        for path, wanted in (
            ("m", 200),
            ("m/export", 200),
            ("other", 403),
            ("other/export", 403),
            ("m/export?baseline=other", 403),
        ):
            answer = await call(app, "GET", f"/api/v1/benchmarks/{path}", x_api_key=narrow)
            assert answer.status == wanted, path
            assert wanted == 200 or answer.error[2] == "key_scope"
