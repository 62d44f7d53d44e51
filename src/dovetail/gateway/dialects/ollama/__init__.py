"""Ollama's API: `/api/chat`, `/api/generate`, `/api/embed` and what tells of models, in lines of JSON.

Reference: docs/api.md of Ollama, as typed in the `ollama` package 0.6.
"""

from __future__ import annotations

from dovetail.gateway.dialects.ollama import embed, library, models, text

ROUTERS = (text.router, embed.router, models.router, library.router)
