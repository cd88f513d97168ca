"""Every other address of AIQ's API: 404 in its envelope, and seen by its route among the key's last
calls (partner-api.md S7)."""

from __future__ import annotations

from chalicelib.domain.errors import NotFound
from chalicelib.entrypoints.http.routing import Resource
from chalicelib.entrypoints.partner.front import PARTNER

resource = Resource(__name__, tag="Elsewhere", front=PARTNER)

NOT_SERVED = "There is nothing here: this call of AIQ's API is not served."


@resource.elsewhere("/api/v1.1", right="read")
def answer_v1() -> None:
    """Say that there is no such call."""
    raise NotFound(NOT_SERVED)


@resource.elsewhere("/api/v2", right="read")
def answer_v2() -> None:
    """Say that there is no such call."""
    raise NotFound(NOT_SERVED)
