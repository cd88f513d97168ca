"""Switches from one POS to another in DynamoDB (docs/reference/design.md, table `accounts`).

A switch, a check and a pair are each stored as one JSON text; the first two under optimistic
locking: `seq` is their version. Each check has a partition of its own for its pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, replace

import orjson
from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import TransactWriteError
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.dynamo import audit
from chalicelib.adapters.dynamo import rules as rule_book
from chalicelib.adapters.dynamo.base import (
    Row,
    at_version,
    bind,
    failed_conditions,
    put_if,
    query_page,
    transact,
)
from chalicelib.adapters.dynamo.keys import account_keys
from chalicelib.adapters.dynamo.readable import readable
from chalicelib.domain.errors import NotFound, StaleVersion
from chalicelib.domain.stored_fields import from_fields
from chalicelib.domain.times import DAY, SECOND
from chalicelib.domain.words import Uid
from chalicelib.services.ports.common import Ids
from chalicelib.services.ports.switching import (
    DoubledPair,
    PosSwitch,
    SaleOfPair,
    SwitchChange,
    SwitchCheck,
)

PAIRS_KEPT_DAYS = 400
CHANGED = "The switch or the rules were changed meanwhile."


class PosSwitchRow(Row):
    """A switch or a check. `body` holds all fields but `seq`."""

    body = UnicodeAttribute()
    seq = NumberAttribute()


class DoubledPairRow(Row):
    body = UnicodeAttribute()
    expires_at = NumberAttribute()


class DynamoPosSwitches:
    """The `PosSwitches` port."""

    def __init__(self, table: str, ids: Ids) -> None:
        bind(table, PosSwitchRow, DoubledPairRow, rule_book.RulesRow, audit.AuditRow)
        self._ids = ids

    def apply(self, change: SwitchChange) -> PosSwitch:
        switch, rules = change.switch, change.rules

        def writes(transaction: TransactWrite) -> None:
            row = rule_book.next_row(switch.uid, rules)
            transaction.save(row, condition=rule_book.is_unchanged(rules))
            transaction.save(
                _switch_row(switch), condition=at_version(PosSwitchRow.seq, switch.seq)
            )
            entry = audit.audit_row(switch.uid, change.audit, self._ids.new("aud"))
            transaction.save(entry)

        _transact(writes)
        return replace(switch, seq=switch.seq + 1)

    def save(self, switch: PosSwitch) -> PosSwitch:
        if not put_if(_switch_row(switch), at_version(PosSwitchRow.seq, switch.seq)):
            raise StaleVersion(CHANGED)
        return replace(switch, seq=switch.seq + 1)

    def get(self, uid: Uid, switch: str) -> PosSwitch:
        row = PosSwitchRow.find(account_keys.account(uid), account_keys.switch(switch))
        if row is None:
            raise NotFound("There is no such switch.")
        return _read_switch(row)

    def all(self, uid: Uid) -> list[PosSwitch]:
        rows = PosSwitchRow.query_prefix(account_keys.account(uid), account_keys.SWITCH_PREFIX)
        return list(readable(rows, _read_switch))[::-1]

    def check(self, uid: Uid, switch: str, number: int) -> SwitchCheck:
        row = PosSwitchRow.find(
            account_keys.account(uid), account_keys.switch_check(switch, number)
        )
        if row is None:
            raise NotFound("There is no such check.")
        return from_fields(SwitchCheck, orjson.loads(row.body), seq=int(row.seq))

    def save_check(self, check: SwitchCheck) -> SwitchCheck:
        if not put_if(_check_row(check), at_version(PosSwitchRow.seq, check.seq)):
            raise StaleVersion("Another worker goes on with the check.")
        return replace(check, seq=check.seq + 1)

    def put_pairs(self, check: SwitchCheck, pairs: Iterable[DoubledPair]) -> None:
        with DoubledPairRow.batch_write() as batch:
            for pair in pairs:
                batch.save(_pair_row(check, pair))

    def pair(self, check: SwitchCheck, n: str) -> DoubledPair:
        row = None
        if account_keys.DOUBLED_PAIR.fullmatch(n):
            row = DoubledPairRow.find(_pairs_of(check), n)
        if row is None:
            raise NotFound("There are no such sales that look doubled.")
        return _read_pair(row)

    def pairs(
        self, check: SwitchCheck, limit: int, after: str | None
    ) -> tuple[list[DoubledPair], str | None]:
        rows, position = query_page(
            DoubledPairRow, _pairs_of(check), limit, after, account_keys.DOUBLED_PAIR
        )
        return list(readable(rows, _read_pair)), position

    def decide(self, check: SwitchCheck, pairs: Iterable[DoubledPair]) -> SwitchCheck:
        def writes(transaction: TransactWrite) -> None:
            transaction.save(_check_row(check), condition=at_version(PosSwitchRow.seq, check.seq))
            for pair in pairs:
                transaction.save(_pair_row(check, pair))

        _transact(writes)
        return replace(check, seq=check.seq + 1)


def _transact(writes: Callable[[TransactWrite], None]) -> None:
    try:
        transact(writes)
    except TransactWriteError as error:
        failed_conditions(error)
        raise StaleVersion(CHANGED) from None


def _switch_row(switch: PosSwitch) -> PosSwitchRow:
    return _row(account_keys.account(switch.uid), account_keys.switch(switch.id), switch)


def _check_row(check: SwitchCheck) -> PosSwitchRow:
    return _row(
        account_keys.account(check.uid),
        account_keys.switch_check(check.switch, check.number),
        check,
    )


def _row(pk: str, sk: str, fact: PosSwitch | SwitchCheck) -> PosSwitchRow:
    values = asdict(fact)
    del values["seq"]
    return PosSwitchRow(pk, sk, body=orjson.dumps(values).decode(), seq=fact.seq + 1)


def _read_switch(row: PosSwitchRow) -> PosSwitch:
    return from_fields(PosSwitch, orjson.loads(row.body), seq=int(row.seq))


def _pairs_of(check: SwitchCheck) -> str:
    return account_keys.doubled_pairs(check.uid, check.switch, check.number)


def _pair_row(check: SwitchCheck, pair: DoubledPair) -> DoubledPairRow:
    until = check.requested_at + PAIRS_KEPT_DAYS * DAY
    body = orjson.dumps(asdict(pair)).decode()
    return DoubledPairRow(_pairs_of(check), pair.n, body=body, expires_at=until // SECOND)


def _read_pair(row: DoubledPairRow) -> DoubledPair:
    values = orjson.loads(row.body)
    old, new = (from_fields(SaleOfPair, values.pop(side)) for side in ("old", "new"))
    return from_fields(DoubledPair, values, old=old, new=new)
