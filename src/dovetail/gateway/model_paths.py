"""`/NAME/…` for any route and any model: the route, asked of that model, as a proxy before a server of its own had it.

NAME is a model's id or an alias of `[models.ID] aliases`, such as `chat`. What the server has at a path itself comes
first.
"""

from __future__ import annotations

from typing import cast
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import URLPath
from starlette.routing import BaseRoute, Match, NoMatchFound, Router
from starlette.types import Receive, Scope, Send

from dovetail.catalog.catalog import Catalog

_MODEL = "dovetail.model_path"  # in a request's scope: the model that its path names


class ModelPaths(BaseRoute):
    """The last of the routes: requests under a model's name go through `routes` again, without it."""

    def __init__(self, catalog: Catalog, routes: Router) -> None:
        self._catalog = catalog
        self._routes = routes

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] == "http" and _MODEL not in scope:
            name, slash, _ = str(scope["path"])[1:].partition("/")
            if slash and self._catalog.called(name):
                return Match.FULL, {}
        return Match.NONE, {}

    def url_path_for(self, name: str, /, **path_params: object) -> URLPath:
        raise NoMatchFound(name, path_params)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        name, _, rest = str(scope["path"])[1:].partition("/")
        said = [(key, value) for key, value in parse_qsl(scope["query_string"].decode("latin-1")) if key != "model"]
        scope["path"], scope["raw_path"] = f"/{rest}", f"/{rest}".encode()
        scope["query_string"] = urlencode([*said, ("model", name)]).encode()
        scope[_MODEL] = name
        await self._routes(scope, receive, send)


def named(scope: Scope) -> str | None:
    """The model that a request's path names."""
    return cast("str | None", scope.get(_MODEL))
