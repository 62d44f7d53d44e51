"""Files of a home folder exchanged for others; kills are tried in tests/process/access."""

from collections.abc import Callable
from pathlib import Path

import pytest

from dovetail.cli import restoration
from dovetail.cli.exits import Exit, Failure
from dovetail.cli.home import HomeLock
from dovetail.cli.key import list_keys
from dovetail.cli.restoration import STAGE, exchange, put_aside, settle, stage
from dovetail.settings import document


def names(home: Path) -> set[str]:
    return {path.name.partition(".2")[0] for path in home.iterdir()}


def staged(home: Path, *files: str, then: Callable[[], None]) -> None:
    with stage(home) as folder:
        for name in files:
            (folder / name).write_text("new")
        then()


def refused(why: str) -> None:
    raise Failure(why)


def test_what_is_there_is_kept_and_what_the_stage_lacks_goes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text("old")
    staged(tmp_path, "a", then=lambda: exchange(tmp_path, ["a", "b", "c"]))
    assert (tmp_path / "a").read_text() == "new"
    assert names(tmp_path) == {"a", "b"}
    assert [path.read_text() for path in tmp_path.glob("?.*.before")] == ["old", "old"]


def test_what_fails_before_the_exchange_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    with pytest.raises(Failure):
        staged(tmp_path, "a", then=lambda: refused("it is no backup"))
    assert names(tmp_path) == {"a"}
    assert (tmp_path / "a").read_text() == "old"


def test_what_cannot_be_finished_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text("old")
    aside = restoration.put_aside

    def full(home: Path, name: str, stamp: str | None = None) -> None:
        if name == "b":
            raise OSError(5, "the disk is broken")
        aside(home, name, stamp)

    monkeypatch.setattr(restoration, "put_aside", full)
    with pytest.raises(Failure, match="not finished") as cut:
        staged(tmp_path, "a", "b", then=lambda: exchange(tmp_path, ["a", "b"]))
    assert cut.value.code is Exit.CONFIG
    assert [(tmp_path / name).read_text() for name in ("a", "b")] == ["new", "old"]
    monkeypatch.undo()
    list_keys(home=tmp_path)  # any command
    assert [(tmp_path / name).read_text() for name in ("a", "b")] == ["new", "new"]
    assert not (tmp_path / STAGE).exists()
    assert "restore finished" in (tmp_path / "logs" / "audit.jsonl").read_text()


def test_a_plan_that_is_done_does_not_come_back_behind_a_power_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[Path, bool]] = []

    def sync(path: Path) -> None:
        synced.append((path, (tmp_path / STAGE / "plan.json").exists()))

    monkeypatch.setattr(document, "sync", sync)
    staged(tmp_path, "a", then=lambda: exchange(tmp_path, ["a"]))
    assert synced[-2:] == [(tmp_path, True), (tmp_path / STAGE, False)]


def test_a_stage_that_is_being_made_is_left_alone_and_one_that_was_left_goes(tmp_path: Path) -> None:
    (tmp_path / STAGE).mkdir()
    with HomeLock(tmp_path):
        settle(tmp_path)
        assert (tmp_path / STAGE).exists()
        (tmp_path / STAGE / "plan.json").write_text("{}")
        with pytest.raises(Failure) as held:
            settle(tmp_path)
        assert held.value.code is Exit.LOCKED
        (tmp_path / STAGE / "plan.json").unlink()
    settle(tmp_path)
    assert not (tmp_path / STAGE).exists()


def test_a_plan_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / STAGE).mkdir()
    (tmp_path / STAGE / "plan.json").write_text("{}")
    with pytest.raises(Failure, match="not finished"):
        settle(tmp_path)


def test_nothing_that_was_put_aside_is_written_over(tmp_path: Path) -> None:
    for text in ("one", "two", "three"):
        (tmp_path / "a").write_text(text)
        put_aside(tmp_path, "a")
    assert sorted(path.read_text() for path in tmp_path.glob("a.*.before")) == ["one", "three", "two"]
