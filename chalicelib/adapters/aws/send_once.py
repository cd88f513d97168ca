"""Calls that are made once: AWS has no token that makes a second sending harmless."""

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
"""Errors before the first byte of a request is on its way."""


@cache
def client(service: str) -> Any:
    """The process's client of `service` that never tries again."""
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": 1},
    )
    return boto3.client(service, config=config)


def is_unknown(error: ClientError) -> bool:
    """Whether the service failed while it had the request, so that nobody knows what came of it."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return bool(status >= SERVER_ERROR)
