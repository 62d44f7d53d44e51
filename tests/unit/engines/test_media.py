"""Images and sounds as the worker gets them, and what its errors about them mean."""

import pytest

from dovetail.core.request import AudioPart, ChatPrompt, GenerateRequest, ImageLink, ImagePart, Message, TextPart
from dovetail.engines import media, wire


def test_text_alone_stays_one_text() -> None:
    assert media.content((TextPart("a"), TextPart("b"))) == "ab"
    assert media.content(()) == ""


def test_files_stand_where_they_were_between_texts() -> None:
    parts = (TextPart("a"), TextPart("b"), ImagePart("AAAA", "image/png"), TextPart("c"), AudioPart("BBBB"))
    assert media.content(parts) == [
        {"type": "text", "text": "ab"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "text", "text": "c"},
        {"type": "input_audio", "input_audio": {"data": "BBBB", "format": "wav"}},
    ]


def test_a_link_never_reaches_a_worker() -> None:
    prompt = ChatPrompt((Message("user", (ImageLink("http://a.example/"),)),))
    with pytest.raises(ValueError, match="fetched"):
        wire.encode(GenerateRequest("r", "m", prompt))


@pytest.mark.parametrize(
    ("message", "status", "code"),
    [
        ("Failed to load image or audio file", 400, "invalid_media"),
        ("audio input is not supported - hint: if this is unexpected, …", 500, "unsupported_modality"),
        ("image input is not supported - hint: if this is unexpected, …", 500, "unsupported_modality"),
    ],
)
def test_the_worker_says_that_the_request_is_at_fault(message: str, status: int, code: str) -> None:
    error = wire.error_from({"error": {"code": status, "message": message}}, status)
    assert (error.status, error.code, error.param) == (400, code, "messages")
