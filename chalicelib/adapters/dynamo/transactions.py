"""Transactions of writes that are made by hand as DynamoDB attribute maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from botocore.exceptions import ClientError
from tenacity import retry, retry_if_exception, stop_after_attempt, wait_random_exponential

from chalicelib.adapters.aws.outages import BUSY_ROWS
from chalicelib.adapters.dynamo.base import CONDITION_FAILED

Write = dict[str, Any]
"""One write of a DynamoDB transaction."""


def commit_writes(client: Any, writes: Sequence[Write]) -> int | None:
    """Commit all the writes or none.

    Returns None when all are committed, else the index of the first whose condition does not hold.
    Raises ClientError for anything else, conflicts with other writers that do not end included.
    """
    try:
        _transact(client, writes)
    except ClientError as error:
        codes = _codes(error)
        if CONDITION_FAILED not in codes:
            raise
        return codes.index(CONDITION_FAILED)
    return None


def _codes(error: BaseException) -> list[str]:
    """Return, per write, why the transaction was cancelled; nothing for any other error."""
    if not isinstance(error, ClientError):
        return []
    reasons = error.response.get("CancellationReasons") or ()
    return [str(reason.get("Code", "")) for reason in reasons]


def _is_transient(error: BaseException) -> bool:
    codes = _codes(error)
    return bool(BUSY_ROWS.intersection(codes)) and CONDITION_FAILED not in codes


@retry(
    retry=retry_if_exception(_is_transient),
    stop=stop_after_attempt(8),
    wait=wait_random_exponential(multiplier=0.02, max=0.5),
    reraise=True,
)
def _transact(client: Any, writes: Sequence[Write]) -> None:
    client.transact_write_items(TransactItems=list(writes))
