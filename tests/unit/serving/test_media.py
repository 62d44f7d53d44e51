"""The gate: every file of a request is checked, counted and, where that is allowed, fetched."""

import asyncio
import base64
from dataclasses import replace

import pytest

from dovetail.core.errors import InvalidRequest
from dovetail.core.model import Capability
from dovetail.core.request import (
    AudioPart,
    ChatPrompt,
    GenerateRequest,
    ImageLink,
    ImagePart,
    Message,
    Part,
    TextPart,
)
from dovetail.serving import media
from dovetail.serving.limits import check_request
from dovetail.serving.links import FetchFailed, Links
from dovetail.serving.media import Gate
from dovetail.settings import MediaSettings

from ...process.serving.files import gif, jpeg, png, wav  # noqa: TID252  the same files everywhere
from .fakes import model

pytestmark = pytest.mark.anyio


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def image(data: bytes, media_type: str = "image/png") -> ImagePart:
    return ImagePart(encoded(data), media_type)


def asking(*parts: Part) -> GenerateRequest:
    messages = (Message("system", (TextPart("s"),)), Message("user", (TextPart("t"), *parts)))
    return GenerateRequest("r", "m", ChatPrompt(messages))


def parts_of(request: GenerateRequest) -> tuple[Part, ...]:
    assert isinstance(request.prompt, ChatPrompt)
    return request.prompt.messages[1].parts[1:]


async def refused(gate: Gate, request: GenerateRequest) -> tuple[str, str | None]:
    with pytest.raises(InvalidRequest) as caught:
        await gate.passed(request)
    assert caught.value.status == 400
    assert str(caught.value.param) in caught.value.message
    return caught.value.code, caught.value.param


class Web(Links):
    """Answers by URL: bytes, or why not."""

    def __init__(self, files: dict[str, bytes | str]) -> None:
        super().__init__()
        self.files = files
        self.allowed: list[int] = []

    async def fetch(self, url: str, most: int) -> bytes:
        self.allowed.append(most)
        found = self.files[url]
        if isinstance(found, str):
            raise FetchFailed(found)
        return found


@pytest.mark.parametrize("capability", [Capability.VISION, Capability.AUDIO])
def test_a_model_without_the_sense_refuses_the_part_by_name(capability: Capability) -> None:
    request = asking(AudioPart("AAAA") if capability is Capability.VISION else ImageLink("http://127.0.0.1:1/"))
    knows = replace(model("eyes"), capabilities=frozenset({Capability.CHAT, capability}))
    with pytest.raises(InvalidRequest, match="eyes") as caught:
        check_request(request, knows)
    assert (caught.value.code, caught.value.param) == ("unsupported_modality", "messages[1].content[1]")
    both = replace(knows, capabilities=frozenset({Capability.VISION, Capability.AUDIO}))
    check_request(request, both)


async def test_text_passes_as_it_is() -> None:
    request = asking()
    assert await Gate().passed(request) is request


async def test_an_image_goes_on_as_what_it_is_whatever_it_was_called() -> None:
    sent = asking(
        image(png(), "image/webp"), image(jpeg(), "image/png"), image(gif(), "image/gif"), AudioPart(encoded(wav()))
    )
    kept = parts_of(await Gate().passed(sent))
    types = [part.media_type for part in kept if isinstance(part, ImagePart)]
    assert types == ["image/png", "image/jpeg", "image/gif"]
    assert kept[3] == AudioPart(encoded(wav()))


BASE64 = ["####", "AAA", "AAAA=", "iVBORw0KGgo\n", "äöü=", "AAAA AAAA", "_-__"]


@pytest.mark.parametrize("text", BASE64)
async def test_what_is_not_base64_is_refused(text: str) -> None:
    assert await refused(Gate(), asking(image(png()), ImagePart(text, "image/png"))) == (
        "invalid_media",
        "messages[1].content[2]",
    )


@pytest.mark.parametrize("part", [image(b"hello world"), image(png()[:-20]), AudioPart(encoded(b"RIFF"))])
async def test_what_cannot_be_decoded_is_refused(part: Part) -> None:
    assert await refused(Gate(), asking(part)) == ("invalid_media", "messages[1].content[1]")


async def test_one_file_more_than_the_settings_allow_is_named() -> None:
    gate = Gate(MediaSettings(max_files=3))
    files = [image(png(1, 1)), AudioPart(encoded(wav(0.1))), image(png(2, 2)), image(png(3, 3))]
    await gate.passed(asking(*files[:3]))
    assert await refused(gate, asking(*files)) == ("too_many_files", "messages[1].content[4]")


async def test_images_are_bounded_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "MAX_PIXELS", 64 * 64 * 2)
    await Gate().passed(asking(image(png()), image(png())))
    assert await refused(Gate(), asking(image(png()), image(png()), image(png(1, 1)))) == (
        "invalid_media",
        "messages[1].content[3]",
    )


async def test_links_are_not_followed_unless_the_settings_say_so() -> None:
    web = Web({})
    request = asking(ImageLink("http://a.example/"))
    assert await refused(Gate(links=web), request) == ("remote_media_off", "messages[1].content[1]")
    assert web.allowed == []


async def test_links_become_the_images_they_lead_to() -> None:
    web = Web({"http://a.example/": png(), "http://b.example/": jpeg()})
    gate = Gate(MediaSettings(remote=True, fetch_bytes=10_000), web)
    kept = parts_of(await gate.passed(asking(ImageLink("http://a.example/"), ImageLink("http://b.example/"))))
    assert kept == (image(png()), image(jpeg(), "image/jpeg"))
    assert web.allowed == [10_000, 10_000 - len(png())]


async def test_a_link_that_leads_to_no_image_is_named() -> None:
    web = Web({"http://a.example/": b"<html>", "http://b.example/": "the answer has the status 404"})
    gate = Gate(MediaSettings(remote=True), web)
    assert await refused(gate, asking(ImageLink("http://a.example/"))) == ("invalid_media", "messages[1].content[1]")
    assert await refused(gate, asking(ImageLink("http://b.example/"))) == ("fetch_failed", "messages[1].content[1]")


async def test_all_that_is_fetched_has_one_deadline() -> None:
    class Silent(Links):
        async def fetch(self, url: str, most: int) -> bytes:
            del url, most
            await asyncio.Event().wait()
            raise AssertionError

    gate = Gate(MediaSettings(remote=True, fetch_timeout=0.01), Silent())
    request = asking(ImageLink("http://a.example/"), ImageLink("http://b.example/"))
    assert await refused(gate, request) == ("fetch_failed", "messages[1].content[1]")
