"""Parts of a message, from OpenAI's form to the core's: each is read, or refused by its name."""

import json
from typing import Any

import pytest

from dovetail.core.errors import InvalidRequest
from dovetail.core.request import AudioPart, ChatPrompt, ImageLink, ImagePart, Part, TextPart
from dovetail.gateway import wire
from dovetail.gateway.dialects.openai_chat.body import ChatBody

IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
SOUND = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
TEXT = {"type": "text", "text": "x"}
WHERE = "messages[0].content[0]"


def parts(*content: Any, role: str = "user") -> tuple[Part, ...]:
    sent = {"model": "m", "messages": [{"role": role, "content": list(content)}]}
    prompt = wire.read(ChatBody, json.dumps(sent).encode()).request("r").prompt
    assert isinstance(prompt, ChatPrompt)
    return prompt.messages[0].parts


def url(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": text, **more}}


def test_parts_of_every_kind() -> None:
    link = url("HTTPS://a.example/x,y", detail="auto")
    upper = url("DATA:IMAGE/PNG;BASE64,AAAA", detail="high")
    assert parts(TEXT, IMAGE, link, upper, SOUND) == (
        TextPart("x"),
        ImagePart("AAAA", "image/png"),
        ImageLink("HTTPS://a.example/x,y"),
        ImagePart("AAAA", "image/png"),
        AudioPart("AAAA"),
    )


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "not an image": (url("data:text/plain;base64,AAAA"), ".image_url"),
    "not base64": (url("data:image/png,AAAA"), ".image_url"),
    "no data": (url("data:image/png;base64"), ".image_url"),
    "parameters": (url("data:image/png;charset=utf-8;base64,AAAA"), ".image_url"),
    "a file": (url("file:///etc/passwd"), ".image_url"),
    "bare base64": (url("iVBORw0KGgo="), ".image_url"),
    "empty": (url(""), ".image_url.url"),
    "no url": ({"type": "image_url", "image_url": {}}, ".image_url.url"),
    "a bare string": ({"type": "image_url", "image_url": "data:image/png;base64,AAAA"}, ".image_url"),
    "detail": (url("data:image/png;base64,AAAA", detail="low"), ".image_url.detail"),
    "missing": ({"type": "image_url"}, ".image_url"),
    "two things": ({**IMAGE, "text": "x"}, ".text"),
    "an image in a text": ({**TEXT, "image_url": IMAGE["image_url"]}, ".image_url"),
    "mp3": ({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}}, ".input_audio.format"),
    "ogg": ({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "ogg"}}, ".input_audio.format"),
    "no sound": ({"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}, ".input_audio.data"),
    "a document": ({"type": "file", "file": {"file_data": "x"}}, ".file"),
    "a document by id": ({"type": "file", "file": {"file_id": "x"}}, ".file"),
    "video": ({"type": "video_url", "video_url": {"url": "x"}}, ".video_url"),
    "another type": ({"type": "input_image", "image_url": IMAGE["image_url"]}, ".type"),
}


@pytest.mark.parametrize(("part", "where"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_read_is_refused_by_its_name(part: dict[str, Any], where: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parts(part)
    assert caught.value.param == WHERE + where


@pytest.mark.parametrize("role", ["system", "developer", "assistant"])
@pytest.mark.parametrize("part", [IMAGE, SOUND], ids=["image", "sound"])
def test_only_users_show_and_say(role: str, part: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match="user message") as caught:
        parts(part, role=role)
    assert caught.value.param == f"{WHERE}.{part['type']}"


@pytest.mark.parametrize("part", [IMAGE, SOUND], ids=["image", "sound"])
def test_a_result_shows_and_says_nothing(part: dict[str, Any]) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [{"role": "assistant", "tool_calls": [call]}, {"role": "tool", "tool_call_id": "c", "content": [part]}]
    with pytest.raises(InvalidRequest, match="user message") as caught:
        wire.read(ChatBody, json.dumps({"model": "m", "messages": messages}).encode()).request("r")
    assert caught.value.param == f"messages[1].content[0].{part['type']}"


@pytest.mark.parametrize(("content", "texts"), [(None, ["no"]), ("", ["", "no"]), ("a", ["a", "no"])])
def test_a_refusal_is_text_whatever_the_content(content: str | None, texts: list[str]) -> None:
    sent = {"model": "m", "messages": [{"role": "assistant", "content": content, "refusal": "no"}]}
    prompt = wire.read(ChatBody, json.dumps(sent).encode()).request("r").prompt
    assert isinstance(prompt, ChatPrompt)
    assert prompt.messages[0].parts == tuple(map(TextPart, texts))


@pytest.mark.parametrize(
    ("role", "field"),
    [
        ("user", {"reasoning_content": "hm"}),
        ("system", {"refusal": "no"}),
        ("user", {"tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}),
        ("user", {"tool_call_id": "a"}),
        ("assistant", {"tool_call_id": "a"}),
    ],
)
def test_what_only_another_role_has_is_refused(role: str, field: dict[str, Any]) -> None:
    def read(**fields: Any) -> None:
        sent = {"model": "m", "messages": [{"role": role, "content": "x", **fields}]}
        wire.read(ChatBody, json.dumps(sent).encode()).request("r")

    read(**dict.fromkeys(field))
    with pytest.raises(InvalidRequest) as caught:
        read(**field)
    assert caught.value.param == f"messages[0].{next(iter(field))}"
