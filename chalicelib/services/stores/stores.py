"""Stores, store keys and mappings (product.md §4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

from chalicelib.domain.errors import Conflict, InvalidInput, NotFound, field_fault, invalid_fields
from chalicelib.domain.mapping import MOST_KEYS_PER_STORE, suggest_store
from chalicelib.domain.words import Uid
from chalicelib.services.accounts.time_zones import check_time_zone
from chalicelib.services.derivation.rederive import Rederivations
from chalicelib.services.job_messages.account_jobs import RemapMessage
from chalicelib.services.job_messages.base import AFTER_THE_REQUEST_SECONDS
from chalicelib.services.notifications.notify import Notifier
from chalicelib.services.ports.audit import Audit, AuditEntry, changed_fields
from chalicelib.services.ports.changes import Job
from chalicelib.services.ports.common import Clock, JobQueue
from chalicelib.services.ports.stores import Store, StoreKey, Stores

MOST_KEYS_AT_ONCE = 99
"""Keys added, kept and removed by one save; the store is the transaction's hundredth row."""

SUBJECT = "account"
"""The subject of the notification of store keys without a store."""


@dataclass(frozen=True, slots=True)
class SuggestedKey:
    """A store key with the store it likely means; a person confirms."""

    key: StoreKey
    suggested_store: int | None


