"""What contact sync is to create in a POS, in DynamoDB (table `accounts`).

An intent is one JSON text under optimistic locking. A row beside it lists it while something is
left to do, another one while a person has to look at it; all three are written in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace

import orjson
from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import TransactWriteError
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.dynamo.base import (
    Row,
    at_version,
    bind,
    delete_if,
    failed_conditions,
    find_together,
    put_if,
    transact,
    update_if,
)
from chalicelib.adapters.dynamo.keys import signup_keys
from chalicelib.adapters.dynamo.readable import readable
from chalicelib.domain.errors import StaleVersion
from chalicelib.domain.stored_fields import from_fields
from chalicelib.domain.times import SECOND
from chalicelib.domain.words import Instant, Platform, Uid
from chalicelib.services.ports.contact_sync import (
    TURN_SECONDS,
    DueSource,
    OpenIntent,
    ShopperIntent,
)


class IntentRow(Row):
    body = UnicodeAttribute()
    seq = NumberAttribute()


class ListedIntentRow(Row):
    """Names an intent that is open, or that is shown."""

    due_at = NumberAttribute(null=True)
    is_waiting = BooleanAttribute(null=True)


class TurnRow(Row):
    """Which worker goes on with a source, and until when at the latest."""

    turn = UnicodeAttribute()
    until = NumberAttribute()


class DueSourceRow(Row):
    due_at = NumberAttribute()


class DynamoShopperIntents:
    """The `ShopperIntents` port."""

    def __init__(self, table: str) -> None:
        bind(table, IntentRow, ListedIntentRow, TurnRow, DueSourceRow)

    def note(self, intent: ShopperIntent) -> bool:
        try:
            self.save(intent)
        except StaleVersion:
            return False
        place = _due_place(intent.uid, intent.platform)
        DueSourceRow(*place, due_at=intent.noted_at).save()
        return True

    def get(self, uid: Uid, platform: Platform, record: str) -> ShopperIntent | None:
        row = IntentRow.find(signup_keys.new_shoppers(uid, platform), signup_keys.intent(record))
        return None if row is None else _intent(row)

    def save(self, intent: ShopperIntent) -> ShopperIntent:
        pk, record = signup_keys.new_shoppers(intent.uid, intent.platform), intent.record
        saved = replace(intent, seq=intent.seq + 1)
        row = IntentRow(pk, signup_keys.intent(record), body=_packed(saved), seq=saved.seq)
        lists = {
            signup_keys.open_intent(record): intent.due_at is not None,
            signup_keys.shown_intent(record): intent.is_shown,
        }

        def writes(transaction: TransactWrite) -> None:
            transaction.save(row, condition=at_version(IntentRow.seq, intent.seq))
            for sk, is_listed in lists.items():
                waiting = intent.is_waiting
                listed = ListedIntentRow(pk, sk, due_at=intent.due_at, is_waiting=waiting)
                if is_listed:
                    transaction.save(listed)
                elif intent.seq:
                    transaction.delete(listed)

        try:
            transact(writes)
        except TransactWriteError as error:
            failed_conditions(error)
            raise StaleVersion("Somebody else goes on with it.") from None
        return saved

    def open_ones(self, uid: Uid, platform: Platform) -> list[OpenIntent]:
        prefix = signup_keys.OPEN_INTENT_PREFIX
        rows = ListedIntentRow.query_prefix(signup_keys.new_shoppers(uid, platform), prefix)
        return sorted(readable(rows, _open_intent))

    def shown(self, uid: Uid, platform: Platform, most: int) -> list[ShopperIntent]:
        pk, prefix = signup_keys.new_shoppers(uid, platform), signup_keys.SHOWN_INTENT_PREFIX
        rows = ListedIntentRow.query(
            pk, ListedIntentRow.sk.startswith(prefix), limit=most, consistent_read=True
        )
        places = [(IntentRow, pk, signup_keys.intent(row.sk.removeprefix(prefix))) for row in rows]
        if not places:  # DynamoDB refuses to read nothing
            return []
        found = [row for row in find_together(*places) if isinstance(row, IntentRow)]
        return list(readable(found, _intent))

    def take_turn(self, uid: Uid, platform: Platform, turn: str, now: Instant) -> bool:
        row = TurnRow(signup_keys.new_shoppers(uid, platform), signup_keys.TURN_SK)
        row.turn, row.until = turn, now + TURN_SECONDS * SECOND
        free = TurnRow.pk.does_not_exist() | (TurnRow.until <= now) | (TurnRow.turn == turn)
        return put_if(row, free)

    def end_turn(self, uid: Uid, platform: Platform, turn: str) -> None:
        row = TurnRow(signup_keys.new_shoppers(uid, platform), signup_keys.TURN_SK)
        delete_if(row, TurnRow.turn == turn)

    def due_at(self, uid: Uid, platform: Platform) -> Instant | None:
        row = DueSourceRow.find(*_due_place(uid, platform))
        return None if row is None else int(row.due_at)

    def move_due(
        self, uid: Uid, platform: Platform, seen: Instant | None, due_at: Instant | None
    ) -> bool:
        row = DueSourceRow(*_due_place(uid, platform))
        as_seen = DueSourceRow.pk.does_not_exist() if seen is None else DueSourceRow.due_at == seen
        if due_at is not None:
            return update_if(row, [DueSourceRow.due_at.set(due_at)], as_seen)
        return seen is None or delete_if(row, as_seen)

    def due_sources(self, until: Instant) -> Iterator[DueSource]:
        for number in range(signup_keys.SHOPPER_SHARDS):
            rows = DueSourceRow.query(
                signup_keys.shopper_shard(number), filter_condition=DueSourceRow.due_at <= until
            )
            yield from readable(rows, _due_source)


def _open_intent(row: ListedIntentRow) -> OpenIntent:
    record = row.sk.removeprefix(signup_keys.OPEN_INTENT_PREFIX)
    return OpenIntent(int(row.due_at or 0), record, bool(row.is_waiting))


def _due_place(uid: Uid, platform: Platform) -> tuple[str, str]:
    return signup_keys.shopper_shard(signup_keys.shopper_shard_number(uid)), signup_keys.due_source(
        uid, platform
    )


def _due_source(row: DueSourceRow) -> DueSource:
    uid, _, platform = row.sk.partition("#")
    return DueSource(Uid(uid), Platform(platform), int(row.due_at))


def _packed(intent: ShopperIntent) -> str:
    values = asdict(intent)
    del values["seq"]
    return orjson.dumps(values).decode()


def _intent(row: IntentRow) -> ShopperIntent:
    values = orjson.loads(row.body)
    for name in ("refused_for", "doubles"):
        values[name] = tuple(values.get(name, ()))
    return from_fields(ShopperIntent, values, seq=int(row.seq))
