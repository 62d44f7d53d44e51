"""Which model hears, whether it may be asked, and how it comes here: what becomes of the settings `[speech]`."""

from __future__ import annotations

import asyncio
import importlib.util
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import structlog

from dovetail.catalog import hub
from dovetail.catalog.delivery import order
from dovetail.catalog.hub import HubSpec
from dovetail.catalog.transfer import Unreachable
from dovetail.core.caller import LOCAL, Caller
from dovetail.core.errors import Busy, Conflict, DovetailError, InvalidRequest, ModelNotFound
from dovetail.core.model import Model
from dovetail.gateway import multipart
from dovetail.settings import Settings

if TYPE_CHECKING:
    from dovetail.gateway.services import Services

UPLOADS = "uploads"  # in the home folder: recordings, for as long as their requests last
LOOKED_EVERY = 2.0  # seconds between two looks at what `speech.model` says
ASKED_AGAIN = 60.0  # seconds until a hub that could not be asked is asked again
ENGINE = "faster_whisper"
NOT_INSTALLED = "speech to text is not installed: pip install 'dovetail[speech]'"
# What OpenAI's clients call a model that hears.
USUAL = frozenset({"whisper-1", "whisper"})
State: TypeAlias = Literal["disabled", "missing", "downloading", "unloaded", "starting", "ready", "stopping", "failed"]

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Standing:
    """What becomes of a recording now: `model` is the id of the one that hears, None where there is none."""

    state: State
    model: str | None = None
    message: str = ""
    progress: float | None = None


def named(settings: Settings) -> Mapping[str, Path]:
    """The model that `speech.model` gives by its folder, by the name it gets."""
    said = settings.speech.model
    if not settings.speech.enabled or said is None or not is_folder(said):
        return {}
    path = Path(said).expanduser().absolute()
    return {path.name: path}


def installed() -> bool:
    """Whether the extra is there; nothing of it is imported."""
    return importlib.util.find_spec(ENGINE) is not None


def check_enabled(settings: Settings) -> None:
    """Raises InvalidRequest (404) where recordings are not written down, with what to do about it."""
    if not settings.speech.enabled:
        raise InvalidRequest(
            "speech to text is off: start the server with --enable-whisper --whisper-model MODEL, or set enabled and "
            "model under [speech] in dovetail.toml",
            code="speech_disabled",
            status=404,
        )
    if not installed():
        raise InvalidRequest(NOT_INSTALLED, code="speech_disabled", status=404)


async def asked(services: Services, name: str | None, caller: Caller) -> str:
    """The name of the model that a request means. Raises ModelNotFound, or Busy while it is fetched."""
    known = name is not None and await asyncio.to_thread(_found, services, name, caller) is not None
    if name is not None and (known or name not in USUAL):
        return name
    standing = await stands(services, caller)
    if standing.state == "downloading":
        raise Busy(standing.message, code="model_downloading", retry_after=10)
    if standing.model is None:
        raise InvalidRequest(standing.message, code=ModelNotFound.code, status=404, param="model")
    return standing.model


async def stands(services: Services, caller: Caller) -> Standing:
    """How the model that hears is."""
    settings = services.settings
    try:
        check_enabled(settings)
    except InvalidRequest as off:
        return Standing("disabled", message=off.message)
    wanted = _id(settings)
    if wanted is not None:
        found = await asyncio.to_thread(_found, services, wanted)
        if found is None:
            return _under_way(services, wanted)
        if caller.may_use(found.id):
            return _of(services, found)
    models = await asyncio.to_thread(services.catalog.models)
    hearing = [m.id for m in models if m.hears and m.invalid is None and caller.may_use(m.id)]
    if len(hearing) == 1:
        return Standing(services.pool.status(hearing[0]).state, hearing[0])
    several = f"{', '.join(hearing)}: name one" if hearing else "none is here: name one with speech.model"
    return Standing("missing", message=f"which model is to hear? {several}")


async def run(services: Services, every: float = LOOKED_EVERY, again: float = ASKED_AGAIN) -> None:
    """Sees to it that the model that `[speech]` names comes here, whenever it names another; until cancelled."""
    await asyncio.to_thread(multipart.clear, services.settings.home / UPLOADS)
    clock, seen, due = asyncio.get_running_loop().time, None, 0.0
    while True:
        if (said := services.settings.speech) != seen or clock() >= due:
            seen = said
            due = math.inf if await fetch(services) else clock() + again
        await asyncio.sleep(every)


async def fetch(services: Services) -> bool:
    """Begins the download of the model that `speech.model` names on the hub; whether there is nothing left to begin."""
    said = services.settings.speech.model
    if not services.settings.speech.enabled or said is None or is_folder(said) or (spec := _spec(said)) is None:
        return True
    downloads, wanted = services.downloads, _id(services.settings)
    if downloads is None or wanted is None or await asyncio.to_thread(_found, services, wanted) is not None:
        return True
    if _under_way(services, wanted).state == "downloading":
        return True
    try:
        await downloads.start(await downloads.errands.ask(lambda: order(spec)))
    except (DovetailError, TimeoutError) as error:
        log.warning("speech_model_not_fetched", model=said, reason=str(error) or type(error).__name__)
        return not isinstance(error, TimeoutError | Unreachable | Busy | Conflict)
    log.info("speech_model_is_fetched", model=said)
    return True


def _under_way(services: Services, wanted: str) -> Standing:
    said = services.settings.speech.model
    spec = _spec(said or "")
    for each in services.downloads.list() if services.downloads and spec else ():
        if HubSpec(each.order.repo, each.order.choice) != spec:
            continue
        if each.state in {"queued", "running", "retrying", "paused"}:
            share = each.done / each.order.total if each.order.total else 0.0
            told = f"{said} is being downloaded ({share:.0%}): try again later"
            return Standing("downloading", message=told, progress=share)
        if each.error is not None:
            return Standing("missing", message=f"{said} could not be downloaded: {each.error.message}")
    return Standing("missing", message=f"the model {wanted} of speech.model is not here")


def _of(services: Services, model: Model) -> Standing:
    """Of a model that is here, sound or not."""
    if model.invalid is not None:
        return Standing("failed", model.id, f"{model.id} cannot be loaded: {model.invalid}")
    return Standing(services.pool.status(model.id).state, model.id)


def _found(services: Services, name: str, caller: Caller = LOCAL) -> Model | None:
    try:
        return services.catalog.find(name, None, caller)
    except DovetailError:
        return None


def _id(settings: Settings) -> str | None:
    """The id that the model of `speech.model` has, or will have."""
    said = settings.speech.model
    if said is None:
        return None
    if is_folder(said):
        return Path(said).expanduser().absolute().name
    spec = _spec(said)
    return said if spec is None else spec.name


def _spec(said: str) -> HubSpec | None:
    """What is meant on the hub, None where it is an id alone."""
    try:
        return hub.parse_spec(said)
    except InvalidRequest:
        return None


def is_folder(said: str) -> bool:
    """Whether a folder of this machine is meant, and neither a model's id nor one on the hub."""
    path = Path(said).expanduser()
    return path.is_absolute() or said.startswith((".", "~")) or path.is_dir()
