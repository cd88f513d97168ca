"""Is the API up, and what does it offer. Open to everyone."""

from __future__ import annotations

from typing import Literal

from chalicelib.entrypoints.routing import Resource
from chalicelib.entrypoints.shapes import Answer

resource = Resource(__name__, tag="Health")


class Health(Answer):
    status: Literal["ok"] = "ok"


@resource.get("/api/health", public=True)
def health() -> Health:
    """Say that the API is up."""
    return Health()
