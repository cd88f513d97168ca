"""Errors of a request as HTTP sees it, whichever front it came to; each front renders them."""

from __future__ import annotations

from chalicelib.domain.errors import RequestError


class MalformedBody(RequestError):
    """The body, or a header, cannot be read at all."""

    status = 400
    code = "malformed_body"


class MethodNotAllowed(RequestError):
    """The address has routes, but none for this method."""

    status = 405
    code = "method_not_allowed"


class UnsupportedMediaType(RequestError):
    """The body is not application/json."""

    status = 415
    code = "unsupported_media_type"


class VersionRequired(RequestError):
    """A write to something versioned came without `If-Match`."""

    status = 428
    code = "version_required"
