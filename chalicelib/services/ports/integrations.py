"""Integrations and credentials, as the services see them."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Literal, Protocol

from chalicelib.domain.integration_states import IntegrationState
from chalicelib.domain.limits import DEFAULT_LIMITS
from chalicelib.domain.words import CredentialId, Instant, Platform, ScopeId, Uid
from chalicelib.services.ports.pos import HostTrust

Rolling = Literal["back", "forth", "ending", "gone"]


@dataclass(frozen=True, slots=True)
class AgeGate:
    """Somebody ticked the age-gate box of a card."""

    ticked_by: str
    ticked_at: Instant


@dataclass(frozen=True, slots=True)
class FlagTrust:
    """An Owner ticked *Trust opt-in flags of this source* (product.md §9)."""

    ticked_by: str
    ticked_at: Instant


@dataclass(frozen=True, slots=True)
class Frozen:
    """The source uses AIQ's last backup since `at`, because `by` turned it on.

    `backup`: its id; empty until the one that is taken now is whole. `before`: the state to come
    back to. `frozen_at`: from when on no request reaches the POS. `rolling`: what is under way;
    `ending`: the source is connected again, and what follows of that is not done yet. `ahead`: the
    backup of where facts stood that are put back. `shard` and `line`: up to where they are, `done`
    of `total`. `problem`: why nothing was rolled back. `removes`: no backup is used, all data of
    the source is put aside, and gone for good from `gone_at` on.
    """

    backup: str
    by: str
    at: Instant
    before: IntegrationState
    frozen_at: Instant | None = None
    rolling: Rolling | None = None
    ahead: str = ""
    shard: int = 0
    line: int = 0
    done: int = 0
    total: int = 0
    problem: str = ""
    removes: bool = False
    gone_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class Integration:
    """One platform in one account. `settings` holds only what a person set (product.md §7).

    `sms_from`: when double opt-in requests may begin to go out; `sms_stopped`: a person stopped
    them; `sms_before`: the setting's day before, for who cancels. `personas_synced_from`: the
    beginning of the day on which *Sync Personas* was turned on; None while it is off.
    """

    uid: Uid
    platform: Platform
    state: IntegrationState = "draft"
    age_gate: AgeGate | None = None
    settings: Mapping[str, object] = field(default_factory=dict)
    connected_at: Instant | None = None
    sms_from: Instant | None = None
    sms_stopped: bool = False
    sms_before: str | None = None
    version: int = 0
    flag_trust: FlagTrust | None = None
    frozen: Frozen | None = None
    personas_synced_from: Instant | None = None

    @property
    def is_frozen(self) -> bool:
        """Whether it uses AIQ's last backup, or is about to, or still puts facts where they
        were."""
        return self.frozen is not None and self.frozen.rolling != "ending"


@dataclass(frozen=True, slots=True)
class Credential:
    """One set of keys. `fields` are the open ones; `sealed` the secrets, encrypted per field.

    `scope` is empty until a check has told what the key opens; the scope is claimed then.
    `stopped` is the code of the error that stopped the schedule (`key_rejected` after 3 tries), or
    None. `next_sync_at` None means: not due by itself. `last_shopper_at`: when a run last brought a
    shopper that AIQ did not have. `tokens`: what the POS gave in exchange for the fields, sealed,
    in pieces; `tokens_version` counts up with each.
    """

    uid: Uid
    platform: Platform
    id: CredentialId
    scope: ScopeId
    fields: Mapping[str, str]
    sealed: Mapping[str, bytes] = field(repr=False)
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    last_four: Mapping[str, str] = field(default_factory=dict)
    market: str | None = None
    history_from: Instant = 0
    created_at: Instant = 0
    removed_at: Instant | None = None
    next_sync_at: Instant | None = None
    last_good_run_at: Instant | None = None
    last_run_id: str | None = None
    failures_in_a_row: int = 0
    last_error: str | None = None
    stopped: str | None = None
    own_server: bool = False
    trust: HostTrust = field(default_factory=HostTrust)
    version: int = 0
    last_shopper_at: Instant | None = None
    tokens: tuple[bytes, ...] = field(default=(), repr=False)
    tokens_version: int = 0


@dataclass(frozen=True, slots=True)
class DueCredential:
    """A row of the `due` index: a credential whose next sync is planned."""

    uid: Uid
    platform: Platform
    credential: CredentialId
    due_at: Instant
    own_server: bool


class Integrations(Protocol):
    """Stores the card of each platform; a platform nobody touched has none."""

    def get(self, uid: Uid, platform: Platform) -> Integration | None: ...

    def for_account(self, uid: Uid) -> list[Integration]: ...

    def save(self, integration: Integration) -> Integration:
        """Save at `version` + 1; version 0 means new. Raises StaleVersion."""
        ...


class Credentials(Protocol):
    """Stores the credentials of integrations, and when each is due for a sync."""

    def get(self, uid: Uid, platform: Platform, credential: CredentialId) -> Credential:
        """Raises NotFound (also for a removed one)."""
        ...

    def for_integration(self, uid: Uid, platform: Platform) -> list[Credential]: ...

    def removed_scopes(self, uid: Uid, platform: Platform) -> AbstractSet[ScopeId]:
        """The scopes whose credentials were removed and that no live one opens."""
        ...

    def add(self, credential: Credential, most: int = DEFAULT_LIMITS["credentials"]) -> None:
        """Claim the scope, when it is known, and store it at version 1.

        Raises TooManyCredentials when the account has `most` live ones, however many are added at
        once; Conflict when another live credential has the scope.
        """
        ...

    def claim_scope(self, credential: Credential, scope: ScopeId) -> Credential:
        """Give a credential saved without a scope the one its first check found.

        Raises Conflict when another live credential has the scope, StaleVersion.
        """
        ...

    def save(self, credential: Credential, tokens: tuple[bytes, ...] | None = None) -> Credential:
        """Save what a person edits (fields, secrets, market, history from, trust) at `version` + 1.

        What runs leave on the row stays as it is, but for `tokens` where they are given: those of
        new secrets, or none. Raises StaleVersion.
        """
        ...

    def lease_tokens(self, credential: Credential, now: Instant, until: Instant) -> bool:
        """Take the lease on renewing its tokens; False where somebody has it, or has renewed them
        since `tokens_version`, or the credential is gone."""
        ...

    def keep_tokens(self, credential: Credential, tokens: tuple[bytes, ...]) -> bool:
        """Store renewed tokens and give the lease back; False where others came meanwhile."""
        ...

    def release_tokens(self, credential: Credential) -> None:
        """Give the lease back without new tokens."""
        ...

    def resume(
        self, uid: Uid, platform: Platform, credential: CredentialId, at: Instant | None
    ) -> None:
        """Forget failures and what stopped the schedule; due at `at`. Raises NotFound."""
        ...

    def remove(self, credential: Credential, at: Instant) -> None:
        """Release the scope, drop the secrets, keep the row for history."""
        ...

    def set_due(
        self, uid: Uid, platform: Platform, credential: CredentialId, at: Instant | None
    ) -> None:
        """Move the credential in the `due` index; None takes it out."""
        ...

    def record_run(
        self,
        uid: Uid,
        platform: Platform,
        credential: CredentialId,
        *,
        run_id: str,
        good_at: Instant | None,
        error: str | None,
        failures_in_a_row: int,
        stopped: str | None,
        next_sync_at: Instant | None,
        shopper_at: Instant | None = None,
    ) -> None:
        """Store what a finished run leaves on its credential; touches nothing a person edits.

        `good_at`, `shopper_at`: when it began, if it was good, or brought new shoppers; None keeps
        what was there.
        """
        ...

    def due(self, shard: int, until: Instant, limit: int) -> list[DueCredential]:
        """The earliest due credentials of a shard, oldest first."""
        ...

    def claim_due(self, due: DueCredential, next_at: Instant) -> bool:
        """Move `due_at` on if it still is what was read; False when another planner was first."""
        ...
