"""Files of conversations: on disk once, bounded, their owner's alone, in the prompt, and gone with their last chat."""

import asyncio
import base64
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from dovetail.core.errors import Busy, InvalidRequest
from dovetail.core.model import Capability
from dovetail.core.request import AudioPart, ChatPrompt, ImagePart, TextPart
from dovetail.gateway.chats import blobs, shelf
from dovetail.gateway.chats.archive import UNDO
from dovetail.gateway.chats.blobs import Blobs
from dovetail.gateway.chats.exchange import Delivery, take_in
from dovetail.gateway.chats.pdf import PdfReader
from dovetail.gateway.chats.shapes import ChatFilePart
from dovetail.gateway.chats.shelf import Shelf
from dovetail.gateway.chats.tree import File, Tree
from dovetail.settings import ServerSettings, Settings
from dovetail.settings.sections import ChatSettings
from dovetail.storage import chats

from ....process.serving.files import png, wav  # noqa: TID252
from ...workers.pdfs import locked, pdf  # noqa: TID252
from ..fakes import Answer, call, model, says  # noqa: TID252
from .parts import Desk, desk
from .test_runs import DONE, Scripted

pytestmark = pytest.mark.anyio

SEEING = replace(model(), capabilities=frozenset({Capability.VISION, Capability.AUDIO}))
TEXT = "첫째 줄\nsecond line".encode()


async def send(made: Desk, chat: str, data: bytes, name: str = "a%20b.txt", **headers: str) -> Answer:
    return await call(made.app, "POST", f"/api/v1/chats/{chat}/files?name={name}", data, **made.who, **headers)


async def sent(made: Desk, chat: str, data: bytes, name: str = "a.txt") -> dict[str, Any]:
    answer = await send(made, chat, data, name)
    assert answer.status == 200, answer.body
    return ChatFilePart.model_validate(answer.json()).model_dump()


def on_disk(home: Path) -> list[Path]:
    return [path for path in (home / "chats").rglob("*") if path.is_file()]


