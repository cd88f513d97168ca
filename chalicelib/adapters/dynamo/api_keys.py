"""API keys, and how they are used (table `accounts`): a key is read with its bucket in one call."""

from __future__ import annotations

from dataclasses import replace

from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.dynamo.base import (
    Row,
    bind,
    failed_conditions,
    find_together,
    instant,
    put_if,
    transact,
    update_if,
)
from chalicelib.adapters.dynamo.keys import account_keys, till_keys
from chalicelib.adapters.dynamo.readable import readable
from chalicelib.domain.api_keys import (
    BUCKETS,
    CALLS_KEPT,
    Bucket,
    CallLimits,
    CountedPeriod,
    CountedPeriods,
    windows_after_a_call,
)
from chalicelib.domain.call_names import KEPT, RUNS_AT_MOST, NamedCall
from chalicelib.domain.errors import Conflict, NotFound, StaleVersion
from chalicelib.domain.times import DAY, SECOND
from chalicelib.domain.words import Instant, Platform, Uid
from chalicelib.services.ports.api_keys import (
    NEVER_USED,
    ApiKey,
    CountResult,
    KeyCall,
    KeyUse,
    SignedConsent,
)

CALLS_KEPT_DAYS = 90
STALE = "The key was changed meanwhile: read it again."


class ApiKeyRow(Row):
    name = UnicodeAttribute()
    platform = UnicodeAttribute(null=True)
    salt = BinaryAttribute(legacy_encoding=False)
    digest = BinaryAttribute(legacy_encoding=False)
    created_at = NumberAttribute()
    created_by = UnicodeAttribute()
    consent_by = UnicodeAttribute(null=True)
    consent_at = NumberAttribute(null=True)
    store = NumberAttribute(null=True)
    ends_at = NumberAttribute(null=True)
    replaced_by = UnicodeAttribute(null=True)
    version = NumberAttribute()


class KeyUseRow(Row):
    """How a bucket of a key was used: see `KeyUse`. `in_second`: calls of that second."""

    second = NumberAttribute()
    in_second = NumberAttribute()
    minute = NumberAttribute()
    in_minute = NumberAttribute()
    hour = NumberAttribute()
    in_hour = NumberAttribute()
    calls = NumberAttribute()
    used_at = NumberAttribute()


class KeyCallRow(Row):
    at = NumberAttribute()
    method = UnicodeAttribute()
    route = UnicodeAttribute()
    status = NumberAttribute()
    error = UnicodeAttribute(null=True)
    phone = UnicodeAttribute(null=True)
    expires_at = NumberAttribute()


_WINDOWS = (
    (KeyUseRow.second, KeyUseRow.in_second),
    (KeyUseRow.minute, KeyUseRow.in_minute),
    (KeyUseRow.hour, KeyUseRow.in_hour),
)


class NamedCallRow(Row):
    body = UnicodeAttribute()
    begun_at = NumberAttribute()
    status = NumberAttribute(null=True)
    answer = UnicodeAttribute(null=True)
    expires_at = NumberAttribute()


