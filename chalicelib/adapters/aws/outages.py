"""Tells an outage of AWS, which passes by itself, from a bug of ours."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus

THROTTLED = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
BUSY_ROWS = frozenset(
    {
        "ProvisionedThroughputExceeded",
        "ThrottlingError",
        "TransactionConflict",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)
"""Why DynamoDB cancels or refuses a write that succeeds when it is tried again in a moment."""


class Throttled(Exception):
    """DynamoDB left rows unprocessed in every round of a batch."""


def is_outage(error: BaseException) -> bool:
    """Whether AWS did not answer, failed, or had no capacity left.

    What was asked of it may have been done all the same.
    """
    return any(_is_outage(each) for each in _chain(error))


def _is_outage(error: BaseException) -> bool:
    from botocore import exceptions

    if isinstance(error, exceptions.ClientError):
        code = error.response.get("Error", {}).get("Code")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        cancelled = {reason.get("Code") for reason in error.response.get("CancellationReasons", ())}
        return (
            status >= HTTPStatus.INTERNAL_SERVER_ERROR
            or code in THROTTLED | BUSY_ROWS
            or bool(cancelled & (THROTTLED | BUSY_ROWS))
        )
    unanswered = (exceptions.ConnectionError, exceptions.HTTPClientError, Throttled)
    return isinstance(error, unanswered)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what it was raised from; PynamoDB keeps that as `cause`."""
    while error is not None:
        yield error
        error = getattr(error, "cause", None) or error.__cause__
