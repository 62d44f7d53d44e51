"""Forms with a file, however their bytes are cut."""

from collections.abc import Sequence
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.requests import Request

from dovetail.core.errors import InvalidRequest
from dovetail.gateway import multipart
from dovetail.gateway.multipart import Form
from dovetail.gateway.spool import Spool

pytestmark = pytest.mark.anyio
BOUNDARY = "----b"


def request(pieces: Sequence[bytes], kind: str = f'multipart/form-data; boundary="{BOUNDARY}"') -> Request:
    messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    left = iter([*messages, {"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> Any:
        return next(left)

    return Request({"type": "http", "method": "POST", "headers": [(b"content-type", kind.encode())]}, receive)


def body(fields: Sequence[tuple[str, str]], file: bytes, name: str = "a.wav") -> bytes:
    parts = [f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'.encode() for k, v in fields]
    head = f'--{BOUNDARY}\r\ncontent-disposition: form-data; name="file"; filename="{name}"\r\nx: y\r\n\r\n'
    return b"".join([*parts, head.encode(), file, f"\r\n--{BOUNDARY}--\r\n".encode()])


async def received(pieces: Sequence[bytes], folder: Path) -> tuple[Form, bytes]:
    with ExitStack() as stay:
        share = stay.enter_context(Spool().share(1 << 20))
        form = await multipart.receive(request(pieces), folder, stay, share, limit=1 << 20, within=5)
        data = form.files["file"].path.read_bytes()
    assert list(folder.iterdir()) == []
    return form, data


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    file=st.binary(max_size=200) | st.just(f"\r\n--{BOUNDARY[:-1]}\r\n--\r\n\r\n".encode()),
    cuts=st.lists(st.integers(0, 600), max_size=12),
    value=st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)
async def test_the_form_is_the_same_however_it_is_cut(tmp_path: Path, file: bytes, cuts: list[int], value: str) -> None:
    whole = body([("prompt", value), ("include[]", "a"), ("include[]", "b")], file)
    places = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
    form, data = await received([whole[a:b] for a, b in pairwise(places)], tmp_path)
    assert data == file
    assert form.fields == {"prompt": [value], "include": ["a", "b"]}
    assert (form.files["file"].name, form.files["file"].size) == ("a.wav", len(file))


@pytest.mark.parametrize(("name", "told"), [("a%22b.wav", 'a"b.wav'), ("a\\\\b", "a\\b"), ("é.mp3", "é.mp3"), ("", "")])
async def test_a_files_name_is_as_it_was_sent(tmp_path: Path, name: str, told: str) -> None:
    form, _ = await received([body([], b"x", name)], tmp_path)
    assert form.files["file"].name == told


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("name=file; filename=a.wav", "a.wav"),
        ("name=\"file\"; filename*=UTF-8''m%C3%B6we%20%27.wav", "möwe '.wav"),
        ("name=file; filename=\"x.wav\"; filename*=utf-8'en'%e2%82.wav", "\ufffd.wav"),
        ('filename="name=no.wav"; name="file"', "name=no.wav"),
    ],
)
async def test_whatever_way_a_name_is_written(tmp_path: Path, said: str, told: str) -> None:
    head = f"--{BOUNDARY}\r\nContent-Disposition: form-data; {said}\r\n\r\n"
    form, data = await received([f"{head}x\r\n--{BOUNDARY}--\r\n".encode()], tmp_path)
    assert (form.files["file"].name, data, form.fields) == (told, b"x", {})


async def test_what_is_too_large_is_refused_and_nothing_stays(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await received([body([], bytes(1 << 19)), bytes(1 << 20)], tmp_path)
    assert refused.value.status == 413
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_server_left_is_cleared(tmp_path: Path) -> None:
    (tmp_path / "upload-old").write_bytes(b"x")
    (tmp_path / "other").write_bytes(b"x")
    multipart.clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["other"]