async def test_a_file_is_what_is_in_it_and_comes_back_as_it_was(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        chat = await made.chat()
        for data, kind, media_type in (
            (png(), "image", "image/png"),
            (wav(), "audio", "audio/wav"),
            (TEXT, "file", "text/plain; charset=utf-8"),
        ):
            part = await sent(made, chat, data, "%ED%95%9C.x")
            assert (part["type"], part["media_type"], part["bytes"], part["name"]) == (
                kind,
                media_type,
                len(data),
                "한.x",
            )
            back = await call(made.app, "GET", f"/api/v1/files/{part['file_id']}")
            assert (back.body, back.headers["content-type"]) == (data, media_type)
            assert back.headers["content-disposition"] == "inline; filename*=UTF-8''%ED%95%9C.x"
        assert all(path.stat().st_mode & 0o777 == 0o600 for path in on_disk(tmp_path))


async def test_the_model_gets_what_it_can_use(tmp_path: Path) -> None:
    said = Scripted()
    said.say(DONE)
    async with desk(tmp_path, said, SEEING) as made:
        chat = await made.chat(model="m")
        files = [await sent(made, chat, data, name) for data, name in ((png(), "i"), (wav(), "s"), (TEXT, "t.txt"))]
        parts = [{"type": "text", "text": "look"}, *files]
        added = await made.got("POST", f"/chats/{chat}/messages", {"parts": parts})
        assert added["message"]["parts"] == parts
        run = await made.run(chat, added["message"]["id"])
        assert (await made.heard(run["run_id"]))[-1]["message"]["status"] == "complete"
        assert (await made.got("GET", "/chats?q=t.txt"))["data"][0]["hit_id"] == added["message"]["id"]
    prompt = said.asked[0].prompt
    assert isinstance(prompt, ChatPrompt)
    look, picture, heard, text = prompt.messages[0].parts
    assert look == TextPart("look")
    assert picture == ImagePart(base64.b64encode(png()).decode(), "image/png")
    assert heard == AudioPart(base64.b64encode(wav()).decode())
    assert text == TextPart(f"t.txt:\n\n{TEXT.decode()}")


async def test_a_text_is_text_to_every_model_and_an_image_is_refused_by_one_that_sees_nothing(tmp_path: Path) -> None:
    said = Scripted()
    said.say(DONE)
    async with desk(tmp_path, said) as made:
        chat = await made.chat(model="m")
        words = [{"type": "text", "text": "sum it up"}, await sent(made, chat, TEXT)]
        asked = (await made.got("POST", f"/chats/{chat}/messages", {"parts": words}))["message"]["id"]
        await made.heard((await made.run(chat, asked))["run_id"])
        prompt = said.asked[0].prompt
        assert isinstance(prompt, ChatPrompt)
        assert prompt.messages[0].parts == (TextPart(f"sum it up\n\na.txt:\n\n{TEXT.decode()}"),)
        seen = [await sent(made, chat, png())]
        asked = (await made.got("POST", f"/chats/{chat}/messages", {"parts": seen}))["message"]["id"]
        refused = await made.ask("POST", f"/chats/{chat}/runs", {"parent_id": asked})
        assert refused.error[::2] == (400, "unsupported_modality")


@pytest.mark.parametrize("data", [b"%PDF-1.7 \xff", b"", b"   ", b"a\0b", b"\xff\xfe", b"RIFF0000WAVE", png()[:40]])
async def test_what_no_model_is_given_is_refused_and_leaves_nothing(tmp_path: Path, data: bytes) -> None:
    async with desk(tmp_path) as made:
        answer = await send(made, await made.chat(), data)
        assert (answer.status, answer.error[2]) == (400, "invalid_media")
        assert on_disk(tmp_path) == []


async def test_too_large_and_beyond_the_quota_is_said_and_harms_nothing(tmp_path: Path) -> None:
    small = Settings(home=tmp_path, chats=ChatSettings(quota=1 << 20, file_bytes=700 << 10))
    async with desk(tmp_path, settings=small) as made:
        chat = await made.chat()
        message = await made.say(chat, "before")
        assert (await send(made, chat, b"a" * (701 << 10))).error[::2] == (413, "request_too_large")
        await sent(made, chat, b"a" * (600 << 10))
        refused = await send(made, chat, b"b" * (600 << 10))
        assert (refused.status, refused.error[2]) == (507, "quota_exceeded")
        assert len(on_disk(tmp_path)) == 1
        assert (await made.message(chat, message))["parts"][0]["text"] == "before"


async def test_a_disk_that_is_full_is_said_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    async with desk(tmp_path) as made:
        chat = await made.chat()
        monkeypatch.setattr("os.fsync", full)
        assert (await send(made, chat, TEXT)).error[::2] == (507, "insufficient_storage")
        assert on_disk(tmp_path) == []


async def test_the_same_file_is_there_once_and_goes_with_its_last_chat(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        first, second = await made.chat(), await made.chat()
        part = await sent(made, first, TEXT)
        other = await sent(made, second, TEXT)
        assert (part["file_id"] != other["file_id"], len(on_disk(tmp_path))) == (True, 1)
        stolen = await made.ask("POST", f"/chats/{second}/messages", {"parts": [part]})
        assert stolen.error[2] == "file_not_found"
        for chat, left in ((first, 1), (second, 0)):
            await made.got("DELETE", f"/chats/{chat}")
            await made.services.archive.sweep()
            assert len(on_disk(tmp_path)) == 1  # it can be restored
            made.clock.now += UNDO + 1
            await made.services.archive.sweep()
            assert len(on_disk(tmp_path)) == left
        assert (await made.ask("GET", f"/files/{part['file_id']}")).error[::2] == (404, "file_not_found")


async def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    async with desk(tmp_path, Scripted()) as made:
        chat = await made.chat(model="m")
        parts = [await sent(made, chat, TEXT)]
        asked = (await made.got("POST", f"/chats/{chat}/messages", {"parts": parts}))["message"]["id"]
        on_disk(tmp_path)[0].unlink()
        answer = await made.ask("POST", f"/chats/{chat}/runs", {"parent_id": asked})
        assert answer.error[::2] == (404, "file_not_found")


async def test_what_is_refused_leaves_no_bytes_behind_the_next_sweep(tmp_path: Path) -> None:
    small = Settings(home=tmp_path, chats=ChatSettings(quota=1 << 20))
    async with desk(tmp_path, settings=small) as made:
        await sent(made, await made.chat(), TEXT)
        await made.services.archive.sweep()
        mine = Shelf(made.services.archive, "local", 1 << 20)
        trees = [Tree([], files={"f": File("f.txt", letter * (600 << 10))}) for letter in (b"a", b"b")]
        with pytest.raises(Busy, match="quota"):
            await take_in(mine, Delivery(trees))
        await made.services.archive.sweep()
        assert [path.read_bytes() for path in on_disk(tmp_path)] == [TEXT]


async def test_an_import_that_cannot_be_taken_back_says_why_it_was_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path) as made:
        monkeypatch.setattr(shelf, "MOST_CHATS", 1)
        monkeypatch.setattr(chats, "drop", busy)
        with pytest.raises(InvalidRequest, match="1 conversations already"):
            await take_in(Shelf(made.services.archive, "local", 1 << 20), Delivery([Tree([]), Tree([])]))
        made.clock.now += UNDO + 1
        await made.services.archive.sweep()
        assert await made.services.archive.run(lambda c: chats.count(c, "local")) == 0


def busy(*_: object) -> None:
    raise Busy("the database is in use by another program")


async def test_a_file_that_cannot_be_removed_keeps_no_sweep_from_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def held(*_: object, **__: object) -> None:
        raise PermissionError(13, "somebody reads it")

    async with desk(tmp_path) as made:
        await made.services.archive.sweep()
        chat = await made.chat()
        await sent(made, chat, TEXT)
        await made.got("DELETE", f"/chats/{chat}")
        made.clock.now += UNDO + 1
        with monkeypatch.context() as patched:
            patched.setattr(Path, "unlink", held)
            await made.services.archive.sweep()
        assert len(on_disk(tmp_path)) == 1
        await made.services.archive.sweep()
        assert on_disk(tmp_path) == []


def test_the_names_of_files_are_on_disk_before_anything_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[Path, int]] = []

    def sync(path: Path) -> None:
        synced.append((path, len(on_disk(tmp_path))))

    monkeypatch.setattr(blobs, "sync", sync)
    digest = Blobs(tmp_path / "chats").put(TEXT)
    folder = tmp_path / "chats"
    assert synced == [(folder / digest[:2], 1), (folder, 1), (tmp_path, 1)]


