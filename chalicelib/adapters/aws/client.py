"""AWS clients: one per service and process, made when first used."""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def client(service: str) -> Any:
    """The process's client of `service`.

    boto3 is imported here, not at the top: functions that call no such service start without it.
    """
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=2, read_timeout=10, retries={"mode": "standard", "max_attempts": 4}
    )
    return boto3.client(service, config=config)
