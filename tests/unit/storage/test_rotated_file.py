import os
from pathlib import Path

import pytest

from dovetail.storage.rotated_file import RotatedFile


def texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_it_is_private_and_begun_anew_when_full(tmp_path: Path) -> None:
    file = RotatedFile(tmp_path / "logs" / "a.jsonl", 10, 2)
    file.append(b"one\n")
    assert (tmp_path / "logs").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "logs" / "a.jsonl").stat().st_mode & 0o777 == 0o600
    for word in (b"two\n", b"three\n", b"4\n", b"five five five\n", b"six six six six\n", b"7\n"):
        file.append(word)
    assert texts(tmp_path / "logs") == {
        "a.2.jsonl": "4\nfive five five\n",
        "a.1.jsonl": "six six six six\n",
        "a.jsonl": "7\n",
    }


def test_fewer_are_kept_when_fewer_are_to_be(tmp_path: Path) -> None:
    file = RotatedFile(tmp_path / "a.jsonl", 1, 2)
    for word in (b"one\n", b"two\n"):
        file.append(word)
    file.kept = 1
    file.append(b"three\n")
    assert texts(tmp_path) == {"a.1.jsonl": "three\n"}
    file.kept = 0
    file.append(b"four\n")
    assert texts(tmp_path) == {}


def test_a_disk_that_takes_a_part_has_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = os.write

    def part(file: int, data: bytes) -> int:
        return whole(file, data[:3])

    monkeypatch.setattr(os, "write", part)
    with pytest.raises(OSError, match="3 of 6 bytes"):
        RotatedFile(tmp_path / "a.jsonl", 100, 1).append(b"abcde\n")
