"""What every PynamoDB table of ours shares."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from functools import cache
from itertools import islice
from typing import Any, Self, TypeVar

import orjson
from pynamodb.attributes import Attribute, NumberAttribute, UnicodeAttribute
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

from chalicelib.adapters.aws.outages import BUSY_ROWS, Throttled
from chalicelib.adapters.dynamo.positions import checked_position
from chalicelib.adapters.dynamo.readable import readable
from chalicelib.domain.words import Instant

Result = TypeVar("Result")
Fact = TypeVar("Fact")
AnyRow = TypeVar("AnyRow", bound="Row")

_WHERE = ("AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_ACCESS_KEY_ID")

CONDITION_FAILED = "ConditionalCheckFailed"


class TableMeta:
    """Timeouts and retries of every table; `bind` sets the name."""

    table_name = ""
    connect_timeout_seconds = 2
    read_timeout_seconds = 10
    max_retry_attempts = 5


class Row(Model):
    """A row by our two key attributes. Each kind of row has a `Meta` of its own.

    All kinds of rows share one client: PynamoDB would make one per kind, and each reads botocore's
    description of DynamoDB anew, some 40 ms and 5 MB a time.
    """

    class Meta(TableMeta):
        pass

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "Meta" not in vars(cls):
            cls.Meta = type("Meta", (Row.Meta,), {})  # type: ignore[assignment,misc]

    @classmethod
    def _get_connection(cls) -> TableConnection:
        made = super()._get_connection()
        made.connection._client = _connection().client  # noqa: SLF001 -- it has no other way in
        return made

    @classmethod
    def find(cls, pk: str, sk: str) -> Self | None:
        """Read one row, strongly consistent; None when there is none."""
        try:
            return cls.get(pk, sk, consistent_read=True)
        except cls.DoesNotExist:
            return None

    @classmethod
    def query_prefix(
        cls, pk: str, prefix: str, filter_condition: Condition | None = None
    ) -> Iterator[Self]:
        """Read all rows of a partition whose sort key has the prefix, strongly consistent."""
        rows: Iterator[Self] = cls.query(
            pk, cls.sk.startswith(prefix), filter_condition, consistent_read=True
        )
        return rows

    @classmethod
    def of(cls, fact: object, pk: str, sk: str, **others: Any) -> Self:
        """Return a row that copies the fields of `fact` which are its attributes too.

        `others`: attributes that are not copied, but have these values.
        """
        names = cls.get_attributes().keys() - {"pk", "sk"} - others.keys()
        copied = {name: getattr(fact, name) for name in names if hasattr(fact, name)}
        return cls(pk, sk, **copied, **others)

    def as_fact(self, kind: type[Fact], **others: Any) -> Fact:
        """Return a dataclass that copies the row's attributes of its fields' names.

        `others`: fields that are not copied, but have these values.
        """
        names = [field.name for field in fields(kind) if field.name not in others]  # type: ignore[arg-type]
        return kind(**{name: getattr(self, name) for name in names}, **others)


class ListRow(Row):
    """A list of JSON values in one row, replaced as a whole if it is still as it was read; an empty
    one is no row."""

    ids = UnicodeAttribute()

    @classmethod
    def listed(cls, pk: str, sk: str) -> list[Any]:
        row = cls.find(pk, sk)
        values: list[Any] = orjson.loads(row.ids) if row else []
        return values

    def replace(self, values: Sequence[Any], instead_of: Sequence[Any]) -> bool:
        """Store the values; False, and nothing done, when others than `instead_of` are stored."""
        kind = type(self)
        unchanged: Condition = (
            kind.ids == _packed(instead_of) if instead_of else kind.pk.does_not_exist()
        )
        if not values:
            return delete_if(self, unchanged)
        self.ids = _packed(values)
        return put_if(self, unchanged)


def _packed(values: Sequence[Any]) -> str:
    return orjson.dumps(list(values)).decode()


def bind(table: str, *rows: type[Model]) -> None:
    """Let these models live in `table`: several kinds of row share one."""
    for row in rows:
        row.Meta.table_name = table


MOST_ROUNDS = 8


def find_together(*places: tuple[type[Row], str, str]) -> list[Row | None]:
    """Read rows of any tables in one call, strongly consistent; None where there is none.

    Each place is the kind of row, its pk and its sk. Raises Throttled.
    """
    wanted: dict[str, dict[str, Any]] = {}
    for kind, pk, sk in places:
        of_table = wanted.setdefault(kind.Meta.table_name, {"ConsistentRead": True, "Keys": []})
        of_table["Keys"].append({"pk": {"S": pk}, "sk": {"S": sk}})
    found: dict[tuple[str, str, str], Any] = {}
    for again in range(MOST_ROUNDS):
        time.sleep(again and 0.05 * 2**again)
        answer = _connection().client.batch_get_item(RequestItems=wanted)
        for table, rows in answer["Responses"].items():
            found.update({(table, row["pk"]["S"], row["sk"]["S"]): row for row in rows})
        wanted = answer.get("UnprocessedKeys") or {}
        if not wanted:
            break
    else:
        raise Throttled
    rows = [found.get((kind.Meta.table_name, pk, sk)) for kind, pk, sk in places]
    return [
        None if row is None else kind.from_raw_data(row)
        for (kind, _, _), row in zip(places, rows, strict=True)
    ]


def assign(attribute: Attribute[Any], value: object) -> Action:
    """Set the attribute, or remove it when there is no value."""
    return attribute.remove() if value is None else attribute.set(value)


def instant(value: float | None) -> Instant | None:
    """Return a number attribute as an instant."""
    return None if value is None else int(value)


def at_version(attribute: NumberAttribute, version: int) -> Condition:
    """The condition that the stored row is at this version; for 0, that no row is stored."""
    condition: Condition = attribute == version if version else Row.pk.does_not_exist()
    return condition


def first_page(rows: Iterable[AnyRow], limit: int) -> tuple[list[AnyRow], str | None]:
    """Return the first `limit` rows, and the sort key of the last one where more rows follow.

    `rows` must go on beyond them: rows that cannot be read are passed over.
    """
    page = list(islice(readable(rows, _itself), limit + 1))
    more = len(page) > limit
    return page[:limit], page[limit - 1].sk if more else None


def query_page(
    kind: type[AnyRow],
    pk: str,
    limit: int,
    after: str | None,
    form: re.Pattern[str],
    *,
    newest_first: bool = False,
) -> tuple[list[AnyRow], str | None]:
    """Read one page of a partition, and the position after which the next page begins, if any.

    `after`: a position, which is a sort key of this `form`. Raises BadPosition.
    """
    start = {"pk": {"S": pk}, "sk": {"S": checked_position(after, form)}} if after else None
    rows = kind.query(
        pk, limit=limit, last_evaluated_key=start, scan_index_forward=not newest_first
    )
    page = list(readable(rows, _itself))
    last = rows.last_evaluated_key
    return page, last["sk"]["S"] if last else None


def _itself(row: AnyRow) -> AnyRow:
    return row


def failed_conditions(error: TransactWriteError) -> list[CancellationReason | None]:
    """Return, per write of the transaction, why its condition failed, or None.

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


