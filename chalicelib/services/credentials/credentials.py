"""Credentials: checked against the POS, stored sealed, changed and removed (product.md §3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import date
from types import MappingProxyType

from chalicelib.domain.errors import Conflict, StaleVersion, TooManyCredentials
from chalicelib.domain.words import CredentialId, Platform, ScopeId, Uid
from chalicelib.services.credentials.check import (
    CHECKED_WHEN_SAVED,
    SECOND_CREDENTIAL,
    Checks,
    refuse_rejected_key,
    require_known_scope,
)
from chalicelib.services.credentials.fields import MARKET, check_changes, check_fields
from chalicelib.services.credentials.history_from import history_start
from chalicelib.services.credentials.host_trust import (
    host_trust_after,
    host_trust_of,
    keep_host_trust,
    trusts_more,
)
from chalicelib.services.credentials.key_ring import KeyRing
from chalicelib.services.credentials.sealing import Sealer
from chalicelib.services.credentials.sync_start import MENDED_BY_A_NEW_KEY, SyncStart
from chalicelib.services.credentials.tokens import CredentialTokens
from chalicelib.services.integrations.changeable import require_settled
from chalicelib.services.integrations.markets import Markets
from chalicelib.services.notifications.notify import Kind, Notifier
from chalicelib.services.ports.accounts import Accounts
from chalicelib.services.ports.audit import Audit, AuditEntry
from chalicelib.services.ports.common import Clock, Ids
from chalicelib.services.ports.integrations import Credential, Credentials, Integrations
from chalicelib.services.ports.limits import RaisedLimits
from chalicelib.services.ports.pos import CheckResult, HostTrust, Permits, PlatformInfo, PosGateway
from chalicelib.services.ports.runs import SyncControl
from chalicelib.services.ports.stores import Stores

NOTHING_TICKED: Mapping[str, bool] = MappingProxyType({})

OF_A_CREDENTIAL: tuple[Kind, ...] = (
    *MENDED_BY_A_NEW_KEY,
    "stale_source",
    "no_rows",
    "truncated_catalogue",
    "unusable_rows",
)


NEW_STORE = CredentialId("")
"""Said of a key that belongs to no credential yet."""

WithdrawImport = Callable[[Uid, Platform, ScopeId], None]
"""Imports no points for a scope any more, unless a listing has fixed them (product.md §7)."""


@dataclass(frozen=True, slots=True)
class CheckedCredential:
    """A stored credential, and what its check said; None when nothing had to be checked."""

    credential: Credential
    check: CheckResult | None


@dataclass(kw_only=True)
class CredentialService:
    """Checks, adds, changes and removes the credentials of an integration."""

    pos: PosGateway
    permits: Permits
    integrations: Integrations
    credentials: Credentials
    stores: Stores
    accounts: Accounts
    key_ring: KeyRing
    sync: SyncControl
    raised_limits: RaisedLimits
    withdraw_import: WithdrawImport
    markets: Markets
    audit: Audit
    notifier: Notifier
    clock: Clock
    ids: Ids

    def __post_init__(self) -> None:
        self._sealer = Sealer(self.key_ring, self.ids, self.clock)
        self._checks = Checks(self.pos, self.permits, self.accounts)
        self._start = SyncStart(
            self.integrations, self.credentials, self.stores, self.sync, self.notifier, self.clock
        )

    def get(self, uid: Uid, platform: Platform, credential: CredentialId) -> Credential:
        """Return a stored credential. Raises NotFound."""
        self.pos.platform(platform)
        return self.credentials.get(uid, platform, credential)

    def check(
        self,
        uid: Uid,
        platform: Platform,
        given: Mapping[str, str],
        trust: Mapping[str, bool] = NOTHING_TICKED,
    ) -> CheckResult:
        """Try these fields at the POS without storing them. What a try would spend is not tried:
        nothing speaks against saving it, which does.

        Raises InvalidInput, HostRefused, and Conflict when frozen.
        """
        info = self.pos.platform(platform)
        fields = check_fields(info, given)
        if info.spends_secrets:
            message = CHECKED_WHEN_SAVED.format(title=info.title)
            return CheckResult("ok", message)
        return self._checks.ask(uid, platform, fields, trust=host_trust_of(info, trust))

    def check_stored(self, uid: Uid, platform: Platform, credential: CredentialId) -> CheckResult:
        """Try a stored credential again, and pin the server's certificate where it accepts one.

        Raises NotFound, HostRefused, SecretUnreadable, and Conflict when frozen.
        """
        stored = self.get(uid, platform, credential)
        fields = self._sealer.fields_in_clear(stored)
        tokens = self._tokens(stored)
        scope = stored.scope or None
        result = self._checks.ask(uid, platform, fields, scope, stored.trust, tokens)
        with suppress(StaleVersion):
            keep_host_trust(self.credentials, stored, result)
        return result

    def add(
        self,
        uid: Uid,
        platform: Platform,
        given: Mapping[str, str],
        history_from: date | None,
        *,
        actor: str,
        trust: Mapping[str, bool] = NOTHING_TICKED,
        same_store_as: CredentialId | None = None,
    ) -> CheckedCredential:
        """Check and store a credential; on a connected integration its first sync starts at once.

        A key the POS rejects is not stored. Everything else is: an unreachable host may be up
        tomorrow, a missing permission is for the retailer to grant. Where the check could not tell
        what the key opens, the scope stays unknown until the worker's `learn_scope`. `trust`: see
        `host_trust_of`. `same_store_as`: the key is a new one for this credential, `NEW_STORE` for
        none; None: nobody said.

        Raises InvalidInput; HostRefused; KeyRejected; Conflict when frozen, or when another live
        credential opens the same scope; WhichStore; TooManyCredentials.
        """
        if same_store_as:
            version = self.get(uid, platform, same_store_as).version
            return self.change(
                uid,
                platform,
                same_store_as,
                version,
                actor=actor,
                given=given,
                history_from=history_from,
                trust=trust,
            )
        info = self.pos.platform(platform)
        fields = check_fields(info, given)
        account = self.accounts.get(uid)
        start = history_start(history_from, self.clock.now(), account.time_zone)
        host_trust = host_trust_of(info, trust)
        result = self._checks.ask(uid, platform, fields, trust=host_trust)
        refuse_rejected_key(result)
        if same_store_as is None and not info.spends_secrets:  # which a second try would lack
            held = self.credentials.for_integration(uid, platform)
            require_known_scope(info, result, held)
        credential = self._sealer.new(uid, info, fields, start, result.scope or ScopeId(""))
        credential = replace(
            credential,
            trust=host_trust_after(host_trust, result),
            tokens=self._sealed_token(credential, result),
            tokens_version=1 if result.token else 0,
        )
        try:
            self._store(credential)
        except TooManyCredentials:
            raise
        except Conflict:
            raise self._scope_conflict(info, credential) from None
        self._record(actor, "credential.added", credential, None, credential)
        self.markets.refresh(uid, platform)
        self._start.start(credential, result)
        return CheckedCredential(self.credentials.get(uid, platform, credential.id), result)

    def _store(self, credential: Credential) -> None:
        """Raises TooManyCredentials; Conflict when another live credential has the scope."""
        try:
            self.credentials.add(credential)
        except TooManyCredentials:
            raised = self.raised_limits.get(credential.uid, "credentials")
            if raised is None:
                raise
            self.credentials.add(credential, raised)

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
        trust: Mapping[str, bool] = NOTHING_TICKED,
    ) -> CheckedCredential:
        """Change secrets, market, host, trust or *History from* of a credential at `version`.

        What could open another scope is checked first; a new secret starts a stopped schedule
        again. `given`: the fields to change.

        Raises NotFound, StaleVersion, InvalidInput, HostRefused, KeyRejected; SecretUnreadable for
        a stored secret that is needed and not given; Conflict for an immutable field, a key of
        another scope, or a frozen source.
        """
        info = self.pos.platform(platform)
        stored = self.credentials.get(uid, platform, credential)
        if stored.version != version:
            raise StaleVersion("The credential was changed meanwhile.")
        self._require_settled(uid, platform)
        host_trust = host_trust_of(info, trust, stored.trust)
        changes = check_changes(
            info,
            given or {},
            stored.fields,
            trusts_more=trusts_more(stored.trust, host_trust),
        )
        start = stored.history_from
        if history_from is not None:
            zone = self.accounts.get(uid).time_zone
            start = history_start(history_from, self.clock.now(), zone)
        result = self._check_changes(info, stored, changes, host_trust)
        claimed = self._claim_scope(info, stored, result)
        after = self._sealer.with_changes(info, claimed, changes)
        host_trust = host_trust_after(host_trust, result)
        after = replace(after, history_from=start, trust=host_trust)
        saved = self.credentials.save(after, self._new_tokens(info, stored, changes, result))
        self.markets.refresh(uid, platform)
        self._record(actor, "credential.changed", saved, stored, saved)
        if result is not None:
            saved = self._start.resume(saved, result)
        return CheckedCredential(saved, result)

    def remove(self, uid: Uid, platform: Platform, credential: CredentialId, *, actor: str) -> None:
        """Erase the secrets, free the scope and stop the syncs; what was pulled stays, but for
        points that no listing has fixed yet.

        Raises NotFound; StaleVersion when it was changed in the same moment; Conflict while *Use
        AIQ's last backup* is at work.
        """
        stored = self.get(uid, platform, credential)
        self._require_settled(uid, platform)
        self.credentials.remove(stored, self.clock.now())
        self.sync.request_stop(uid, platform, credential)
        if stored.scope:
            self.withdraw_import(uid, platform, stored.scope)
        for kind in OF_A_CREDENTIAL:
            self.notifier.clear(uid, kind, f"{platform}:{credential}")
        self._record(actor, "credential.removed", stored, stored, None)

    def _require_settled(self, uid: Uid, platform: Platform) -> None:
        if card := self.integrations.get(uid, platform):
            require_settled(card)

    def _check_changes(
        self,
        info: PlatformInfo,
        stored: Credential,
        changes: Mapping[str, str],
        trust: HostTrust,
    ) -> CheckResult | None:
        """Ask the POS where the changes could open something else; None where they cannot.

        Raises KeyRejected; Conflict for a key of another scope.
        """
        if not set(changes) - {MARKET} and trust == stored.trust:
            return None
        fields = self._sealer.fields_in_clear(stored, changes)
        scope = stored.scope or None
        tokens = None if self._has_new_secret(info, changes) else self._tokens(stored)
        result = self._checks.ask(stored.uid, stored.platform, fields, scope, trust, tokens)
        refuse_rejected_key(result)
        if scope and result.scope and scope != result.scope:
            raise Conflict(
                f"This key opens another {info.credential_per}. Add it as a credential of its own.",
                scope=result.scope,
            )
        return result

    @staticmethod
    def _has_new_secret(info: PlatformInfo, changes: Mapping[str, str]) -> bool:
        """Whether what a POS gave for the secrets before is of no use any more."""
        return any(field.secret and field.key in changes for field in info.fields)

    def _new_tokens(
        self,
        info: PlatformInfo,
        stored: Credential,
        changes: Mapping[str, str],
        result: CheckResult | None,
    ) -> tuple[bytes, ...] | None:
        """The tokens to store with changes: those of new secrets, none, or None for those kept."""
        tokens = self._sealed_token(stored, result)
        is_other = self._has_new_secret(info, changes) and (tokens or stored.tokens)
        return tokens if is_other else None

    def _tokens(self, stored: Credential) -> CredentialTokens:
        return CredentialTokens(stored, self.credentials, self.key_ring, self.clock)

    def _sealed_token(
        self, credential: Credential, result: CheckResult | None
    ) -> tuple[bytes, ...]:
        """The token that a check of new secrets took, which may have spent them."""
        token = result.token if result else None
        return self.key_ring.seal_token(credential.uid, credential.id, token) if token else ()

    def _claim_scope(
        self, info: PlatformInfo, stored: Credential, result: CheckResult | None
    ) -> Credential:
        """Return the credential with the scope that a check found, where it had none yet."""
        if stored.scope or result is None or not result.scope:
            return stored
        try:
            return self.credentials.claim_scope(stored, result.scope)
        except Conflict:
            raise self._scope_conflict(info, replace(stored, scope=result.scope)) from None

    def _scope_conflict(self, info: PlatformInfo, credential: Credential) -> Conflict:
        """Return the conflict that names the credential which has this one's scope."""
        others = self.credentials.for_integration(credential.uid, credential.platform)
        holder = next((other.id for other in others if other.scope == credential.scope), None)
        return Conflict(
            SECOND_CREDENTIAL.format(per=info.credential_per),
            scope=credential.scope,
            credential=holder,
        )

    def _record(
        self,
        actor: str,
        action: str,
        credential: Credential,
        before: Credential | None,
        after: Credential | None,
    ) -> None:
        entry = AuditEntry(
            at=self.clock.now(),
            actor=actor,
            action=action,
            subject=f"{credential.platform}:{credential.id}",
            before=None if before is None else _audited_fields(before),
            after=None if after is None else _audited_fields(after),
        )
        self.audit.record(credential.uid, entry)


def _audited_fields(credential: Credential) -> dict[str, object]:
    """Return what the activity log keeps: no secret, only its fingerprint."""
    return {
        "fields": dict(credential.fields),
        "fingerprints": dict(credential.fingerprints),
        "scope": credential.scope,
        "history_from": credential.history_from,
        "trust": asdict(credential.trust),
    }
