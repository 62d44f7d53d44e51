"""Workers that somebody else has started: an endpoint without a process, once the server there answers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import urlsplit

from dovetail.core.errors import LoadFailed
from dovetail.core.model import Remote
from dovetail.engines.base import Endpoint
from dovetail.engines.remote import error_from
from dovetail.fleet.client import WorkerClient
from dovetail.fleet.exchange import Unreachable
from dovetail.fleet.launch import Launched

REACH_WITHIN = 10.0


async def reach(name: str, remote: Remote, environ: Mapping[str, str]) -> Launched:
    """Where the server of `name` is, which has just said that it serves. Raises LoadFailed."""
    where = endpoint(name, remote, environ)
    async with WorkerClient(where) as client:
        try:
            async with asyncio.timeout(REACH_WITHIN):
                status, body = await client.look("/v1/models")
        except Unreachable as error:
            raise LoadFailed(f"{name} is not to be had: {where.label} takes no connections ({error})") from error
        except TimeoutError as error:
            raise LoadFailed(f"{name} is not to be had: {where.label} was silent for {REACH_WITHIN:g} s") from error
        except OSError as error:
            raise LoadFailed(f"{name} is not to be had: {where.label}: {error}") from error
    if status != 200:
        refusal = error_from(body, status, where.label)
        raise LoadFailed(f"{name} is not to be had: {refusal.message}", code=refusal.code)
    return Launched(where, None)


def endpoint(name: str, remote: Remote, environ: Mapping[str, str]) -> Endpoint:
    """Raises LoadFailed when the key is not in the environment."""
    secret = None
    if remote.key_env is not None:
        secret = environ.get(remote.key_env)
        if not secret or not secret.isascii() or not secret.isprintable():
            raise LoadFailed(f"{name} is not to be had: the variable {remote.key_env} holds no key")
    parts = urlsplit(remote.url)
    tls = parts.scheme == "https"
    return Endpoint(
        host=parts.hostname or "",
        port=parts.port or (443 if tls else 80),
        secret=secret,
        base=parts.path.rstrip("/"),
        tls=tls,
        model=remote.model or name,
    )
