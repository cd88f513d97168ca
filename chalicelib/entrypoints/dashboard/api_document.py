"""The dashboard's API as an OpenAPI document: what its front says of itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from chalicelib.entrypoints.dashboard.front import FRONT
from chalicelib.entrypoints.dashboard.problem import CONTENT_TYPE
from chalicelib.entrypoints.http.openapi import ApiDescription, document
from chalicelib.entrypoints.http.routing import Operation

PROBLEM = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457. `actor` says who must act: you, the POS or us.",
    "required": ["type", "title", "status", "detail", "code", "actor", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "actor": {"enum": ["you", "the POS", "us"]},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "reason"],
                "properties": {
                    "field": {"type": "string"},
                    "reason": {"type": "string"},
                    "example": {},
                },
            },
        },
    },
}

REASONS = {
    400: "Not JSON, or a header that cannot be read.",
    401: "Not logged in, or not with an ID token.",
    403: "The caller's role does not include this.",
    404: "There is no such thing in an account of the caller's.",
    405: "This address does not take that method.",
    409: "It conflicts with what is there; `detail` says what to do.",
    412: "It was changed since the version in `If-Match`; `changed_by` and `changed_at` say by whom"
    " and when, where that is known.",
    413: "The body is over 256 KB.",
    415: "The body is not application/json.",
    422: "A field cannot be taken; `errors` says which, why, and shows an example.",
    428: "`If-Match` is missing.",
    429: "Too often within the hour (docs/reference/limits.md); see `Retry-After`.",
    500: "Our fault; `request_id` finds it.",
    503: "The account is busy, or AWS does not answer; see `Retry-After`.",
}


DESCRIPTION = ApiDescription(
    title="AIQ POS integrations",
    summary="The dashboard's API. Every error is a problem document (RFC 9457)."
    " Any address answers 429 while all callers together are too fast for the gateway.",
    security_scheme="dashboard",
    security={
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The ID token of the Cognito log-in.",
    },
    error_type=CONTENT_TYPE,
    error_schema=PROBLEM,
    reasons=REASONS,
)


def api_document(operations: Iterable[Operation]) -> dict[str, Any]:
    """Describe those of the operations that are the dashboard's."""
    return document((one for one in operations if one.front is FRONT), DESCRIPTION)
