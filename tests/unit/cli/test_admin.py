"""Backups that somebody else has made, or that are torn."""

import gzip
import io
import sqlite3
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from dovetail.cli.admin import back_up, create_admin, reset_admin, restore
from dovetail.cli.exits import Exit, Failure
from dovetail.cli.key import create_key
from dovetail.gateway.chats.blobs import Blobs
from dovetail.storage import chats
from dovetail.storage.database import FILE_NAME, Database

from ..access.parts import GOOD  # noqa: TID252

CONFIGURATION = "dovetail.toml"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    create_key("kept", home=folder)
    (folder / CONFIGURATION).write_text("strict = true\n")
    return folder


@pytest.fixture
def parts(home: Path, tmp_path: Path) -> dict[str, bytes]:
    """What a good backup holds."""
    back_up(tmp_path / "good", home=home)
    with tarfile.open(tmp_path / "good") as archive:
        files = {member.name: archive.extractfile(member) for member in archive}
        return {name: file.read() for name, file in files.items() if file is not None}


def packed(path: Path, parts: Mapping[str, bytes | tarfile.TarInfo]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, part in parts.items():
            if isinstance(part, tarfile.TarInfo):
                archive.addfile(part)
            else:
                info = tarfile.TarInfo(name)
                info.size = len(part)
                archive.addfile(info, io.BytesIO(part))
    return path


def link(name: str, target: str, kind: bytes) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def refused(file: Path, home: Path) -> str:
    """Why it is no backup; nothing in the home folder has changed."""
    before = {path.name: path.read_bytes() for path in home.iterdir() if path.is_file()}
    with pytest.raises(Failure) as raised:
        restore(file, home=home)
    after = {path.name: path.read_bytes() for path in home.iterdir() if path.is_file()}
    assert {name: after[name] for name in before} == before
    assert not [name for name in after if name.endswith(".before")]
    assert raised.value.code in {1, Exit.CONFIG}
    return str(raised.value)


@pytest.mark.accept("H7")
def test_what_is_no_file_of_a_backup_is_refused(home: Path, parts: dict[str, bytes], tmp_path: Path) -> None:
    bad = {
        "a name that leaves": {"../evil": b"x"},
        "an absolute one": {str(tmp_path / "evil"): b"x"},
        "a link": {"l": link(CONFIGURATION, "/etc/passwd", tarfile.SYMTYPE)},
        "a hard link": {"l": link(CONFIGURATION, FILE_NAME, tarfile.LNKTYPE)},
        "a device": {"l": link(CONFIGURATION, "", tarfile.CHRTYPE)},
        "a configuration without an end": {CONFIGURATION: b"#" * (5 << 20)},
        "a broken configuration": {CONFIGURATION: b"[[["},
        "a configuration that is no text": {CONFIGURATION: b"\xff\xfe"},
        "a broken record": {".auth.json": b"{}"},
    }
    for name, more in bad.items():
        whole = {FILE_NAME: parts[FILE_NAME], **more}
        assert refused(packed(tmp_path / name, whole), home)
    assert not (tmp_path / "evil").exists()


@pytest.mark.accept("H7")
def test_a_header_takes_no_memory(home: Path, tmp_path: Path) -> None:
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 1 << 40
    with gzip.open(tmp_path / "swollen", "wb") as file:
        file.write(info.tobuf(tarfile.GNU_FORMAT))
        file.write(bytes(1 << 16))
    assert "a header says 1099511627776 bytes" in refused(tmp_path / "swollen", home)


@pytest.mark.accept("H7")
def test_a_torn_file_is_refused(home: Path, parts: dict[str, bytes], tmp_path: Path) -> None:
    del parts
    good = (tmp_path / "good").read_bytes()
    (tmp_path / "torn").write_bytes(good[:-4] + bytes(4))  # the last of its checksum, behind all files
    assert "torn" in refused(tmp_path / "torn", home)
    for at in range(20, len(good) - 8, 97):
        (tmp_path / "torn").write_bytes(good[:at] + bytes([good[at] ^ 0x55]) + good[at + 1 :])
        refused(tmp_path / "torn", home)
    (tmp_path / "torn").write_bytes(good + gzip.compress(bytes(64 << 20)))
    assert "something follows" in refused(tmp_path / "torn", home)


def test_keys_that_cannot_be_read_are_none(home: Path, parts: dict[str, bytes], tmp_path: Path) -> None:
    (tmp_path / "db").write_bytes(parts[FILE_NAME])
    with sqlite3.connect(tmp_path / "db") as connection:
        connection.execute("UPDATE key SET scope = 'nothing'")
    connection.close()
    assert "its keys cannot be read" in refused(
        packed(tmp_path / "odd", {FILE_NAME: (tmp_path / "db").read_bytes()}), home
    )


def test_a_configuration_that_lies_elsewhere_is_in_it(home: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.toml").write_text("strict = false\n")
    (home / CONFIGURATION).unlink()
    (home / CONFIGURATION).symlink_to(tmp_path / "elsewhere.toml")
    back_up(tmp_path / "copy", home=home)
    other = tmp_path / "other"
    other.mkdir()
    restore(tmp_path / "copy", home=other)
    assert (other / CONFIGURATION).read_text() == "strict = false\n"
    assert not (other / CONFIGURATION).is_symlink()


def test_an_admin_s_key_beside_a_broken_record_is_one_line(home: Path) -> None:
    (home / ".auth.json").write_text("{}")
    with pytest.raises(Failure) as raised:
        create_key("k", role="admin", home=home)
    assert raised.value.code == Exit.CONFIG


def test_conversations_and_their_files_are_in_a_backup(tmp_path: Path, home: Path) -> None:
    database = Database.open(home / chats.FILE_NAME, chats.CHATS)
    digest = Blobs(home / "chats").put(b"a file")
    database.now(lambda c: c.execute(MADE))
    database.close()
    back_up(tmp_path / "copy", home=home)
    database = Database.open(home / chats.FILE_NAME, chats.CHATS)
    database.now(lambda c: c.execute("DELETE FROM chat"))
    database.close()
    Blobs(home / "chats").keep_only(set())
    restore(tmp_path / "copy", home=home)
    database = Database.open(home / chats.FILE_NAME, chats.CHATS)
    assert database.now(lambda c: chats.count(c, "ann")) == 1
    database.close()
    assert Blobs(home / "chats").read(digest) == b"a file"
    assert len(list(home.glob("chats*.before"))) == 2


def test_a_file_of_a_conversation_that_is_damaged_is_refused(
    home: Path, parts: dict[str, bytes], tmp_path: Path
) -> None:
    for name in (f"chats/ab/{'ab' * 32}", f"chats/ab/{'cd' * 32}", "chats/../x"):
        assert "no backup" in refused(packed(tmp_path / "bad", {**parts, name: b"x"}), home)


def test_what_was_said_before_there_was_an_account_is_the_first_s(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    database = Database.open(home / chats.FILE_NAME, chats.CHATS)
    database.now(lambda c: c.execute(MADE.replace("'ann'", "'local'")))
    database.close()
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{GOOD}\n"))
    create_admin(name="chief", password_stdin=True, home=home)
    database = Database.open(home / chats.FILE_NAME, chats.CHATS)
    assert database.now(lambda c: chats.count(c, "chief")) == 1
    database.close()
    (home / chats.FILE_NAME).write_bytes(b"no database" * 100)
    reset_admin(home=home)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{GOOD}\n"))
    create_admin(name="chief", password_stdin=True, home=home)
    said = capsys.readouterr()
    assert "conversations stay as they are" in said.err
    assert said.out.endswith("chief can log in\n")


MADE = (
    "INSERT INTO chat (id, owner, title, title_by, pinned, system_prompt, params, created, updated)"
    " VALUES ('c', 'ann', '', 'words', 0, '', '{}', 1, 1)"
)
