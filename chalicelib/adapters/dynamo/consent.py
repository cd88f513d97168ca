"""The consent log and the states of contacts in DynamoDB (docs/reference/design.md)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from botocore.exceptions import ClientError
from tenacity import retry, retry_if_exception, stop_after_attempt, wait_random_exponential

from chalicelib.adapters.dynamo import consent_rows as rows
from chalicelib.adapters.dynamo import keys
from chalicelib.adapters.dynamo.base import CONDITION_FAILED, PASSING
from chalicelib.adapters.dynamo.batch import BatchTable, Row
from chalicelib.domain.consent import Entry
from chalicelib.domain.contact_states import ContactState
from chalicelib.domain.words import Channel, Instant, Uid
from chalicelib.services.ports.consent import Contact, Due, DueContact, DueText

DUE_INDEX = "texts_due"


class DynamoConsent:
    """The `ConsentLog` port."""

    def __init__(self, table: BatchTable) -> None:
        self._table = table

    def states(self, uid: Uid, numbers: Iterable[str]) -> dict[str, ContactState]:
        return self._states(uid, numbers, consistent=True)

    def eventual_states(self, uid: Uid, numbers: Iterable[str]) -> dict[str, ContactState]:
        return self._states(uid, numbers, consistent=False)

    def _states(
        self, uid: Uid, numbers: Iterable[str], *, consistent: bool
    ) -> dict[str, ContactState]:
        wanted = {(keys.contact(uid, "sms", n), keys.HEAD_SK): n for n in numbers}
        found = self._table.get_many(wanted, consistent=consistent)
        return {
            number: rows.read_state("sms", number, found[key])
            if key in found
            else ContactState(number)
            for key, number in wanted.items()
        }

    def read(self, uid: Uid, channel: Channel, contact: str) -> Contact:
        state, entries = ContactState(contact, channel), []
        for row in self._table.query(keys.contact(uid, channel, contact)):
            if row["sk"]["S"] == keys.HEAD_SK:
                state = rows.read_state(channel, contact, row)
            else:
                entries.append(rows.read_entry(row))
        return Contact(state, tuple(entries))

    def write(
        self, uid: Uid, before: ContactState, after: ContactState, entries: Sequence[Entry] = ()
    ) -> bool:
        writes = rows.state_writes(self._table.table, uid, before, after, entries)
        return failed(self._table.client, writes) is None

    def due(self, shard: int, until: Instant, limit: int) -> list[Due]:
        answer = self._table.client.query(
            TableName=self._table.table,
            IndexName=DUE_INDEX,
            KeyConditionExpression="text_shard = :shard AND text_at <= :until",
            ExpressionAttributeValues={
                ":shard": {"S": keys.text_shard(shard)},
                ":until": {"N": str(until)},
            },
            Limit=limit,
        )
        return [_due(row) for row in answer["Items"]]

    def claim(self, due: Due, next_at: Instant) -> bool:
        client = self._table.client
        pk, sk = _key_of(due)
        try:
            client.update_item(
                TableName=self._table.table,
                Key={"pk": {"S": pk}, "sk": {"S": sk}},
                UpdateExpression="SET text_at = :next",
                ConditionExpression="text_at = :read",
                ExpressionAttributeValues={
                    ":next": {"N": str(next_at)},
                    ":read": {"N": str(due.due_at)},
                },
            )
        except client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def waiting(self, uid: Uid) -> int:
        places = [
            (keys.texts_waiting(uid, shard), keys.TEXTS_WAITING_SK)
            for shard in range(keys.TEXT_SHARDS)
        ]
        found = self._table.get_many(places)
        return sum(int(row["waiting"]["N"]) for row in found.values())


def _due(row: Row) -> Due:
    pk, sk, due_at = row["pk"]["S"], row["sk"]["S"], int(row["text_at"]["N"])
    if sk == keys.HEAD_SK:
        return DueContact(*keys.number_of(pk), due_at)
    return DueText(*keys.day_of_texts(pk), *keys.text_of(sk), due_at)


def _key_of(due: Due) -> tuple[str, str]:
    if isinstance(due, DueContact):
        return keys.contact(due.uid, "sms", due.number), keys.HEAD_SK
    return keys.texts(due.uid, due.day), keys.text(due.at, due.id)


def failed(client: Any, writes: Sequence[rows.Write]) -> int | None:
    """Do all the writes or none; the place of the first whose condition does not hold, or None when
    all are done.

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
    """Per write why it was cancelled, where the error is a cancelled transaction."""
    if not isinstance(error, ClientError):
        return []
    reasons = error.response.get("CancellationReasons") or ()
    return [str(reason.get("Code", "")) for reason in reasons]


def _is_passing(error: BaseException) -> bool:
    codes = _codes(error)
    return bool(PASSING.intersection(codes)) and CONDITION_FAILED not in codes


@retry(
    retry=retry_if_exception(_is_passing),
    stop=stop_after_attempt(8),
    wait=wait_random_exponential(multiplier=0.02, max=0.5),
    reraise=True,
)
def _transact(client: Any, writes: Sequence[rows.Write]) -> None:
    client.transact_write_items(TransactItems=list(writes))
