"""Stores, store keys and mappings in DynamoDB (docs/reference/design.md, table `stores`)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.dynamo.base import (
    Row,
    bind,
    failed_conditions,
    first_page,
    instant,
    put_if,
    transact,
    update_if,
)
from chalicelib.adapters.dynamo.batch import SIDE_BY_SIDE, together
from chalicelib.adapters.dynamo.keys import account_keys, store_row_keys
from chalicelib.adapters.dynamo.positions import checked_position
from chalicelib.adapters.dynamo.readable import readable
from chalicelib.domain.errors import AiqError, Conflict, NotFound, StaleVersion
from chalicelib.domain.ids import store_key_id
from chalicelib.domain.words import Instant, Uid
from chalicelib.services.ports.stores import (
    Store,
    StoreKey,
    StoreKeySighting,
    StoreLookup,
    store_lookup_of,
)

KEY_ID = re.compile(r"[a-z]+:.+", re.DOTALL)
"""The form of `domain.ids.store_key_id`."""


class StoreRow(Row):
    name = UnicodeAttribute()
    nickname = UnicodeAttribute()
    address = UnicodeAttribute()
    state = UnicodeAttribute()
    country = UnicodeAttribute()
    time_zone = UnicodeAttribute(null=True)
    phone = UnicodeAttribute()
    version = NumberAttribute()


class CounterRow(Row):
    last = NumberAttribute()


class StoreKeyRow(Row):
    """`name` and `store` are absent while unknown."""

    platform = UnicodeAttribute()
    scope = UnicodeAttribute()
    key = UnicodeAttribute()
    name = UnicodeAttribute(null=True)
    first_seen = NumberAttribute()
    last_seen = NumberAttribute()
    sales = NumberAttribute()
    time_zone = UnicodeAttribute(null=True)
    store = NumberAttribute(null=True)


class StoreLookupRow(Row):
    """The attributes of a store or store key that derivation reads."""

    state = UnicodeAttribute(null=True)
    time_zone = UnicodeAttribute(null=True)
    store = NumberAttribute(null=True)


class DynamoStores:
    """The `Stores` port."""

    def __init__(self, table: str) -> None:
        bind(table, StoreRow, CounterRow, StoreKeyRow, StoreLookupRow)

    def create(self, store: Store) -> Store:
        counter = CounterRow(account_keys.account(store.uid), store_row_keys.STORE_COUNTER_SK)
        counter.update(actions=[CounterRow.last.add(1)])
        created = replace(store, id=int(counter.last), version=1)
        _store_row(created).save(StoreRow.pk.does_not_exist())
        return created

    def get(self, uid: Uid, store: int) -> Store:
        row = StoreRow.find(account_keys.account(uid), store_row_keys.store(store))
        if row is None:
            raise NotFound("There is no such store.")
        return _store(row)

    def for_account(self, uid: Uid) -> list[Store]:
        rows = StoreRow.query_prefix(account_keys.account(uid), store_row_keys.STORE_PREFIX)
        return list(readable(rows, _store))

    def save(self, store: Store) -> Store:
        saved = replace(store, version=store.version + 1)
        if not put_if(_store_row(saved), StoreRow.version == store.version):
            self.get(store.uid, store.id)
            raise StaleVersion("The store was changed meanwhile.")
        return saved

    def keys(self, uid: Uid) -> list[StoreKey]:
        return list(readable(_key_rows(uid), _store_key))

    def keys_of(self, uid: Uid, store: int | None) -> list[StoreKey]:
        mapped = StoreKeyRow.store
        condition = mapped.does_not_exist() if store is None else mapped == store
        return list(readable(_key_rows(uid, condition), _store_key))

    def key_page(
        self, uid: Uid, limit: int, after: str | None
    ) -> tuple[list[StoreKey], str | None]:
        """A position is the id of the page's last key."""
        pk, start = account_keys.account(uid), None
        if after is not None:
            last_key = store_row_keys.store_key(checked_position(after, KEY_ID))
            start = {"pk": {"S": pk}, "sk": {"S": last_key}}
        rows = StoreKeyRow.query(
            pk,
            StoreKeyRow.sk.startswith(store_row_keys.STORE_KEY_PREFIX),
            page_size=limit + 1,
            last_evaluated_key=start,
            consistent_read=True,
        )
        page, last = first_page(rows, limit)
        position = last and last.removeprefix(store_row_keys.STORE_KEY_PREFIX)
        return list(readable(page, _store_key)), position

    def see_keys(self, uid: Uid, sightings: Iterable[StoreKeySighting]) -> None:
        """One write per key, unless sightings arrive out of order: then up to five."""
        merged: dict[str, _MergedSighting] = {}
        for sighting in sightings:
            key_id = store_key_id(sighting.platform, sighting.scope, sighting.key)
            merged.setdefault(key_id, _MergedSighting(sighting)).add(sighting)

        def record(key_id: str) -> None:
            row = StoreKeyRow(account_keys.account(uid), store_row_keys.store_key(key_id))
            _record_sighting(row, merged[key_id])

        if len(merged) <= SIDE_BY_SIDE:
            for key_id in merged:
                record(key_id)
            return
        # Some sources have thousands, and a run that ends has a minute.
        ids = sorted(merged)
        for start in range(0, len(ids), SIDE_BY_SIDE):
            together(record, ids[start : start + SIDE_BY_SIDE])

    def mapping(self, uid: Uid) -> Mapping[str, int]:
        mapped = _key_rows(uid, StoreKeyRow.store.exists())
        return {_key_id(row): int(row.store) for row in mapped if row.store is not None}

    def lookup(self, uid: Uid) -> StoreLookup:
        """One query: stores and store keys lie side by side under their account."""
        rows = StoreLookupRow.query_prefix(
            account_keys.account(uid), store_row_keys.ANY_STORE_PREFIX
        )
        of_stores: dict[int, str | None] = {}
        states: dict[int, str] = {}
        of_keys: list[tuple[str, int | None, str | None]] = []

        def add(row: StoreLookupRow) -> None:
            if row.sk.startswith(store_row_keys.STORE_PREFIX):
                store = int(row.sk.removeprefix(store_row_keys.STORE_PREFIX))
                of_stores[store] = row.time_zone
                if row.state:
                    states[store] = row.state
            else:
                key = row.sk.removeprefix(store_row_keys.STORE_KEY_PREFIX)
                of_keys.append((key, instant(row.store), row.time_zone))

        for _ in readable(rows, add):
            pass
        return store_lookup_of(of_stores, of_keys, states)

    def map_keys(self, uid: Uid, store: int, keys: Iterable[str], *, version: int) -> Store:
        """One transaction: the store's version guards the set of its keys, and each key its store.

        DynamoDB takes 100 rows in one; `services.stores` bounds the keys of a store below that.
        """
        wanted = sorted(set(keys))
        unwanted = sorted({key.id for key in self.keys_of(uid, store)} - set(wanted))

        def writes(transaction: TransactWrite) -> None:
            transaction.update(
                _store_at(uid, store),
                actions=[StoreRow.version.set(version + 1)],
                condition=StoreRow.version == version,
            )
            for key in wanted:
                free = StoreKeyRow.store.does_not_exist() | (StoreKeyRow.store == store)
                transaction.update(
                    _key_at(uid, key),
                    actions=[StoreKeyRow.store.set(store)],
                    condition=StoreKeyRow.first_seen.exists() & free,
                )
            for key in unwanted:
                transaction.update(
                    _key_at(uid, key),
                    actions=[StoreKeyRow.store.remove()],
                    condition=StoreKeyRow.store == store,
                )

        try:
            transact(writes)
        except TransactWriteError as error:
            raise self._refusal(uid, store, wanted, failed_conditions(error)) from None
        return self.get(uid, store)

    def map_many(
        self,
        uid: Uid,
        wanted: Mapping[str, int | None],
        held: Mapping[str, int],
        versions: Mapping[int, int],
    ) -> None:
        """One transaction, as `map_keys`: at most 100 stores and keys."""
        stores, changed = sorted(versions), sorted(wanted)

        def writes(transaction: TransactWrite) -> None:
            for store in stores:
                transaction.update(
                    _store_at(uid, store),
                    actions=[StoreRow.version.set(versions[store] + 1)],
                    condition=StoreRow.version == versions[store],
                )
            for key in changed:
                transaction.update(_key_at(uid, key), *_mapped(wanted[key], held.get(key)))

        try:
            transact(writes)
        except TransactWriteError as error:
            failed = failed_conditions(error)
            raise self._refusal_of_many(uid, stores, wanted, failed) from None

    def _refusal_of_many(
        self,
        uid: Uid,
        stores: Sequence[int],
        wanted: Mapping[str, int | None],
        failed: Sequence[object],
    ) -> AiqError:
        """Return why DynamoDB refused mappings: the first store at fault, else the first key."""
        for store, reason in zip(stores, failed, strict=False):
            if reason is not None:
                self.get(uid, store)
                return StaleVersion("A store was changed meanwhile.", store=store)
        for key, reason in zip(sorted(wanted), failed[len(stores) :], strict=False):
            if reason is not None and wanted[key] is not None:
                row = StoreKeyRow.find(account_keys.account(uid), store_row_keys.store_key(key))
                if row is None:
                    return NotFound("There is no such store key.", store_key=key)
                if row.store is not None and row.store != wanted[key]:
                    message = "The store key is mapped to another store."
                    return Conflict(message, store_key=key, store=int(row.store))
        return StaleVersion("A mapping was changed meanwhile.")

    def _refusal(
        self, uid: Uid, store: int, wanted: list[str], failed: Sequence[object]
    ) -> AiqError:
        """Return why DynamoDB refused a mapping: its store, or the first key at fault."""
        if failed[0] is not None:
            self.get(uid, store)
            return StaleVersion("The store was changed meanwhile.")
        for key, reason in zip(wanted, failed[1:], strict=False):
            if reason is None:
                continue
            row = StoreKeyRow.find(account_keys.account(uid), store_row_keys.store_key(key))
            if row is None:
                return NotFound("There is no such store key.", store_key=key)
            owner = row.store
            if owner is not None and owner != store:
                message = "The store key is mapped to another store."
                return Conflict(message, store_key=key, store=int(owner))
        return StaleVersion("The store's mapping was changed meanwhile.")


