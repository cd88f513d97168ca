"""Integrations and credentials in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from threading import Lock
from typing import TypeVar

from chalicelib.adapters.dynamo.keys.integration_keys import due_shard_number
from chalicelib.domain.errors import Conflict, NotFound, StaleVersion, TooManyCredentials
from chalicelib.domain.words import Instant
from chalicelib.services.ports.accounts import Accounts
from chalicelib.services.ports.integrations import (
    Credential,
    Credentials,
    DueCredential,
    Integration,
    Integrations,
)
from chalicelib.services.ports.runs import SyncSource

T = TypeVar("T")


class MemoryIntegrations:
    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Integration] = {}

    def get(self, uid: str, platform: str) -> Integration | None:
        return self.rows.get((uid, platform))

    def for_account(self, uid: str) -> list[Integration]:
        return [row for (owner, _), row in sorted(self.rows.items()) if owner == uid]

    def save(self, integration: Integration) -> Integration:
        held = self.rows.get((integration.uid, integration.platform))
        if (held.version if held else 0) != integration.version:
            raise StaleVersion("the integration was changed meanwhile")
        saved = replace(integration, version=integration.version + 1)
        self.rows[integration.uid, integration.platform] = saved
        return saved


def _key(credential: Credential) -> tuple[str, str, str]:
    return credential.uid, credential.platform, credential.id


class MemoryCredentials:
    """Removed rows stay in `rows`, as in the table."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str, str], Credential] = {}
        self.scopes: dict[tuple[str, str, str], str] = {}
        self.leases: dict[tuple[str, str, str], Instant] = {}
        """Until when somebody renews a credential's tokens."""
        self._at_once = Lock()

    def get(self, uid: str, platform: str, credential: str) -> Credential:
        row = self.rows.get((uid, platform, credential))
        if row is None or row.removed_at is not None:
            raise NotFound("there is no such credential")
        return row

    def for_integration(self, uid: str, platform: str) -> list[Credential]:
        return [
            row
            for key, row in sorted(self.rows.items())
            if key[:2] == (uid, platform) and row.removed_at is None
        ]

    def removed_scopes(self, uid: str, platform: str) -> set[str]:
        rows = [row for key, row in self.rows.items() if key[:2] == (uid, platform)]
        live = {row.scope for row in rows if row.removed_at is None}
        return {row.scope for row in rows} - live - {""}

    def add(self, credential: Credential, most: int = 300) -> None:
        live = [row for row in self.rows.values() if row.uid == credential.uid]
        if sum(row.removed_at is None for row in live) >= most:
            raise TooManyCredentials("remove one first")
        self._claim(credential, credential.scope)
        self._put(replace(credential, version=1))

    def claim_scope(self, credential: Credential, scope: str) -> Credential:
        row = self._at_version(credential)
        if row.scope not in ("", scope):
            raise Conflict("the credential already opens another scope")
        self._claim(row, scope)
        return self._put(replace(row, scope=scope, version=row.version + 1))

    def save(self, credential: Credential, tokens: tuple[bytes, ...] | None = None) -> Credential:
        row = self._at_version(credential)
        if tokens is not None:
            row = replace(row, tokens=tokens, tokens_version=row.tokens_version + 1)
            self.leases.pop(_key(row), None)
        return self._put(
            replace(
                row,
                fields=credential.fields,
                sealed=credential.sealed,
                fingerprints=credential.fingerprints,
                last_four=credential.last_four,
                market=credential.market,
                history_from=credential.history_from,
                trust=credential.trust,
                version=row.version + 1,
            )
        )

    def lease_tokens(self, credential: Credential, now: Instant, until: Instant) -> bool:
        with self._at_once:
            is_free = self.leases.get(_key(credential), now) <= now
            if is_free and (has_same := self._has_same_tokens(credential)):
                self.leases[_key(credential)] = until
            return is_free and has_same

    def keep_tokens(self, credential: Credential, tokens: tuple[bytes, ...]) -> bool:
        with self._at_once:
            if not self._has_same_tokens(credential):
                return False
            row = self.rows[_key(credential)]
            self._put(replace(row, tokens=tokens, tokens_version=row.tokens_version + 1))
            self.leases.pop(_key(credential), None)
            return True

    def release_tokens(self, credential: Credential) -> None:
        if self._has_same_tokens(credential):
            self.leases.pop(_key(credential), None)

    def _has_same_tokens(self, credential: Credential) -> bool:
        row = self.rows.get(_key(credential))
        live = row is not None and row.removed_at is None
        return live and row.tokens_version == credential.tokens_version

    def resume(self, uid: str, platform: str, credential: str, at: Instant | None) -> None:
        row = self.get(uid, platform, credential)
        self._put(replace(row, failures_in_a_row=0, last_error=None, stopped=None, next_sync_at=at))

    def remove(self, credential: Credential, at: Instant) -> None:
        row = self._at_version(credential)
        self.scopes.pop((row.uid, row.platform, row.scope), None)
        self._put(
            replace(
                row,
                sealed={},
                tokens=(),
                removed_at=at,
                next_sync_at=None,
                version=row.version + 1,
            )
        )

    def set_due(self, uid: str, platform: str, credential: str, at: Instant | None) -> None:
        self._put(replace(self.get(uid, platform, credential), next_sync_at=at))

    def record_run(
        self,
        uid: str,
        platform: str,
        credential: str,
        *,
        run_id: str,
        good_at: Instant | None,
        error: str | None,
        failures_in_a_row: int,
        stopped: str | None,
        next_sync_at: Instant | None,
        shopper_at: Instant | None = None,
    ) -> None:
        row = self.rows.get((uid, platform, credential))
        if row is None or row.removed_at is not None:
            return
        self._put(
            replace(
                row,
                last_run_id=run_id,
                last_good_run_at=good_at if good_at is not None else row.last_good_run_at,
                last_error=error,
                failures_in_a_row=failures_in_a_row,
                stopped=stopped,
                next_sync_at=next_sync_at,
                last_shopper_at=shopper_at if shopper_at is not None else row.last_shopper_at,
            )
        )

    def due(self, shard: int, until: Instant, limit: int) -> list[DueCredential]:
        due = [
            DueCredential(row.uid, row.platform, row.id, row.next_sync_at, row.own_server)
            for row in self.rows.values()
            if due_shard_number(row.id) == shard
            and row.next_sync_at is not None
            and row.next_sync_at <= until
        ]
        return sorted(due, key=lambda found: found.due_at)[:limit]

    def claim_due(self, due: DueCredential, next_at: Instant) -> bool:
        row = self.rows.get((due.uid, due.platform, due.credential))
        if row is None or row.next_sync_at != due.due_at:
            return False
        self._put(replace(row, next_sync_at=next_at))
        return True

    def _claim(self, credential: Credential, scope: str) -> None:
        if not scope:
            return
        key = (credential.uid, credential.platform, scope)
        if self.scopes.setdefault(key, credential.id) != credential.id:
            raise Conflict("another live credential opens the same scope")

    def _at_version(self, credential: Credential) -> Credential:
        row = self.get(credential.uid, credential.platform, credential.id)
        if row.version != credential.version:
            raise StaleVersion("the credential was changed meanwhile")
        return row

    def _put(self, row: Credential) -> Credential:
        self.rows[row.uid, row.platform, row.id] = row
        return row


class MemorySources:
    """The `Sources` port over the memory of others."""

    def __init__(
        self, accounts: Accounts, integrations: Integrations, credentials: Credentials
    ) -> None:
        self.ports = accounts, integrations, credentials

    def read(self, uid: str, platform: str, credential: str) -> SyncSource:
        accounts, integrations, credentials = self.ports
        return SyncSource(
            _found(lambda: accounts.get(uid)),
            integrations.get(uid, platform),
            _found(lambda: credentials.get(uid, platform, credential)),
        )


def _found(read: Callable[[], T]) -> T | None:
    try:
        return read()
    except NotFound:
        return None
