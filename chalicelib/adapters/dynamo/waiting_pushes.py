"""Calls of a POS that wait in line, in DynamoDB (table `accounts`).

A call is a row, or as many as its compressed text needs. The line's head counts them, and says what
came last; who thaws the source makes sure that it has not moved on.
"""

from __future__ import annotations

import zlib
from hashlib import sha256
from typing import Any

import orjson
from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.dynamo.base import Row, at_version, bind, put_if, transact
from chalicelib.adapters.dynamo.keys import account_keys
from chalicelib.adapters.dynamo.rules import RulesRow
from chalicelib.domain.errors import SourceStandsStill, StaleVersion
from chalicelib.domain.pushes import is_about, without
from chalicelib.domain.rules import Rules
from chalicelib.domain.traces import Traces
from chalicelib.domain.words import Platform, Uid
from chalicelib.services.ports.waiting_pushes import (
    MOST_BYTES,
    MOST_WAITING,
    PushLine,
    WaitingPush,
)

PART_BYTES = 350_000
CHANGED = "The source moves again, or another push came in: look again."
FULL = "Too many pushes wait until AIQ's last backup is not used any more: send it again then."


class PushLineRow(Row):
    last = NumberAttribute()
    waiting = NumberAttribute()
    size = NumberAttribute()
    digest = UnicodeAttribute()
    seq = NumberAttribute()


class WaitingPushRow(Row):
    kind = UnicodeAttribute()
    at = NumberAttribute()
    body = BinaryAttribute(legacy_encoding=False)
    parts = NumberAttribute()


class DynamoWaitingPushes:
    """The `WaitingPushes` port."""

    def __init__(self, table: str) -> None:
        bind(table, PushLineRow, WaitingPushRow, RulesRow)

    def add(self, uid: Uid, platform: Platform, push: WaitingPush, rules: Rules) -> None:
        text = orjson.dumps([push.kind, push.things])
        body, digest = zlib.compress(text), sha256(text).hexdigest()
        head = _head(uid, platform)
        if head.waiting and head.digest == digest:
            return
        if head.waiting >= MOST_WAITING or head.size + len(body) > MOST_BYTES:
            raise SourceStandsStill(FULL)
        seq, number = int(head.seq), int(head.last) + 1
        parts = [body[at : at + PART_BYTES] for at in range(0, len(body), PART_BYTES)]
        moved = PushLineRow(
            head.pk,
            head.sk,
            last=number,
            waiting=head.waiting + 1,
            size=head.size + len(body),
            digest=digest,
            seq=seq + 1,
        )

        def writes(transaction: TransactWrite) -> None:
            transaction.condition_check(
                RulesRow,
                account_keys.account(uid),
                account_keys.RULES_SK,
                at_version(RulesRow.version, rules.version),
            )
            transaction.save(moved, condition=at_version(PushLineRow.seq, seq))
            for part, piece in enumerate(parts):
                sk = account_keys.waiting_push(platform, number, part)
                row = WaitingPushRow(head.pk, sk, kind=push.kind, at=push.at, body=piece)
                row.parts = len(parts)
                transaction.save(row)

        try:
            transact(writes)
        except TransactWriteError:
            raise StaleVersion(CHANGED) from None

    def first(self, uid: Uid, platform: Platform, limit: int) -> list[WaitingPush]:
        found: list[WaitingPush] = []
        for rows in self._calls(uid, platform):
            found.append(_push_of(rows))
            if len(found) == limit:
                break
        return found

    def waits(self, uid: Uid, platform: Platform, push: WaitingPush) -> bool:
        sk = account_keys.waiting_push(platform, push.number, 0)
        return WaitingPushRow.find(account_keys.account(uid), sk) is not None

    def remove(self, uid: Uid, platform: Platform, push: WaitingPush) -> None:
        rows = list(
            WaitingPushRow.query_prefix(
                account_keys.account(uid), account_keys.waiting_push(platform, push.number, None)
            )
        )
        head = _head(uid, platform)
        if not rows:
            return
        seq = int(head.seq)
        head.waiting -= 1
        head.size = max(0, head.size - sum(len(row.body) for row in rows))
        head.seq = seq + 1

        def writes(transaction: TransactWrite) -> None:
            transaction.save(head, condition=at_version(PushLineRow.seq, seq))
            for row in rows:
                transaction.delete(row, condition=WaitingPushRow.pk.exists())

        try:
            transact(writes)
        except TransactWriteError:
            raise StaleVersion(CHANGED) from None

    def line(self, uid: Uid, platform: Platform) -> PushLine:
        head = _head(uid, platform)
        return PushLine(int(head.last), int(head.waiting), int(head.size))

    def find(self, uid: Uid, platform: Platform, traces: Traces) -> list[dict[str, Any]]:
        pushes = map(_push_of, self._calls(uid, platform))
        return [thing for push in pushes for thing in push.things if is_about(thing, traces)]

    def erase(self, uid: Uid, platform: Platform, traces: Traces) -> int:
        changed = 0
        for rows in self._calls(uid, platform):
            push = _push_of(rows)
            kept = without(push.things, traces)
            if kept == list(push.things):
                continue
            body = zlib.compress(orjson.dumps([push.kind, kept]))
            for part, row in enumerate(rows):  # shorter than before: it needs no more rows
                row.body = body[part * PART_BYTES : (part + 1) * PART_BYTES] or b"\0"
                row.parts = -(-len(body) // PART_BYTES)
            stored = [put_if(row, WaitingPushRow.pk.exists()) for row in rows]
            changed += all(stored)
        return changed

    def _calls(self, uid: Uid, platform: Platform) -> Any:
        """The rows of each call, in their order."""
        held: list[WaitingPushRow] = []
        prefix = account_keys.waiting_pushes(platform)
        for row in WaitingPushRow.query_prefix(account_keys.account(uid), prefix):
            if held and _number(held[0]) != _number(row):
                yield held
                held = []
            held.append(row)
        if held:
            yield held


def is_line_at(line: PushLine) -> Condition:
    """The condition that nothing came into the line since."""
    return at_version(PushLineRow.last, line.last)


def _head(uid: Uid, platform: Platform) -> PushLineRow:
    place = account_keys.account(uid), account_keys.push_line(platform)
    found = PushLineRow.find(*place)
    return found or PushLineRow(*place, last=0, waiting=0, size=0, digest="", seq=0)


def _number(row: WaitingPushRow) -> int:
    return int(row.sk.rsplit("#", 2)[1])


def _push_of(rows: list[WaitingPushRow]) -> WaitingPush:
    first, count = rows[0], int(rows[0].parts)
    kind, things = orjson.loads(zlib.decompress(b"".join(row.body for row in rows[:count])))
    return WaitingPush(kind, int(first.at), things, _number(first))
