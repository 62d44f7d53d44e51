"""Recordings on disk, all together."""

from contextlib import suppress

import pytest

from dovetail.core.errors import Busy
from dovetail.gateway.spool import Spool


def test_what_one_takes_another_cannot_and_gets_back_when_it_ends() -> None:
    spool = Spool()
    with spool.share(100) as one:
        one.take(60)
        with spool.share(100, 40) as other:
            assert spool.held == 60, "what is expected is not kept"
            other.take(40)
            with pytest.raises(Busy) as full:
                one.take(1)
        assert (full.value.status, full.value.code, full.value.retry_after) == (503, "uploads_full", 30)
        assert "speech.uploads_bytes" in str(full.value)
        one.take(40)
        with pytest.raises(Busy), spool.share(100, 1):
            pass
    assert spool.held == 0


def test_what_fails_gives_back_what_it_took() -> None:
    spool = Spool()
    with suppress(OSError), spool.share(100) as share:
        share.take(50)
        raise OSError
    assert spool.held == 0
