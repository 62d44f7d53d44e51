"""`/NAME/…` for any route and any model: the route, asked of that model, as a proxy before a server of its own had it.

NAME is a model's id or an alias of `[models.ID] aliases`, such as `chat`. What the server has at a path itself comes
first. Who may not use a model, or has to say who they are first, gets the same answer as for a name that no model has.
"""

from __future__ import annotations

from typing import cast
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import URLPath
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match, NoMatchFound, Route, Router
from starlette.types import Receive, Scope, Send

from dovetail.catalog.catalog import Catalog
from dovetail.core.caller import LOCAL, Caller
from dovetail.gateway.guard import Guard
from dovetail.gateway.rights import Right, right

_MODEL = "dovetail.model_path"  # in a request's scope: the model that its path names


class ModelPaths(BaseRoute):
    """The last of the routes: requests under a model's name go through `routes` again, without it."""

    def __init__(self, catalog: Catalog, routes: Router, guard: Guard | None) -> None:
        self._catalog = catalog
        self._routes = routes
        self._guard = guard

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] == "http" and _MODEL not in scope and not self._there(scope, Match.PARTIAL):
            _, slash, rest = str(scope["path"])[1:].partition("/")
            if slash and self._there({**scope, "path": f"/{rest}"}, Match.PARTIAL):
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
        route = self._there(scope, Match.FULL)
        if route is not None and not self._catalog.called(name, await self._caller(scope, route)):
            raise HTTPException(404)
        await self._routes(scope, receive, send)

    def _there(self, scope: Scope, least: Match) -> BaseRoute | None:
        """The server's own route at that path, for that method or, by `least`, for another one."""
        own = (route for route in self._routes.routes if route is not self)
        return next((route for route in own if route.matches(scope)[0].value >= least.value), None)

    async def _caller(self, scope: Scope, route: BaseRoute) -> Caller:
        """Raises Unauthenticated, and Forbidden, before any name is looked up, behind routes for everybody too."""
        if self._guard is None:
            return LOCAL
        wanted = right(scope["method"], route.path if isinstance(route, Route) else "")
        return (await self._guard.admit(scope, Right.VIEW if wanted is Right.PUBLIC else wanted)).caller


def named(scope: Scope) -> str | None:
    """The model that a request's path names."""
    return cast("str | None", scope.get(_MODEL))
