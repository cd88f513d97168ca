"""Discounts, and the key that signs wallets, in DynamoDB (table `accounts`)."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import asdict, replace
from datetime import date
from typing import Any

import orjson
from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition

from chalicelib.adapters.dynamo.base import (
    ListRow,
    Row,
    at_version,
    bind,
    delete_if,
    put_if,
    update_if,
)
from chalicelib.adapters.dynamo.keys import account_keys, till_keys
from chalicelib.adapters.dynamo.readable import readable
from chalicelib.adapters.dynamo.transactions import Write
from chalicelib.domain.discounts import Discount
from chalicelib.domain.errors import StaleVersion
from chalicelib.domain.pins import PinState, WrongPins
from chalicelib.domain.records import NamedDiscount
from chalicelib.domain.stored_fields import from_fields
from chalicelib.domain.times import DAY, SECOND
from chalicelib.domain.words import Platform, Uid
from chalicelib.services.ports.common import Clock, SecretBox

CHANGED = "The discount was changed meanwhile: read it again."
MOST_REMEMBERED = 1_000
KEY_BYTES = 32
MOST_NAMES = 500
TRIES = 6
_DAYS = ("starts_on", "ends_on")


class DiscountRow(Row):
    """`redeemed` counts redemptions, apart from what people edit."""

    body = UnicodeAttribute()
    version = NumberAttribute()
    redeemed = NumberAttribute(null=True)


class SigningKeyRow(Row):
    sealed = BinaryAttribute(legacy_encoding=False)


class DynamoDiscounts:
    """The `Discounts` port."""

    def __init__(self, table: str) -> None:
        bind(table, DiscountRow)

    def get(self, uid: Uid, discount: str) -> Discount | None:
        row = DiscountRow.find(account_keys.account(uid), till_keys.discount(discount))
        return None if row is None else _discount(row)

    def for_account(self, uid: Uid) -> list[Discount]:
        return list(readable(_rows(uid), _discount))

    def redeemed(self, uid: Uid) -> dict[str, int]:
        counted = readable(_rows(uid), lambda row: (_id(row), int(row.redeemed or 0)))
        return dict(counted)

    def create(self, discount: Discount) -> Discount:
        row = _row(replace(discount, version=1))
        row.save(DiscountRow.pk.does_not_exist())
        return _discount(row)

    def save(self, discount: Discount) -> Discount:
        row = _row(replace(discount, version=discount.version + 1))
        actions = [DiscountRow.body.set(row.body), DiscountRow.version.set(row.version)]
        if not update_if(row, actions, DiscountRow.version == discount.version):
            raise StaleVersion(CHANGED)
        return _discount(row)

    def delete(self, discount: Discount) -> None:
        if not delete_if(_row(discount), DiscountRow.version == discount.version):
            raise StaleVersion(CHANGED)


def counted_redemption(table: str, uid: Uid, discount: str, difference: int) -> Write:
    """Return the write of a transaction that counts redemptions of a discount that is there."""
    return {
        "Update": {
            "TableName": table,
            "Key": {
                "pk": {"S": account_keys.account(uid)},
                "sk": {"S": till_keys.discount(discount)},
            },
            "UpdateExpression": "ADD redeemed :difference",
            "ConditionExpression": "attribute_exists(version)",
            "ExpressionAttributeValues": {":difference": {"N": str(difference)}},
        }
    }


class DynamoSigningKeys:
    """The `SigningKeys` port: a random key per account, made when first asked for, sealed by KMS
    and remembered by the process."""

    def __init__(self, table: str, box: SecretBox) -> None:
        bind(table, SigningKeyRow)
        self._box = box
        self._keys: dict[Uid, bytes] = {}

    def get(self, uid: Uid) -> bytes:
        if uid not in self._keys:
            if len(self._keys) >= MOST_REMEMBERED:
                self._keys.clear()
            self._keys[uid] = self._read(uid) or self._make(uid)
        return self._keys[uid]

    def _read(self, uid: Uid) -> bytes | None:
        row = SigningKeyRow.find(account_keys.account(uid), till_keys.SIGNING_KEY_SK)
        return None if row is None else bytes.fromhex(self._box.unseal(row.sealed, _context(uid)))

    def _make(self, uid: Uid) -> bytes:
        made = secrets.token_bytes(KEY_BYTES)
        sealed = self._box.seal(made.hex(), _context(uid))
        row = SigningKeyRow(account_keys.account(uid), till_keys.SIGNING_KEY_SK, sealed=sealed)
        if put_if(row, SigningKeyRow.pk.does_not_exist()):
            return made
        return self._read(uid) or made


def _context(uid: Uid) -> dict[str, str]:
    return {"uid": uid, "cursor": "signs wallets"}  # the API may open what is sealed for cursors


def _rows(uid: Uid) -> Any:
    return DiscountRow.query_prefix(account_keys.account(uid), till_keys.DISCOUNT_PREFIX)


def _id(row: DiscountRow) -> str:
    return row.sk.removeprefix(till_keys.DISCOUNT_PREFIX)


def _row(discount: Discount) -> DiscountRow:
    fields = asdict(discount)
    for name in ("uid", "id", "version"):
        del fields[name]
    for name in _DAYS:
        fields[name] = fields[name] and fields[name].isoformat()
    body = orjson.dumps({name: value for name, value in fields.items() if value is not None})
    place = account_keys.account(discount.uid), till_keys.discount(discount.id)
    return DiscountRow(*place, body=body.decode(), version=discount.version)


def _discount(row: DiscountRow) -> Discount:
    stored = orjson.loads(row.body)
    stored |= {name: date.fromisoformat(stored[name]) for name in _DAYS if stored.get(name)}
    stored["stores"] = tuple(stored.get("stores", ()))
    uid = account_keys.account_of(row.pk)
    return from_fields(Discount, stored, uid=uid, id=_id(row), version=int(row.version))


class PinRow(Row):
    """Deleted a day after the last change; `body` is the state."""

    body = UnicodeAttribute()
    version = NumberAttribute()
    expires_at = NumberAttribute()


class DynamoPins:
    """The `Pins` port."""

    def __init__(self, table: str, clock: Clock) -> None:
        bind(table, PinRow)
        self._clock = clock

    def get(self, uid: Uid, tag: str) -> PinState:
        body, version = self._read(uid, tag)
        asked = tuple(body.pop("asked", ()))
        return from_fields(PinState, body, asked=asked, version=version)

    def save(self, uid: Uid, tag: str, state: PinState) -> bool:
        return self._save(uid, tag, asdict(state))

    def wrong_of(self, uid: Uid, actor: str) -> WrongPins:
        body, version = self._read(uid, f"by#{actor}")
        return WrongPins(tuple(body.get("at", ())), version)

    def save_wrong(self, uid: Uid, actor: str, wrong: WrongPins) -> bool:
        return self._save(uid, f"by#{actor}", asdict(wrong))

    def _read(self, uid: Uid, tag: str) -> tuple[dict[str, Any], int]:
        row = PinRow.find(account_keys.account(uid), till_keys.pin(tag))
        return ({}, 0) if row is None else (orjson.loads(row.body), int(row.version))

    def _save(self, uid: Uid, tag: str, body: dict[str, Any]) -> bool:
        version = body.pop("version")
        row = PinRow(account_keys.account(uid), till_keys.pin(tag), version=version + 1)
        row.body = orjson.dumps(body).decode()
        row.expires_at = (self._clock.now() + 2 * DAY) // SECOND
        return put_if(row, at_version(PinRow.version, version))


class NamesSeenRow(ListRow):
    """`ids`: the names; `named_ids`: pairs of a POS's id and its name. Apart, because earlier
    releases read `ids` as names alone."""

    named_ids = UnicodeAttribute(null=True)


class DynamoNamesSeen:
    """The `NamesSeen` port."""

    def __init__(self, table: str) -> None:
        bind(table, NamesSeenRow)

    def see(self, uid: Uid, platform: Platform, seen: Collection[NamedDiscount]) -> None:
        place = account_keys.account(uid), till_keys.discount_names(platform)
        for _ in range(TRIES):
            row = NamesSeenRow.find(*place)
            names, ids = _names_and_ids(row) if row else ([], {})
            new = sorted({each.name for each in seen if each.name} - set(names))
            told = {each.id: each.name for each in sorted(seen) if each.id}
            told = {key: name for key, name in told.items() if name or key not in ids}
            if not new and told.items() <= ids.items():
                return
            for key, name in told.items():
                ids.pop(key, None)
                ids[key] = name
            kept = NamesSeenRow(*place)
            kept.ids = orjson.dumps([*names, *new][-MOST_NAMES:]).decode()
            kept.named_ids = orjson.dumps([*ids.items()][-MOST_NAMES:]).decode() if ids else None
            if put_if(kept, _as_read(row)):
                return

    def discounts(self, uid: Uid) -> dict[Platform, tuple[NamedDiscount, ...]]:
        rows = NamesSeenRow.query_prefix(account_keys.account(uid), till_keys.DISCOUNT_NAMES_PREFIX)
        return dict(readable(rows, lambda row: (_platform(row), _discounts(row))))


def _names_and_ids(row: NamesSeenRow) -> tuple[list[str], dict[str, str]]:
    return orjson.loads(row.ids), dict(orjson.loads(row.named_ids or "[]"))


def _discounts(row: NamesSeenRow) -> tuple[NamedDiscount, ...]:
    names, ids = _names_and_ids(row)
    with_ids = [NamedDiscount(name, key) for key, name in ids.items()]
    return (*with_ids, *(NamedDiscount(name) for name in names if name not in ids.values()))


def _as_read(row: NamesSeenRow | None) -> Condition:
    """The condition that the row is still as it was read."""
    if row is None:
        return NamesSeenRow.pk.does_not_exist()
    of_ids = NamesSeenRow.named_ids
    same = of_ids.does_not_exist() if row.named_ids is None else of_ids == row.named_ids
    unchanged: Condition = (NamesSeenRow.ids == row.ids) & same
    return unchanged


def _platform(row: NamesSeenRow) -> Platform:
    return Platform(row.sk.removeprefix(till_keys.DISCOUNT_NAMES_PREFIX))
