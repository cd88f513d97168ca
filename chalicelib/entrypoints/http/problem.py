"""Errors → RFC 9457 problem+json. Every error answer of the dashboard's API is made here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from chalice.app import Response

from chalicelib.domain.errors import (
    AiqError,
    ConfigurationError,
    RateLimited,
    RequestError,
    UpstreamError,
)

CONTENT_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:aiq:problem:"


class MalformedBody(RequestError):
    status = 400
    code = "malformed_body"


class NotLoggedIn(RequestError):
    status = 401
    code = "not_logged_in"


class MethodNotAllowed(RequestError):
    status = 405
    code = "method_not_allowed"


class UnsupportedMediaType(RequestError):
    status = 415
    code = "unsupported_media_type"


class VersionRequired(RequestError):
    """A write to something versioned came without `If-Match`."""

    status = 428
    code = "version_required"


def answer(error: AiqError, request_id: str) -> Response:
    """The answer that tells the caller about `error`.

    A retailer's mistake in what they configured is 422, a POS that fails us 502 (503 with
    `Retry-After` when it asks for patience); what is ours is 500 and says no more than its code.
    """
    match error:
        case RequestError():
            status, message, details = error.status, error.message, error.details
        case ConfigurationError():
            status, message, details = 422, error.message, error.details
        case RateLimited():
            status, message, details = 503, error.message, error.details
        case UpstreamError():
            status, message, details = 502, error.message, {}
        case _:
            status, message, details = 500, INTERNAL, {}
    return render(status, error.code, message, request_id, actor=error.actor, details=details)


INTERNAL = "Something went wrong on our side. Try again; if it stays, tell us the request id."


def internal(request_id: str) -> Response:
    """The answer to a bug: no word of what it was."""
    return render(500, "internal", INTERNAL, request_id, actor="us")


def render(
    status: int,
    code: str,
    message: str,
    request_id: str,
    *,
    actor: str = "you",
    details: Mapping[str, Any] | None = None,
) -> Response:
    """A problem document. `details` become extension members (RFC 9457 §3.2)."""
    problem = {
        **(details or {}),
        "type": TYPE_PREFIX + code,
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": message,
        "code": code,
        "actor": actor,
        "request_id": request_id,
    }
    headers: dict[str, str | list[str]] = {"Content-Type": CONTENT_TYPE}
    retry_after = (details or {}).get("retry_after")
    if isinstance(retry_after, int | float):
        headers["Retry-After"] = str(max(1, round(retry_after)))
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(json.dumps(problem, default=str), status_code=status, headers=headers)
