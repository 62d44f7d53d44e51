"""What is no recording, or hides something worse, is refused with what is wrong; the next recording is written down."""

import asyncio
import io
import struct
import zipfile
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest

from ..serving.running import Running, running  # noqa: TID252
from .recordings import clips, emptied, encoded, silence, wav

pytestmark = pytest.mark.anyio
PATH = "/v1/audio/transcriptions"
SOUND = clips()[0].samples


@pytest.fixture(autouse=True)
async def _still_hears(http: aiohttp.ClientSession) -> AsyncGenerator[None]:
    yield
    status, said = await sent(http, wav(SOUND))
    assert status == 200, said


async def sent(http: aiohttp.ClientSession, data: bytes, name: str = "talk.wav") -> tuple[int, Any]:
    form = aiohttp.FormData()
    form.add_field("file", io.BytesIO(data), filename=name)
    async with http.post(PATH, data=form) as answer:
        return answer.status, await answer.json()


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.wav", b"RIFF")
    return file.getvalue()


def patched(at: int, value: bytes) -> bytes:
    data = bytearray(wav(SOUND))
    data[at : at + len(value)] = value
    return bytes(data)


# Of the 44 bytes before the samples: channels at 22, rate at 24, bits at 34, the length of the sound at 40.
NO_SOUND: dict[str, bytes] = {
    "nothing": b"",
    "html": b"<!doctype html><title>x</title>" * 40,
    "program": b"\x7fELF\x02\x01\x01" + bytes(600),
    "zip": zipped(),
    "noise": np.random.default_rng(7).bytes(5000),
    "no channels": patched(22, struct.pack("<H", 0)),
    "no rate": patched(24, struct.pack("<I", 0)),
    "no bits": patched(34, struct.pack("<H", 0)),
    "a header that lies": patched(40, struct.pack("<I", 0xFFFFFFF0)),
    "cut": wav(SOUND)[:-9000],
    "no samples": wav(SOUND[:0]),
    "mp3 of noise": b"\xff\xfb\x90\x00" + np.random.default_rng(8).bytes(4000),
    "m4a of noise": b"\0\0\0\x18ftypM4A " + np.random.default_rng(9).bytes(4000),
    "webm of noise": b"\x1a\x45\xdf\xa3" + np.random.default_rng(10).bytes(4000),
    "m4a that was cut": encoded(SOUND, "m4a")[:4000],
    "flac that was cut": encoded(np.concatenate([SOUND] * 3), "flac")[:30_000],
}


@pytest.mark.bad_input("46")
@pytest.mark.parametrize("what", NO_SOUND)
async def test_what_is_no_sound_is_said_to_be_none(http: aiohttp.ClientSession, what: str) -> None:
    status, said = await sent(http, NO_SOUND[what])
    error = said["error"]
    assert (status, error["code"], error["param"]) == (400, "invalid_audio", "file")
    assert error["type"] == "invalid_request_error"


@pytest.mark.bad_input("46")
async def test_a_long_silence_is_no_recording_and_a_short_one_an_empty_text(http: aiohttp.ClientSession) -> None:
    status, said = await sent(http, encoded(silence(590), "flac"), "silence.flac")
    assert (status, said["error"]["code"]) == (400, "invalid_audio")
    assert "590 s of silence" in said["error"]["message"]
    status, said = await sent(http, wav(silence(3)))
    assert (status, said["text"]) == (200, "")


@pytest.mark.bad_input("47")
async def test_playlists_are_not_followed(http: aiohttp.ClientSession, tmp_path: Path) -> None:
    asked: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readline()).decode())
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    (tmp_path / "secret.wav").write_bytes(wav(SOUND))
    url = f"http://127.0.0.1:{port}/a.ts"
    lists = [
        f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{url}\n#EXT-X-ENDLIST\n",
        f"ffconcat version 1.0\nfile '{tmp_path}/secret.wav'\n",
        f"concat:{tmp_path}/secret.wav|{tmp_path}/secret.wav",
        f"[playlist]\nFile1={url}\nNumberOfEntries=1\n",
        f'<?xml version="1.0"?><MPD><BaseURL>{url}</BaseURL></MPD>',
    ]
    for text in lists:
        for name in ("list.m3u8", "talk.wav"):
            status, said = await sent(http, text.encode(), name)
            assert (status, said["error"]["code"]) == (400, "invalid_audio")
    listener.close()
    assert asked == []


@pytest.mark.bad_input("48")
@pytest.mark.accept("A28")
@pytest.mark.parametrize(
    "name", ["../../x.wav", "/etc/passwd", "C:\\x.wav", "노래 하나.wav", 'a"b.wav', "$(reboot).wav"]
)
async def test_a_files_name_is_a_label(http: aiohttp.ClientSession, server: Running, name: str) -> None:
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("file", wav(SOUND), filename=name.replace('"', "%22"))
    async with http.post(PATH, data=form) as answer:
        said = await answer.json()
    assert (answer.status, said["filename"]) == (200, name)
    await emptied(server.home / "uploads")


