import os
from dataclasses import replace
from pathlib import Path

from dovetail import kv_folder
from dovetail.core.model import Model
from dovetail.fleet.chain import chain_of
from dovetail.fleet.prompt_store import PromptStore, Shelf

A, B = chain_of({"prompt": "a" * 1000}), chain_of({"prompt": "b" * 1000})
LONGER_A = chain_of({"prompt": "a" * 1000 + "c" * 1000})


def model(folder: Path, content: str = "weights") -> Model:
    path = folder / "m.gguf"
    path.write_text(content)
    return Model("m", "gguf", path, (path,))


def put(shelf: Shelf, chain: tuple[bytes, ...], size: int = 100) -> None:
    part = kv_folder.part(".slot")
    (shelf.folder / part).write_bytes(bytes(size))
    shelf.put(part, chain, 250)


def test_the_longest_common_beginning_is_found_again_by_the_next_gateway(tmp_path: Path) -> None:
    found = model(tmp_path)
    shelf = PromptStore(tmp_path / "kv", 10_000).shelf(found, "build")
    put(shelf, A)
    put(shelf, B)
    again = PromptStore(tmp_path / "kv", 10_000).shelf(found, "build")
    stored, links = again.find(LONGER_A)
    assert stored is not None
    assert stored.chain == A
    assert links > 0
    assert again.find(chain_of({"prompt": "z" * 1000})) == (None, 0)


def test_a_longer_conversation_replaces_its_beginning(tmp_path: Path) -> None:
    shelf = PromptStore(tmp_path / "kv", 10_000).shelf(model(tmp_path), "build")
    put(shelf, A)
    put(shelf, LONGER_A)
    assert len(list(shelf.folder.glob("*.slot"))) == 1


def test_a_chain_of_an_earlier_version_is_not_there(tmp_path: Path) -> None:
    shelf = PromptStore(tmp_path / "kv", 10_000).shelf(model(tmp_path), "build")
    put(shelf, tuple(bytes([link] * 8) for link in range(9, 0, -1)))
    again = PromptStore(tmp_path / "kv", 10_000).shelf(model(tmp_path), "build")
    assert again.find(A) == (None, 0)
    put(again, A)
    assert again.find(LONGER_A)[1] > 0


def test_other_weights_template_or_build_is_another_shelf(tmp_path: Path) -> None:
    store = PromptStore(tmp_path / "kv", 10_000)
    found = model(tmp_path)
    folders = {
        store.shelf(found, "build").folder,
        store.shelf(found, "next build").folder,
        store.shelf(replace(found, template="{{ x }}"), "build").folder,
        store.shelf(model(tmp_path, "other weights"), "build").folder,
    }
    assert len(folders) == 4
    assert all(folder.stat().st_mode & 0o777 == 0o700 for folder in (tmp_path / "kv", *folders))


def test_the_oldest_goes_first_and_takes_its_card_along(tmp_path: Path) -> None:
    store = PromptStore(tmp_path / "kv", 10_000)
    shelf = store.shelf(model(tmp_path), "build")
    put(shelf, A, 4000)
    for file in shelf.folder.iterdir():
        os.utime(file, (1, 1))
    put(shelf, B, 7000)
    assert sorted(file.suffix for file in shelf.folder.iterdir()) == [".json", ".slot"]
    assert shelf.find(B)[0] is not None


def test_spoiled_cards_and_half_written_files_are_not_there(tmp_path: Path) -> None:
    found = model(tmp_path)
    shelf = PromptStore(tmp_path / "kv", 10_000).shelf(found, "build")
    put(shelf, A)
    put(shelf, B)
    cards = sorted(shelf.folder.glob("*.json"))
    cards[0].write_text('{"version": 2, "tokens": "many"}')
    slot = cards[1].with_suffix(".slot")
    slot.write_bytes(slot.read_bytes()[:-1])
    left = shelf.folder / kv_folder.part(".slot")
    left.write_bytes(b"half")
    again = PromptStore(tmp_path / "kv", 10_000).shelf(found, "build")
    assert again.find(A) == again.find(B) == (None, 0)
    assert not left.exists()
