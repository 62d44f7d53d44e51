"""Who may use which route: one line each. docs/security.md shows this table, and a test tries every cell of it."""

from __future__ import annotations

from enum import Enum

from starlette.routing import BaseRoute, Route

from dovetail.core.caller import Role
from dovetail.gateway.absent import ABSENT


class Right(Enum):
    """What a route asks of its caller."""

    # Everybody, anywhere.
    PUBLIC = "public"
    # A viewer; nobody has to say who they are on loopback before the first API key.
    VIEW = "view"
    # A member, with the same exception; counted against the caller's limits.
    USE = "use"
    # A viewer or a member who has said who they are: it is about them.
    OWN = "own"
    OWN_KEYS = "own keys"
    # A viewer, of conversations of its own; on loopback nobody has to say who they are before the first account.
    CHATS = "chats"
    # A member, with the same exception; counted as USE is: an answer in such a conversation.
    RUNS = "runs"
    # A member, who sees what is its own; on loopback nobody has to say who they are before the first account.
    JOURNAL = "journal"
    # An admin; on loopback nobody has to say who they are before the first account.
    ADMIN = "admin"
    # An admin who has said who they are: it is about other people.
    PEOPLE = "people"

    @property
    def role(self) -> Role | None:
        """The lowest role that may; None is everybody."""
        return _ROLES[self]

    @property
    def personal(self) -> bool:
        """Whether somebody without a name can have no use for it."""
        return self in {Right.OWN, Right.OWN_KEYS, Right.PEOPLE}


_ROLES: dict[Right, Role | None] = {
    Right.PUBLIC: None,
    Right.VIEW: "viewer",
    Right.USE: "member",
    Right.OWN: "viewer",
    Right.OWN_KEYS: "member",
    Right.CHATS: "viewer",
    Right.RUNS: "member",
    Right.JOURNAL: "member",
    Right.ADMIN: "admin",
    Right.PEOPLE: "admin",
}

