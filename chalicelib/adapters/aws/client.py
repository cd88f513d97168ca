"""AWS clients: one per service and process, built when first used."""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def client(service: str) -> Any:
    """Return the process's client of `service`."""
    import boto3  # here, so that functions that call no such service start without it
    from botocore.config import Config

    config = Config(
        connect_timeout=2, read_timeout=10, retries={"mode": "standard", "max_attempts": 4}
    )
    return boto3.client(service, config=config)