def test_what_a_crash_left_half_written_goes(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    kept, gone = blobs.put(b"kept"), blobs.put(b"gone")
    (tmp_path / kept[:2] / f".{kept}.1234").write_bytes(b"ke")
    assert blobs.keep_only({kept}) == 2
    assert blobs.read(kept) == b"kept"
    with pytest.raises(OSError, match=gone):
        blobs.read(gone)


async def test_a_browser_says_that_it_sends_a_file(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        chat = await made.chat()
        form = await send(made, chat, TEXT, content_type="multipart/form-data", sec_fetch_site="same-origin")
        assert form.error[::2] == (415, "unsupported_media_type")
        raw = await send(made, chat, TEXT, content_type="application/octet-stream", sec_fetch_site="same-origin")
        assert raw.status == 200


async def test_what_is_larger_than_a_request_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = Settings(home=tmp_path, server=ServerSettings(max_body=1 << 16), chats=ChatSettings(file_bytes=40 << 10))
    async with desk(tmp_path, says("x"), settings=small) as made:
        chat = await made.chat(model="m")
        parent = None
        for number in range(5):
            part = await sent(made, chat, b"%d" % number * (40 << 10))
            body = {"parent_id": parent, "parts": [part]}
            parent = (await made.got("POST", f"/chats/{chat}/messages", body))["message"]["id"]
        monkeypatch.setattr(Blobs, "read", None)
        refused = await made.ask("POST", f"/chats/{chat}/runs", {"parent_id": parent})
        assert refused.error == (413, "invalid_request_error", "request_too_large", "parent_id")


async def test_a_pdf_is_kept_as_its_text(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        chat = await made.chat()
        part = await sent(made, chat, pdf("What it says."), "report.pdf")
        assert (part["type"], part["name"], part["media_type"]) == (
            "file",
            "report.pdf.txt",
            "text/plain; charset=utf-8",
        )
        back = await call(made.app, "GET", f"/api/v1/files/{part['file_id']}")
        assert back.body == b"What it says."
        for data, reason in ((locked(pdf("Secret."), "key"), "locked with a password"), (b"%PDF-1.7", "damaged")):
            answer = await send(made, chat, data, "report.pdf")
            assert (answer.status, answer.json()["error"]["code"]) == (400, "invalid_media")
            assert answer.json()["error"]["message"].startswith("report.pdf: it is ")
            assert reason in answer.json()["error"]["message"]


async def test_a_pdf_that_takes_too_long_is_given_up() -> None:
    before = {child.pid for child in psutil.Process().children()}  # other tests' may end meanwhile
    with pytest.raises(InvalidRequest, match="longer than 0 seconds: attach a part of it"):
        await PdfReader(within=0.0).text(pdf("What it says."), "report.pdf")
    assert {child.pid for child in psutil.Process().children()} <= before


@pytest.mark.skipif(sys.platform == "win32", reason="a script of a shell")
async def test_a_pdf_behind_others_waits_for_so_long_and_no_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nexec sleep 600\n")
    slow.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(slow))
    reader = PdfReader(waiting=0.0)
    reading = [asyncio.create_task(reader.text(b"%PDF-", f"{number}.pdf")) for number in range(3)]
    with pytest.raises(Busy, match=r"2 other PDFs are being read; attach 2.pdf again"):
        await reading[-1]
    for task in reading:
        task.cancel()
    await asyncio.wait(reading)


@pytest.mark.skipif(shutil.which("false") is None, reason="no such program")
async def test_a_pdf_whose_reader_says_nothing_is_answered_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(InvalidRequest, match=r"report.pdf: reading it took too much time or memory: attach a part"):
        await PdfReader().text(pdf("What it says."), "report.pdf")
