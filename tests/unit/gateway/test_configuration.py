from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from dovetail.core.errors import Conflict
from dovetail.gateway.configuration import Live, changed
from dovetail.settings import ConfigError, Settings, Sources
from dovetail.settings.document import Document, Edit

pytestmark = pytest.mark.anyio
WITHIN = 10.0


class Told:
    """What the owner of the settings has said."""

    def __init__(self) -> None:
        self.before: list[Settings] = []
        self.problems: list[str | None] = []
        self.changed: list[str] = []
        self.live: Live | None = None

    async def apply(self, before: Settings) -> None:
        if self.live is not None and "loop" in self.live.current.models:
            raise RuntimeError("Symlink loop")
        self.before.append(before)

    def applied(self, names: str) -> None:
        self.changed.append(names)

    def configuration(self, problem: str | None) -> None:
        self.problems.append(problem)


def live(home: Path, told: Told) -> Live:
    sources = Sources(home=home, environ={})
    made = Live(sources.load(), sources)
    made._observer = told  # pyright: ignore[reportAttributeAccessIssue]  all that is asked of it
    made.on_change(told.apply, told.applied)
    return made


def save(home: Path, text: str) -> None:
    part = home / "part"
    part.write_text(text)
    part.replace(home / "dovetail.toml")


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN):
        while not condition():
            await asyncio.sleep(0.005)


@pytest.fixture
async def told() -> Told:
    return Told()


@pytest.fixture
async def watched(tmp_path: Path, told: Told) -> AsyncIterator[Live]:
    made = live(tmp_path, told)
    watching = asyncio.create_task(made.watch())
    await until(lambda: made._seen != ())
    yield made
    watching.cancel()
    await asyncio.wait([watching])


async def test_a_file_that_appears_changes_and_goes(tmp_path: Path, watched: Live, told: Told) -> None:
    save(tmp_path, "[fleet]\nmax_models = 2\n")
    await until(lambda: watched.current.fleet.max_models == 2)
    (tmp_path / "dovetail.toml").write_text("[fleet]\nmax_models = 3\n")
    await until(lambda: watched.current.fleet.max_models == 3)
    (tmp_path / "dovetail.toml").unlink()
    await until(lambda: watched.current.fleet.max_models == 16)
    assert [before.fleet.max_models for before in told.before] == [16, 2, 3]
    assert told.problems == []


async def test_a_broken_file_is_told_once_and_so_is_its_repair(tmp_path: Path, watched: Live, told: Told) -> None:
    save(tmp_path, "[fleet]\nmax_modles = 2\n")
    await until(lambda: watched.problem is not None)
    assert "fleet.max_modles: unknown key; did you mean max_models?" in str(watched.problem)
    await watched.reread()
    save(tmp_path, "")
    await until(lambda: watched.problem is None)
    assert [problem is None for problem in told.problems] == [False, True]
    assert told.before == []


async def test_what_cannot_be_applied_is_told_and_the_next_change_is(tmp_path: Path, told: Told) -> None:
    made = told.live = live(tmp_path, told)
    save(tmp_path, "[models.loop]\npin = true\n")
    await made.reread()
    assert made.current.models == {}
    assert "Symlink loop" in (made.problem or "")
    save(tmp_path, "[fleet]\nmax_models = 3\n")
    await made.reread()
    assert (made.current.fleet.max_models, made.problem) == (3, None)
    assert told.changed == ["fleet"]


async def test_a_folder_that_is_not_there_is_a_mistake_too(tmp_path: Path, told: Told) -> None:
    owner = live(tmp_path, told)
    save(tmp_path, '[catalog]\nfolders = ["none"]\n')
    await owner.reread()
    assert "does not exist" in str(owner.problem)
    assert owner.current.catalog.folders == ()


async def test_where_it_listens_stays(tmp_path: Path, told: Told) -> None:
    owner = live(tmp_path, told)
    save(tmp_path, '[server]\nport = 1\ndrain_timeout = 7\n[log]\nformat = "json"\n')
    await owner.reread()
    assert (owner.current.server.port, owner.current.server.drain_timeout) == (8080, 7)
    assert owner.current.log.format == "text"


