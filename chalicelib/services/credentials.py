"""Credentials: checked against the POS, stored sealed, changed and removed (product.md §3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import TypeVar

from chalicelib.domain.errors import Conflict, StaleVersion
from chalicelib.domain.integration_states import may_sync
from chalicelib.services.check import SECOND_CREDENTIAL, Checks, refuse_rejected
from chalicelib.services.credential_fields import (
    MARKET,
    secret_names,
    validated,
    validated_changes,
)
from chalicelib.services.history import history_start
from chalicelib.services.key_ring import KeyRing
from chalicelib.services.notify import Kind, Notifier
from chalicelib.services.ports.accounts import Accounts, Audit, AuditEntry
from chalicelib.services.ports.common import Clock, Ids
from chalicelib.services.ports.integrations import Credential, Credentials, Integrations
from chalicelib.services.ports.pos import CheckResult, PlatformInfo, PosGateway
from chalicelib.services.ports.runs import SyncControl
from chalicelib.services.ports.stores import StoreKeySighting, Stores

Value = TypeVar("Value")

MENDED_BY_A_NEW_KEY: tuple[Kind, ...] = ("key_rejected", "permission_missing", "server_unreachable")
OF_A_CREDENTIAL: tuple[Kind, ...] = (
    *MENDED_BY_A_NEW_KEY,
    "stale_source",
    "no_rows",
    "truncated_catalogue",
)


@dataclass(frozen=True, slots=True)
class CheckedCredential:
    """A stored credential, and what its check said; None when nothing had to be checked."""

    credential: Credential
    check: CheckResult | None


class CredentialService:
    def __init__(
        self,
        *,
        pos: PosGateway,
        integrations: Integrations,
        credentials: Credentials,
        stores: Stores,
        accounts: Accounts,
        key_ring: KeyRing,
        sync: SyncControl,
        audit: Audit,
        notifier: Notifier,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._pos = pos
        self._integrations = integrations
        self._credentials = credentials
        self._stores = stores
        self._accounts = accounts
        self._key_ring = key_ring
        self._sync = sync
        self._audit = audit
        self._notifier = notifier
        self._clock = clock
        self._ids = ids
        self._checks = Checks(pos, integrations, accounts)

    def get(self, uid: str, platform: str, credential: str) -> Credential:
        """Raises NotFound."""
        self._pos.platform(platform)
        return self._credentials.get(uid, platform, credential)

    def check(self, uid: str, platform: str, given: Mapping[str, str]) -> CheckResult:
        """Try the fields without storing them. Raises InvalidInput, and Conflict when frozen."""
        info = self._pos.platform(platform)
        return self._checks.ask(uid, platform, validated(info, given))

    def check_stored(self, uid: str, platform: str, credential: str) -> CheckResult:
        """Try a stored credential again. Raises NotFound, and Conflict when frozen."""
        held = self.get(uid, platform, credential)
        return self._checks.ask(uid, platform, self._together(held, {}), held.scope or None)

    def add(
        self,
        uid: str,
        platform: str,
        given: Mapping[str, str],
        history_from: date | None,
        *,
        actor: str,
    ) -> CheckedCredential:
        """Check and store a credential; on a connected integration its first sync starts at once.

        A key the POS rejects is not stored. Everything else is: an unreachable host may be up
        tomorrow, a missing permission is for the retailer to grant. Where the check could not tell
        what the key opens, the scope stays unknown until the worker's `learn_scope`.

        Raises InvalidInput; KeyRejected; Conflict when frozen, or when another live credential
        opens the same scope.
        """
        info = self._pos.platform(platform)
        fields = validated(info, given)
        account = self._accounts.get(uid)
        start = history_start(history_from, self._clock.now(), account.time_zone)
        result = self._checks.ask(uid, platform, fields)
        refuse_rejected(result)
        credential = self._new(uid, info, fields, start, result.scope or "")
        try:
            self._credentials.add(credential)
        except Conflict:
            raise self._second(info, credential) from None
        self._record(credential, actor, "credential.added", None)
        self._see_stores(credential, result)
        self._start_if_connected(credential)
        return CheckedCredential(self._credentials.get(uid, platform, credential.id), result)

    def change(
        self,
        uid: str,
        platform: str,
        credential: str,
        version: int,
        *,
        actor: str,
        given: Mapping[str, str] | None = None,
        history_from: date | None = None,
    ) -> CheckedCredential:
        """New secret, market, host or *History from* of a credential as it was at `version`.

        What could open something else is checked first; a new secret starts a stopped schedule
        again. Raises NotFound, StaleVersion, InvalidInput, KeyRejected; Conflict for an immutable
        field, a key of another scope, or a frozen source.
        """
        info = self._pos.platform(platform)
        held = self._credentials.get(uid, platform, credential)
        if held.version != version:
            raise StaleVersion("The credential was changed meanwhile.")
        changes = validated_changes(info, given or {}, held.fields)
        start = held.history_from
        if history_from is not None:
            zone = self._accounts.get(uid).time_zone
            start = history_start(history_from, self._clock.now(), zone)
        result = self._check_changes(info, held, changes)
        claimed = self._claim(info, held, result)
        changed = self._changed(info, claimed, changes)
        saved = self._credentials.save(replace(changed, history_from=start))
        self._record(saved, actor, "credential.changed", held)
        if result is not None:
            saved = self._go_on(saved, result)
        return CheckedCredential(saved, result)

    def remove(self, uid: str, platform: str, credential: str, *, actor: str) -> None:
        """Forget the secrets, free the scope, stop its syncs; what was pulled stays.

        Raises NotFound; StaleVersion when it was changed in the same moment.
        """
        held = self.get(uid, platform, credential)
        self._credentials.remove(held, self._clock.now())
        self._sync.request_stop(uid, platform, credential)
        for kind in OF_A_CREDENTIAL:
            self._notifier.clear(uid, kind, f"{platform}:{credential}")
        self._record(held, actor, "credential.removed", held, removed=True)

    def _check_changes(
        self, info: PlatformInfo, held: Credential, changes: Mapping[str, str]
    ) -> CheckResult | None:
        if not set(changes) - {MARKET}:
            return None
        fields = self._together(held, changes)
        result = self._checks.ask(held.uid, held.platform, fields, held.scope or None)
        refuse_rejected(result)
        if held.scope and result.scope and held.scope != result.scope:
            raise Conflict(
                f"This key opens another {info.credential_per}. Add it as a credential of its own.",
                scope=result.scope,
            )
        return result

    def _claim(
        self, info: PlatformInfo, held: Credential, result: CheckResult | None
    ) -> Credential:
        if held.scope or result is None or not result.scope:
            return held
        try:
            return self._credentials.claim_scope(held, result.scope)
        except Conflict:
            raise self._second(info, replace(held, scope=result.scope)) from None

    def _new(
        self, uid: str, info: PlatformInfo, fields: Mapping[str, str], start: int, scope: str
    ) -> Credential:
        credential_id = self._ids.new("crd")
        secret = secret_names(info)
        kept = self._key_ring.seal(
            uid, credential_id, {name: fields[name] for name in fields if name in secret}
        )
        return Credential(
            uid=uid,
            platform=info.platform,
            id=credential_id,
            scope=scope,
            fields={name: fields[name] for name in fields if name not in secret},
            sealed=kept.sealed,
            fingerprints=kept.fingerprints,
            last_four=kept.last_four,
            market=fields.get(MARKET),
            history_from=start,
            created_at=self._clock.now(),
            own_server=info.own_server,
        )

    def _changed(
        self, info: PlatformInfo, held: Credential, changes: Mapping[str, str]
    ) -> Credential:
        secret = secret_names(info)
        fresh = {name: value for name, value in changes.items() if name in secret and value}
        kept = self._key_ring.seal(held.uid, held.id, fresh)
        gone = {name for name, value in changes.items() if not value}
        opened = dict(held.fields) | {n: v for n, v in changes.items() if n not in secret}
        market = opened.get(MARKET) or None
        return replace(
            held,
            fields=_without(opened, gone),
            sealed=_without({**held.sealed, **kept.sealed}, gone),
            fingerprints=_without({**held.fingerprints, **kept.fingerprints}, gone),
            last_four=_without({**held.last_four, **kept.last_four}, gone),
            market=market,
        )

    def _together(self, held: Credential, changes: Mapping[str, str]) -> dict[str, str]:
        together = {**held.fields, **self._key_ring.secrets(held), **changes}
        return {name: value for name, value in together.items() if value}

    def _go_on(self, saved: Credential, result: CheckResult) -> Credential:
        self._see_stores(saved, result)
        self._credentials.resume(saved.uid, saved.platform, saved.id, None)
        if result.outcome == "ok":
            for kind in MENDED_BY_A_NEW_KEY:
                self._notifier.clear(saved.uid, kind, f"{saved.platform}:{saved.id}")
        self._start_if_connected(saved)
        return self._credentials.get(saved.uid, saved.platform, saved.id)

    def _start_if_connected(self, credential: Credential) -> None:
        """Due first, then queued: if queueing fails, the planner finds it."""
        uid, platform = credential.uid, credential.platform
        integration = self._integrations.get(uid, platform)
        if integration and may_sync(integration.state):
            self._credentials.resume(uid, platform, credential.id, self._clock.now())
            self._sync.start(uid, platform, credential.id, "connect")

    def _see_stores(self, credential: Credential, result: CheckResult) -> None:
        now = self._clock.now()
        sightings = [
            StoreKeySighting(
                credential.platform,
                credential.scope,
                fact.key,
                fact.name,
                now,
                time_zone=fact.time_zone,
            )
            for fact in result.stores
        ]
        if credential.scope and sightings:
            self._stores.see_keys(credential.uid, sightings)

    def _second(self, info: PlatformInfo, credential: Credential) -> Conflict:
        others = self._credentials.for_integration(credential.uid, credential.platform)
        holder = next((other.id for other in others if other.scope == credential.scope), None)
        return Conflict(
            SECOND_CREDENTIAL.format(per=info.credential_per),
            scope=credential.scope,
            credential=holder,
        )

    def _record(
        self,
        credential: Credential,
        actor: str,
        action: str,
        before: Credential | None,
        *,
        removed: bool = False,
    ) -> None:
        self._audit.record(
            credential.uid,
            AuditEntry(
                at=self._clock.now(),
                actor=actor,
                action=action,
                subject=f"{credential.platform}:{credential.id}",
                before=None if before is None else _shown(before),
                after=None if removed else _shown(credential),
            ),
        )


def _shown(credential: Credential) -> dict[str, object]:
    """What audit keeps: no secret, only its fingerprint."""
    return {
        "fields": dict(credential.fields),
        "fingerprints": dict(credential.fingerprints),
        "scope": credential.scope,
        "history_from": credential.history_from,
    }


def _without(values: Mapping[str, Value], gone: set[str]) -> dict[str, Value]:
    return {name: value for name, value in values.items() if name not in gone}
