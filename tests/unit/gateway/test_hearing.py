"""The model that hears, on its way here."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from dovetail.catalog.transfer import Unreachable
from dovetail.core.caller import LOCAL, Caller
from dovetail.core.errors import Conflict, DovetailError, InvalidRequest, ModelNotFound
from dovetail.gateway import hearing
from dovetail.gateway.change import ConfigurationRefused, check
from dovetail.settings import Settings
from dovetail.settings.document import Edit
from dovetail.settings.sent import SpeechSettings

if TYPE_CHECKING:
    from dovetail.gateway.services import Services

pytestmark = pytest.mark.anyio
MODEL = "someone/whisper:model.safetensors"


class Downloads:
    """`answers`: what the hub's next answers are, None for one that is right."""

    def __init__(self, *answers: Exception | None) -> None:
        self.answers = [*answers]
        self.errands = self
        self.begun = asyncio.Event()

    async def ask(self, question: Callable[[], object]) -> None:
        del question
        if (answer := self.answers.pop(0)) is not None:
            raise answer

    async def start(self, wanted: None) -> None:
        assert wanted is None
        self.begun.set()

    def list(self) -> tuple[()]:
        return ()


class Catalog:
    def find(self, name: str, adapter: None = None, caller: Caller = LOCAL) -> None:
        del adapter, caller
        raise ModelNotFound(name, [])


def services(home: Path, downloads: Downloads) -> "Services":
    settings = Settings(home=home, speech=SpeechSettings(enabled=True, model=MODEL))
    return cast("Services", SimpleNamespace(settings=settings, downloads=downloads, catalog=Catalog()))


async def test_a_hub_that_is_away_is_asked_again_until_it_answers(tmp_path: Path) -> None:
    downloads = Downloads(Unreachable("no network"), TimeoutError(), Conflict("too many"), None)
    running = asyncio.create_task(hearing.run(services(tmp_path, downloads), every=0, again=0))
    async with asyncio.timeout(20):
        await downloads.begun.wait()
    running.cancel()
    await asyncio.wait({running})
    assert running.cancelled()
    assert downloads.answers == []


@pytest.mark.parametrize(
    ("answer", "settled"),
    [(None, True), (InvalidRequest("it holds no model"), True), (Unreachable("no network"), False)],
)
async def test_what_cannot_be_had_is_not_asked_for_again(
    tmp_path: Path, answer: DovetailError | None, *, settled: bool
) -> None:
    assert await hearing.fetch(services(tmp_path, Downloads(answer))) is settled


def test_what_is_not_installed_is_not_enabled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server whose settings ask for it does not start."""
    monkeypatch.setattr(hearing, "ENGINE", "nothing_of_that_name")
    with pytest.raises(ConfigurationRefused, match="pip install"):
        check(services(tmp_path, Downloads()), [Edit(("speech", "enabled"), True)])
    check(services(tmp_path, Downloads()), [Edit(("speech", "enabled"), False), Edit(("speech", "model"), MODEL)])


async def test_a_download_is_that_of_the_file_that_is_named(tmp_path: Path) -> None:
    def under_way(choice: str | None) -> SimpleNamespace:
        order = SimpleNamespace(repo="someone/whisper", choice=choice, total=10)
        return SimpleNamespace(order=order, state="running", done=4, error=None)

    caller = cast("Caller", SimpleNamespace())
    found = services(tmp_path, Downloads())
    for listed, state, progress in (
        ([under_way(None)], "missing", None),
        ([under_way(None), under_way("model.safetensors")], "downloading", 0.4),
    ):
        cast("Any", found.downloads).list = partial(list[SimpleNamespace], listed)
        standing = await hearing.stands(found, caller)
        assert (standing.state, standing.progress) == (state, progress)
