"""The slots of queues that accounts hold, in DynamoDB (table `accounts`)."""

from __future__ import annotations

from pynamodb.attributes import MapAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.expressions.condition import size
from pynamodb.expressions.operand import Path

from chalicelib.adapters.dynamo.base import Row, at_version, bind, put_if, update_if
from chalicelib.adapters.dynamo.keys import account_keys
from chalicelib.domain.slots import Slots
from chalicelib.domain.words import Instant, Uid
from chalicelib.services.ports.limits import SlotQueue

HELD = "held"


class SlotsRow(Row):
    held: MapAttribute[str, int] = MapAttribute()  # type: ignore[no-untyped-call]
    first = UnicodeAttribute(null=True)
    first_until = NumberAttribute(null=True)
    seq = NumberAttribute()


class DynamoSlotRows:
    """The `SlotRows` port: one row for each account and queue.

    `take` and `give_back` are one conditional update each; only a message that finds no room reads.
    """

    def __init__(self, table: str) -> None:
        bind(table, SlotsRow)

    def take(self, uid: Uid, queue: SlotQueue, message: str, until: Instant, most: int) -> bool:
        row = SlotsRow(account_keys.slots(uid), queue)
        actions = [Path([HELD, message]).set(until), SlotsRow.seq.add(1)]
        fewer = size(HELD) < most  # type: ignore[no-untyped-call]
        has_room = SlotsRow.held.exists() & SlotsRow.first.does_not_exist() & fewer
        return update_if(row, actions, has_room)

    def give_back(self, uid: Uid, queue: SlotQueue, message: str) -> None:
        row = SlotsRow(account_keys.slots(uid), queue)
        slot = Path([HELD, message])
        update_if(row, [slot.remove(), SlotsRow.seq.add(1)], slot.exists())

    def read(self, uid: Uid, queue: SlotQueue) -> Slots:
        row = SlotsRow.find(account_keys.slots(uid), queue)
        if row is None:
            return Slots()
        stored = row.held.as_dict()  # type: ignore[no-untyped-call]
        held = {message: int(until) for message, until in stored.items()}
        return Slots(held, row.first, int(row.first_until or 0), int(row.seq))

    def save(self, uid: Uid, queue: SlotQueue, slots: Slots) -> bool:
        row = SlotsRow(
            account_keys.slots(uid),
            queue,
            held=dict(slots.held),
            first=slots.first,
            first_until=slots.first_until or None,
            seq=slots.seq + 1,
        )
        return put_if(row, at_version(SlotsRow.seq, slots.seq))
