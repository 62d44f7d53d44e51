"""The address of an image in OpenAI's dialects: a data URL, or a link."""

from __future__ import annotations

from dovetail.core.errors import InvalidRequest
from dovetail.core.request import ImageLink, ImagePart


def image(url: str, where: str) -> ImagePart | ImageLink:
    """The image at `url`. Raises InvalidRequest naming `where` for anything else."""
    head, comma, base64 = url.partition(",")
    scheme = head[:6].lower()
    if scheme.startswith(("http:", "https:")):
        return ImageLink(url)
    media_type, _, encoding = head[5:].lower().partition(";")
    if not scheme.startswith("data:") or not comma or not media_type.startswith("image/") or encoding != "base64":
        raise InvalidRequest(
            f"{where}: a data URL of an image (data:image/png;base64,…) or an http or https link", param=where
        )
    return ImagePart(base64, media_type)
