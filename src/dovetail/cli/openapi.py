"""`dovetail openapi`."""

from __future__ import annotations

import json

import typer


def openapi() -> None:
    """Print the OpenAPI document of the server, sorted, so that two versions can be compared."""
    from dovetail.gateway.app import openapi_document

    typer.echo(json.dumps(openapi_document(), indent=2, sort_keys=True, ensure_ascii=False))
