"""Calls without retries, for services that have no idempotency token: texts and e-mails."""

from __future__ import annotations

from functools import cache
from typing import Any

from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
)

CONNECT_SECONDS, READ_SECONDS = 2, 8
SERVER_ERROR = 500

NEVER_LEFT = (
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
)
"""Errors raised before the first byte of a request leaves us."""


@cache
def client(service: str) -> Any:
    """Return the process's client of `service` that never retries."""
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": 1},
    )
    return boto3.client(service, config=config)


def is_unknown(error: ClientError) -> bool:
    """Say whether the service failed after it took the request, so that its outcome is unknown."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return bool(status >= SERVER_ERROR)
