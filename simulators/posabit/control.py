"""What the start line says of a POSaBIT."""

from __future__ import annotations

from typing import Any

from .server import PosabitServer


def describe(server: PosabitServer) -> dict[str, Any]:
    return server.describe()
