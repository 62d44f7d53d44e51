"""The folder of prompt caches: what is in it is what is found, whoever put it there or took it away."""

import os
from pathlib import Path

import pytest

from dovetail import kv_folder
from dovetail.kv_folder import Card, Index


def written(folder: Path, content: bytes = b"cache" * 100, used: float | None = None) -> str:
    kv_folder.make(folder)
    part = folder / kv_folder.part(".slot")
    part.write_bytes(content)
    return kv_folder.publish(part, 300, "ab", used)[0]


def index(folder: Path) -> Index[Card]:
    return Index(folder, kv_folder.read_card)


def test_what_others_put_there_or_remove_is_seen(tmp_path: Path) -> None:
    folder = tmp_path / "kv" / "m-1"
    here = index(folder)
    assert here.items() == {}
    names = {written(folder), written(folder, b"another")}
    assert here.items().keys() == names
    gone = names.pop()
    kv_folder.discard(folder / f"{gone}.json")
    assert here.items().keys() == names


def test_an_item_is_read_once(tmp_path: Path) -> None:
    folder, read = tmp_path / "kv" / "m-1", list[str]()

    def note(path: Path) -> str | None:
        read.append(path.stem)
        return path.stem if len(read) > 1 else None

    here = Index(folder, note)
    first = written(folder)
    assert here.items() == {}, "it could not be used"
    second = written(folder)
    assert here.items() == {second: second}
    here.items()
    assert read == [first, second]


@pytest.mark.parametrize("spoil", [b"cache" * 99 + b"cachf", b"", None])
def test_a_file_is_sound_while_it_is_what_was_written(tmp_path: Path, spoil: bytes | None) -> None:
    folder = tmp_path / "kv" / "m-1"
    name = written(folder)
    assert index(folder).sound(name, ".slot")
    file = folder / f"{name}.slot"
    file.unlink()
    if spoil is not None:
        file.write_bytes(spoil)
    assert not index(folder).sound(name, ".slot")


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    folder = tmp_path / "kv" / "m-1"
    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space"):
        written(folder)
    assert list(folder.iterdir()) == []


def test_what_a_dead_process_left_is_cleared_away(tmp_path: Path) -> None:
    root = tmp_path / "kv"
    whole, half, empty = root / "m-1", root / "m-2", root / "m-3"
    name = written(whole)
    (whole / kv_folder.part(".slot")).write_bytes(b"half")
    kv_folder.discard(half / f"{written(half)}.json")
    kv_folder.make(empty)
    kv_folder.clear_away(root)
    assert {file.name for file in root.rglob("*")} == {"m-1", f"{name}.json", f"{name}.slot"}


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    root = tmp_path / "kv"
    new = written(root / "m-1", bytes(1000), used=200)
    old = written(root / "m-2", bytes(1000), used=100)
    touched = written(root / "m-3", bytes(1000), used=50)
    kv_folder.touch(root / "m-3" / f"{touched}.slot")
    kv_folder.prune(root, 2800)
    left = {file.stem for file in root.glob("*/*")}
    assert left == {new, touched}
    assert old not in left


def test_a_card_of_something_else_is_none(tmp_path: Path) -> None:
    card = tmp_path / "x.json"
    for text in ("", "[]", "{}", '{"version": 1}', "\xff", '{"version": 2, "tokens": "5"}'):
        card.write_text(text, "latin-1")
        assert kv_folder.read_card(card) is None
    assert kv_folder.read_card(tmp_path / "missing.json") is None


def test_modes(tmp_path: Path) -> None:
    folder = tmp_path / "kv" / "m-1"
    name = written(folder)
    assert {os.stat(folder / f"{name}{end}").st_mode & 0o777 for end in (".slot", ".json")} == {0o600}  # noqa: PTH116
    assert folder.stat().st_mode & 0o777 == 0o700
