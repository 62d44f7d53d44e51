"""Secrets that are shown once and kept as hashes: 256 random bits, so that SHA-256 is enough."""

from __future__ import annotations

import hashlib
import secrets

KEY_PREFIX = "sk-dvt-"  # what log lines mask begins so
_SHOWN = 6


def new_token() -> str:
    return secrets.token_urlsafe(32)


def new_key() -> str:
    return f"{KEY_PREFIX}{new_token()}"


def shown(key: str) -> str:
    """The part of a key that lists show."""
    return key[: len(KEY_PREFIX) + _SHOWN]


def digest(token: str) -> bytes:
    """What is stored, and looked up by: a lookup by hash takes as long whatever the token has in common with one."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def new_id(kind: str) -> str:
    """A name that says nothing."""
    return f"{kind}_{secrets.token_hex(6)}"
