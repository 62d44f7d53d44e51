"""The gate that images and sounds of a request pass before any worker sees them."""

from __future__ import annotations

import asyncio
import binascii
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TypeAlias

from dovetail.core.errors import InvalidRequest
from dovetail.core.model import Capability, Model
from dovetail.core.request import (
    AudioPart,
    ChatPrompt,
    GenerateRequest,
    ImageLink,
    ImagePart,
    Media,
    Message,
    Part,
    TextPart,
)
from dovetail.serving import images, sounds
from dovetail.serving.links import FetchFailed, Links
from dovetail.settings import MediaSettings

MAX_PIXELS = 2 * images.MAX_PIXELS  # of all images of a request together: a worker decodes them before it counts

Place: TypeAlias = tuple[int, int, str]  # of a part: its message's number and its own, and the field that holds it


def check_modalities(request: GenerateRequest, model: Model) -> None:
    """Raises InvalidRequest for the first image or sound that `model` does not take."""
    for place, part in _media(request):
        needed = Capability.AUDIO if isinstance(part, AudioPart) else Capability.VISION
        if needed not in model.capabilities:
            kind = "sound" if needed is Capability.AUDIO else "images"
            without = model.format == "gguf" and model.mmproj is None
            why = " (there is no projector, `mmproj`, beside it)" if without else ""
            raise InvalidRequest(
                f"{model.id} takes no {kind}{why}: remove {_name(place)}, or use a model that has "
                f"{needed.value!r} among its capabilities in /v1/models",
                code="unsupported_modality",
                param=_name(place),
            )


class Gate:
    """Checks every file of a request, and fetches what it links to where the settings allow that."""

    def __init__(self, settings: MediaSettings | None = None, links: Links | None = None) -> None:
        self._settings = settings or MediaSettings()
        self._links = links or Links()

    async def passed(self, request: GenerateRequest) -> GenerateRequest:
        """The request with every link replaced by its image. Raises InvalidRequest naming the part at fault."""
        found = dict(_media(request))
        if not found:
            return request
        if len(found) > self._settings.max_files:
            place = list(found)[self._settings.max_files]
            raise InvalidRequest(
                f"{_name(place)}: the request has {len(found)} images and sounds; "
                f"at most {self._settings.max_files} are taken (media.max_files)",
                code="too_many_files",
                param=_name(place),
            )
        fetched = await self._fetch({place: part.url for place, part in found.items() if isinstance(part, ImageLink)})
        checked = await asyncio.to_thread(_check, found, fetched)
        return _with(request, checked)

    async def _fetch(self, urls: Mapping[Place, str]) -> dict[Place, bytes]:
        if urls and not self._settings.remote:
            name = _name(next(iter(urls)))
            raise InvalidRequest(
                f"{name}: links are not followed here: send the image as a data URL, or set media.remote = true",
                code="remote_media_off",
                param=name,
            )
        files: dict[Place, bytes] = {}
        left = self._settings.fetch_bytes
        deadline = asyncio.get_running_loop().time() + self._settings.fetch_timeout
        for place, url in urls.items():
            try:
                async with asyncio.timeout_at(deadline):
                    files[place] = await self._links.fetch(url, left)
            except TimeoutError:
                raise _unfetched(place, f"it did not come within {self._settings.fetch_timeout:g} s") from None
            except FetchFailed as error:
                raise _unfetched(place, str(error)) from None
            left -= len(files[place])
        return files


def _unfetched(place: Place, why: str) -> InvalidRequest:
    return InvalidRequest(
        f"{_name(place)}: the image could not be fetched: {why}", code="fetch_failed", param=_name(place)
    )


def _media(request: GenerateRequest) -> Iterator[tuple[Place, Media]]:
    if isinstance(request.prompt, ChatPrompt):
        for i, message in enumerate(request.prompt.messages):
            for j, part in enumerate(message.parts):
                if not isinstance(part, TextPart):
                    yield (i, j, part.place or f"messages[{i}].content[{j}]"), part


def _name(place: Place) -> str:
    return place[2]


def _check(found: Mapping[Place, Media], fetched: Mapping[Place, bytes]) -> dict[Place, Part]:
    """Takes milliseconds for a megabyte: not on an event loop."""
    checked: dict[Place, Part] = {}
    pixels = 0
    for place, part in found.items():
        try:
            data = fetched[place] if isinstance(part, ImageLink) else _decoded(part.base64)
            if isinstance(part, AudioPart):
                sounds.check(data)
                checked[place] = part
                continue
            picture = images.read(data)
        except (_BadBase64, images.BadImage, sounds.BadSound) as error:
            raise InvalidRequest(f"{_name(place)}: {error}", code="invalid_media", param=_name(place)) from None
        pixels += picture.pixels
        if pixels > MAX_PIXELS:
            raise InvalidRequest(
                f"{_name(place)}: up to here the images have {pixels} pixels; at most {MAX_PIXELS} are taken together",
                code="invalid_media",
                param=_name(place),
            )
        base64 = part.base64 if isinstance(part, ImagePart) else b64encode(data).decode("ascii")
        checked[place] = ImagePart(base64, picture.media_type, part.place)
    return checked


class _BadBase64(Exception):
    pass


def _decoded(base64: str) -> bytes:
    try:
        return binascii.a2b_base64(base64, strict_mode=True)
    except ValueError:  # binascii's own error, and what it says of letters beyond ASCII
        raise _BadBase64("its data are not base64") from None


def _with(request: GenerateRequest, parts: Mapping[Place, Part]) -> GenerateRequest:
    if not isinstance(request.prompt, ChatPrompt):
        return request

    placed = {place[:2]: part for place, part in parts.items()}

    def message(i: int, old: Message) -> Message:
        return replace(old, parts=tuple(placed.get((i, j), part) for j, part in enumerate(old.parts)))

    messages = tuple(message(i, old) for i, old in enumerate(request.prompt.messages))
    return replace(request, prompt=replace(request.prompt, messages=messages))
