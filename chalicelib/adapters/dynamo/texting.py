"""Texting settings, origination numbers, the kill switch and throttles: table `accounts`."""

from __future__ import annotations

from datetime import time
from typing import Any

from pynamodb.attributes import (
    BooleanAttribute,
    JSONAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
)
from pynamodb.exceptions import TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.dynamo import keys
from chalicelib.adapters.dynamo.base import (
    Row,
    TableMeta,
    bind,
    failed_conditions,
    retried,
    transact,
    update_if,
)
from chalicelib.domain.errors import Conflict, StaleVersion
from chalicelib.domain.texting import TextingRules
from chalicelib.domain.words import Uid
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.texting import Holders, Switch

SWITCH_LIVES_SECONDS = 60
TAKEN = "This origination number is another account's, or not assigned to yours: ask our support."


class TextingRow(Row):
    class Meta(TableMeta):
        pass

    number = UnicodeAttribute(null=True)
    rules = JSONAttribute()
    version = NumberAttribute()


class OriginationRow(Row):
    """One per number: its account, and those that gave it up. Claimed by condition, so that a
    number has one account."""

    class Meta(TableMeta):
        pass

    uid = UnicodeAttribute(null=True)
    once: UnicodeSetAttribute = UnicodeSetAttribute(null=True)
    assigned = UnicodeAttribute(null=True)


class AssigningRow(Row):
    """There once the operator has assigned a number: from then on nobody takes what is not."""

    class Meta(TableMeta):
        pass


class SwitchRow(Row):
    class Meta(TableMeta):
        pass

    off = BooleanAttribute()
    by = UnicodeAttribute()
    at = NumberAttribute()
    reason = UnicodeAttribute()


class ThrottleRow(Row):
    class Meta(TableMeta):
        pass

    taken = NumberAttribute()
    expires_at = NumberAttribute()


class DynamoTextingSettings:
    """The `TextingSettings` port."""

    def __init__(self, table: str) -> None:
        bind(table, TextingRow, OriginationRow, AssigningRow)

    def get(self, uid: Uid) -> TextingRules:
        try:
            row = TextingRow.get(keys.account(uid), keys.TEXTING_SK, consistent_read=True)
        except TextingRow.DoesNotExist:
            return TextingRules()
        return _rules(row)

    def save(self, uid: Uid, before: TextingRules, after: TextingRules) -> TextingRules:
        row = _row(uid, after, before.version + 1)
        held = TextingRow.version == before.version
        mine = OriginationRow.uid == uid
        free = mine | (OriginationRow.uid.does_not_exist() & self._may_take(uid))
        give_up: list[Action] = [OriginationRow.uid.remove(), OriginationRow.once.add({uid})]
        releasing = before.number is not None and before.number != after.number

        def writes(transaction: TransactWrite) -> None:
            transaction.save(
                row, condition=held if before.version else TextingRow.pk.does_not_exist()
            )
            if releasing:
                transaction.update(_origination(str(before.number)), give_up, condition=mine)
            if after.number is not None:
                claim: list[Action] = [OriginationRow.uid.set(uid)]
                transaction.update(_origination(after.number), claim, condition=free)

        try:
            transact(writes)
        except TransactWriteError as error:
            # A release fails only when the settings were changed too.
            if any(failed_conditions(error)[: 2 if releasing else 1]):
                raise StaleVersion("The settings were changed meanwhile: read again.") from None
            raise Conflict(TAKEN) from None
        return _rules(row)

    def assign(self, number: str, uid: Uid) -> None:
        row = _origination(number)
        free = OriginationRow.uid.does_not_exist() | (OriginationRow.uid == uid)
        if not update_if(row, [OriginationRow.assigned.set(uid)], free):
            raise Conflict(TAKEN)
        AssigningRow(keys.OPERATOR, keys.ASSIGNING_SK).save()

    def _may_take(self, uid: Uid) -> Condition:
        allowed: Condition = OriginationRow.assigned == uid
        try:
            AssigningRow.get(keys.OPERATOR, keys.ASSIGNING_SK, consistent_read=True)
        except AssigningRow.DoesNotExist:
            allowed |= OriginationRow.assigned.does_not_exist()
        return allowed

    def holders(self, number: str) -> Holders:
        try:
            row = OriginationRow.get(
                keys.origination(number), keys.ORIGINATION_SK, consistent_read=True
            )
        except OriginationRow.DoesNotExist:
            return Holders()
        return Holders(Uid(row.uid), tuple(map(Uid, sorted((row.once or set()) - {row.uid}))))


class DynamoKillSwitch:
    """The `KillSwitch` port: one row, read at most once a minute by each process."""

    def __init__(self, table: str, clock: Clock) -> None:
        bind(table, SwitchRow)
        self._clock = clock
        self._read: tuple[float, Switch] | None = None

    def read(self) -> Switch:
        now = self._clock.monotonic()
        if self._read is None or now - self._read[0] >= SWITCH_LIVES_SECONDS:
            self._read = now, self._stored()
        return self._read[1]

    def turn(self, switch: Switch) -> None:
        SwitchRow(
            keys.OPERATOR,
            keys.KILL_SWITCH_SK,
            off=switch.off,
            by=switch.by,
            at=switch.at,
            reason=switch.reason,
        ).save()
        self._read = None

    def _stored(self) -> Switch:
        try:
            row = SwitchRow.get(keys.OPERATOR, keys.KILL_SWITCH_SK, consistent_read=True)
        except SwitchRow.DoesNotExist:
            return Switch()
        return Switch(row.off, row.by, int(row.at), row.reason)


class DynamoThrottle:
    """The `Throttle` port: a counter per period, gone soon after it."""

    def __init__(self, table: str, clock: Clock) -> None:
        bind(table, ThrottleRow)
        self._clock = clock

    def take(self, uid: Uid, what: str, limit: int, seconds: int) -> int | None:
        now = self._clock.now() // 1000
        period = now // seconds
        ends = (period + 1) * seconds
        row = ThrottleRow(keys.throttle(uid, what), keys.throttle_period(period))
        actions: list[Action] = [
            ThrottleRow.taken.add(1),
            ThrottleRow.expires_at.set(ends + seconds),
        ]
        retried(lambda: row.update(actions))
        return None if row.taken <= limit else ends - now


def _origination(number: str) -> OriginationRow:
    return OriginationRow(keys.origination(number), keys.ORIGINATION_SK)


def _row(uid: Uid, rules: TextingRules, version: int) -> TextingRow:
    told: dict[str, Any] = {
        "brand": rules.brand,
        "request_limit": rules.request_limit,
        "opens": rules.opens.isoformat("minutes"),
        "closes": rules.closes.isoformat("minutes"),
        "daily_cap": rules.daily_cap,
        "monthly_budget": rules.monthly_budget,
        "start_after_minutes": rules.start_after_minutes,
        "wordings": dict(rules.wordings),
    }
    return TextingRow(
        keys.account(uid), keys.TEXTING_SK, number=rules.number, rules=told, version=version
    )


def _rules(row: TextingRow) -> TextingRules:
    told = dict(row.rules)
    for name in ("opens", "closes"):
        told[name] = time.fromisoformat(told[name])
    return TextingRules(number=row.number, version=int(row.version), **told)
