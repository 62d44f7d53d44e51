"""How fast files come, and how long is waited before the next try."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dovetail.catalog.delivery import wait_before
from dovetail.catalog.transfer import Pace, RemoteFile, Stop, Transfer, write_all
from dovetail.core.errors import DiskFull

from .hub_server import REPO, SHA, hub_server

if TYPE_CHECKING:
    from typing_extensions import Buffer


class Clock(Stop):
    """A stop that is never set, whose waiting moves a clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def wait(self, seconds: float) -> None:
        self.now += max(seconds, 0.0)


@given(st.lists(st.integers(1, 1 << 20), min_size=1, max_size=50), st.integers(1024, 1 << 24))
def test_no_more_than_the_rate_moves(pieces: list[int], rate: int) -> None:
    clock = Clock()
    pace = Pace(lambda: rate, lambda: clock.now)
    for piece in pieces:
        pace.take(piece, clock)
    assert clock.now == pytest.approx(sum(pieces[:-1]) / rate, rel=1e-6, abs=1e-6)


class Short(io.RawIOBase):
    """A file that takes three bytes at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.held = b""

    def write(self, data: Buffer, /) -> int:
        taken = bytes(data)[:3]
        self.held += taken
        return len(taken)


def test_what_a_file_does_not_take_at_once_it_takes_later() -> None:
    out = Short()
    write_all(cast("BinaryIO", out), b"0123456789")
    assert out.held == b"0123456789"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_disk_that_is_full_in_the_middle_is_told(tmp_path: Path) -> None:
    part = tmp_path / "m.gguf.part"
    part.symlink_to("/dev/full")
    with hub_server() as hub:
        hub.files = {"m.gguf": b"0123456789"}
        transfer = Transfer(hub.address, {}, Stop(), Pace(lambda: None), lambda _: None)
        with pytest.raises(DiskFull, match=r"m\.gguf cannot be written: no room is left"):
            transfer.fetch(RemoteFile("m.gguf", 10), f"{hub.address}/{REPO}/resolve/{SHA}/m.gguf", part)


def test_waits_grow_and_end() -> None:
    assert [wait_before(n) for n in range(2, 6)] == [1, 2, 4, 8]
    assert (wait_before(50), wait_before(3, 7.0), wait_before(3, 1e9)) == (60, 7, 60)
