"""Rows outside the facts that may speak of a person, found and deleted (product.md §14).

The role of the function that erases may delete single rows of consent; no other may (ADR 38).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from chalicelib.adapters.dynamo import consent_rows as rows
from chalicelib.adapters.dynamo.audit import AuditRow
from chalicelib.adapters.dynamo.base import Row, at_version, bind, put_if
from chalicelib.adapters.dynamo.batch import BatchTable
from chalicelib.adapters.dynamo.batch import Row as RawRow
from chalicelib.adapters.dynamo.keys import account_keys, sync_keys, text_keys
from chalicelib.adapters.dynamo.loyalty import AdjustmentsRow
from chalicelib.adapters.dynamo.readable import readable
from chalicelib.adapters.dynamo.set_aside import SetAsideRow
from chalicelib.adapters.dynamo.transactions import commit_writes
from chalicelib.adapters.dynamo.unclear_replies import read_reply
from chalicelib.domain.traces import Traces
from chalicelib.domain.words import Channel, Instant, Platform, Uid
from chalicelib.services.ports.loyalty import ManualAdjustment
from chalicelib.services.ports.texting import Text, UnclearReply

ERASED_NOTE = "erased"


class RunKeyRow(Row):
    """A sync run, of which only the key is read."""


class DynamoPersonalRows:
    """The `PersonalRows` port."""

    def __init__(self, table: BatchTable, accounts: str, sync: str) -> None:
        self._table = table
        bind(accounts, AuditRow, AdjustmentsRow)
        bind(sync, SetAsideRow, RunKeyRow)

    def erase_contact(
        self, uid: Uid, channel: Channel, contact: str, since: Instant | None = None
    ) -> int:
        pk = text_keys.contact(uid, channel, contact)
        gone, stored = 0, list(self._table.query(pk))
        kept = set() if since is None else _said_since(stored, since)
        for row in stored:
            if row["sk"]["S"] in kept:
                continue
            if row["sk"]["S"] == text_keys.HEAD_SK:
                self._erase_head(uid, channel, contact, row)
            else:
                self._delete(pk, row["sk"]["S"])
            gone += 1
        return gone

    def find_texts(self, uid: Uid, numbers: Iterable[str], day: str) -> list[Text]:
        wanted = frozenset(numbers)
        found = self._table.query(text_keys.texts(uid, day), text_keys.TEXT_PREFIX)
        texts = readable(found, lambda row: rows.read_text(uid, day, row))
        return [text for text in texts if text.number in wanted]

    def erase_texts(self, uid: Uid, numbers: Iterable[str], day: str) -> int:
        found = self.find_texts(uid, numbers, day)
        for text in found:
            self._delete(text_keys.texts(uid, day), text_keys.text(text.at, text.id))
        return len(found)

    def find_replies(self, uid: Uid, numbers: Iterable[str]) -> list[UnclearReply]:
        wanted = frozenset(numbers)
        found = self._table.query(text_keys.unclear_replies(uid), text_keys.UNCLEAR_REPLY_PREFIX)
        return [reply for reply in readable(found, read_reply) if reply.number in wanted]

    def erase_replies(self, uid: Uid, numbers: Iterable[str]) -> int:
        found = self.find_replies(uid, numbers)
        for reply in found:
            self._delete(text_keys.unclear_replies(uid), text_keys.unclear_reply(reply.id))
        return len(found)

    def runs(self, uid: Uid, platform: Platform, after: str, limit: int) -> list[str]:
        behind = RunKeyRow.sk > after if after else None
        found = RunKeyRow.query(
            sync_keys.runs(uid, platform), behind, attributes_to_get=["pk", "sk"], limit=limit
        )
        return [row.sk for row in found]

    def find_asides(self, uid: Uid, run: str, traces: Traces) -> Iterator[Mapping[str, object]]:
        for row in SetAsideRow.query(sync_keys.aside(uid, run)):
            told = orjson.loads(row.body)
            if traces.mark(told):
                yield told

    def erase_asides(self, uid: Uid, run: str, traces: Traces) -> int:
        found = [
            row
            for row in SetAsideRow.query(sync_keys.aside(uid, run))
            if traces.mark(orjson.loads(row.body))
        ]
        for row in found:
            row.delete()
        return len(found)

    def erase_run_asides(self, uid: Uid, run: str) -> int:
        found = list(SetAsideRow.query(sync_keys.aside(uid, run)))
        for row in found:
            row.delete()
        return len(found)

    def erase_notes(self, uid: Uid, records: Sequence[str]) -> int:
        subjects = {f"persona:{record}" for record in records}
        changed = 0
        for row in AuditRow.query(
            account_keys.account(uid), AuditRow.sk.startswith(account_keys.AUDIT_PREFIX)
        ):
            told = row.after or {}
            if row.subject in subjects and told.get("reason", ERASED_NOTE) != ERASED_NOTE:
                row.after = {**told, "reason": ERASED_NOTE}
                row.save()
                changed += 1
        for given in AdjustmentsRow.query_prefix(
            account_keys.account(uid), account_keys.ADJUSTED_PREFIX
        ):
            told = [ManualAdjustment(*one) for one in orjson.loads(given.body)]
            blanked = [
                one._replace(reason=ERASED_NOTE) if one.record in records else one for one in told
            ]
            if blanked != told:
                seq = int(given.seq)
                given.body = orjson.dumps([tuple(one) for one in blanked]).decode()
                given.seq = seq + 1
                changed += put_if(given, at_version(AdjustmentsRow.seq, seq))
        return changed

    def _erase_head(self, uid: Uid, channel: Channel, contact: str, row: RawRow) -> None:
        """Delete a contact's state, and take its wanted request from those that wait."""
        state = rows.read_state(channel, contact, row)
        place = {"pk": row["pk"], "sk": row["sk"]}
        delete: dict[str, Any] = {
            "TableName": self._table.name,
            "Key": place,
            "ConditionExpression": "version = :version",
            "ExpressionAttributeValues": {":version": row["version"]},
        }
        writes: list[dict[str, Any]] = [{"Delete": delete}]
        if state.wanted is not None:
            shard = text_keys.text_shard_number(contact)
            waiting = (text_keys.texts_waiting(uid, shard), text_keys.TEXTS_WAITING_SK)
            writes.append(rows.add_amounts(self._table.name, waiting, {"waiting": -1}))
        if commit_writes(self._table.client, writes) is not None:
            raise ContactChanged

    def _delete(self, pk: str, sk: str) -> None:
        place = {"pk": {"S": pk}, "sk": {"S": sk}}
        self._table.client.delete_item(TableName=self._table.name, Key=place)


class ContactChanged(Exception):
    """Somebody wrote the contact while it was being erased; the next try erases it."""


def _said_since(stored: Iterable[RawRow], since: Instant) -> set[str]:
    """The sort keys of what was said of a contact from then on, with its state if there is any."""
    entries = [row for row in stored if row["sk"]["S"] != text_keys.HEAD_SK]
    read = readable(entries, lambda row: (row["sk"]["S"], rows.read_entry(row).at))
    kept = {sk for sk, at in read if at >= since}
    return kept | {text_keys.HEAD_SK} if kept else kept
