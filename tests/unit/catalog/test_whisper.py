"""Folders of models that hear."""

import struct
from pathlib import Path

import pytest

from dovetail.catalog import hub
from dovetail.catalog.hub import HubSpec, Repository
from dovetail.catalog.invalid import InvalidModelFile
from dovetail.catalog.scan import scan
from dovetail.catalog.transfer import RemoteFile
from dovetail.catalog.whisper import read_whisper
from dovetail.core.model import Capability

GOOD = struct.pack("<IH", 6, 12) + b"WhisperSpec\0" + bytes(100)


def made(folder: Path, weights: bytes = GOOD, *without: str) -> Path:
    folder.mkdir(parents=True)
    files = {"config.json": b"{}", "model.bin": weights, "tokenizer.json": b"{}", "vocabulary.json": b"[]"}
    for name, data in files.items():
        if name not in without:
            (folder / name).write_bytes(data)
    return folder


def test_it_is_a_model_that_hears(tmp_path: Path) -> None:
    made(tmp_path / "ear")
    (model,) = scan([tmp_path])
    assert (model.id, model.format, model.size, model.invalid) == ("ear", "whisper", len(GOOD), None)
    assert model.capabilities == {Capability.TRANSCRIPTION}
    assert model.hears


@pytest.mark.parametrize(
    ("weights", "without", "said"),
    [
        (b"\x80\x04\x95pickle", (), "no Whisper model"),
        (b"", (), "empty"),
        (struct.pack("<IH", 6, 16) + b"TransformerSpec\0" + bytes(50), (), "no Whisper model"),
        (GOOD, ("tokenizer.json",), "tokenizer.json is missing"),
        (GOOD, ("config.json",), "config.json is missing"),
    ],
)
def test_what_is_none_says_why(tmp_path: Path, weights: bytes, without: tuple[str, ...], said: str) -> None:
    folder = made(tmp_path / "ear", weights, *without)
    with pytest.raises(InvalidModelFile, match=said):
        read_whisper(folder)
    (model,) = scan([tmp_path])
    assert said in (model.invalid or "")


def test_of_the_hub_the_files_that_it_needs_are_fetched() -> None:
    names = ["config.json", "model.bin", "tokenizer.json", "vocabulary.txt", "preprocessor_config.json", "README.md"]
    files = tuple(RemoteFile(name, 10, "0" * 64, None) for name in [*names, "run.py"])
    found = Repository("o/ear", "0" * 40, files)
    chosen = {file.name for file in hub.wanted(HubSpec("o/ear"), found)}
    assert chosen == {*names} - {"README.md"}
    (variant,) = hub.variants(found)
    assert (variant.choice, variant.bytes) == (None, 50)