class DynamoNamedCalls:
    """The `NamedCalls` port."""

    def __init__(self, table: str) -> None:
        bind(table, NamedCallRow)

    def begin(self, uid: Uid, name: str, body: str, now: Instant) -> NamedCall | None:
        row = _named_row(uid, name, NamedCall(body, now))
        has_died = (NamedCallRow.begun_at < now - RUNS_AT_MOST) & (NamedCallRow.body == body)
        is_free = NamedCallRow.pk.does_not_exist() | (NamedCallRow.expires_at < now // SECOND)
        if put_if(row, is_free | (NamedCallRow.status.does_not_exist() & has_died)):
            return None
        return self.find(uid, name) or NamedCall(body, now)

    def find(self, uid: Uid, name: str) -> NamedCall | None:
        known = NamedCallRow.find(till_keys.named_call(uid, name), till_keys.NAMED_CALL_SK)
        return None if known is None else _named_of(known)

    def end(self, uid: Uid, name: str, call: NamedCall) -> None:
        _named_row(uid, name, call).save()

    def forget(self, uid: Uid, name: str) -> None:
        NamedCallRow(till_keys.named_call(uid, name), till_keys.NAMED_CALL_SK).delete()


def _named_of(row: NamedCallRow) -> NamedCall:
    status = None if row.status is None else int(row.status)
    return NamedCall(row.body, int(row.begun_at), status, row.answer or "")


def _named_row(uid: Uid, name: str, call: NamedCall) -> NamedCallRow:
    return NamedCallRow(
        till_keys.named_call(uid, name),
        till_keys.NAMED_CALL_SK,
        body=call.body,
        begun_at=call.begun_at,
        status=call.status,
        answer=call.answer or None,
        expires_at=(call.begun_at + KEPT) // SECOND,
    )


class DynamoApiKeys:
    """The ports `ApiKeys` and `KeyUses`."""

    def __init__(self, table: str) -> None:
        bind(table, ApiKeyRow, KeyUseRow, KeyCallRow)

    def create(self, key: ApiKey) -> None:
        if not put_if(_key_row(key), ApiKeyRow.pk.does_not_exist()):
            raise Conflict("This key is there already.")

    def replace(self, old: ApiKey, new: ApiKey) -> ApiKey:
        saved = replace(old, version=old.version + 1)

        def writes(transaction: TransactWrite) -> None:
            transaction.save(_key_row(saved), condition=ApiKeyRow.version == old.version)
            transaction.save(_key_row(new), condition=ApiKeyRow.pk.does_not_exist())

        try:
            transact(writes)
        except TransactWriteError as error:
            failed_conditions(error)
            raise StaleVersion(STALE) from None
        return saved

    def get(self, uid: Uid, key: str) -> ApiKey:
        row = ApiKeyRow.find(account_keys.account(uid), till_keys.api_key(key))
        if row is None:
            raise NotFound("There is no such key.")
        return _key_of(uid, row)

    def for_account(self, uid: Uid) -> list[ApiKey]:
        rows = ApiKeyRow.query_prefix(account_keys.account(uid), till_keys.API_KEY_PREFIX)
        return list(readable(rows, lambda row: _key_of(uid, row)))

    def save(self, key: ApiKey) -> ApiKey:
        saved = replace(key, version=key.version + 1)
        if not put_if(_key_row(saved), ApiKeyRow.version == key.version):
            raise StaleVersion(STALE)
        return saved

    def find(self, uid: Uid, key: str, bucket: Bucket) -> tuple[ApiKey | None, KeyUse]:
        row, use = find_together(
            (ApiKeyRow, account_keys.account(uid), till_keys.api_key(key)),
            (KeyUseRow, till_keys.key_uses(uid, key), till_keys.key_use(bucket)),
        )
        found = _key_of(uid, row) if isinstance(row, ApiKeyRow) else None
        return found, _use_of(use) if isinstance(use, KeyUseRow) else NEVER_USED

    def count(
        self, uid: Uid, key: str, bucket: Bucket, before: KeyUse, limits: CallLimits, now: Instant
    ) -> CountResult:
        row = KeyUseRow(till_keys.key_uses(uid, key), till_keys.key_use(bucket))
        most = (limits.per_second, limits.per_minute, limits.per_hour)
        after = windows_after_a_call(before.windows, now)
        actions: list[Action] = [KeyUseRow.calls.add(1), KeyUseRow.used_at.set(now)]
        conditions: list[Condition] = []
        for (number, calls), old, new, limit in zip(
            _WINDOWS, before.windows, after, most, strict=True
        ):
            if old.number == new.number:
                conditions.append((number == old.number) & (calls < limit))
                actions.append(calls.add(1))
            else:
                is_old = number == old.number
                conditions.append(is_old if before.calls else number.does_not_exist())
                actions += [number.set(new.number), calls.set(1)]
        condition = conditions[0] & conditions[1] & conditions[2]
        if update_if(row, actions, condition):
            return CountResult(done=True, use=_use_of(row))
        stored = KeyUseRow.find(till_keys.key_uses(uid, key), till_keys.key_use(bucket))
        return CountResult(done=False, use=NEVER_USED if stored is None else _use_of(stored))

    def uses(self, uid: Uid, key: str) -> dict[Bucket, KeyUse]:
        rows = KeyUseRow.query_prefix(till_keys.key_uses(uid, key), till_keys.KEY_USE_PREFIX)
        found = {row.sk: _use_of(row) for row in rows}
        return {b: found[till_keys.key_use(b)] for b in BUCKETS if till_keys.key_use(b) in found}

    def keep_call(self, uid: Uid, key: str, bucket: Bucket, number: int, call: KeyCall) -> None:
        place = till_keys.key_call(bucket, number % CALLS_KEPT)
        expires_at = (call.at + CALLS_KEPT_DAYS * DAY) // SECOND
        KeyCallRow(
            till_keys.key_uses(uid, key),
            place,
            at=call.at,
            method=call.method,
            route=call.route,
            status=call.status,
            error=call.error or None,
            phone=call.phone or None,
            expires_at=expires_at,
        ).save()

    def calls(self, uid: Uid, key: str) -> list[KeyCall]:
        rows = KeyCallRow.query_prefix(till_keys.key_uses(uid, key), till_keys.KEY_CALL_PREFIX)
        return list(readable(rows, _call_of))


def _key_row(key: ApiKey) -> ApiKeyRow:
    consent = key.captures_consent
    return ApiKeyRow(
        account_keys.account(key.uid),
        till_keys.api_key(key.id),
        name=key.name,
        platform=key.platform or None,
        salt=key.salt,
        digest=key.digest,
        created_at=key.created_at,
        created_by=key.created_by,
        consent_by=consent.by if consent else None,
        consent_at=consent.at if consent else None,
        store=key.store,
        ends_at=key.ends_at,
        replaced_by=key.replaced_by or None,
        version=key.version,
    )


def _key_of(uid: Uid, row: ApiKeyRow) -> ApiKey:
    consent = None
    if row.consent_by is not None and row.consent_at is not None:
        consent = SignedConsent(row.consent_by, int(row.consent_at))
    return ApiKey(
        uid=uid,
        id=row.sk.removeprefix(till_keys.API_KEY_PREFIX),
        name=row.name,
        platform=Platform(row.platform or ""),
        salt=row.salt,
        digest=row.digest,
        created_at=int(row.created_at),
        created_by=row.created_by,
        captures_consent=consent,
        store=None if row.store is None else int(row.store),
        ends_at=instant(row.ends_at),
        replaced_by=row.replaced_by or "",
        version=int(row.version),
    )


def _use_of(row: KeyUseRow) -> KeyUse:
    windows = CountedPeriods(
        CountedPeriod(int(row.second), int(row.in_second)),
        CountedPeriod(int(row.minute), int(row.in_minute)),
        CountedPeriod(int(row.hour), int(row.in_hour)),
    )
    return KeyUse(windows, int(row.calls), int(row.used_at))


def _call_of(row: KeyCallRow) -> KeyCall:
    return KeyCall(
        at=int(row.at),
        method=row.method,
        route=row.route,
        status=int(row.status),
        error=row.error or "",
        phone=row.phone or "",
    )
