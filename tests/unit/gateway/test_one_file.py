"""A form's file is found whatever pieces the form comes in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dovetail.core.errors import InvalidRequest
from dovetail.gateway.one_file import FormFile

HEAD = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.safetensors"\r\n\r\n'


@given(st.binary(max_size=64), st.data())
def test_the_content_is_the_parts_own(content: bytes, data: st.DataObject) -> None:
    whole = HEAD + content.replace(b"\r\n--x", b"") + b"\r\n--x--\r\n"
    form, found = FormFile("x"), b""
    while whole:
        at = data.draw(st.integers(1, len(whole)))
        found, whole = found + form.feed(whole[:at]), whole[at:]
    assert (form.complete, found) == (True, content.replace(b"\r\n--x", b""))


@pytest.mark.parametrize("body", [b"no form\r\n\r\n", b"y" * 9000, b"--y\r\n\r\nz\r\n--y--"])
def test_what_is_no_form_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        FormFile("x").feed(body)


def test_a_form_that_breaks_off_is_not_complete() -> None:
    form = FormFile("x")
    form.feed(HEAD + b"abc")
    assert not form.complete
