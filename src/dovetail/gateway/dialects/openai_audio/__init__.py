"""OpenAI's speech to text: `POST /v1/audio/transcriptions` and `/v1/audio/translations`.

An older server's `GET /v1/audio/transcriptions` says whether it is ready, and its `filename` is echoed.
"""

from dovetail.gateway.dialects.openai_audio.routes import router

__all__ = ["router"]
