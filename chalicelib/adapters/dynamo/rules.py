"""The rules in force in DynamoDB: one row an account (docs/reference/design.md, table `accounts`).

The rules are stored as one JSON text, days as ISO text, without the fields at their defaults.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from itertools import chain, repeat
from typing import Any

import orjson
from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition

from chalicelib.adapters.dynamo.accounts import AccountRow, account_of
from chalicelib.adapters.dynamo.base import Row, at_version, bind, find_together, put_if
from chalicelib.adapters.dynamo.keys import account_keys
from chalicelib.domain.errors import NotFound, StaleVersion
from chalicelib.domain.rules import (
    KeptMembers,
    Loyalty,
    Rules,
    Source,
    day_as_text,
    loyalty_values,
    text_as_day,
    with_loyalty,
)
from chalicelib.domain.settings import rule_fields
from chalicelib.domain.standing import Standing
from chalicelib.domain.stored_fields import from_fields
from chalicelib.domain.switches import SwitchRule
from chalicelib.domain.times import day_from_text, day_text
from chalicelib.domain.words import Uid
from chalicelib.services.ports.accounts import Account


class RulesRow(Row):
    body = UnicodeAttribute()
    version = NumberAttribute()


class DynamoRuleBook:
    """The `RuleBook` port."""

    def __init__(self, table: str) -> None:
        bind(table, RulesRow)

    def get(self, uid: Uid) -> Rules:
        row = RulesRow.find(account_keys.account(uid), account_keys.RULES_SK)
        return Rules() if row is None else unpack(row.body, int(row.version))

    def save(self, uid: Uid, rules: Rules) -> Rules:
        row = next_row(uid, rules)
        if not put_if(row, is_unchanged(rules)):
            raise StaleVersion("The rules were changed meanwhile: read them again.")
        return unpack(row.body, rules.version + 1)


def account_and_rules(uid: Uid) -> tuple[Account, Rules]:
    """Read both rows by one call, strongly consistent. Raises NotFound."""
    pk = account_keys.account(uid)
    account, rules = find_together(
        (AccountRow, pk, account_keys.ACCOUNT_SK), (RulesRow, pk, account_keys.RULES_SK)
    )
    if not isinstance(account, AccountRow):
        raise NotFound("There is no such account.")
    known = unpack(rules.body, int(rules.version)) if isinstance(rules, RulesRow) else Rules()
    return account_of(uid, account), known


def next_row(uid: Uid, rules: Rules) -> RulesRow:
    """Return the row of the rules at their next version."""
    place = account_keys.account(uid), account_keys.RULES_SK
    return RulesRow(*place, body=pack(rules), version=rules.version + 1)


def is_unchanged(rules: Rules) -> Condition:
    """The condition that the stored row has the rules' version."""
    return at_version(RulesRow.version, rules.version)


def pack(rules: Rules) -> str:
    """Return the rules as JSON text, without their version."""
    sources = {platform: _pack_source(source) for platform, source in rules.sources.items()}
    body: dict[str, Any] = {"loyalty": loyalty_values(rules.loyalty), "sources": sources}
    if rules.switches:
        body["switches"] = [asdict(switch) for switch in rules.switches]
    return orjson.dumps(body).decode()


def unpack(text: str, version: int) -> Rules:
    """The inverse of `pack`."""
    body = orjson.loads(text)
    return Rules(
        loyalty=with_loyalty(Loyalty(), body["loyalty"]),
        sources={platform: _source(packed) for platform, packed in body["sources"].items()},
        version=version,
        switches=tuple(from_fields(SwitchRule, each) for each in body.get("switches", ())),
    )


def _pack_source(source: Source) -> dict[str, Any]:
    packed: dict[str, Any] = {field.name: getattr(source, field.name) for field in fields(Source)}
    packed |= {name: day_as_text(packed[name]) for name in _day_fields()}
    packed["import_locks"] = dict(source.import_locks)
    packed["markets"] = dict(source.markets)
    packed["keeping"] = [(keep.setting, day_text(keep.day)) for keep in source.keeping]
    packed["kept_since"] = [keep.since for keep in source.keeping]
    packed["overruled"] = [
        (keep.setting, day_text(keep.day), keep.since) for keep in source.overruled
    ]
    packed["standing"] = asdict(source.standing) if source.standing else None
    return {name: value for name, value in packed.items() if value}


def _source(packed: Mapping[str, Any]) -> Source:
    """Passes over fields that this code does not know."""
    values = {field.name: packed[field.name] for field in fields(Source) if field.name in packed}
    values |= {name: text_as_day(values.get(name)) for name in _day_fields()}
    since = chain(packed.get("kept_since", ()), repeat(0))
    keeping = zip(packed.get("keeping", ()), since, strict=False)
    values["keeping"] = _keeps((setting, day, at) for (setting, day, *_), at in keeping)
    values["overruled"] = _keeps(packed.get("overruled", ()))
    if standing := values.get("standing"):
        values["standing"] = from_fields(Standing, standing)
    return Source(**values)


def _keeps(packed: Iterable[tuple[str, str, int]]) -> tuple[KeptMembers, ...]:
    return tuple(
        KeptMembers(setting, day_from_text(day), since) for setting, day, since, *_ in packed
    )


def _day_fields() -> list[str]:
    """The fields of `Source` that hold a day; the last is no setting's."""
    return [*(name for name, row in rule_fields().items() if row.kind == "date"), "was_imported_on"]
