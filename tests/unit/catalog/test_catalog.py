"""The catalogue: lookups without the disk, and changes noticed."""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dovetail.catalog import headers
from dovetail.catalog.catalog import Catalog
from dovetail.catalog.gguf import read_header
from dovetail.core.errors import ModelNotFound

if TYPE_CHECKING:
    from conftest import Forge

MODEL = {"general.architecture": "llama", "llama.block_count": 2}


class Clock:
    """Time that moves when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_finds_by_id_and_alias(forge: Forge) -> None:
    forge.gguf("qwen/q.gguf", forge.gguf_bytes(MODEL))
    catalog = Catalog([forge.folder], aliases={"qwen": ("gpt-4",)})
    found = catalog.find("qwen")
    assert [catalog.find(name) for name in ("q", "q.gguf", "gpt-4")] == [found] * 3
    assert catalog.models() == (found,)
    assert found.aliases == ("gpt-4", "q", "q.gguf")


@pytest.mark.parametrize(
    "name", ["nope", "../../etc/passwd", "/etc/passwd", "https://x/y", "nul\0", "", "x" * 1_000_000]
)
def test_an_unknown_name_lists_the_known_ones(forge: Forge, name: str) -> None:
    forge.gguf("qwen.gguf")
    with pytest.raises(ModelNotFound, match="models here: qwen") as caught:
        Catalog([forge.folder]).find(name)
    assert len(caught.value.message) < 2000


def test_what_is_known_takes_no_look_at_the_disk(forge: Forge) -> None:
    path = forge.gguf("qwen.gguf", forge.gguf_bytes(MODEL))
    catalog = Catalog([forge.folder], default_adapters={"own": "shout"})
    assert catalog.known("qwen") is None  # nothing was looked at yet
    found = catalog.find("qwen")
    shutil.copy(path, forge.folder / "own.gguf")
    path.unlink()
    assert catalog.known("qwen.gguf") == found
    assert [catalog.known(name) for name in ("own", "nope")] == [None, None]
    catalog.refresh()
    assert [catalog.known(name) for name in ("qwen", "own")] == [None, None]  # an adapter is looked for each time


def test_a_broken_model_is_found_with_its_reason(forge: Forge) -> None:
    forge.gguf("page.gguf", b"<html>")
    assert "HTML" in (Catalog([forge.folder]).find("page").invalid or "")


def test_notices_changes_once_a_second(forge: Forge) -> None:
    clock = Clock()
    catalog = Catalog([forge.folder], clock=clock)
    assert catalog.models() == ()
    forge.gguf("a.gguf", forge.gguf_bytes(MODEL))
    assert catalog.models() == ()
    clock.now += 1
    assert [model.id for model in catalog.models()] == ["a"]
    forge.gguf("sub/b/c.gguf", forge.gguf_bytes(MODEL))
    clock.now += 1
    assert catalog.find("b").path.name == "c.gguf"
    shutil.rmtree(forge.folder / "sub")
    clock.now += 1
    assert [model.id for model in catalog.models()] == ["a"]


def test_notices_a_file_that_grows(forge: Forge) -> None:
    clock = Clock()
    content = forge.gguf_bytes(MODEL)
    path = forge.gguf("a.gguf", content[:-10])
    catalog = Catalog([forge.folder], clock=clock)
    assert "truncated" in (catalog.find("a").invalid or "")
    with path.open("ab") as file:
        file.write(content[-10:])
    clock.now += 1
    assert catalog.models()[0].invalid is None


def test_notices_a_root_that_appears(forge: Forge) -> None:
    clock = Clock()
    catalog = Catalog([forge.folder / "later"], clock=clock)
    assert catalog.models() == ()
    forge.gguf("later/a.gguf", forge.gguf_bytes(MODEL))
    clock.now += 1
    assert catalog.find("a")


def test_reads_only_what_changed(forge: Forge, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def counted(path: Path) -> object:
        read.append(path.name)
        return read_header(path)

    monkeypatch.setattr(headers, "read_header", counted)
    forge.gguf("a.gguf", forge.gguf_bytes(MODEL))
    forge.gguf("broken.gguf", b"<html>")
    for path in forge.folder.iterdir():
        settle(path)
    catalog = Catalog([forge.folder])
    catalog.refresh()
    catalog.refresh()
    assert sorted(read) == ["a.gguf", "broken.gguf"]
    settle(forge.gguf("a.gguf", forge.gguf_bytes({**MODEL, "llama.block_count": 3})), age=30)
    catalog.refresh()
    assert sorted(read) == ["a.gguf", "a.gguf", "broken.gguf"]
    assert catalog.find("a").shape.layers == 3


def settle(path: Path, age: int = 60) -> None:
    """Makes the file old enough for its time to be trusted."""
    import os

    when = time.time() - age
    os.utime(path, (when, when))


def test_many_threads(forge: Forge) -> None:
    clock = Clock()
    forge.gguf("a.gguf", forge.gguf_bytes(MODEL))
    catalog = Catalog([forge.folder], clock=clock)
    wrong: list[str] = []

    def use() -> None:
        for _ in range(50):
            clock.now += 1
            if catalog.find("a").id != "a":
                wrong.append("a")
            catalog.refresh()

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not wrong
    assert not any(thread.is_alive() for thread in threads)


def test_a_lookup_does_not_wait_for_a_scan(forge: Forge) -> None:
    forge.gguf("a.gguf", forge.gguf_bytes(MODEL))
    clock = Clock()
    catalog = Catalog([forge.folder], clock=clock)
    catalog.refresh()
    with catalog._lock:  # another thread scans
        clock.now += 9
        assert catalog.find("a")
        assert catalog.models()
        with pytest.raises(ModelNotFound):
            catalog.find("b")


def test_a_warm_lookup_takes_microseconds(forge: Forge) -> None:
    forge.gguf("a.gguf", forge.gguf_bytes(MODEL))
    catalog = Catalog([forge.folder])
    catalog.find("a")
    started = time.process_time()
    for _ in range(10_000):
        catalog.find("a")
    assert (time.process_time() - started) / 10_000 < 20e-6
