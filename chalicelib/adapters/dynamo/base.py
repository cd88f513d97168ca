"""What every PynamoDB table of ours shares."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeVar

from pynamodb.attributes import Attribute, UnicodeAttribute
from pynamodb.connection import Connection, TableConnection
from pynamodb.exceptions import (
    CancellationReason,
    DeleteError,
    PutError,
    TransactWriteError,
    UpdateError,
)
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite
from tenacity import (
    retry,
    retry_if_exception,
    stop_after_attempt,
    wait_random_exponential,
)

from chalicelib.domain.words import Instant

Result = TypeVar("Result")

_WHERE = ("AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_ACCESS_KEY_ID")

CONDITION_FAILED = "ConditionalCheckFailed"
PASSING = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})
"""Why DynamoDB refuses a write that will pass in a moment."""


class TableMeta:
    """Timeouts and retries of every table; `bind` sets the name."""

    table_name = ""
    connect_timeout_seconds = 2
    read_timeout_seconds = 10
    max_retry_attempts = 5


class Row(Model):
    """A row by our two key attributes.

    All kinds of rows share one client: PynamoDB would make one per kind, and each reads botocore's
    description of DynamoDB anew, some 40 ms and 5 MB a time.
    """

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)

    @classmethod
    def _get_connection(cls) -> TableConnection:
        made = super()._get_connection()
        made.connection._client = _connection().client  # noqa: SLF001 -- it has no other way in
        return made


def bind(table: str, *rows: type[Model]) -> None:
    """Let these models live in `table`: several kinds of row share one."""
    for row in rows:
        row.Meta.table_name = table


def assign(attribute: Attribute[Any], value: object) -> Action:
    """Set the attribute, or remove it when there is no value."""
    return attribute.remove() if value is None else attribute.set(value)


def instant(value: float | None) -> Instant | None:
    """A number attribute as an instant."""
    return None if value is None else int(value)


def condition_failed(error: DeleteError | PutError | UpdateError) -> bool:
    return error.cause_response_code == "ConditionalCheckFailedException"


def failed_conditions(error: TransactWriteError) -> list[CancellationReason | None]:
    """Per write of the transaction: why its condition failed, or None.

    PynamoDB sends a transaction's deletes first, then its puts, then its updates.

    Raises `error` again when it was cancelled for anything else.
    """
    reasons = [
        reason if reason and reason.code == CONDITION_FAILED else None
        for reason in error.cancellation_reasons
    ]
    if not any(reasons):
        raise error
    return reasons


def _is_passing(error: BaseException) -> bool:
    if isinstance(error, TransactWriteError):
        codes = {reason.code for reason in error.cancellation_reasons if reason}
        return bool(codes & PASSING) and CONDITION_FAILED not in codes
    code = getattr(error, "cause_response_code", None)
    return code == "TransactionConflictException"


def retried(write: Callable[[], Result]) -> Result:
    """Do a write again while a transaction on the same rows is in its way."""
    result: Result = _retry(write)
    return result


@retry(
    retry=retry_if_exception(_is_passing),
    stop=stop_after_attempt(6),
    wait=wait_random_exponential(multiplier=0.02, max=0.5),
    reraise=True,
)
def _retry(write: Callable[[], Any]) -> Any:
    return write()


def update_if(row: Model, actions: Sequence[Action], condition: Condition | None) -> bool:
    """Update the row; False when the condition does not hold."""
    try:
        retried(lambda: row.update(actions=list(actions), condition=condition))
    except UpdateError as error:
        if condition_failed(error):
            return False
        raise
    return True


def transact(add_writes: Callable[[TransactWrite], None]) -> None:
    """Commit what `add_writes` puts into one transaction. Raises TransactWriteError."""

    def commit() -> None:
        with TransactWrite(connection=_connection()) as transaction:
            add_writes(transaction)

    retried(commit)


def _connection() -> Connection:
    """This process's connection; another one once the environment points elsewhere."""
    return _connection_to(*(os.environ.get(name) for name in _WHERE))


@cache
def _connection_to(*_where: str | None) -> Connection:
    return Connection(
        connect_timeout_seconds=TableMeta.connect_timeout_seconds,
        read_timeout_seconds=TableMeta.read_timeout_seconds,
        max_retry_attempts=TableMeta.max_retry_attempts,
    )
