"""One file from the hub onto the disk: gone on with where it was cut, held to its size and its hash, stopped at once.

Every byte that came is on the disk before the next is asked for, so that whatever ends the process, none is fetched
twice. The hub answers large files with a redirect to a store of its own: each hop is checked, and a token goes to the
hub alone.
"""

from __future__ import annotations

import errno
import hashlib
import ipaddress
import os
import socket
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import urljoin, urlsplit

from dovetail.core.errors import DiskFull, DovetailError
from dovetail.core.internet import is_public

if TYPE_CHECKING:
    import httpx2

CONNECT_WITHIN = 15.0
SILENT_FOR = 20.0  # seconds without a byte after which a connection counts as cut
MAX_HOPS = 5
_HASHED_AT_ONCE = 4 << 20
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}


class DownloadFailed(DovetailError):
    """The hub refused, or what it sent is not what it listed."""

    status = 502
    code = "download_failed"


class ChecksumMismatch(DownloadFailed):
    """The bytes are not those that the hub lists; they were thrown away."""

    code = "checksum_mismatch"


class Unreachable(DownloadFailed):
    """The hub could not be reached, or went silent: worth trying again, after `retry_after` seconds if it said so."""


class Stopped(Exception):
    """Somebody asked the transfer to end; what has come stays."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file as the hub lists it: `sha256` of large ones, the id that git gives it (`blob`) of others."""

    name: str
    size: int
    sha256: str | None = None
    blob: str | None = None


class Stop:
    """Ends a transfer in another thread, also one that waits for bytes that do not come."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._socket: socket.socket | None = None

    @property
    def is_set(self) -> bool:
        return self._event.is_set()

    def set(self) -> None:
        self._event.set()
        if (held := self._socket) is not None:
            with suppress(OSError, ValueError):
                held.shutdown(socket.SHUT_RDWR)

    def wait(self, seconds: float) -> None:
        """Raises Stopped when it is set before, or meanwhile."""
        if self._event.wait(max(seconds, 0.0)):
            raise Stopped

    @contextmanager
    def holding(self, held: socket.socket | None) -> Generator[None]:
        """`set` closes that connection, until the context is left."""
        self._socket = held
        try:
            yield
        finally:
            self._socket = None


class Pace:
    """At most `rate()` bytes a second, for all transfers that share it; None is without a bound."""

    def __init__(self, rate: Callable[[], int | None], clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._clock = clock
        self._lock = threading.Lock()
        self._due = 0.0

    def take(self, count: int, stop: Stop) -> None:
        """Returns when `count` bytes may move. Raises Stopped."""
        rate = self._rate()
        if rate is None:
            return
        with self._lock:
            now = self._clock()
            start = max(self._due, now)
            self._due = start + count / rate
        stop.wait(start - now)


@dataclass(slots=True)
class _Digest:
    """The hash of what has come, as the hub lists it."""

    file: RemoteFile
    hash: hashlib._Hash = field(init=False)  # the type has no public name

    def __post_init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        if self.file.sha256 is not None or self.file.blob is None:
            self.hash = hashlib.sha256()
        else:
            self.hash = hashlib.sha1(f"blob {self.file.size}\0".encode(), usedforsecurity=False)

    def check(self) -> None:
        """Raises ChecksumMismatch."""
        wanted, got = self.file.sha256 or self.file.blob, self.hash.hexdigest()
        if wanted is not None and got != wanted:
            raise ChecksumMismatch(
                f"{self.file.name} arrived damaged: its checksum is {got}, the hub lists {wanted}; download it again"
            )


class Transfer:
    """Fetches files from the hub at `endpoint`; `moved` is told of bytes that are there, also less than before."""

    def __init__(
        self, endpoint: str, headers: Mapping[str, str], stop: Stop, pace: Pace, moved: Callable[[int], None]
    ) -> None:
        self._endpoint = urlsplit(endpoint)
        self._headers = headers
        self._stop = stop
        self._pace = pace
        self._moved = moved

    def fetch(self, file: RemoteFile, url: str, part: Path) -> None:
        """Completes `part`, or begins it. Blocks.

        Raises Stopped, Unreachable, ChecksumMismatch, DownloadFailed, DiskFull, OSError.
        """
        import httpx2

        digest = _Digest(file)
        have = self._there(part, digest)
        timeout = httpx2.Timeout(SILENT_FOR, connect=CONNECT_WITHIN)
        try:
            with part.open("ab", buffering=0) as out:
                if have < file.size:
                    with httpx2.Client(timeout=timeout) as client:
                        self._stream(client, url, digest, out, have)
                os.fsync(out.fileno())
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, ValueError) as error:
            if self._stop.is_set:
                raise Stopped from error
            raise Unreachable(f"{file.name}: {str(error) or type(error).__name__}") from error
        except OSError as error:
            if self._stop.is_set:
                raise Stopped from error
            if error.errno in _NO_ROOM:
                raise DiskFull(f"{file.name} cannot be written: no room is left on {part.parent}") from error
            raise
        try:
            digest.check()
        except ChecksumMismatch:
            self._moved(-file.size)
            part.unlink(missing_ok=True)
            raise

    def start(self, file: RemoteFile, url: str, count: int) -> bytes:
        """The first `count` bytes, or all where there are fewer. Blocks. Raises Unreachable, DownloadFailed."""
        import httpx2

        found = bytearray()
        wanted = min(count, file.size)
        try:
            with (
                httpx2.Client(timeout=httpx2.Timeout(SILENT_FOR, connect=CONNECT_WITHIN)) as client,
                self._opened(client, url, f"bytes=0-{wanted - 1}") as response,
            ):
                for piece in response.iter_raw():
                    found += piece
                    if len(found) >= wanted:
                        break
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            raise Unreachable(f"{file.name}: {str(error) or type(error).__name__}") from error
        return bytes(found[:wanted])

    def _there(self, part: Path, digest: _Digest) -> int:
        """How many bytes are there already, which are hashed."""
        have = part.stat().st_size if part.exists() else 0
        if have > digest.file.size:
            part.unlink()
            return 0
        if have:
            with part.open("rb") as file:
                while piece := file.read(_HASHED_AT_ONCE):
                    self._stop.wait(0)
                    digest.hash.update(piece)
            self._moved(have)
        return have

    def _stream(self, client: httpx2.Client, url: str, digest: _Digest, out: BinaryIO, have: int) -> None:
        file = digest.file
        with self._opened(client, url, f"bytes={have}-" if have else None) as response:
            if have and response.status_code == 200:  # it knows no ranges: from the beginning
                out.truncate(0)
                digest.reset()
                self._moved(-have)
                have = 0
            _check_lengths(file, response, have)
            stream = response.extensions.get("network_stream")
            held = stream.get_extra_info("socket") if stream is not None else None
            with self._stop.holding(held):
                for piece in response.iter_raw():  # as they come: gathered ones would be lost at a cut
                    self._pace.take(len(piece), self._stop)
                    self._stop.wait(0)
                    have += len(piece)
                    if have > file.size:
                        raise DownloadFailed(f"{file.name}: the hub lists {file.size} bytes and sends more")
                    write_all(out, piece)
                    digest.hash.update(piece)
                    self._moved(len(piece))
        if have < file.size:
            raise Unreachable(f"{file.name} was cut after {have} of {file.size} bytes")

    @contextmanager
    def _opened(self, client: httpx2.Client, url: str, span: str | None) -> Generator[httpx2.Response]:
        """The answer behind all redirects. Raises DownloadFailed, Unreachable."""
        for _ in range(MAX_HOPS + 1):
            self._stop.wait(0)
            is_hub = self._check_hop(url)
            headers = {"accept-encoding": "identity", **(self._headers if is_hub else {})}
            if span is not None:
                headers["range"] = span
            with client.stream("GET", url, headers=headers) as response:
                if response.is_redirect:
                    url = urljoin(url, response.headers.get("location", ""))
                    continue
                _check_status(response)
                yield response
                return
        raise DownloadFailed(f"the hub redirects more than {MAX_HOPS} times")

    def _check_hop(self, url: str) -> bool:
        """Whether `url` is the hub's own; of others those alone are let through that the public internet reaches."""
        parts, hub = urlsplit(url), self._endpoint
        if (parts.scheme, parts.netloc) == (hub.scheme, hub.netloc):
            return True
        if parts.scheme != "https" or not parts.hostname:
            raise DownloadFailed(f"the hub redirects to {parts.scheme}://{parts.hostname}: only https is followed")
        if not _is_public(parts.hostname):
            raise DownloadFailed(f"the hub redirects to {parts.hostname}, an address of a private network")
        return False


