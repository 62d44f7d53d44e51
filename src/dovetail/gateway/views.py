"""What a request gets that says nothing of it, by the older server's port at which it came (`server.compat_ports`)."""

from __future__ import annotations

from typing import cast

from fastapi import Request

from dovetail.core.model import ModelFormat
from dovetail.gateway.services import Services

MLX_PORT = 8081


def shown(request: Request, services: Services) -> ModelFormat | None:
    """The models that are shown and asked; None: all. At the MLX server's port figures are JSON as well."""
    local = cast("tuple[str, int | None] | None", request.scope.get("server"))
    return "mlx" if services.settings.server.compat_ports and local is not None and local[1] == MLX_PORT else None
