"""What the settings say of models: where they are looked for, how each is loaded and treated."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from pathlib import Path

from dovetail import chat_formats, demo
from dovetail.catalog.adapters import Adapters
from dovetail.catalog.advice import Defaults
from dovetail.catalog.catalog import Catalog, Scope
from dovetail.catalog.guesses import Guesses
from dovetail.catalog.mlx import MAX_TEMPLATE
from dovetail.core.errors import LoadFailed
from dovetail.core.model import LoadOptions, Model, ModelFormat, Policy, Remote
from dovetail.engines import native
from dovetail.engines.base import Engine, installed
from dovetail.engines.gguf import GgufEngine
from dovetail.engines.mlx import MlxEngine
from dovetail.engines.remote import RemoteEngine
from dovetail.engines.whisper import WhisperEngine
from dovetail.gateway import hearing
from dovetail.settings import Settings

GGUF_ONLY = (
    *("gpu_layers", "ubatch", "flash_attention", "cache_type_k", "cache_type_v", "threads", "mmproj"),
    *("draft", "ngram"),
)


def model_folders(settings: Settings) -> list[Path]:
    """The roots models are looked for in, in order of precedence."""
    folders = [settings.home / "models", *settings.catalog.folders]
    return [*folders, demo.models_dir()] if settings.catalog.demo else folders


def catalog_of(settings: Settings) -> Catalog:
    """The models and adapters that the settings lead to."""
    roots, scope = catalog_scope(settings)
    return Catalog(roots, **scope)


def catalog_scope(settings: Settings) -> tuple[list[Path], Scope]:
    """Where models are looked for, and what the settings say of them."""
    folders = [settings.home / "adapters", *settings.catalog.adapter_folders]
    models = settings.models
    scope = Scope(
        aliases={model_id: own.aliases for model_id, own in models.items() if own.aliases},
        named={
            **hearing.named(settings),
            **{model_id: own.path for model_id, own in models.items() if own.path is not None},
        },
        remote={
            model_id: Remote(own.url, own.remote_model, own.key_env)
            for model_id, own in models.items()
            if own.url is not None
        },
        adapters=Adapters([*folders, demo.adapters_dir()] if settings.catalog.demo else folders),
        default_adapters={model_id: own.adapter for model_id, own in models.items() if own.adapter},
        projector=lambda name: settings.load_for(name).mmproj,
        template=lambda name: chat_template(settings, name),
        guesses=lambda name: guesses(settings, name),
        trusted={model_id for model_id, own in models.items() if own.trust_remote_code},
        defaults={
            model_id: Defaults(own.max_tokens, own.logit_bias)
            for model_id, own in models.items()
            if own.max_tokens is not None or own.logit_bias
        },
        sampling={model_id: said for model_id, own in models.items() if (said := own.sampling.said())},
    )
    return model_folders(settings), scope


def engines_of(settings: Settings, simd: Collection[str]) -> dict[ModelFormat, Engine]:
    """An engine for each format; `simd` are the vector instructions of this processor."""
    gguf = GgufEngine(
        llama_server(settings.engines.gguf.binary),
        lambda: native.in_force(settings.home, installed("xllamacpp"), simd),
    )
    return {"gguf": gguf, "mlx": MlxEngine(), "whisper": WhisperEngine(), "remote": RemoteEngine()}


def llama_server(binary: str | None) -> Path | None:
    """The external llama-server the settings name, "auto" being the one on the PATH."""
    if not binary:
        return None
    found = shutil.which("llama-server" if binary == "auto" else binary)
    return Path(found) if found else None if binary == "auto" else Path(binary)


def load_options(settings: Settings, model: Model) -> LoadOptions:
    """What the settings say of loading `model`."""
    said = settings.load_for(model.id).model_dump()
    warmup, gpu_only = said.pop("warmup"), said.pop("gpu_only")
    return LoadOptions(
        **said,
        warmup=warmup is not False,
        gpu_only=gpu_only is True,
        chat_template=chat_template(settings, model.id),
    )


def policy(settings: Settings, model: Model) -> Policy:
    """How the fleet treats `model`, by its settings."""
    own = settings.models.get(model.id)
    return Policy() if own is None else Policy(own.pin, own.priority, own.ttl, own.replicas)


def chat_template(settings: Settings, model_id: str) -> Path | None:
    """The template that takes the place of the model's own, if one does."""
    own = settings.models.get(model_id)
    if own is None or own.chat_format is None:
        return own.chat_template if own is not None else None
    return chat_formats.template(own.chat_format)


def guesses(settings: Settings, model_id: str) -> Guesses:
    """What guesses ahead of a model, by its settings."""
    own = settings.models.get(model_id)
    if own is None:
        return Guesses()
    draft = str(own.draft) if own.draft else None
    return Guesses(Path(draft) if draft and draft.endswith(".gguf") else draft, own.ngram)


def checked_options(settings: Settings, model: Model) -> LoadOptions:
    """The same. Raises LoadFailed for what `[models.ID]` says and the model cannot have."""
    own = settings.models.get(model.id)
    if model.format == "mlx" and own is not None:
        said = [name for name in GGUF_ONLY if getattr(own, name) is not None]
        if said:
            names = ", ".join(f"models.{model.id}.{name}" for name in said)
            raise LoadFailed(f"{model.id} cannot be loaded: {names}: for GGUF models only, remove it", status=422)
    if model.format != "mlx" and own is not None and own.trust_remote_code:
        what = f"models.{model.id}.trust_remote_code: for MLX models only, remove it"
        raise LoadFailed(f"{model.id} cannot be loaded: {what}", status=422)
    options = load_options(settings, model)
    template = options.chat_template
    if template is not None and not (template.is_file() and template.stat().st_size <= MAX_TEMPLATE):
        what = f"models.{model.id}.chat_template: {template} is no file of at most {MAX_TEMPLATE >> 10} KiB"
        raise LoadFailed(f"{model.id} cannot be loaded: {what}", status=422)
    return options
