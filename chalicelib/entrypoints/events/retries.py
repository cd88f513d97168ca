"""When SQS delivers a message again whose worker failed.

A queue's visibility timeout is long, for the worker that dies: 90 minutes for a sync. A worker that
lives and fails asks for its message sooner: after 15 s, then twice as long each time, up to 15
minutes. Who waits for a lock asks sooner still.
"""

from __future__ import annotations

from typing import Any

from chalicelib.domain.errors import CommitBusy

FIRST_RETRY_SECONDS, FIRST_BUSY_RETRY_SECONDS = 15, 5
LONGEST_RETRY_SECONDS = 900


def retry_seconds(receives: int, error: Exception) -> int:
    """Return after how many seconds a message comes back that was received `receives` times."""
    first = FIRST_BUSY_RETRY_SECONDS if _is_busy(error) else FIRST_RETRY_SECONDS
    return int(min(first * 2 ** (min(max(receives, 1), 20) - 1), LONGEST_RETRY_SECONDS))


def receive_count(record: Any) -> int:
    """Return how often SQS has delivered this record, itself included; 1 where it is not said."""
    said = str(record.get("attributes", {}).get("ApproximateReceiveCount", ""))
    return int(said) if said.isdecimal() else 1


def _is_busy(error: Exception) -> bool:
    """Whether somebody else holds what the message needs, and lets go of it soon."""
    from chalicelib.services.consent.log import ContactBusy  # only failures pay for the import

    return isinstance(error, CommitBusy | ContactBusy)
