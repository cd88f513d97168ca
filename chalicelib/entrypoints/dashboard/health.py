"""Is the API up, and what does it offer. Open to everyone."""

from __future__ import annotations

from functools import cache
from typing import Literal, cast

from pydantic import ConfigDict

from chalicelib.config import MissingConfiguration, config
from chalicelib.entrypoints.dashboard.front import FRONT
from chalicelib.entrypoints.http.application import App
from chalicelib.entrypoints.http.routing import Resource
from chalicelib.entrypoints.http.shapes import Answer
from chalicelib.observability import logger

resource = Resource(__name__, tag="Health", front=FRONT)


class Health(Answer):
    """`reasons`: codes of what is wrong, none while all is well."""

    status: Literal["ok", "degraded"]
    reasons: list[Literal["configuration"]]


class OpenApiDocument(Answer):
    """An OpenAPI 3.1 document."""

    model_config = ConfigDict(extra="allow")

    openapi: str


@resource.get("/api/health", public=True)
def get_health() -> Health:
    """Say that the API is up, and whether it has the configuration it needs."""
    try:
        config()
    except (MissingConfiguration, ValueError):
        logger().exception("configuration.unreadable")
        return Health(status="degraded", reasons=["configuration"])
    return Health(status="ok", reasons=[])


@resource.get("/api/openapi.json", public=True)
def get_openapi() -> OpenApiDocument:
    """Describe this API."""
    return _document()


@cache
def _document() -> OpenApiDocument:
    from chalicelib.entrypoints.dashboard.api_document import api_document

    return OpenApiDocument(**api_document(cast("App", resource.current_app).operations))
