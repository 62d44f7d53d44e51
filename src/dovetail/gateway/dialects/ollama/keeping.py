"""A model by the name that a client of Ollama gives it, and how long it stays."""

from __future__ import annotations

import asyncio

from dovetail.core.caller import Caller
from dovetail.core.errors import Forbidden, InvalidRequest, ModelNotFound
from dovetail.core.model import Model
from dovetail.gateway.dialects.ollama.options import Asked
from dovetail.gateway.services import Services
from dovetail.serving.limits import check_scope

_LATEST = ":latest"


async def find(services: Services, name: str) -> Model:
    """Raises ModelNotFound."""
    return await asyncio.to_thread(_find, services, name)


async def meant(services: Services, caller: Caller, body: Asked) -> Model:
    """The model that `body` names. Raises what is wrong with that, with its context and with how long it is to stay."""
    model = await find(services, body.model)
    check_scope(caller, model)
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


def _find(services: Services, name: str) -> Model:
    try:
        return services.catalog.find(name)
    except ModelNotFound:
        if not name.endswith(_LATEST):
            raise
        return services.catalog.find(name.removesuffix(_LATEST))