RIGHTS: dict[str, Right] = {
    "GET /": Right.PUBLIC,
    "GET /webui": Right.PUBLIC,
    "GET /ui": Right.PUBLIC,
    "GET /ui/{path:path}": Right.PUBLIC,
    "GET /health": Right.PUBLIC,
    "GET /ready": Right.PUBLIC,
    "GET /auth/status": Right.PUBLIC,
    "POST /auth/setup": Right.PUBLIC,
    "POST /auth/login": Right.PUBLIC,
    "POST /auth/logout": Right.PUBLIC,
    "POST /auth/password": Right.OWN,
    "POST /v1/chat/completions": Right.USE,
    "POST /v1/chat/completions/input_tokens": Right.USE,
    "GET /v1/chat/completions": Right.VIEW,
    "GET /v1/chat/completions/{completion_id}": Right.VIEW,
    "POST /v1/chat/completions/{completion_id}": Right.USE,
    "DELETE /v1/chat/completions/{completion_id}": Right.USE,
    "GET /v1/chat/completions/{completion_id}/messages": Right.VIEW,
    "POST /v1/responses": Right.USE,
    "POST /v1/responses/input_tokens": Right.USE,
    "POST /responses/input_tokens": Right.USE,
    "GET /v1/responses/{response_id}": Right.VIEW,
    "DELETE /v1/responses/{response_id}": Right.USE,
    "POST /v1/responses/{response_id}/cancel": Right.USE,
    "GET /v1/responses/{response_id}/input_items": Right.VIEW,
    "POST /v1/messages": Right.USE,
    "POST /v1/messages/count_tokens": Right.USE,
    "POST /v1/completions": Right.USE,
    "POST /v1/embeddings": Right.USE,
    "POST /v1/audio/transcriptions": Right.USE,
    "POST /v1/audio/translations": Right.USE,
    "GET /v1/audio/transcriptions": Right.VIEW,
    "POST /v1/rerank": Right.USE,
    "POST /rerank": Right.USE,
    "POST /v1/reranking": Right.USE,
    "POST /reranking": Right.USE,
    "POST /chat/completions": Right.USE,
    "POST /chat/completions/input_tokens": Right.USE,
    "POST /apply-template": Right.USE,
    "POST /infill": Right.USE,
    "POST /embedding": Right.USE,
    "POST /embeddings": Right.USE,
    "GET /slots": Right.VIEW,
    "GET /lora-adapters": Right.VIEW,
    "POST /lora-adapters": Right.ADMIN,
    "GET /models/sse": Right.VIEW,
    "POST /models": Right.ADMIN,
    "DELETE /models": Right.ADMIN,
    "POST /api/pull": Right.ADMIN,
    "DELETE /api/delete": Right.ADMIN,
    "POST /completion": Right.USE,
    "POST /completions": Right.USE,
    "POST /tokenize": Right.USE,
    "POST /detokenize": Right.USE,
    "POST /api/chat": Right.USE,
    "POST /api/generate": Right.USE,
    "POST /api/embed": Right.USE,
    "POST /api/embeddings": Right.USE,
    "GET /api/tags": Right.VIEW,
    "GET /api/ps": Right.VIEW,
    "POST /api/show": Right.VIEW,
    "GET /api/version": Right.PUBLIC,
    "GET /v1/models": Right.VIEW,
    "GET /v1/models/{name:path}": Right.VIEW,
    "GET /v1/internal/adapter/list": Right.VIEW,
    "POST /chat": Right.USE,
    "POST /api/chat/completions": Right.USE,
    "GET /api/status": Right.VIEW,
    "GET /api/info": Right.PUBLIC,
    "GET /v1/internal/model/list": Right.VIEW,
    "GET /v1/internal/model/info/{name:path}": Right.VIEW,
    "POST /v1/internal/model/load": Right.ADMIN,
    "POST /v1/internal/model/unload": Right.ADMIN,
    "POST /v1/internal/token-count": Right.USE,
    "GET /v1/internal/model/kv_cache/info": Right.ADMIN,
    "GET /v1/internal/model/kv_cache/export/{id}": Right.ADMIN,
    "POST /v1/internal/model/kv_cache/import": Right.ADMIN,
    "GET /props": Right.VIEW,
    "POST /models/load": Right.ADMIN,
    "POST /models/unload": Right.ADMIN,
    "POST /gguf-info": Right.ADMIN,
    "POST /mlx-verify": Right.ADMIN,
    "GET /models": Right.VIEW,
    "GET /models/config": Right.ADMIN,
    "POST /models/config": Right.ADMIN,
    "POST /api/save-config": Right.ADMIN,
    "GET /api/v1/about": Right.VIEW,
    "GET /api/v1/config": Right.ADMIN,
    "PATCH /api/v1/config": Right.ADMIN,
    "GET /api/v1/models": Right.ADMIN,
    "POST /api/v1/models": Right.ADMIN,
    "POST /api/v1/models/estimate": Right.ADMIN,
    "GET /api/v1/folders": Right.ADMIN,
    "GET /api/v1/models/found": Right.ADMIN,
    "POST /api/v1/models/found": Right.ADMIN,
    "PATCH /api/v1/models/{id}": Right.ADMIN,
    "DELETE /api/v1/models/{id}": Right.ADMIN,
    "POST /api/v1/models/{id}/load": Right.ADMIN,
    "POST /api/v1/models/{id}/unload": Right.ADMIN,
    "GET /api/v1/models/{id}/removal": Right.ADMIN,
    "GET /api/v1/models/{id}/adapters": Right.ADMIN,
    "GET /api/v1/models/{id}/details": Right.VIEW,
    "GET /api/v1/downloads": Right.ADMIN,
    "POST /api/v1/downloads": Right.ADMIN,
    "POST /api/v1/downloads/{id}/pause": Right.ADMIN,
    "POST /api/v1/downloads/{id}/resume": Right.ADMIN,
    "POST /api/v1/downloads/{id}/retry": Right.ADMIN,
    "POST /api/v1/downloads/{id}/cancel": Right.ADMIN,
    "DELETE /api/v1/downloads/{id}": Right.ADMIN,
    "GET /api/v1/hub/search": Right.ADMIN,
    "GET /api/v1/hub/{owner}/{name}/files": Right.ADMIN,
    "GET /metrics": Right.VIEW,
    "GET /metrics/stream": Right.VIEW,
    "GET /api/v1/events": Right.VIEW,
    "GET /api/v1/requests": Right.ADMIN,
    "POST /api/v1/requests/{request_id}/cancel": Right.ADMIN,
    "GET /logs/stream": Right.ADMIN,
    "GET /api/v1/journal": Right.JOURNAL,
    "GET /api/v1/journal/summary": Right.JOURNAL,
    "GET /api/v1/journal.csv": Right.JOURNAL,
    "GET /management/processes": Right.ADMIN,
    "POST /management/process/clean-up": Right.ADMIN,
    "GET /management/debug/latest": Right.ADMIN,
    "GET /api/v1/sessions": Right.OWN,
    "DELETE /api/v1/sessions/{id}": Right.OWN,
    "GET /api/v1/keys": Right.OWN_KEYS,
    "POST /api/v1/keys": Right.OWN_KEYS,
    "DELETE /api/v1/keys/{id}": Right.OWN_KEYS,
    "GET /api/v1/capture": Right.PEOPLE,
    "POST /api/v1/capture": Right.PEOPLE,
    "DELETE /api/v1/capture": Right.PEOPLE,
    "GET /api/v1/users": Right.PEOPLE,
    "POST /api/v1/users": Right.PEOPLE,
    "PATCH /api/v1/users/{name}": Right.PEOPLE,
    "DELETE /api/v1/users/{name}": Right.PEOPLE,
    "GET /api/v1/chats": Right.CHATS,
    "POST /api/v1/chats": Right.CHATS,
    "DELETE /api/v1/chats": Right.CHATS,
    "GET /api/v1/chats/export": Right.CHATS,
    "POST /api/v1/chats/import": Right.CHATS,
    "GET /api/v1/chats/{id}": Right.CHATS,
    "PATCH /api/v1/chats/{id}": Right.CHATS,
    "DELETE /api/v1/chats/{id}": Right.CHATS,
    "POST /api/v1/chats/{id}/restore": Right.CHATS,
    "POST /api/v1/chats/{id}/messages": Right.CHATS,
    "PATCH /api/v1/chats/{id}/messages/{message_id}": Right.CHATS,
    "POST /api/v1/chats/{id}/runs": Right.RUNS,
    "POST /api/v1/chats/{id}/files": Right.CHATS,
    "GET /api/v1/files/{id}": Right.CHATS,
    "GET /api/v1/runs/{id}/events": Right.CHATS,
    "POST /api/v1/runs/{id}/cancel": Right.CHATS,
    "GET /api/v1/chat-defaults": Right.CHATS,
    "PUT /api/v1/chat-defaults": Right.CHATS,
    "GET /api/v1/presets": Right.CHATS,
    "PUT /api/v1/presets/{id}": Right.CHATS,
    "DELETE /api/v1/presets/{id}": Right.CHATS,
    "POST /api/v1/benchmarks/ask": Right.USE,
    "POST /api/v1/benchmarks": Right.ADMIN,
    "POST /api/v1/benchmarks/estimate": Right.ADMIN,
    "GET /api/v1/benchmarks": Right.VIEW,
    "GET /api/v1/benchmarks/{id}": Right.VIEW,
    "GET /api/v1/benchmarks/{id}/export": Right.VIEW,
    "POST /api/v1/benchmarks/{id}/cancel": Right.ADMIN,
    "DELETE /api/v1/benchmarks/{id}": Right.ADMIN,
    **dict.fromkeys(ABSENT, Right.VIEW),
}

