"""Images and sounds on their way to a worker, in llama-server's form of OpenAI's content parts."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dovetail.core.errors import InvalidRequest
from dovetail.core.request import AudioPart, ImageLink, ImagePart, Json, JsonObject, Part, TextPart

# What llama-server says of a file whose inside is damaged, and (as a 500) of a file its model has no encoder for.
_DAMAGED = "Failed to load image or audio file"
_NO_ENCODER = re.compile(r"^(image|audio|video) input is not supported")


def content(parts: Sequence[Part]) -> Json:
    """A message's content: a text where all parts are, else a list in which neighbouring texts are one."""
    if all(isinstance(part, TextPart) for part in parts):
        return "".join(part.text for part in parts if isinstance(part, TextPart))
    items: list[JsonObject] = []
    for part in parts:
        item = _item(part)
        if items and "text" in item and "text" in items[-1]:
            items[-1] = {"type": "text", "text": f"{items[-1]['text']}{item['text']}"}
        else:
            items.append(item)
    return list(items)


def _item(part: Part) -> JsonObject:
    match part:
        case TextPart(text):
            return {"type": "text", "text": text}
        case ImagePart(base64, media_type):
            return {"type": "image_url", "image_url": {"url": f"data:{media_type};base64,{base64}"}}
        case AudioPart(base64):
            return {"type": "input_audio", "input_audio": {"data": base64, "format": "wav"}}
        case ImageLink():  # a worker would fetch it, from any address
            raise ValueError("a link to an image has to be fetched before the worker is asked")


def recording_refusal(kind: Json, message: str) -> InvalidRequest | None:
    """What the worker for speech says of an upload, by the type of its error; None of anything else."""
    match kind:
        case "invalid_audio":
            return InvalidRequest(message, code="invalid_audio", param="file")
        case "recording_too_long":
            return InvalidRequest(message, code="recording_too_long", status=413, param="file")
        case "unsupported_language":
            return InvalidRequest(message, code="unsupported_language", param="language")
        case "unsupported_task":
            return InvalidRequest(message, code="unsupported_task", param="model")
        case _:
            return None


def refusal(message: str) -> InvalidRequest | None:
    """What a worker's error says of an image or a sound, if it is about one."""
    if message == _DAMAGED:
        return InvalidRequest(
            "an image or a sound of the messages is damaged: the model's engine cannot decode it",
            code="invalid_media",
            param="messages",
        )
    if found := _NO_ENCODER.search(message):
        return InvalidRequest(f"this model takes no {found[1]}", code="unsupported_modality", param="messages")
    return None
