"""Connections before their TLS handshake is done: accepted here, bounded in number and in time, then the protocol's.

asyncio's own server takes any number of them, and tells of a connection only when its handshake is done.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from dovetail.core.errors import Busy, DovetailError
from dovetail.core.observe import Answered, Observer
from dovetail.gateway.addresses import Addresses
from dovetail.gateway.protocol import Limits

log = structlog.stdlib.get_logger(__name__)

_PAUSE = 1.0  # seconds, as asyncio's server waits, until a process without a free descriptor may have one


class Hall:
    """Who is in a handshake, on all sockets: as many as there may be connections, in all and of one address."""

    def __init__(self, limits: Limits, observer: Observer) -> None:
        self._most = limits.max_connections
        self._addresses = Addresses(limits.from_address, limits.proxies)
        self._observer = observer
        self._here = 0

    @contextmanager
    def place(self, address: str | None) -> Generator[None]:
        """A place for the time of a handshake. Raises DovetailError where there is none, and tells the observer."""
        try:
            if self._here >= self._most:
                raise Busy("too many connections; try again in a moment", code="too_many_connections")
            party = None if address is None else self._addresses.enter(address)
        except DovetailError as refusal:
            self._observer.answered(Answered("", "", refusal.status, 0.0, refusal.code))
            raise
        self._here += 1
        try:
            yield
        finally:
            self._here -= 1
            if party is not None:
                self._addresses.leave(party)


@dataclass(frozen=True, slots=True)
class Handshake:
    """What makes a connection of one: the protocol that is made for it, the certificate, seconds at most."""

    protocol: Callable[[], asyncio.Protocol]
    context: ssl.SSLContext
    within: float


class Handshakes:
    """The server of one listening socket, in the place of asyncio's; it accepts until it is closed."""

    def __init__(self, listener: socket.socket, handshake: Handshake, hall: Hall) -> None:
        self._listener = listener
        self._handshake = handshake
        self._hall = hall
        self._accepting = asyncio.create_task(self._accept(), name="TLS")

    def close(self) -> None:
        """Accepts no more; handshakes that are not done are ended."""
        self._accepting.cancel()

    async def wait_closed(self) -> None:
        await asyncio.wait([self._accepting])

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as shaking:
            while True:
                try:
                    connection, _ = await loop.sock_accept(self._listener)
                except OSError as error:
                    if error.errno != errno.ECONNABORTED:  # that client has left before it was accepted
                        log.warning("not_accepted", reason=error.strerror or str(error))
                        await asyncio.sleep(_PAUSE)
                    continue
                shaking.create_task(self._shake(connection))

    async def _shake(self, connection: socket.socket) -> None:
        shake = self._handshake
        try:
            with self._hall.place(_address(connection)):
                await asyncio.get_running_loop().connect_accepted_socket(
                    shake.protocol,
                    connection,
                    ssl=shake.context,
                    ssl_handshake_timeout=shake.within,
                    ssl_shutdown_timeout=shake.within,
                )
        except DovetailError:
            connection.close()  # nothing can be said before the handshake
        except OSError as error:  # of which ssl's are a kind, and what its end in time is
            log.debug("handshake_failed", reason=str(error))
        except Exception:  # one connection's boundary: the others go on
            log.exception("handshake_failed")


def _address(connection: socket.socket) -> str | None:
    """None on a Unix socket, and of a client that has left."""
    if connection.family not in {socket.AF_INET, socket.AF_INET6}:
        return None
    try:
        return str(connection.getpeername()[0])
    except OSError:
        return None