def _is_transient(error: BaseException) -> bool:
    if isinstance(error, TransactWriteError):
        codes = {reason.code for reason in error.cancellation_reasons if reason}
        return bool(codes & BUSY_ROWS) and CONDITION_FAILED not in codes
    return _code(error) == "TransactionConflictException"


def _code(error: BaseException) -> str | None:
    """DynamoDB's word for why it refused; None when there was no answer."""
    response = getattr(getattr(error, "cause", None), "response", None) or {}
    code: str | None = response.get("Error", {}).get("Code")
    return code


def write_with_retries(write: Callable[[], Result]) -> Result:
    """Write, and retry while a transaction on the same rows is in progress."""
    result: Result = _retry(write)
    return result


@retry(
    retry=retry_if_exception(_is_transient),
    stop=stop_after_attempt(6),
    wait=wait_random_exponential(multiplier=0.02, max=0.5),
    reraise=True,
)
def _retry(write: Callable[[], Any]) -> Any:
    return write()


def _write_if(write: Callable[[], object]) -> bool:
    try:
        write_with_retries(write)
    except (DeleteError, PutError, UpdateError) as error:
        if _code(error) == "ConditionalCheckFailedException":
            return False
        raise
    return True


def put_if(row: Model, condition: Condition) -> bool:
    """Put the row; False when the condition does not hold."""
    return _write_if(lambda: row.save(condition))


def delete_if(row: Model, condition: Condition) -> bool:
    """Delete the row; False when the condition does not hold."""
    return _write_if(lambda: row.delete(condition))


def update_if(row: Model, actions: Sequence[Action], condition: Condition | None) -> bool:
    """Update the row, and read it back into `row`; False when the condition does not hold."""
    return _write_if(lambda: row.update(actions=list(actions), condition=condition))


def transact(add_writes: Callable[[TransactWrite], None]) -> None:
    """Commit the writes that `add_writes` adds to one transaction. Raises TransactWriteError."""

    def commit() -> None:
        with TransactWrite(connection=_connection()) as transaction:
            add_writes(transaction)

    write_with_retries(commit)


def connect() -> None:
    """Make this process's client now, which reads botocore's description of DynamoDB."""
    _ = _connection().client


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
