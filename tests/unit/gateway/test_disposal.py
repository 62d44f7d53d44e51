"""The end of a model while others still ask for it."""

from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from dovetail.catalog.catalog import Catalog
from dovetail.catalog.removal import Removal
from dovetail.fleet.pool import Pool as RealPool
from dovetail.fleet.pool import WorkerStatus
from dovetail.gateway.disposal import remove

from ..serving.fakes import model, says  # noqa: TID252
from .fakes import Models, Pool, services

pytestmark = pytest.mark.anyio


class Unloading(Pool):
    async def unload(self, model_id: str, adapter: str | None = None) -> bool:
        del adapter
        return self.statuses.pop(model_id, None) is not None


class Slow(Models):
    """Somebody has it loaded again just before it is looked for and not found."""

    pool: Pool

    def refresh(self) -> None:
        assert not self.pool.statuses
        self.pool.statuses["m"] = WorkerStatus("m", "ready")


async def test_what_was_loaded_again_before_the_files_went_is_unloaded_as_well(tmp_path: Path) -> None:
    (file := tmp_path / "m.gguf").write_bytes(b"")
    pool, catalog = Unloading(says(), statuses={"m": WorkerStatus("m", "ready")}), Slow(model())
    catalog.pool = pool
    parts = replace(services(), pool=cast("RealPool", pool), catalog=cast("Catalog", catalog))
    await remove(parts, model(), Removal((file,), 0))
    assert (file.exists(), pool.statuses) == (False, {})
