"""The OpenAPI document of the server, made once for all tests that hold answers against it: to be read alone."""

from typing import Any

from dovetail.gateway.app import openapi_document

DOCUMENT: Any = openapi_document()
