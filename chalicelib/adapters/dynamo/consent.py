"""The consent logs and states of contacts in DynamoDB (docs/reference/design.md)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from chalicelib.adapters.dynamo import consent_rows as rows
from chalicelib.adapters.dynamo.batch import BatchTable, Row
from chalicelib.adapters.dynamo.keys import text_keys
from chalicelib.adapters.dynamo.readable import readable
from chalicelib.adapters.dynamo.transactions import commit_writes
from chalicelib.domain.consent import Entry
from chalicelib.domain.contact_states import ContactState
from chalicelib.domain.words import Channel, Instant, Uid
from chalicelib.services.ports.consent import Contact, Due, DueContact, DueText

DUE_INDEX = "texts_due"
LATER_AT_ONCE = 1_000
"""A page of keys, far below DynamoDB's 1 MB."""


@dataclass(frozen=True)
class DynamoConsent:
    """The `ConsentLog` port."""

    table: BatchTable

    def states(self, uid: Uid, numbers: Iterable[str]) -> dict[str, ContactState]:
        return self._states(uid, numbers, consistent=True)

    def eventual_states(self, uid: Uid, numbers: Iterable[str]) -> dict[str, ContactState]:
        return self._states(uid, numbers, consistent=False)

    def _states(
        self, uid: Uid, numbers: Iterable[str], *, consistent: bool
    ) -> dict[str, ContactState]:
        wanted = {(text_keys.contact(uid, "sms", n), text_keys.HEAD_SK): n for n in numbers}
        stored = self.table.get_many(wanted, consistent=consistent)
        return {
            number: rows.read_state("sms", number, stored[key])
            if key in stored
            else ContactState(number)
            for key, number in wanted.items()
        }

    def read(self, uid: Uid, channel: Channel, contact: str) -> Contact:
        state, entries = ContactState(contact, channel), []
        for row in self.table.query(text_keys.contact(uid, channel, contact)):
            if row["sk"]["S"] == text_keys.HEAD_SK:
                state = rows.read_state(channel, contact, row)
            else:
                entries.append(rows.read_entry(row))
        return Contact(state, tuple(entries))

    def write(
        self, uid: Uid, before: ContactState, after: ContactState, entries: Sequence[Entry] = ()
    ) -> bool:
        writes = rows.state_writes(self.table.name, uid, before, after, entries)
        return commit_writes(self.table.client, writes) is None

    def due(self, shard: int, until: Instant, limit: int, after: Due | None = None) -> list[Due]:
        condition = "text_shard = :shard AND text_at <= :until"
        values = {":shard": {"S": text_keys.text_shard(shard)}, ":until": {"N": str(until)}}
        start = None if after is None else _index_key(after, values[":shard"])
        stored = self.table.query_page(condition, values, limit, index=DUE_INDEX, start=start)
        return list(readable(stored, _due))

    def due_later(self, uid: Uid, shard: int, now: Instant) -> Iterator[DueContact]:
        """Reads what waits in the shard of every account, keys only: an index by account would cost
        each request a write."""
        values = {":shard": {"S": text_keys.text_shard(shard)}, ":now": {"N": str(now)}}
        last: Due | None = None
        while True:
            start = None if last is None else _index_key(last, values[":shard"])
            condition = "text_shard = :shard AND text_at > :now"
            stored = self.table.query_page(
                condition, values, LATER_AT_ONCE, index=DUE_INDEX, start=start
            )
            page = list(readable(stored, _due))
            yield from (each for each in page if isinstance(each, DueContact) and each.uid == uid)
            if len(stored) < LATER_AT_ONCE or not page:
                return
            last = page[-1]

    def claim(self, due: Due, next_at: Instant) -> bool:
        client = self.table.client
        pk, sk = _key_of(due)
        try:
            client.update_item(
                TableName=self.table.name,
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

    def count_waiting(self, uid: Uid) -> int:
        row_keys = [
            (text_keys.texts_waiting(uid, shard), text_keys.TEXTS_WAITING_SK)
            for shard in range(text_keys.TEXT_SHARDS)
        ]
        stored = self.table.get_many(row_keys)
        return sum(int(row["waiting"]["N"]) for row in stored.values())


def _due(row: Row) -> Due:
    pk, sk, due_at = row["pk"]["S"], row["sk"]["S"], int(row["text_at"]["N"])
    if sk == text_keys.HEAD_SK:
        return DueContact(*text_keys.number_of(pk), due_at)
    return DueText(*text_keys.day_of_texts(pk), *text_keys.text_of(sk), due_at)


def _index_key(due: Due, shard: Mapping[str, str]) -> Row:
    pk, sk = _key_of(due)
    return {
        "pk": {"S": pk},
        "sk": {"S": sk},
        "text_shard": shard,
        "text_at": {"N": str(due.due_at)},
    }


def _key_of(due: Due) -> tuple[str, str]:
    if isinstance(due, DueContact):
        return text_keys.contact(due.uid, "sms", due.number), text_keys.HEAD_SK
    return text_keys.texts(due.uid, due.day), text_keys.text(due.at, due.id)
