"""What recordings take on disk together, from their first byte until their requests have ended."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from dovetail.core.errors import Busy

_RETRY_AFTER = 30
_GIB = 1 << 30


class Spool:
    """Used on the event loop alone."""

    def __init__(self) -> None:
        self.held = 0

    @contextmanager
    def share(self, most: int, expected: int = 0) -> Generator[Share]:
        """One recording's part of the `most` bytes of all; what is `expected` has to have room now, and is not kept.

        Raises Busy.
        """
        share = Share(self, most)
        share.check(expected)
        try:
            yield share
        finally:
            self.held -= share.held


class Share:
    def __init__(self, spool: Spool, most: int) -> None:
        self._spool = spool
        self._most = most
        self.held = 0

    def take(self, count: int) -> None:
        """Before so many bytes are written. Raises Busy."""
        self.check(count)
        self.held += count
        self._spool.held += count

    def check(self, count: int) -> None:
        """Raises Busy where `count` bytes more are too many."""
        if self._spool.held + count > self._most:
            held, most = self._spool.held / _GIB, self._most / _GIB
            raise Busy(
                f"the recordings of other requests take {held:.2f} GiB on the server's disk, and all together may take "
                f"{most:.2f} GiB (speech.uploads_bytes): try again when some are done",
                code="uploads_full",
                retry_after=_RETRY_AFTER,
            )
