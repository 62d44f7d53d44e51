"""TLS of the listening socket: a certificate whose files may be renewed while it serves."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

log = structlog.stdlib.get_logger(__name__)

LOOK_EVERY = 30.0


class Certificate:
    """A server's certificate and its private key. Raises OSError or ssl.SSLError when the files cannot be used."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self._files = (certificate, key)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.context.load_cert_chain(*self._files)
        self._seen = self._stamp()

    def renew(self) -> bool:
        """Takes in changed files, for connections from now on. Blocks. What cannot be used changes nothing."""
        try:
            stamp = self._stamp()
            if stamp == self._seen:
                return False
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*self._files)  # both fit, or neither is taken
            self.context.load_cert_chain(*self._files)
        except (OSError, ssl.SSLError) as error:
            log.warning("certificate_not_renewed", reason=str(error))
            return False
        self._seen = stamp
        log.info("certificate_renewed")
        return True

    async def watch(self, every: float = LOOK_EVERY) -> None:
        """Looks at the files until cancelled."""
        while True:
            await asyncio.sleep(every)
            await asyncio.to_thread(self.renew)

    def _stamp(self) -> tuple[tuple[int, int], ...]:
        return tuple((found.st_mtime_ns, found.st_size) for found in (file.stat() for file in self._files))


@asynccontextmanager
async def watched(found: Certificate | None) -> AsyncGenerator[None, None]:
    """Inside, renewed files are taken in."""
    if found is None:
        yield
        return
    watching = asyncio.create_task(found.watch(), name="certificate")
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.wait([watching])


def certificate(cert: Path | None, key: Path | None) -> Certificate | None:
    """None without TLS. Without a file of its own the key is in the certificate's."""
    return None if cert is None else Certificate(cert, key or cert)
