"""Who uses graphics cards, from `/proc/PID/fdinfo` of any shape."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from dovetail.hardware import drm

NAMES = ("drm-client-id", "drm-pdev", "drm-resident-vram0", "drm-memory-vram", "drm-engine-render", "drm-cycles-rcs")
LINES = st.tuples(
    st.sampled_from([*NAMES, "drm-engine-capacity-render", "drm-total-cycles-rcs", "pos"]),
    st.sampled_from([":", ":\t", ": ", ""]),
    st.one_of(st.integers().map(str), st.text(max_size=8), st.sampled_from(["5 KiB", "5 MiB", "9" * 5000])),
)


@given(st.lists(LINES.map("".join)))
def test_what_is_odd_counts_nothing_and_breaks_nothing(lines: list[str]) -> None:
    client = drm._client(7, "\n".join(lines))
    if client is not None:
        assert client.memory >= 0
        assert all(value >= 0 for value in client.times.values())
        assert all(value >= 1 for value in client.capacities.values())


def test_units_are_of_memory() -> None:
    client = drm._client(
        7, "drm-client-id: 1\ndrm-resident-vram0: 3 KiB\ndrm-resident-vram1: 2 MiB\ndrm-memory-vram: 9"
    )
    assert client is not None
    assert client.memory == 3 * 1024 + 2 * (1 << 20)


def test_a_process_that_ended_and_one_without_a_card(machine: Callable[[str], Path]) -> None:
    root = machine("amd")
    (root / "proc" / "813" / "fdinfo" / "9").unlink()
    assert {client.pid for client in drm.clients(root / "proc", (812, 813, 999))} == {812}
