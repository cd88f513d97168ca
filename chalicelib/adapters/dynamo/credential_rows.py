"""Rows of credentials: their columns, conditions and updates, and the way to facts and back."""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import asdict

from pynamodb.attributes import (
    BooleanAttribute,
    JSONAttribute,
    NumberAttribute,
    UnicodeAttribute,
)
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.indexes import GlobalSecondaryIndex, IncludeProjection

from chalicelib.adapters.dynamo.base import (
    Row,
    assign,
    instant,
)
from chalicelib.adapters.dynamo.keys import account_keys, integration_keys
from chalicelib.domain.stored_fields import from_fields
from chalicelib.domain.words import CredentialId, Instant, Platform, ScopeId, Uid
from chalicelib.services.ports.integrations import Credential, DueCredential
from chalicelib.services.ports.pos import HostTrust


class DueIndex(GlobalSecondaryIndex["CredentialRow"]):  # type: ignore[no-untyped-call]
    """A sparse index: only a credential with a next sync has its two keys."""

    class Meta:
        index_name = "due"
        projection = IncludeProjection(["own_server"])

    due_shard = UnicodeAttribute(hash_key=True)
    due_at = NumberAttribute(range_key=True)


class CredentialRow(Row):
    """`due_at`: the next sync. `sealed`, `tokens`: base 64; a removed credential has none.
    `tokens_leased_until`: somebody renews them."""

    scope = UnicodeAttribute(null=True)
    fields = JSONAttribute()
    sealed = JSONAttribute(null=True)
    fingerprints = JSONAttribute()
    last_four = JSONAttribute()
    market = UnicodeAttribute(null=True)
    history_from = NumberAttribute()
    created_at = NumberAttribute()
    removed_at = NumberAttribute(null=True)
    due_shard = UnicodeAttribute(null=True)
    due_at = NumberAttribute(null=True)
    last_good_run_at = NumberAttribute(null=True)
    last_run_id = UnicodeAttribute(null=True)
    failures_in_a_row = NumberAttribute(default=0)
    last_error = UnicodeAttribute(null=True)
    stopped = UnicodeAttribute(null=True)
    own_server = BooleanAttribute(default=False)
    trust = JSONAttribute(null=True)
    last_shopper_at = NumberAttribute(null=True)
    tokens = JSONAttribute(null=True)
    tokens_version = NumberAttribute(null=True)
    tokens_leased_until = NumberAttribute(null=True)
    version = NumberAttribute()
    due = DueIndex()


class ScopeRow(Row):
    """One row per scope that a live credential has."""

    credential = UnicodeAttribute()


class AdditionsRow(Row):
    """Counts the credentials ever added, so that of two at once the second counts the first."""

    seq = NumberAttribute()


def is_live() -> Condition:
    live: Condition = CredentialRow.pk.exists() & CredentialRow.removed_at.does_not_exist()
    return live


def is_unchanged(credential: Credential) -> Condition:
    unchanged: Condition = is_live() & (CredentialRow.version == credential.version)
    return unchanged


def has_same_tokens(credential: Credential) -> Condition:
    version = CredentialRow.tokens_version
    never = version.does_not_exist()
    same = (version == credential.tokens_version) if credential.tokens_version else never
    live: Condition = is_live() & same
    return live


def token_actions(tokens: tuple[bytes, ...]) -> list[Action]:
    """Store tokens, which ends the lease on renewing those before."""
    texts = _texts(tokens)
    return [assign(CredentialRow.tokens, texts), CredentialRow.tokens_leased_until.remove()]


def _texts(tokens: tuple[bytes, ...]) -> list[str] | None:
    return [b64encode(piece).decode() for piece in tokens] or None


def due_actions(credential: CredentialId, at: Instant | None) -> list[Action]:
    shard = _shard(credential, at)
    return [assign(CredentialRow.due_shard, shard), assign(CredentialRow.due_at, at)]


def _shard(credential: CredentialId, at: Instant | None) -> str | None:
    """Return the index's shard of a credential whose next sync is at `at`."""
    return (
        None
        if at is None
        else integration_keys.due_shard(integration_keys.due_shard_number(credential))
    )


def key_row(uid: Uid, platform: Platform, credential: CredentialId) -> CredentialRow:
    return CredentialRow(
        account_keys.account(uid), integration_keys.credential(platform, credential)
    )


def scope_row(credential: Credential, scope: ScopeId) -> ScopeRow:
    return ScopeRow(
        account_keys.account(credential.uid),
        integration_keys.scope(credential.platform, scope),
        credential=credential.id,
    )


def sealed_texts(credential: Credential) -> dict[str, str]:
    return {name: b64encode(sealed).decode() for name, sealed in credential.sealed.items()}


def host_trust_json(trust: HostTrust) -> dict[str, object] | None:
    """Return the trust as JSON; None for the default, which nearly everyone has."""
    return None if trust == HostTrust() else asdict(trust)


def credential_row(credential: Credential) -> CredentialRow:
    at = credential.next_sync_at
    return CredentialRow.of(
        credential,
        account_keys.account(credential.uid),
        integration_keys.credential(credential.platform, credential.id),
        scope=credential.scope or None,
        fields=dict(credential.fields),
        sealed=sealed_texts(credential),
        fingerprints=dict(credential.fingerprints),
        last_four=dict(credential.last_four),
        due_shard=_shard(credential.id, at),
        due_at=at,
        trust=host_trust_json(credential.trust),
        tokens=_texts(credential.tokens),
        tokens_version=credential.tokens_version or None,
        version=1,
    )


def credential_of(row: CredentialRow) -> Credential:
    uid, platform, credential_id = integration_keys.credential_of(row.pk, row.sk)
    return row.as_fact(
        Credential,
        uid=uid,
        platform=platform,
        id=credential_id,
        scope=ScopeId(row.scope or ""),
        sealed={name: b64decode(text) for name, text in (row.sealed or {}).items()},
        next_sync_at=instant(row.due_at),
        own_server=bool(row.own_server),
        trust=from_fields(HostTrust, row.trust or {}),
        tokens=tuple(b64decode(text) for text in row.tokens or ()),
        tokens_version=int(row.tokens_version or 0),
    )


def due_credential(row: CredentialRow) -> DueCredential:
    uid, platform, credential_id = integration_keys.credential_of(row.pk, row.sk)
    return DueCredential(uid, platform, credential_id, int(row.due_at or 0), bool(row.own_server))