class _MergedSighting:
    """All sightings of one store key in a call, merged."""

    def __init__(self, first: StoreKeySighting) -> None:
        self.platform, self.scope, self.key = first.platform, first.scope, first.key
        self.earliest: Instant = first.at
        self.latest: Instant = first.at
        self.sales = 0
        self.name: str | None = None
        self.time_zone: str | None = None

    def add(self, sighting: StoreKeySighting) -> None:
        self.earliest = min(self.earliest, sighting.at)
        self.latest = max(self.latest, sighting.at)
        self.sales = max(self.sales, sighting.sales)
        self.name = sighting.name or self.name
        self.time_zone = sighting.time_zone or self.time_zone

    def set_names(self) -> list[Action]:
        """Return the actions that are right whatever was seen before."""
        actions: list[Action] = [
            StoreKeyRow.platform.set(self.platform),
            StoreKeyRow.scope.set(self.scope),
            StoreKeyRow.key.set(self.key),
        ]
        if self.name:
            actions.append(StoreKeyRow.name.set(self.name))
        if self.time_zone:
            actions.append(StoreKeyRow.time_zone.set(self.time_zone))
        return actions


def _record_sighting(row: StoreKeyRow, seen: _MergedSighting) -> None:
    first, last, sales = StoreKeyRow.first_seen, StoreKeyRow.last_seen, StoreKeyRow.sales
    in_order = (first <= seen.earliest) & (last <= seen.latest)
    set_counts = [first.set(first | seen.earliest), last.set(seen.latest), sales.set(sales | 0)]
    if seen.sales:
        in_order &= sales <= seen.sales
        set_counts[-1] = sales.set(seen.sales)
    if update_if(row, [*seen.set_names(), *set_counts], first.does_not_exist() | in_order):
        return
    update_if(row, seen.set_names(), None)
    update_if(row, [first.set(seen.earliest)], first > seen.earliest)
    update_if(row, [last.set(seen.latest)], last < seen.latest)
    update_if(row, [sales.set(seen.sales)], sales < seen.sales)


