"""Renders errors as RFC 9457 problem+json: every error answer of the dashboard's API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from chalice.app import Response

from chalicelib.domain.errors import (
    AiqError,
    CommitBusy,
    ConfigurationError,
    RateLimited,
    RequestError,
    Unavailable,
    UpstreamError,
)

CONTENT_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:aiq:problem:"


INTERNAL = "Something went wrong on our side. Try again; if it stays, tell us the request id."


def refuse(error: AiqError, request_id: str) -> Response:
    """Return the answer that tells the caller about `error`.

    A retailer's mistake in what they configured is 422, a POS that fails us 502; 503 with
    `Retry-After` when a POS asks for patience, the account is busy, or AWS does not answer. An
    error of ours, a bug too, is 500 and says no more than its code.
    """
    match error:
        case RequestError():
            status, message, details = error.status, error.message, error.details
        case ConfigurationError():
            status, message, details = 422, error.message, error.details
        case RateLimited() | CommitBusy() | Unavailable():
            status, message, details = 503, error.message, error.details
        case UpstreamError():
            status, message, details = 502, error.message, {}
        case _:
            status, message, details = 500, INTERNAL, {}
    return _render(status, error.code, message, request_id, error.actor, details)


def _render(
    status: int,
    code: str,
    message: str,
    request_id: str,
    actor: str,
    details: Mapping[str, Any],
) -> Response:
    """A problem document. `details` become extension members (RFC 9457 §3.2)."""
    problem = {
        **details,
        "type": TYPE_PREFIX + code,
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": message,
        "code": code,
        "actor": actor,
        "request_id": request_id,
    }
    headers: dict[str, str | list[str]] = {"Content-Type": CONTENT_TYPE}
    retry_after = details.get("retry_after")
    if isinstance(retry_after, int | float):
        headers["Retry-After"] = str(max(1, round(retry_after)))
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(json.dumps(problem, default=str), status_code=status, headers=headers)
