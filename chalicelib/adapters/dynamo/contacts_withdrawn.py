"""Contacts that wait, in DynamoDB (docs/reference/design.md, table `accounts`)."""

from __future__ import annotations

from collections.abc import Sequence

from pynamodb.attributes import BinaryAttribute

from chalicelib.adapters.dynamo.base import ListRow, Row, bind
from chalicelib.adapters.dynamo.keys import account_keys
from chalicelib.domain.manifest import pack_ids, unpack_ids
from chalicelib.domain.stored_fields import from_fields
from chalicelib.domain.words import Platform, Uid
from chalicelib.services.ports.contacts_withdrawn import BlankedRow, Withdrawal, WithheldNote

_HALF = (1 << 64) - 1
_NUMBERS_A_ROW = 5
"""64-bit numbers: two of the record's id, and the three digests."""


class WithdrawnRow(ListRow):
    """The withdrawals of a platform."""


class WithheldRow(Row):
    """One note of a run, its numbers packed."""

    withheld = BinaryAttribute(legacy_encoding=False, null=True)
    restored = BinaryAttribute(legacy_encoding=False, null=True)


class DynamoWithdrawals:
    """The `Withdrawals` port."""

    def __init__(self, table: str) -> None:
        bind(table, WithdrawnRow, WithheldRow)

    def of_source(self, uid: Uid, platform: Platform) -> list[Withdrawal]:
        found = WithdrawnRow.listed(account_keys.account(uid), account_keys.withdrawals(platform))
        return [from_fields(Withdrawal, one) for one in found]

    def put(
        self,
        uid: Uid,
        platform: Platform,
        withdrawals: Sequence[Withdrawal],
        *,
        instead_of: Sequence[Withdrawal],
    ) -> bool:
        row = WithdrawnRow(account_keys.account(uid), account_keys.withdrawals(platform))
        return row.replace(withdrawals, instead_of)

    def note(self, uid: Uid, run: str, note: WithheldNote) -> None:
        row = WithheldRow(account_keys.withheld(uid, run), note.place)
        if note.withheld:
            numbers = (n for one in note.withheld for n in (*_halves(one.record), *one[1:]))
            row.withheld = pack_ids(numbers)
        if note.restored:
            row.restored = pack_ids(n for record in note.restored for n in _halves(record))
        row.save()

    def notes(self, uid: Uid, run: str) -> list[WithheldNote]:
        rows = WithheldRow.query(account_keys.withheld(uid, run), consistent_read=True)
        return [WithheldNote(row.sk, _withheld(row), _restored(row)) for row in rows]

    def forget(self, uid: Uid, run: str, places: Sequence[str]) -> None:
        with WithheldRow.batch_write() as batch:
            for place in places:
                batch.delete(WithheldRow(account_keys.withheld(uid, run), place))


def _withheld(row: WithheldRow) -> tuple[BlankedRow, ...]:
    flat = unpack_ids(row.withheld) if row.withheld else ()
    return tuple(
        BlankedRow(_whole(*flat[at : at + 2]), *flat[at + 2 : at + _NUMBERS_A_ROW])
        for at in range(0, len(flat), _NUMBERS_A_ROW)
    )


def _restored(row: WithheldRow) -> tuple[str, ...]:
    flat = unpack_ids(row.restored) if row.restored else ()
    return tuple(_whole(*flat[at : at + 2]) for at in range(0, len(flat), 2))


def _halves(record: str) -> tuple[int, int]:
    number = int(record, 16)
    return number >> 64, number & _HALF


def _whole(high: int, low: int) -> str:
    return f"{high:016x}{low:016x}"
