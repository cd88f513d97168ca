"""Credentials: checked against the POS, stored sealed, changed and removed (product.md §3)."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import date
from types import MappingProxyType

from chalicelib.domain.errors import Conflict, StaleVersion
from chalicelib.domain.integration_states import may_sync
from chalicelib.domain.words import CredentialId, Platform, ScopeId, Uid
from chalicelib.services.credentials.check import SECOND_CREDENTIAL, Checks, refuse_rejected
from chalicelib.services.credentials.fields import MARKET, validated, validated_changes
from chalicelib.services.credentials.history_from import history_start
from chalicelib.services.credentials.host_trust import said, settle, settled
from chalicelib.services.credentials.key_ring import KeyRing
from chalicelib.services.credentials.sealing import Sealer
from chalicelib.services.notifications.notify import Kind, Notifier
from chalicelib.services.ports.accounts import Accounts
from chalicelib.services.ports.audit import Audit, AuditEntry
from chalicelib.services.ports.common import Clock, Ids
from chalicelib.services.ports.integrations import Credential, Credentials, Integrations
from chalicelib.services.ports.pos import CheckResult, HostTrust, PlatformInfo, PosGateway
from chalicelib.services.ports.runs import SyncControl
from chalicelib.services.ports.stores import StoreKeySighting, Stores

NOTHING_SAID: Mapping[str, bool] = MappingProxyType({})

MENDED_BY_A_NEW_KEY: tuple[Kind, ...] = (
    "key_rejected",
    "permission_missing",
    "server_unreachable",
    "server_untrusted",
)
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
        self._sync = sync
        self._audit = audit
        self._notifier = notifier
        self._clock = clock
        self._sealer = Sealer(key_ring, ids, clock)
        self._checks = Checks(pos, integrations, accounts)

    def get(self, uid: Uid, platform: Platform, credential: CredentialId) -> Credential:
        """Raises NotFound."""
        self._pos.platform(platform)
        return self._credentials.get(uid, platform, credential)

    def check(
        self,
        uid: Uid,
        platform: Platform,
        given: Mapping[str, str],
        trust: Mapping[str, bool] = NOTHING_SAID,
    ) -> CheckResult:
        """Try the fields without storing them.

        Raises InvalidInput, HostRefused, and Conflict when frozen.
        """
        info = self._pos.platform(platform)
        fields = validated(info, given)
        return self._checks.ask(uid, platform, fields, trust=said(info, HostTrust(), trust))

    def check_stored(self, uid: Uid, platform: Platform, credential: CredentialId) -> CheckResult:
        """Try a stored credential again; a certificate it may accept is pinned.

        Raises NotFound, HostRefused, and Conflict when frozen.
        """
        held = self.get(uid, platform, credential)
        fields = self._sealer.together(held, {})
        result = self._checks.ask(uid, platform, fields, held.scope or None, held.trust)
        with suppress(StaleVersion):
            settle(self._credentials, held, result)
        return result

    def add(
        self,
        uid: Uid,
        platform: Platform,
        given: Mapping[str, str],
        history_from: date | None,
        *,
        actor: str,
        trust: Mapping[str, bool] = NOTHING_SAID,
    ) -> CheckedCredential:
        """Check and store a credential; on a connected integration its first sync starts at once.

        A key the POS rejects is not stored. Everything else is: an unreachable host may be up
        tomorrow, a missing permission is for the retailer to grant. Where the check could not tell
        what the key opens, the scope stays unknown until the worker's `learn_scope`. `trust`: see
        `host_trust.said`.

        Raises InvalidInput; HostRefused; KeyRejected; Conflict when frozen, or when another live
        credential opens the same scope.
        """
        info = self._pos.platform(platform)
        fields = validated(info, given)
        account = self._accounts.get(uid)
        start = history_start(history_from, self._clock.now(), account.time_zone)
        trusted = said(info, HostTrust(), trust)
        result = self._checks.ask(uid, platform, fields, trust=trusted)
        refuse_rejected(result)
        credential = self._sealer.new(uid, info, fields, start, result.scope or ScopeId(""))
        credential = replace(credential, trust=settled(trusted, result))
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
        uid: Uid,
        platform: Platform,
        credential: CredentialId,
        version: int,
        *,
        actor: str,
        given: Mapping[str, str] | None = None,
        history_from: date | None = None,
        trust: Mapping[str, bool] = NOTHING_SAID,
    ) -> CheckedCredential:
        """New secret, market, host, trust or *History from* of a credential as it was at `version`.

        What could open something else is checked first; a new secret starts a stopped schedule
        again. Raises NotFound, StaleVersion, InvalidInput, HostRefused, KeyRejected; Conflict for
        an immutable field, a key of another scope, or a frozen source.
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
        trusted = said(info, held.trust, trust)
        result = self._check_changes(info, held, changes, trusted)
        claimed = self._claim(info, held, result)
        changed = self._sealer.changed(info, claimed, changes)
        kept = settled(trusted, result)
        saved = self._credentials.save(replace(changed, history_from=start, trust=kept))
        self._record(saved, actor, "credential.changed", held)
        if result is not None:
            saved = self._go_on(saved, result)
        return CheckedCredential(saved, result)

    def remove(self, uid: Uid, platform: Platform, credential: CredentialId, *, actor: str) -> None:
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
        self,
        info: PlatformInfo,
        held: Credential,
        changes: Mapping[str, str],
        trust: HostTrust,
    ) -> CheckResult | None:
        if not set(changes) - {MARKET} and trust == held.trust:
            return None
        fields = self._sealer.together(held, changes)
        result = self._checks.ask(held.uid, held.platform, fields, held.scope or None, trust)
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
        "trust": asdict(credential.trust),
    }