async def test_a_socket_that_is_not_listened_on_hides_nothing(tmp_path: Path, told: Told) -> None:
    save(tmp_path, '[server]\nhost = "0.0.0.0"\n')
    owner = live(tmp_path, told)
    save(tmp_path, f'[server]\nhost = "0.0.0.0"\nunix_socket = "{tmp_path}/s"\n')
    await owner.reread()
    assert owner.current.server.exposed, "whoever reaches the port is still asked who they are"


async def test_what_changed_before_it_was_watched_is_applied(tmp_path: Path, told: Told) -> None:
    owner = live(tmp_path, told)
    save(tmp_path, "[fleet]\nmax_models = 2\n")
    watching = asyncio.create_task(owner.watch())
    await until(lambda: owner.current.fleet.max_models == 2)
    watching.cancel()
    await asyncio.wait([watching])


async def test_what_is_no_toml_is_not_changed(tmp_path: Path, told: Told) -> None:
    owner = live(tmp_path, told)
    save(tmp_path, "[server\n")
    with pytest.raises(ConfigError, match=r"dovetail\.toml: .*line 1"):
        await owner.change([Edit(("strict",), value=True)])


async def test_files_are_polled_where_they_cannot_be_watched(
    tmp_path: Path, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    import watchfiles

    awatch, polled = watchfiles.awatch, list[bool]()  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]

    def limited(*paths: Path, force_polling: bool, **options: object) -> object:
        polled.append(force_polling)
        if not force_polling:
            raise OSError("no watches are left")
        return awatch(*paths, force_polling=True, **options)  # pyright: ignore[reportArgumentType, reportUnknownVariableType]

    monkeypatch.setattr(watchfiles, "awatch", limited)
    owner = live(tmp_path, told)
    watching = asyncio.create_task(owner.watch())
    await until(lambda: polled == [False, True])
    save(tmp_path, "[fleet]\nmax_models = 2\n")
    await until(lambda: owner.current.fleet.max_models == 2)
    watching.cancel()
    await asyncio.wait([watching])


async def test_a_change_is_written_and_applied(tmp_path: Path, told: Told) -> None:
    owner = live(tmp_path, told)
    save(tmp_path, "# mine\n")
    version = Document(tmp_path / "dovetail.toml").read().version
    written = await owner.change([Edit(("models", "m", "context"), 512)], version)
    assert (tmp_path / "dovetail.toml").read_text() == written.text == "# mine\n\n[models.m]\ncontext = 512\n"
    assert owner.current.models["m"].context == 512
    with pytest.raises(Conflict):
        await owner.change([Edit(("models", "m", "context"), 1024)], version)
    with pytest.raises(ConfigError, match=r"models\.m\.context"):
        await owner.change([Edit(("models", "m", "context"), 1)])
    assert owner.current.models["m"].context == 512
    assert len(told.before) == 1


async def test_an_earlier_servers_files_say_the_same(tmp_path: Path, told: Told) -> None:
    (tmp_path / "models-config.json").write_text('{"m": {"contextSize": 128, "modelFormat": "gguf"}}')
    owner = live(tmp_path, told)
    assert owner.current.models["m"].context == 128
    await owner.change([Edit(("models", "m", "context"), 512)])
    assert json.loads((tmp_path / "models-config.json").read_text())["m"] == {"contextSize": 512, "modelFormat": "gguf"}
    await owner.change([Edit(("models", "m", "context"), None)])
    assert owner.current.models["m"].context is None
    assert not (tmp_path / "config.json").exists()


async def test_a_server_without_a_file_has_nothing_to_change() -> None:
    owner = Live(Settings())
    await owner.watch()
    await owner.reread()
    with pytest.raises(ConfigError):
        await owner.change([Edit(("strict",), value=True)])


def test_what_is_different_is_named() -> None:
    before = Settings.model_validate({"models": {"a": {"context": 64}, "b": {}}})
    after = Settings.model_validate({"strict": True, "models": {"a": {"context": 65}, "b": {}, "c": {}}})
    assert changed(before, after) == ["strict", "models.a", "models.c"]