@dataclass(frozen=True, slots=True)
class StoreService:
    """Creates and changes stores, and maps store keys to them.

    `jobs`: the queue of background work over an account.
    """

    stores: Stores
    jobs: JobQueue
    audit: Audit
    notifier: Notifier
    clock: Clock
    rederivations: Rederivations

    def create(self, uid: Uid, fields: Mapping[str, Any], *, actor: str) -> Store:
        """Create a store with the account's next id. Raises InvalidInput for an unknown zone."""
        _check_zone(fields)
        store = self.stores.create(Store(uid=uid, id=0, **fields))
        self._record(actor, "store.created", store, None, _audited_fields(store))
        return store

    def change(
        self, uid: Uid, store: int, version: int, changes: Mapping[str, Any], *, actor: str
    ) -> Store:
        """Set the named fields of the store as it was at `version`.

        Raises NotFound, StaleVersion, InvalidInput.
        """
        _check_zone(changes)
        before = self.stores.get(uid, store)
        wanted = replace(before, **changes, version=version)
        if (wanted.time_zone, wanted.state) != (before.time_zone, before.state):
            # Before the save, as with the account's: never a save without its job. The state
            # decides in which market its shoppers are.
            self.queue_remap(uid, delay_seconds=AFTER_THE_REQUEST_SECONDS)
        saved = self.stores.save(wanted)
        was, now = changed_fields(_audited_fields(before), _audited_fields(saved), changes)
        if now:
            self._record(actor, "store.changed", saved, was, now)
        return saved

    def key_page(
        self, uid: Uid, limit: int, after: str | None
    ) -> tuple[list[SuggestedKey], str | None]:
        """Return one page of the store keys ever seen, each unmapped one with the store it likely
        means, and the position that continues the list. Raises BadPosition."""
        page, position = self.stores.key_page(uid, limit, after)
        return self._suggested(uid, page), position

    def keys(self, uid: Uid) -> list[SuggestedKey]:
        """Return every store key, as `key_page` does; a request has no time for thousands."""
        return self._suggested(uid, self.stores.keys(uid))

    def _suggested(self, uid: Uid, keys: Sequence[StoreKey]) -> list[SuggestedKey]:
        stores = self.stores.for_account(uid)
        return [
            SuggestedKey(key, suggest_store(key.name, stores) if key.store is None else None)
            for key in keys
        ]

    def mapped_keys(self, uid: Uid, store: int) -> tuple[Store, list[StoreKey]]:
        """Return the store with the keys that are mapped to it. Raises NotFound."""
        row = self.stores.get(uid, store)
        return row, self.stores.keys_of(uid, store)

    def map_keys(
        self, uid: Uid, store: int, keys: Sequence[str], version: int, *, actor: str
    ) -> Job:
        """Make `keys` the store's mapping, all or nothing; return the work on past sales.

        Raises NotFound for a store or key never seen, Conflict naming the store that has a key,
        StaleVersion, InvalidInput.
        """
        if len(set(keys)) > MOST_KEYS_PER_STORE:
            raise _too_many(f"at most {MOST_KEYS_PER_STORE} keys per store")
        row, mapped = self.mapped_keys(uid, store)
        before = {key.id for key in mapped}
        if len(before | set(keys)) > MOST_KEYS_AT_ONCE:
            raise _too_many("too many come and go at once: save without some of the old ones first")
        self._save_mapping(row, keys, version)
        # Also when nothing changed: saving again is the way to repeat a job that was not queued.
        job = self.rederivations.queue(uid, f"store:{store}", actor=actor)
        self.refresh_unmapped(uid)
        self._record_mapping(uid, store, before, set(keys), actor)
        return job

    def map_many(
        self,
        uid: Uid,
        items: Sequence[tuple[str, int | None]],
        versions: Mapping[int, int],
        *,
        actor: str,
    ) -> tuple[list[Store], Job]:
        """Map these keys, or take them from their store (None), all or nothing; the others stay.

        `versions`: of every store that gains or loses a key. Returns those stores, and the work on
        past sales. Raises InvalidInput; NotFound, Conflict and StaleVersion as `map_keys`.
        """
        wanted = dict(items)
        if len(wanted) != len(items):
            raise invalid_fields(field_fault("items", "each key once"))
        mapping = self.stores.mapping(uid)
        changed = {key: store for key, store in wanted.items() if mapping.get(key) != store}
        held = {key: mapping[key] for key, store in changed.items() if store is None}
        touched = sorted({store for store in (*changed.values(), *held.values()) if store})
        before = {store: {k for k, s in mapping.items() if s == store} for store in touched}
        after = {
            store: (before[store] - held.keys()) | {k for k, s in changed.items() if s == store}
            for store in touched
        }
        _check_many(changed, after, versions)
        if changed:
            with self._naming_holders(uid):
                current = {store: versions[store] for store in touched}
                self.stores.map_many(uid, changed, held, current)
        job = self.rederivations.queue(uid, "stores", actor=actor)
        self.refresh_unmapped(uid)
        for store in touched:
            self._record_mapping(uid, store, before[store], after[store], actor)
        return [self.stores.get(uid, store) for store in touched], job

    def queue_remap(self, uid: Uid, *, delay_seconds: int = 0) -> None:
        """Queue a new derivation of the account after a zone changed: its sales get other local
        days, and with them who is a member and what is earned."""
        self.jobs.send(RemapMessage(uid, reason="zone").body(), delay_seconds=delay_seconds)

    def refresh_unmapped(self, uid: Uid) -> None:
        """Raise the account's one notification of store keys without a store, or clear it."""
        unmapped = self.stores.keys_of(uid, None)
        if not unmapped:
            self.notifier.clear(uid, "unmapped_stores", SUBJECT)
            return
        unmapped.sort(key=lambda key: (-key.sales, key.name))
        self.notifier.raise_(
            uid,
            "unmapped_stores",
            SUBJECT,
            names=[key.name for key in unmapped],
            sales=sum(key.sales for key in unmapped),
        )

    def _save_mapping(self, store: Store, keys: Sequence[str], version: int) -> None:
        with self._naming_holders(store.uid):
            self.stores.map_keys(store.uid, store.id, keys, version=version)

    @contextmanager
    def _naming_holders(self, uid: Uid) -> Iterator[None]:
        """Say of a refused mapping which store has the key, by its name."""
        try:
            yield
        except Conflict as error:
            raise self._key_conflict(uid, error) from None
        except NotFound as error:
            key = error.details.get("store_key")
            if key is None:
                raise
            raise NotFound(
                "There is no such store key: a key can be mapped once it was seen in the data.",
                store_key=key,
            ) from None

    def _key_conflict(self, uid: Uid, error: Conflict) -> Conflict:
        """Return the conflict with the name of the store that has the key."""
        number = error.details.get("store")
        if not isinstance(number, int):
            return error
        name = self.stores.get(uid, number).name
        return Conflict(
            f"This key is mapped to store {number}, {name}. Remove it there first.",
            **error.details,
        )

    def _record_mapping(
        self, uid: Uid, store: int, before: AbstractSet[str], after: AbstractSet[str], actor: str
    ) -> None:
        if before != after:
            old: dict[str, object] = {"keys": sorted(before)}
            new: dict[str, object] = {"keys": sorted(after)}
            entry = AuditEntry(self.clock.now(), actor, "store.mapped", f"store:{store}", old, new)
            self.audit.record(uid, entry)

    def _record(
        self,
        actor: str,
        action: str,
        store: Store,
        before: dict[str, object] | None,
        after: dict[str, object] | None,
    ) -> None:
        subject = f"store:{store.id}"
        entry = AuditEntry(self.clock.now(), actor, action, subject, before, after)
        self.audit.record(store.uid, entry)


def _audited_fields(store: Store) -> dict[str, object]:
    fields = asdict(store)
    del fields["uid"], fields["version"]
    return fields


def _check_many(
    changed: Mapping[str, int | None],
    after: Mapping[int, AbstractSet[str]],
    versions: Mapping[int, int],
) -> None:
    """Raises InvalidInput for mappings that one transaction cannot take, or without a version.

    `after`: the keys of each store that gains or loses one.
    """
    for store, keys in after.items():
        if store not in versions:
            raise invalid_fields(field_fault("versions", f"give the version of store {store}"))
        if len(keys) > MOST_KEYS_PER_STORE:
            reason = f"at most {MOST_KEYS_PER_STORE} keys per store"
            raise invalid_fields(field_fault("items", reason))
    if len(after) + len(changed) > MOST_KEYS_AT_ONCE + 1:
        raise invalid_fields(field_fault("items", "too many at once: save fewer"))


def _too_many(reason: str) -> InvalidInput:
    return invalid_fields(field_fault("keys", reason))


def _check_zone(fields: Mapping[str, Any]) -> None:
    if fields.get("time_zone") is not None:
        check_time_zone(fields["time_zone"])
