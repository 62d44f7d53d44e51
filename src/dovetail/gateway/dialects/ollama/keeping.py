"""A model by the name that a client of Ollama gives it, and how long it stays."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress

from dovetail.catalog.delivery import repository
from dovetail.catalog.hub import choose, parse_spec
from dovetail.core.caller import Caller
from dovetail.core.errors import Forbidden, InvalidRequest, ModelNotFound
from dovetail.core.model import Model
from dovetail.gateway.dialects.ollama.options import Asked
from dovetail.gateway.services import Services

_LATEST = ":latest"
_HUB = re.compile(r"(?:https?://)?(?:hf\.co|huggingface\.co)/")


async def find(services: Services, caller: Caller, name: str) -> Model:
    """Raises ModelNotFound."""
    return await asyncio.to_thread(_find, services, caller, name)


async def meant(services: Services, caller: Caller, body: Asked) -> Model:
    """The model that `body` names. Raises what is wrong with that, with its context and with how long it is to stay."""
    model = await find(services, caller, body.model)
    if body.kept() is not None and not caller.may("admin"):
        raise Forbidden("keep_alive: how long a model stays is for admins to say; leave it out")
    wanted = body.options.num_ctx if body.options else None
    if wanted is not None and (context := services.context(model)) and wanted > context:
        raise InvalidRequest(
            f"options.num_ctx: {model.id} is loaded with {context} tokens of context; "
            f"set [models.{model.id}] context to have {wanted}",
            param="options.num_ctx",
        )
    return model


def keep(services: Services, model: Model, body: Asked, *, embeds: bool = False) -> None:
    """From now on `model` stays as long as `body` says, once nothing else is wrong with that."""
    if (seconds := body.kept()) is not None:
        services.pool.keep(model, model.pooling or ("mean" if embeds else None), seconds)


def hub_name(name: str) -> str | None:
    """`owner/name:choice` of a model that is named by its place on the Hugging Face hub."""
    found = _HUB.match(name)
    said = (name[found.end() :] if found else name).removesuffix(_LATEST)
    return said if found or "/" in said else None


def _find(services: Services, caller: Caller, name: str) -> Model:
    try:
        return services.catalog.find(name, None, caller)
    except ModelNotFound:
        if name.endswith(_LATEST):
            with suppress(ModelNotFound):
                return services.catalog.find(name.removesuffix(_LATEST), None, caller)
        if (hub := hub_name(name)) is None or (fetched := _fetched(services, caller, hub)) is None:
            raise
        return fetched


def _fetched(services: Services, caller: Caller, hub: str) -> Model | None:
    """The model that was fetched by that name, where there is one alone."""
    try:
        spec = parse_spec(hub)
    except InvalidRequest:
        return None
    found: list[Model] = []
    for model in services.catalog.models():
        if (
            model.remote is not None
            or not caller.may_use(model.id)
            or repository(model.path if model.format == "mlx" else model.path.parent) != spec.repo
        ):
            continue
        try:
            choose(spec, [file.name for file in model.files or (model.path,)])
        except InvalidRequest:
            continue
        found.append(model)
    return found[0] if len(found) == 1 else None
