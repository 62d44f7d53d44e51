"""Intel's GPUs from recorded `/sys` and `/proc`, read twice: times and energy are only counted up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dovetail.hardware.intel import Intel
from dovetail.hardware.reading import Unknown

GIB = 1 << 30
LATER = Unknown("told from the second reading on")


class Clock:
    """Goes on by two seconds between two readings."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def changed(path: Path, *changes: tuple[str, str]) -> None:
    for before, after in changes:
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after))


@pytest.mark.accept("V4")
def test_i915_counts_nanoseconds_of_each_engine(machine: Callable[[str], Path]) -> None:
    root, clock = machine("intel-i915"), Clock()
    intel = Intel(root / "proc", root / "sys", clock)
    _, card = intel.read([900])
    assert (card.busy, card.power) == (LATER, LATER)
    clock.now += 2
    changed(root / "proc/900/fdinfo/3", ("1000000000 ns", "1800000000 ns"))
    changed(root / "proc/901/fdinfo/3", ("500000000 ns", "900000000 ns"), ("100000000 ns", "2100000000 ns"))
    changed(root / "sys/class/drm/card1/device/hwmon/hwmon3/energy1_input", ("5000000000", "5120000000"))
    _, card = intel.read([900])
    assert card.busy == pytest.approx(60.0), "0.8 and 0.4 of 2 s of render; video, of two engines, half of 2 s"
    assert card.power == pytest.approx(60.0), "120 J in 2 s, of the card and not of its gt0"
    assert card.processes == {900: 6 * GIB}
    assert card.vram_used == card.vram_total == Unknown("the driver has no file that tells it")
    assert card.temperature == Unknown("the driver has no temp1_input")


def test_graphics_inside_the_processor(machine: Callable[[str], Path]) -> None:
    root = machine("intel-i915")
    card, _ = Intel(root / "proc", root / "sys").read([900])
    assert (card.name, card.shares) == ("Intel graphics", True)
    assert card.busy == Unknown("no process that this user may look at uses it"), "nobody seen is not nobody there"
    assert isinstance(card.vram_total, Unknown)
    assert "shares the machine's" in card.vram_total.reason


@pytest.mark.accept("V4")
def test_xe_counts_cycles(machine: Callable[[str], Path]) -> None:
    root, clock = machine("intel-xe"), Clock()
    intel = Intel(root / "proc", root / "sys", clock)
    intel.read([])
    clock.now += 2
    changed(
        root / "proc/900/fdinfo/3",
        ("drm-cycles-ccs:\t1000\n", "drm-cycles-ccs:\t91000\n"),
        ("drm-total-cycles-ccs:\t100000", "drm-total-cycles-ccs:\t200000"),
    )
    (card,) = intel.read([])
    assert card.busy == pytest.approx(45.0), "90,000 of 100,000 cycles on one of two engines"
    assert card.power == 0.0
    assert card.temperature == 54.0
    assert card.processes == {}, "of processes that were not asked for nothing is told"


def test_no_more_than_everything_and_no_less_than_nothing(machine: Callable[[str], Path]) -> None:
    root, clock = machine("intel-i915"), Clock()
    intel = Intel(root / "proc", root / "sys", clock)
    intel.read([])
    clock.now += 1
    changed(root / "proc/900/fdinfo/3", ("1000000000 ns", "9000000000 ns"))
    assert intel.read([])[1].busy == 100.0
    clock.now += 1
    changed(root / "proc/900/fdinfo/3", ("9000000000 ns", "8000000000 ns"))
    assert intel.read([])[1].busy == 0.0, "the kernel may count back for a while"


def test_a_client_that_has_just_come_is_told_next_time(machine: Callable[[str], Path]) -> None:
    root, clock = machine("intel-xe"), Clock()
    descriptor = root / "proc/900/fd/3"
    descriptor.unlink()
    intel = Intel(root / "proc", root / "sys", clock)
    intel.read([])
    descriptor.symlink_to("/dev/dri/renderD128")
    clock.now += 2
    (card,) = intel.read([])
    assert card.busy == LATER


def test_a_machine_without_one(machine: Callable[[str], Path]) -> None:
    root = machine("amd")
    assert Intel(root / "proc", root / "sys").read([812]) == ()
