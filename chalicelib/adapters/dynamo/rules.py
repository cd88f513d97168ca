"""The rules in force in DynamoDB: one row an account (docs/reference/design.md, table `accounts`).

The rules travel as one JSON text, days as ISO text, and what holds its default is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import PutError
from pynamodb.expressions.condition import Condition

from chalicelib.adapters.dynamo import keys
from chalicelib.adapters.dynamo.base import Row, TableMeta, bind, condition_failed
from chalicelib.domain.errors import StaleVersion
from chalicelib.domain.rules import Keep, Loyalty, Rules, Source
from chalicelib.domain.times import day_from_text, day_text
from chalicelib.domain.words import Uid

_LOYALTY = (
    "enabled",
    "points_per_100",
    "points_per_order",
    "max_orders_per_day",
    "exclude_tax",
    "rounding",
    "expire_after_days",
    "earn_only_from_joining",
)
_SOURCE_DAYS = (
    "enroll_after",
    "sms_opt_in_after",
    "accrual_start",
    "imported_on",
    "was_imported_on",
)


class RulesRow(Row):
    class Meta(TableMeta):
        pass

    body = UnicodeAttribute()
    version = NumberAttribute()


class DynamoRuleBook:
    """The `RuleBook` port."""

    def __init__(self, table: str) -> None:
        bind(table, RulesRow)

    def get(self, uid: Uid) -> Rules:
        try:
            row = RulesRow.get(keys.account(uid), keys.RULES_SK, consistent_read=True)
        except RulesRow.DoesNotExist:
            return Rules()
        return unpack(row.body, int(row.version))

    def save(self, uid: Uid, rules: Rules) -> Rules:
        row = following_row(uid, rules)
        try:
            row.save(unchanged(rules))
        except PutError as error:
            if condition_failed(error):
                raise StaleVersion("The rules were changed meanwhile: read them again.") from None
            raise
        return unpack(row.body, rules.version + 1)


def following_row(uid: Uid, rules: Rules) -> RulesRow:
    """The row at the version after the rules'."""
    place = keys.account(uid), keys.RULES_SK
    return RulesRow(*place, body=pack(rules), version=rules.version + 1)


def unchanged(rules: Rules) -> Condition:
    """That the stored row has the rules' version."""
    if rules.version:
        held: Condition = RulesRow.version == rules.version
        return held
    absent: Condition = RulesRow.pk.does_not_exist()
    return absent


def pack(rules: Rules) -> str:
    """The rules as JSON text, without their version."""
    loyalty: dict[str, Any] = {name: getattr(rules.loyalty, name) for name in _LOYALTY}
    loyalty["accrual_start"] = _text(rules.loyalty.accrual_start)
    sources = {platform: _pack_source(source) for platform, source in rules.sources.items()}
    return orjson.dumps({"loyalty": loyalty, "sources": sources}).decode()


def unpack(text: str, version: int) -> Rules:
    """The inverse of `pack`."""
    told = orjson.loads(text)
    loyalty = told["loyalty"]
    start = _day(loyalty.pop("accrual_start"))
    return Rules(
        loyalty=Loyalty(accrual_start=start, **loyalty),
        sources={platform: _source(source) for platform, source in told["sources"].items()},
        version=version,
    )


def _pack_source(source: Source) -> dict[str, Any]:
    packed: dict[str, Any] = {name: _text(getattr(source, name)) for name in _SOURCE_DAYS}
    packed["import_locks"] = dict(source.import_locks)
    packed["trusts_opt_in_flags"] = source.trusts_opt_in_flags
    packed["keeping"] = [(keep.setting, day_text(keep.day)) for keep in source.keeping]
    return {name: value for name, value in packed.items() if value}


def _source(told: Mapping[str, Any]) -> Source:
    return Source(
        **{name: _day(told.get(name)) for name in _SOURCE_DAYS},
        import_locks=told.get("import_locks", {}),
        trusts_opt_in_flags=told.get("trusts_opt_in_flags", False),
        keeping=tuple(
            Keep(setting, day_from_text(day)) for setting, day in told.get("keeping", ())
        ),
    )


def _text(day: int | None) -> str | None:
    return None if day is None else day_text(day)


def _day(text: str | None) -> int | None:
    return None if text is None else day_from_text(text)
