"""What a model is like to ask: `/props` in llama-server's shape, and its part of `/health`. No worker is asked."""

from __future__ import annotations

from dovetail import __version__
from dovetail.core.model import Capability, Model
from dovetail.core.request import JsonObject
from dovetail.engines.wire import DEFAULT_SAMPLING
from dovetail.gateway.figures import placement
from dovetail.gateway.services import Services

_RANDOM_SEED = (1 << 32) - 1
_ROUTER_STATES = {"ready": "loaded", "starting": "loading"}


def props(services: Services, model: Model) -> JsonObject:
    """The worker's own word where the model is loaded; else what a load would give, as far as the files say it."""
    status, loaded = services.status(model), services.props(model)
    said = {} if loaded is None else loaded.raw
    modalities: JsonObject = {
        "vision": Capability.VISION in model.capabilities,
        "audio": Capability.AUDIO in model.capabilities,
    }
    if isinstance(given := said.get("modalities"), dict):
        modalities = {name: given.get(name) is True for name in modalities}
    params: JsonObject = {**DEFAULT_SAMPLING, **dict(model.sampling), "n_predict": -1, "seed": _RANDOM_SEED}
    return {
        "default_generation_settings": {"n_ctx": services.context(model), "params": params},
        "total_slots": slots(services, model),
        "model_alias": model.id,
        "model_path": model.path.name,
        "modalities": modalities,
        "chat_template": said.get("chat_template", model.template or ""),
        "chat_template_caps": said.get("chat_template_caps", {}),
        "bos_token": said.get("bos_token", ""),
        "eos_token": said.get("eos_token", ""),
        "build_info": f"dovetail {__version__}",
        "is_sleeping": status.state != "ready",
        "calibration": {
            "running": status.calibrating,
            "tokens_per_second": {str(width): round(rate, 2) for width, rate in status.widths.rates},
        },
        "placement": None if (placed := placement(status)) is None else placed.model_dump(),
    }


def router_state(state: str) -> str:
    """A model's state in the words of llama-server's router."""
    return _ROUTER_STATES.get(state, "unloaded")


def slots(services: Services, model: Model) -> int:
    """Requests that run at once: the loaded worker's, else what a load would give."""
    if services.props(model) is None:
        return services.options(model).parallel or 1
    return services.status(model).slots


def health(services: Services, model: Model) -> JsonObject:
    """The body of /health for one model."""
    status = services.status(model)
    total = slots(services, model)
    ready = status.state == "ready"
    state = "failed" if model.invalid else status.state
    return {
        "status": "ok",
        "model": model.name,
        "models": [{"id": model.name, "state": state}],
        "model_loaded": ready,
        "state": state,
        "reason": model.invalid or status.reason,
        "context": services.context(model),
        "slots_available": max(0, total - status.active) if ready else 0,
        "slots_total": total,
        "waiting": status.waiting,
        "version": __version__,
    }
