"""The sections of the configuration that say what may be sent beside text."""

from __future__ import annotations

from pydantic import Field

from dovetail.settings.edge import Seconds, Section


class MediaSettings(Section):
    """Images and sounds in messages, for models that take them."""

    remote: bool = Field(
        default=False,
        description="Fetch images that a message links to (http, https); never from a private or local address.",
    )
    max_files: int = Field(default=20, ge=1, le=1000, description="Images and sounds in one request.")
    fetch_bytes: int = Field(default=16 << 20, gt=0, description="Bytes fetched for one request.")
    fetch_timeout: Seconds = Field(default=10.0, description="Time for all that is fetched for one request.")


class SpeechSettings(Section):
    """Speech to text, `/v1/audio/transcriptions`; with the extra `speech`."""

    enabled: bool = Field(default=False, description="Write down what recordings say.")
    model: str | None = Field(
        default=None,
        min_length=1,
        max_length=4096,
        description="The model that hears: its id, its folder, or `owner/name` on the hub, fetched at start. Empty: "
        "the one there is.",
    )
    max_bytes: int = Field(default=512 << 20, ge=1024, description="Largest recording in bytes, as it is sent.")
    uploads_bytes: int = Field(
        default=4 << 30, ge=1024, description="All recordings on disk at once, in bytes; one always fits."
    )
    max_seconds: Seconds = Field(default=14_400.0, description="Longest recording.")
