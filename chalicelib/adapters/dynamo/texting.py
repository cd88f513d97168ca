"""Texting settings and origination numbers in DynamoDB (table `accounts`)."""

from __future__ import annotations

from datetime import time

from pynamodb.attributes import (
    JSONAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
)
from pynamodb.exceptions import TransactWriteError
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.dynamo.base import (
    Row,
    at_version,
    bind,
    failed_conditions,
    transact,
    update_if,
)
from chalicelib.adapters.dynamo.keys import account_keys
from chalicelib.domain.errors import Conflict, StaleVersion
from chalicelib.domain.stored_fields import from_fields
from chalicelib.domain.texting import TextingRules
from chalicelib.domain.words import Uid
from chalicelib.services.ports.texting import Holders

TAKEN = (
    "This origination number is not assigned to your account, or another account has it. Ask our"
    " support for a number of your own."
)


class TextingRow(Row):
    number = UnicodeAttribute(null=True)
    rules = JSONAttribute()
    version = NumberAttribute()


class OriginationRow(Row):
    """One row per number: its account, and those that gave it up. A condition on the write keeps a
    number to one account."""

    uid = UnicodeAttribute(null=True)
    once: UnicodeSetAttribute = UnicodeSetAttribute(null=True)
    assigned = UnicodeAttribute(null=True)


class AssignmentRow(Row):
    """There once a number was assigned. Only older code reads it, which without it lets an account
    take any number."""


class DynamoTextingSettings:
    """The `TextingSettings` port."""

    def __init__(self, table: str) -> None:
        bind(table, TextingRow, OriginationRow, AssignmentRow)

    def get(self, uid: Uid) -> TextingRules:
        row = TextingRow.find(account_keys.account(uid), account_keys.TEXTING_SK)
        return TextingRules() if row is None else _rules(row)

    def save(self, uid: Uid, before: TextingRules, after: TextingRules) -> TextingRules:
        row = _row(uid, after, before.version + 1)
        mine = OriginationRow.uid == uid
        free = mine | (OriginationRow.uid.does_not_exist() & (OriginationRow.assigned == uid))
        give_up: list[Action] = [OriginationRow.uid.remove(), OriginationRow.once.add({uid})]
        releasing = before.number is not None and before.number != after.number

        def writes(transaction: TransactWrite) -> None:
            transaction.save(row, condition=at_version(TextingRow.version, before.version))
            if releasing:
                transaction.update(_origination(str(before.number)), give_up, condition=mine)
            if after.number is not None:
                claim: list[Action] = [OriginationRow.uid.set(uid)]
                transaction.update(_origination(after.number), claim, condition=free)

        try:
            transact(writes)
        except TransactWriteError as error:
            # Giving up a number fails only where the settings were changed meanwhile.
            if any(failed_conditions(error)[: 2 if releasing else 1]):
                raise StaleVersion("The settings were changed meanwhile: read again.") from None
            raise Conflict(TAKEN) from None
        return _rules(row)

    def assign(self, number: str, uid: Uid) -> None:
        row = _origination(number)
        free = OriginationRow.uid.does_not_exist() | (OriginationRow.uid == uid)
        if not update_if(row, [OriginationRow.assigned.set(uid)], free):
            raise Conflict(TAKEN)
        AssignmentRow(account_keys.OPERATOR, account_keys.ASSIGNING_SK).save()

    def holders(self, number: str) -> Holders:
        row = OriginationRow.find(account_keys.origination(number), account_keys.ORIGINATION_SK)
        if row is None:
            return Holders()
        return Holders(Uid(row.uid), tuple(map(Uid, sorted((row.once or set()) - {row.uid}))))


def _origination(number: str) -> OriginationRow:
    return OriginationRow(account_keys.origination(number), account_keys.ORIGINATION_SK)


def _row(uid: Uid, rules: TextingRules, version: int) -> TextingRow:
    values = rules.as_fields()
    number = values.pop("number")
    return TextingRow(
        account_keys.account(uid),
        account_keys.TEXTING_SK,
        number=number,
        rules=values,
        version=version,
    )


def _rules(row: TextingRow) -> TextingRules:
    values = dict(row.rules)
    for name in ("opens", "closes"):
        values[name] = time.fromisoformat(values[name])
    return from_fields(TextingRules, values, number=row.number, version=int(row.version))