def write_all(out: BinaryIO, piece: bytes) -> None:
    """An unbuffered file may take a part of it alone, where the disk is nearly full, and says so by its count only."""
    left = memoryview(piece)
    while left:
        left = left[out.write(left) :]


def matches(path: Path, file: RemoteFile, stop: Stop) -> bool:
    """Whether the file at `path` is the one that the hub lists. Blocks while it is hashed. Raises Stopped, OSError."""
    digest = _Digest(file)
    with path.open("rb") as opened:
        while piece := opened.read(_HASHED_AT_ONCE):
            stop.wait(0)
            digest.hash.update(piece)
    return (file.sha256 or file.blob) == digest.hash.hexdigest()


def _check_status(response: httpx2.Response) -> None:
    status = response.status_code
    if status in {200, 206}:
        return
    if status in {401, 403}:
        raise DownloadFailed("the hub wants a token that may read this (HF_TOKEN), or its licence has to be accepted")
    if status in {408, 429} or status >= 500:
        after = response.headers.get("retry-after", "")
        raise Unreachable(f"the hub answers {status}", retry_after=float(after) if after.isdecimal() else None)
    raise DownloadFailed(f"the hub answers {status}: the file has changed or gone, start the download again")


def _check_lengths(file: RemoteFile, response: httpx2.Response, have: int) -> None:
    """What the answer says of its length has to be what is still due."""
    headers, due = response.headers, file.size - have
    if headers.get("content-encoding", "identity") != "identity":
        raise DownloadFailed(f"{file.name} comes compressed, which nobody asked for")
    said = headers.get("content-length")
    if said is not None and said != str(due):
        raise DownloadFailed(f"{file.name}: {due} bytes are due and the hub announces {said[:32]}")
    if response.status_code == 206:
        span = headers.get("content-range", f"bytes {have}-{file.size - 1}/{file.size}")
        if span not in {f"bytes {have}-{file.size - 1}/{file.size}", f"bytes {have}-{file.size - 1}/*"}:
            raise DownloadFailed(f"{file.name}: bytes from {have} are due and the hub sends {span[:64]}")


def _is_public(host: str) -> bool:
    """Whether all addresses of a host are; one that cannot be found here may be known to a proxy."""
    try:
        found = {str(each[4][0]) for each in socket.getaddrinfo(host, None)}
    except OSError:
        return True
    return not any("%" in address or not is_public(ipaddress.ip_address(address)) for address in found)