# These take a login, or whoever runs the server: a key that leaked must leave nothing behind when it is revoked.
BY_LOGIN = frozenset({"POST /auth/password", "POST /api/v1/keys", "POST /api/v1/users", "PATCH /api/v1/users/{name}"})

# These are about all models: not for a key that is good for some. `/metrics` looks for itself.
OF_ALL_MODELS = frozenset(
    {
        "GET /api/v1/events",
        "GET /logs/stream",
        "GET /models/sse",
        "GET /api/v1/config",
        "PATCH /api/v1/config",
        "POST /api/save-config",
        "GET /v1/internal/model/kv_cache/info",
        "GET /v1/internal/model/kv_cache/export/{id}",
        "POST /v1/internal/model/kv_cache/import",
        "POST /models",
        "POST /api/pull",
        "POST /api/v1/models",
        "GET /api/v1/folders",
        "GET /api/v1/models/found",
        "POST /api/v1/models/found",
        "GET /api/v1/downloads",
        "POST /api/v1/downloads",
        "POST /api/v1/downloads/{id}/pause",
        "POST /api/v1/downloads/{id}/resume",
        "POST /api/v1/downloads/{id}/retry",
        "POST /api/v1/downloads/{id}/cancel",
        "DELETE /api/v1/downloads/{id}",
        "GET /api/v1/requests",
        "POST /api/v1/requests/{request_id}/cancel",
        "POST /api/v1/benchmarks/{id}/cancel",
        "DELETE /api/v1/benchmarks/{id}",
    }
)


def right(method: str, path: str) -> Right:
    """What a route asks; one that is not in the table is the admin's alone."""
    return RIGHTS.get(f"{'GET' if method == 'HEAD' else method} {path}", Right.ADMIN)


def names(route: BaseRoute) -> list[str]:
    """The lines of the table that a route takes."""
    if not isinstance(route, Route):
        return []
    return [f"{method} {route.path}" for method in sorted(route.methods or ()) if method != "HEAD"]
