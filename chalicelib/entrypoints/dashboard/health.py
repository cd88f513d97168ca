"""Is the API up, and what does it offer. Open to everyone."""

from __future__ import annotations

from functools import cache
from typing import Literal, cast

from pydantic import ConfigDict

from chalicelib.entrypoints.dashboard.front import FRONT
from chalicelib.entrypoints.http.application import App
from chalicelib.entrypoints.http.routing import Resource
from chalicelib.entrypoints.http.shapes import Answer

resource = Resource(__name__, tag="Health", front=FRONT)


class Health(Answer):
    status: Literal["ok"] = "ok"


class OpenApiDocument(Answer):
    """An OpenAPI 3.1 document."""

    model_config = ConfigDict(extra="allow")

    openapi: str


@resource.get("/api/health", public=True)
def get_health() -> Health:
    """Say that the API is up."""
    return Health()


@resource.get("/api/openapi.json", public=True)
def get_openapi() -> OpenApiDocument:
    """Describe this API."""
    return _document()


@cache
def _document() -> OpenApiDocument:
    from chalicelib.entrypoints.dashboard.api_document import api_document

    return OpenApiDocument(**api_document(cast("App", resource.current_app).operations))
