"""What was learned outlives the process, and nothing that befalls its file is an error."""

import asyncio
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from dovetail.core.model import Adapter, Model
from dovetail.fleet import measured as measured_module
from dovetail.fleet.measured import FILE, Measured, identity

pytestmark = pytest.mark.anyio


async def test_a_fact_is_found_again_by_the_next_process(tmp_path: Path) -> None:
    path = tmp_path / "home" / FILE
    first = Measured(path)
    assert first.get("k", "memory") is None
    await first.put("k", "memory", {"ram": 5})
    await first.put("k", "width", {"best": 8})
    assert Measured(path).get("k", "memory") == {"ram": 5}
    assert Measured(path).get("k", "width") == {"best": 8}
    assert [file.name for file in path.parent.iterdir()] == [FILE]
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "damage", ["", "{", '{"version": 2, "facts": {}}', '{"version": 1, "facts": []}', "[" * 100_000, "\x00"]
)
async def test_a_damaged_file_is_a_fresh_start(tmp_path: Path, damage: str) -> None:
    path = tmp_path / FILE
    path.write_text(damage)
    measured = Measured(path)
    assert measured.get("k", "memory") is None
    await measured.put("k", "memory", {"ram": 1})
    assert Measured(path).get("k", "memory") == {"ram": 1}


async def test_entries_of_another_kind_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / FILE
    path.write_text(json.dumps({"version": 1, "facts": {"a": 3, "b": {"memory": 4}, "c": {"memory": {"ram": 5}}}}))
    measured = Measured(path)
    assert [measured.get(key, "memory") for key in "abc"] == [None, None, {"ram": 5}]


async def test_a_huge_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / FILE
    await Measured(path).put("k", "memory", {"ram": 5})
    monkeypatch.setattr(measured_module, "MAX_BYTES", 10)
    assert Measured(path).get("k", "memory") is None


async def test_the_oldest_goes_when_there_are_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measured_module, "MAX_KEYS", 2)
    measured = Measured(tmp_path / FILE)
    for key in ("a", "b", "a", "c"):
        await measured.put(key, "n", {"of": key})
    assert [measured.get(key, "n") for key in "abc"] == [{"of": "a"}, None, {"of": "c"}]


async def test_facts_put_at_once_are_all_kept(tmp_path: Path) -> None:
    measured = Measured(tmp_path / FILE)
    await asyncio.gather(*(measured.put(f"k{n}", "n", {"n": n}) for n in range(20)))
    again = Measured(tmp_path / FILE)
    assert [again.get(f"k{n}", "n") for n in range(20)] == [{"n": n} for n in range(20)]


async def test_a_folder_that_cannot_be_written_costs_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    measured = Measured(tmp_path / "file" / FILE)
    await measured.put("k", "n", {"n": 1})
    assert measured.get("k", "n") == {"n": 1}


async def test_without_a_path_facts_live_as_long_as_the_process() -> None:
    measured = Measured()
    await measured.put("k", "n", {"n": 1})
    assert measured.get("k", "n") == {"n": 1}


def test_a_key_is_of_the_files_the_options_and_the_machine(tmp_path: Path) -> None:
    file, lora = tmp_path / "m.gguf", tmp_path / "l.gguf"
    file.write_bytes(b"GGUF")
    lora.write_bytes(b"GGUF")
    model = Model("m", "gguf", file, (file,))
    here = Measured(hardware="two cores")
    known = here.key(model, 4096, 4)
    assert here.key(replace(model, id="other", aliases=("n",)), 4096, 4) == known, "names do not matter"
    others = [
        here.key(model, 8192, 4),
        Measured(hardware="four cores").key(model, 4096, 4),
        here.key(replace(model, adapter=Adapter("l", path=lora)), 4096, 4),
        here.key(replace(model, mmproj=lora), 4096, 4),
    ]
    os.utime(file, ns=(0, 0))
    others.append(here.key(model, 4096, 4))
    file.write_bytes(b"GGUF!")
    others.append(here.key(model, 4096, 4))
    file.unlink()
    others.append(here.key(model, 4096, 4))
    assert len({known, *others}) == 7


def test_a_model_without_a_list_of_files_is_known_by_its_path(tmp_path: Path) -> None:
    assert identity(Model("m", "mlx", tmp_path)) != identity(Model("m", "mlx", tmp_path / "other"))
