"""Stores, store keys and mappings (product.md §4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from chalicelib.domain.errors import Conflict, InvalidInput, NotFound
from chalicelib.domain.mapping import MOST_KEYS_PER_STORE, suggest_store
from chalicelib.domain.times import is_zone
from chalicelib.domain.words import Uid
from chalicelib.services.job_messages import AFTER_THE_REQUEST_SECONDS, RemapMessage
from chalicelib.services.notifications.notify import Notifier
from chalicelib.services.ports.audit import Audit, AuditEntry
from chalicelib.services.ports.common import Clock, JobQueue
from chalicelib.services.ports.stores import Store, StoreKey, Stores

MOST_KEYS_AT_ONCE = 99
"""Those that come, stay and go; the store itself is the transaction's hundredth row."""

SUBJECT = "account"


@dataclass(frozen=True, slots=True)
class SuggestedKey:
    """A store key with the store it likely means; a person confirms."""

    key: StoreKey
    suggested_store: int | None


class StoreService:
    """`jobs`: the queue of background work over an account."""

    def __init__(
        self, stores: Stores, jobs: JobQueue, audit: Audit, notifier: Notifier, clock: Clock
    ) -> None:
        self._stores = stores
        self._jobs = jobs
        self._audit = audit
        self._notifier = notifier
        self._clock = clock

    def all(self, uid: Uid) -> list[Store]:
        return self._stores.for_account(uid)

    def get(self, uid: Uid, store: int) -> Store:
        """Raises NotFound."""
        return self._stores.get(uid, store)

    def create(self, uid: Uid, fields: Mapping[str, Any], *, actor: str) -> Store:
        """Give the store the account's next number. Raises InvalidInput for an unknown zone."""
        _check_zone(fields)
        store = self._stores.create(Store(uid=uid, id=0, **fields))
        self._record(uid, actor, "store.created", store, None, _shown(store))
        return store

    def change(
        self, uid: Uid, store: int, version: int, changes: Mapping[str, Any], *, actor: str
    ) -> Store:
        """Set the named fields of the store as it was at `version`.

        Raises NotFound, StaleVersion, InvalidInput.
        """
        _check_zone(changes)
        held = self._stores.get(uid, store)
        wanted = replace(held, **changes, version=version)
        if wanted.time_zone != held.time_zone:
            # Before the save, as with the account's: never a save without its job.
            self.zones_moved(uid, delay_seconds=AFTER_THE_REQUEST_SECONDS)
        saved = self._stores.save(wanted)
        before, after = _shown(held), _shown(saved)
        changed = [name for name in changes if before[name] != after[name]]
        if changed:
            self._record(
                uid,
                actor,
                "store.changed",
                saved,
                {name: before[name] for name in changed},
                {name: after[name] for name in changed},
            )
        return saved

    def keys(self, uid: Uid) -> list[SuggestedKey]:
        """Every store key ever seen, unmapped ones with a suggestion."""
        stores = self._stores.for_account(uid)
        return [
            SuggestedKey(key, suggest_store(key.name, stores) if key.store is None else None)
            for key in self._stores.keys(uid)
        ]

    def mapped_keys(self, uid: Uid, store: int) -> tuple[Store, list[StoreKey]]:
        """Raises NotFound."""
        held = self._stores.get(uid, store)
        return held, [key for key in self._stores.keys(uid) if key.store == store]

    def map_keys(
        self, uid: Uid, store: int, keys: Sequence[str], version: int, *, actor: str
    ) -> Store:
        """Make `keys` the store's mapping, all or nothing; past sales follow in the background.

        Raises NotFound for a store or key never seen, Conflict naming the store that has a key,
        StaleVersion, InvalidInput.
        """
        if len(set(keys)) > MOST_KEYS_PER_STORE:
            raise _too_many(f"at most {MOST_KEYS_PER_STORE} keys per store")
        held, before = self.mapped_keys(uid, store)
        if len({*keys, *(key.id for key in before)}) > MOST_KEYS_AT_ONCE:
            raise _too_many("too many come and go at once: save without some of the old ones first")
        saved = self._map(held, keys, version)
        before_ids = [key.id for key in before]
        # Also when nothing changed: saving again is the way to repeat a job that was not queued.
        self._jobs.send(RemapMessage(uid, reason=f"store {store} mapped").body())
        self.refresh_unmapped(uid)
        if set(before_ids) != set(keys):
            old: dict[str, object] = {"keys": sorted(before_ids)}
            new: dict[str, object] = {"keys": sorted(set(keys))}
            self._record(uid, actor, "store.mapped", saved, old, new)
        return saved

    def zones_moved(self, uid: Uid, *, delay_seconds: int = 0) -> None:
        """Local days changed, and with them who is a member and what is earned."""
        self._jobs.send(RemapMessage(uid, reason="zone").body(), delay_seconds=delay_seconds)

    def refresh_unmapped(self, uid: Uid) -> None:
        """Raise or clear the account's one notification of store keys without a store."""
        unmapped = [key for key in self._stores.keys(uid) if key.store is None]
        if not unmapped:
            self._notifier.clear(uid, "unmapped_stores", SUBJECT)
            return
        unmapped.sort(key=lambda key: (-key.sales, key.name))
        self._notifier.raise_(
            uid,
            "unmapped_stores",
            SUBJECT,
            names=[key.name for key in unmapped],
            sales=sum(key.sales for key in unmapped),
        )

    def _map(self, held: Store, keys: Sequence[str], version: int) -> Store:
        try:
            return self._stores.map_keys(held.uid, held.id, keys, version=version)
        except Conflict as error:
            raise self._taken(held.uid, error) from None
        except NotFound as error:
            key = error.details.get("store_key")
            raise NotFound(
                "There is no such store key: a key can be mapped once it was seen in the data.",
                store_key=key,
            ) from None

    def _taken(self, uid: Uid, error: Conflict) -> Conflict:
        number = error.details.get("store")
        if not isinstance(number, int):
            return error
        name = self._stores.get(uid, number).name
        return Conflict(
            f"This key is mapped to store {number}, {name}. Remove it there first.",
            **error.details,
        )

    def _record(
        self,
        uid: Uid,
        actor: str,
        action: str,
        store: Store,
        before: dict[str, object] | None,
        after: dict[str, object] | None,
    ) -> None:
        subject = f"store:{store.id}"
        entry = AuditEntry(self._clock.now(), actor, action, subject, before, after)
        self._audit.record(uid, entry)


def _shown(store: Store) -> dict[str, object]:
    shown = asdict(store)
    del shown["uid"], shown["version"]
    return shown


def _too_many(reason: str) -> InvalidInput:
    return InvalidInput(
        "Some fields cannot be taken; nothing was stored.",
        errors=[{"field": "keys", "reason": reason, "example": None}],
    )


def _check_zone(fields: Mapping[str, Any]) -> None:
    zone = fields.get("time_zone")
    if zone is not None and not is_zone(zone):
        fault = {
            "field": "time_zone",
            "reason": "not an IANA time zone",
            "example": "America/Los_Angeles",
        }
        raise InvalidInput("Some fields cannot be taken; nothing was stored.", errors=[fault])
