"""What the queues' functions do."""

from __future__ import annotations

from typing import Any

from chalice.app import SQSEvent


def sync(event: SQSEvent) -> dict[str, Any]:
    raise NotImplementedError


def account_job(event: SQSEvent) -> dict[str, Any]:
    raise NotImplementedError