async def raw(server: Running, body: bytes, boundary: str = "x") -> tuple[int, Any]:
    headers = {"content-type": f"multipart/form-data; boundary={boundary}"}
    async with (
        aiohttp.ClientSession(server.url) as http,
        http.post(PATH, data=io.BytesIO(body), headers=headers) as answer,
    ):
        return answer.status, await answer.json()


@pytest.mark.bad_input("49")
async def test_forms_without_measure_are_refused(server: Running) -> None:
    part = b'--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n'
    file = b'--x\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n'
    forms = {
        "fields": part * 5000 + b"--x--\r\n",
        "head": file + b"a: " + bytes(b"b" * (1 << 20)) + b"\r\n\r\nx\r\n--x--\r\n",
        "preamble": bytes(b"p" * (1 << 20)) + b"\r\n" + part + b"--x--\r\n",
        "field": b'--x\r\ncontent-disposition: form-data; name="prompt"\r\n\r\n' + b"y" * (1 << 20) + b"\r\n--x--\r\n",
        "two files": (file + b"\r\nx\r\n") * 2 + b"--x--\r\n",
        "no end": file + b"\r\nxxxx",
        "no name": b"--x\r\ncontent-type: text/plain\r\n\r\n1\r\n--x--\r\n",
        "no boundary": b"xx",
        "junk behind": b"--xjunk",
        "no file": part + b"--x--\r\n",
    }
    for what, body in forms.items():
        status, said = await raw(server, body)
        wanted = "invalid_request" if what == "no file" else "invalid_multipart"
        assert (status, said["error"]["code"]) == (400, wanted), what


@pytest.mark.bad_input("49")
async def test_what_is_no_form_is_refused(http: aiohttp.ClientSession) -> None:
    for kind in ("application/json", "multipart/form-data", "application/x-www-form-urlencoded"):
        async with http.post(PATH, data=b"{}", headers={"content-type": kind}) as answer:
            assert (answer.status, (await answer.json())["error"]["code"]) == (415, "unsupported_media_type")


@pytest.mark.bad_input("50")
async def test_longer_or_larger_than_allowed(http: aiohttp.ClientSession) -> None:
    status, said = await sent(http, bytes(9 << 20))
    assert (status, said["error"]["code"]) == (413, "request_too_large")
    # Twenty minutes of nothing are a few kilobytes: it is decoded as far as the bound, and not kept.
    for kind in ("flac", "ogg"):
        bomb = encoded(silence(1300), kind)
        assert len(bomb) < 4 << 20
        status, said = await sent(http, bomb, f"bomb.{kind}")
        error = said["error"]
        assert (status, error["code"], error["param"]) == (413, "recording_too_long", "file")


@pytest.mark.bad_input("50")
async def test_recordings_of_all_together_do_not_fill_the_disk(http: aiohttp.ClientSession, server: Running) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()
    uploads = server.home / "uploads"

    async def slowly() -> AsyncGenerator[bytes]:
        yield b'--x\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n' + bytes(6 << 20)
        begun.set()
        await go_on.wait()
        yield b"\r\n--x--\r\n"

    async def first() -> int:
        headers = {"content-type": "multipart/form-data; boundary=x"}
        async with http.post(PATH, data=slowly(), headers=headers) as answer:
            return answer.status

    sending = asyncio.create_task(first())
    await begun.wait()
    async with asyncio.timeout(20):
        while not any(file.stat().st_size > 5 << 20 for file in uploads.iterdir()):
            await asyncio.sleep(0.02)
    form = aiohttp.FormData()
    form.add_field("file", io.BytesIO(bytes(3 << 20)), filename="b")
    async with http.post(PATH, data=form) as answer:
        error = (await answer.json())["error"]
        assert (answer.status, error["code"]) == (503, "uploads_full")
        assert int(answer.headers["retry-after"]) > 0
        assert "speech.uploads_bytes" in error["message"]
    go_on.set()
    assert await sending == 400, "it was no sound, and there was room for it"
    await emptied(uploads)


@pytest.mark.accept("S2", "P9")
@pytest.mark.parametrize("said", [[], ["--enable-whisper"], ["--enable-whisper", "--whisper-model", "nobody"]])
async def test_without_a_model_it_says_how_to_get_one(tmp_path: Path, said: list[str]) -> None:
    async with running(tmp_path, [*said, "--no-demo"]) as other, aiohttp.ClientSession(other.url) as http:
        status, answer = await sent(http, wav(SOUND))
        wanted = (404, "model_not_found") if said else (404, "speech_disabled")
        assert (status, answer["error"]["code"]) == wanted
        assert ("speech.model" if said else "--enable-whisper") in answer["error"]["message"]
        async with http.get(PATH) as found:
            standing = await found.json()
        assert (standing["enabled"], standing["ready"], standing["model"]) == (bool(said), False, None)
