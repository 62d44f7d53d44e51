"""The application: every router listed once."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.exceptions import HTTPException

from dovetail import __version__
from dovetail.core.errors import DovetailError
from dovetail.core.request import JsonObject
from dovetail.gateway import absent, adapters, auth, errors, health, metrics, openapi, pages
from dovetail.gateway.admin import (
    about,
    bench_ask,
    benchmarks,
    capture,
    chat_exchange,
    chat_files,
    chats,
    config,
    downloads,
    events,
    folders,
    journal,
    keys,
    library,
    loading,
    logs,
    models,
    presets,
    requests,
    runs,
    sessions,
    users,
)
from dovetail.gateway.compat import (
    kv_caches,
    llm_inference_server,
    llm_server,
    llm_server_config,
    mlx_engine,
    mlx_gguf_models,
    mlx_gguf_server,
)
from dovetail.gateway.dialects import (
    anthropic,
    llamacpp,
    ollama,
    openai_audio,
    openai_chat,
    openai_completions,
    openai_embeddings,
    openai_models,
    openai_responses,
    rerank,
)
from dovetail.gateway.door import Door, Edge
from dovetail.gateway.guard import guarded
from dovetail.gateway.model_paths import ModelPaths
from dovetail.gateway.services import Services

# Searched in this order for each request: what is asked for most comes first.
ROUTERS = (
    *openai_chat.ROUTERS,
    openai_responses.router,
    anthropic.router,
    openai_completions.router,
    openai_embeddings.router,
    openai_audio.router,
    *llamacpp.ROUTERS,
    rerank.router,
    openai_models.router,
    *ollama.ROUTERS,
    adapters.router,
    health.router,
    requests.router,
    events.router,
    metrics.router,
    journal.router,
    logs.router,
    mlx_engine.router,
    llm_inference_server.router,
    mlx_gguf_models.router,
    mlx_gguf_server.router,
    kv_caches.router,
    library.router,
    loading.router,
    folders.router,
    models.router,
    config.router,
    about.router,
    downloads.router,
    llm_server.router,
    llm_server_config.router,
    pages.router,
    auth.router,
    keys.router,
    sessions.router,
    users.router,
    capture.router,
    chat_exchange.router,
    chats.router,
    chat_files.router,
    runs.router,
    presets.router,
    bench_ask.router,
    benchmarks.router,
    absent.router,
)


def create_app(services: Services | None = None) -> FastAPI:
    """The ASGI application over `services`; without any it can describe itself and nothing else."""
    app = FastAPI(
        title="Dovetail", version=__version__, docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False
    )
    app.state.services = services
    guard = services.guard if services else None
    for router in ROUTERS:  # flat: an included router is searched twice for each request
        app.router.routes.extend(guarded(route, guard) for route in router.routes)
    if services:
        app.router.routes.append(ModelPaths(services.catalog, app.router, guard))
    app.add_exception_handler(DovetailError, errors.handle)
    app.add_exception_handler(HTTPException, errors.handle)
    app.add_middleware(
        Edge,
        door=services.door if services else Door(),
        browsers=services.browsers if services else None,
        observer=services.insight.observer if services else None,
    )
    return app


def openapi_document() -> JsonObject:
    """What `dovetail openapi` prints."""
    return openapi.document(create_app(), ROUTERS)