def _store_at(uid: Uid, store: int) -> StoreRow:
    return StoreRow(account_keys.account(uid), store_row_keys.store(store))


def _key_at(uid: Uid, key: str) -> StoreKeyRow:
    return StoreKeyRow(account_keys.account(uid), store_row_keys.store_key(key))


def _mapped(store: int | None, held: int | None) -> tuple[list[Action], Condition]:
    """Return the update that gives a key its store, or takes `held` from it, and its condition."""
    if store is None:
        return [StoreKeyRow.store.remove()], StoreKeyRow.store == held
    free = StoreKeyRow.store.does_not_exist() | (StoreKeyRow.store == store)
    return [StoreKeyRow.store.set(store)], StoreKeyRow.first_seen.exists() & free


def _key_id(row: StoreKeyRow) -> str:
    return row.sk.removeprefix(store_row_keys.STORE_KEY_PREFIX)


def _store_row(store: Store) -> StoreRow:
    return StoreRow.of(store, account_keys.account(store.uid), store_row_keys.store(store.id))


def _store(row: StoreRow) -> Store:
    return row.as_fact(
        Store,
        uid=account_keys.account_of(row.pk),
        id=int(row.sk.removeprefix(store_row_keys.STORE_PREFIX)),
    )


def _key_rows(uid: Uid, condition: Condition | None = None) -> Iterator[StoreKeyRow]:
    return StoreKeyRow.query_prefix(
        account_keys.account(uid), store_row_keys.STORE_KEY_PREFIX, condition
    )


def _store_key(row: StoreKeyRow) -> StoreKey:
    return row.as_fact(
        StoreKey, uid=account_keys.account_of(row.pk), id=_key_id(row), name=row.name or row.key
    )
