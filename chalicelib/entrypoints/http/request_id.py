"""The id of a request, in its answer and in every line of the log."""

from __future__ import annotations

from typing import Any


def request_id_of(event: Any) -> str:
    """The gateway's id of a request, as the caller sees it in `X-Request-Id`."""
    return str(event.get("requestContext", {}).get("requestId") or "unknown")
