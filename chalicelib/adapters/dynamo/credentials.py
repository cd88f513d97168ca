"""Credentials in DynamoDB (docs/reference/design.md, table `integrations`)."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import asdict

from pynamodb.attributes import (
    BooleanAttribute,
    JSONAttribute,
    NumberAttribute,
    UnicodeAttribute,
)
from pynamodb.exceptions import TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.indexes import GlobalSecondaryIndex, IncludeProjection
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.dynamo.base import (
    Row,
    assign,
    at_version,
    bind,
    failed_conditions,
    instant,
    transact,
    update_if,
)
from chalicelib.adapters.dynamo.keys import account_keys, integration_keys
from chalicelib.adapters.dynamo.readable import readable
from chalicelib.domain.errors import Conflict, NotFound, StaleVersion, TooManyCredentials
from chalicelib.domain.limits import DEFAULT_LIMITS
from chalicelib.domain.stored_fields import from_fields
from chalicelib.domain.words import CredentialId, Instant, Platform, ScopeId, Uid
from chalicelib.services.ports.integrations import Credential, DueCredential
from chalicelib.services.ports.pos import HostTrust

CHANGED = "The credential was changed meanwhile."
SCOPE_TAKEN = "Another live credential opens the same scope."
TOO_MANY = (
    "An account can have {most} credentials, and this one has them all: remove one that is not"
    " needed any more, or ask our support for more."
)


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


class DynamoCredentials:
    """The `Credentials` port. Each scope has one row that names its live credential."""

    def __init__(self, table: str) -> None:
        bind(table, CredentialRow, ScopeRow, AdditionsRow)

    def get(self, uid: Uid, platform: Platform, credential: CredentialId) -> Credential:
        row = CredentialRow.find(
            account_keys.account(uid), integration_keys.credential(platform, credential)
        )
        if row is None or row.removed_at is not None:
            raise NotFound("There is no such credential.")
        return credential_of(row)

    def for_integration(self, uid: Uid, platform: Platform) -> list[Credential]:
        rows = CredentialRow.query_prefix(
            account_keys.account(uid), integration_keys.credentials_of(platform), _is_live()
        )
        return list(readable(rows, credential_of))

    def removed_scopes(self, uid: Uid, platform: Platform) -> set[ScopeId]:
        stored = CredentialRow.query_prefix(
            account_keys.account(uid), integration_keys.credentials_of(platform)
        )
        rows = list(readable(stored, lambda row: row))
        live = {row.scope for row in rows if row.removed_at is None}
        return {ScopeId(row.scope) for row in rows if row.scope and row.scope not in live}

    def add(self, credential: Credential, most: int = DEFAULT_LIMITS["credentials"]) -> None:
        while not self._add(credential, most):
            pass  # another one was added since the count

    def _add(self, credential: Credential, most: int) -> bool:
        """Add it, unless another one of the account is added meanwhile: False."""
        pk, row = account_keys.account(credential.uid), _credential_row(credential)
        known = AdditionsRow.find(pk, integration_keys.ADDITIONS_SK)
        seq = 0 if known is None else int(known.seq)
        a_credential = CredentialRow.sk.startswith(integration_keys.CREDENTIAL_PREFIX)
        if CredentialRow.count(pk, a_credential, _is_live(), consistent_read=True) >= most:
            raise TooManyCredentials(TOO_MANY.format(most=most))

        def writes(transaction: TransactWrite) -> None:
            additions = AdditionsRow(pk, integration_keys.ADDITIONS_SK, seq=seq + 1)
            transaction.save(additions, condition=at_version(AdditionsRow.seq, seq))
            transaction.save(row, condition=CredentialRow.pk.does_not_exist())
            _claim(transaction, credential, credential.scope)

        try:
            transact(writes)
        except TransactWriteError as error:
            added_meanwhile, own, *_ = failed_conditions(error)
            if own:
                raise StaleVersion(CHANGED) from None
            if added_meanwhile:
                return False
            raise Conflict(SCOPE_TAKEN) from None
        return True

    def claim_scope(self, credential: Credential, scope: ScopeId) -> Credential:
        if credential.scope not in ("", scope):
            raise Conflict("The credential already opens another scope.")
        row = _key_row(credential.uid, credential.platform, credential.id)

        def writes(transaction: TransactWrite) -> None:
            transaction.update(
                row,
                actions=[
                    CredentialRow.scope.set(scope),
                    CredentialRow.version.set(credential.version + 1),
                ],
                condition=_is_unchanged(credential),
            )
            _claim(transaction, credential, scope)

        _commit(writes, own=1)
        return self.get(credential.uid, credential.platform, credential.id)

    def save(self, credential: Credential, tokens: tuple[bytes, ...] | None = None) -> Credential:
        actions = [
            CredentialRow.fields.set(dict(credential.fields)),
            CredentialRow.sealed.set(_sealed(credential)),
            CredentialRow.fingerprints.set(dict(credential.fingerprints)),
            CredentialRow.last_four.set(dict(credential.last_four)),
            assign(CredentialRow.market, credential.market),
            CredentialRow.history_from.set(credential.history_from),
            assign(CredentialRow.trust, _host_trust(credential.trust)),
            CredentialRow.version.set(credential.version + 1),
        ]
        if tokens is not None:
            actions += _token_actions(tokens)
            actions.append(CredentialRow.tokens_version.add(1))
        row = _key_row(credential.uid, credential.platform, credential.id)
        if not update_if(row, actions, _is_unchanged(credential)):
            self.get(credential.uid, credential.platform, credential.id)
            raise StaleVersion(CHANGED)
        return credential_of(row)

    def lease_tokens(self, credential: Credential, now: Instant, until: Instant) -> bool:
        free = CredentialRow.tokens_leased_until.does_not_exist() | (
            CredentialRow.tokens_leased_until <= now
        )
        row = _key_row(credential.uid, credential.platform, credential.id)
        actions = [CredentialRow.tokens_leased_until.set(until)]
        return update_if(row, actions, _has_same_tokens(credential) & free)

    def keep_tokens(self, credential: Credential, tokens: tuple[bytes, ...]) -> bool:
        version = CredentialRow.tokens_version.set(credential.tokens_version + 1)
        row = _key_row(credential.uid, credential.platform, credential.id)
        return update_if(row, [*_token_actions(tokens), version], _has_same_tokens(credential))

    def release_tokens(self, credential: Credential) -> None:
        row = _key_row(credential.uid, credential.platform, credential.id)
        update_if(row, [CredentialRow.tokens_leased_until.remove()], _has_same_tokens(credential))

    def remove(self, credential: Credential, at: Instant) -> None:
        row = _key_row(credential.uid, credential.platform, credential.id)

        def writes(transaction: TransactWrite) -> None:
            transaction.update(
                row,
                actions=[
                    CredentialRow.removed_at.set(at),
                    CredentialRow.sealed.remove(),
                    CredentialRow.tokens.remove(),
                    CredentialRow.due_shard.remove(),
                    CredentialRow.due_at.remove(),
                    CredentialRow.version.set(credential.version + 1),
                ],
                condition=_is_unchanged(credential),
            )
            if credential.scope:
                transaction.delete(
                    _scope_row(credential, credential.scope),
                    condition=ScopeRow.credential == credential.id,
                )

        _commit(writes, own=1 if credential.scope else 0)

    def resume(
        self, uid: Uid, platform: Platform, credential: CredentialId, at: Instant | None
    ) -> None:
        actions = [
            CredentialRow.failures_in_a_row.set(0),
            CredentialRow.last_error.remove(),
            CredentialRow.stopped.remove(),
            *_due_actions(credential, at),
        ]
        if not update_if(_key_row(uid, platform, credential), actions, _is_live()):
            raise NotFound("There is no such credential.")

    def set_due(
        self, uid: Uid, platform: Platform, credential: CredentialId, at: Instant | None
    ) -> None:
        row = _key_row(uid, platform, credential)
        if not update_if(row, _due_actions(credential, at), _is_live()):
            raise NotFound("There is no such credential.")

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
        """A credential that was removed while its run ended is not changed."""
        actions = [
            CredentialRow.last_run_id.set(run_id),
            assign(CredentialRow.last_error, error),
            CredentialRow.failures_in_a_row.set(failures_in_a_row),
            assign(CredentialRow.stopped, stopped),
            *_due_actions(credential, next_sync_at),
        ]
        if good_at is not None:
            actions.append(CredentialRow.last_good_run_at.set(good_at))
        if shopper_at is not None:
            actions.append(CredentialRow.last_shopper_at.set(shopper_at))
        update_if(_key_row(uid, platform, credential), actions, _is_live())

    def due(self, shard: int, until: Instant, limit: int) -> list[DueCredential]:
        rows = CredentialRow.due.query(
            integration_keys.due_shard(shard),
            DueIndex.due_at <= until,
            limit=limit,
            scan_index_forward=True,
        )
        return list(readable(rows, _due))

    def claim_due(self, due: DueCredential, next_at: Instant) -> bool:
        row = _key_row(due.uid, due.platform, due.credential)
        return update_if(
            row, [CredentialRow.due_at.set(next_at)], CredentialRow.due_at == due.due_at
        )


def _is_live() -> Condition:
    live: Condition = CredentialRow.pk.exists() & CredentialRow.removed_at.does_not_exist()
    return live


def _is_unchanged(credential: Credential) -> Condition:
    unchanged: Condition = _is_live() & (CredentialRow.version == credential.version)
    return unchanged


def _has_same_tokens(credential: Credential) -> Condition:
    version = CredentialRow.tokens_version
    never = version.does_not_exist()
    same = (version == credential.tokens_version) if credential.tokens_version else never
    live: Condition = _is_live() & same
    return live


def _token_actions(tokens: tuple[bytes, ...]) -> list[Action]:
    """Store tokens, which ends the lease on renewing those before."""
    texts = _texts(tokens)
    return [assign(CredentialRow.tokens, texts), CredentialRow.tokens_leased_until.remove()]


def _texts(tokens: tuple[bytes, ...]) -> list[str] | None:
    return [b64encode(piece).decode() for piece in tokens] or None


def _due_actions(credential: CredentialId, at: Instant | None) -> list[Action]:
    shard = _shard(credential, at)
    return [assign(CredentialRow.due_shard, shard), assign(CredentialRow.due_at, at)]


def _shard(credential: CredentialId, at: Instant | None) -> str | None:
    """Return the index's shard of a credential whose next sync is at `at`."""
    return (
        None
        if at is None
        else integration_keys.due_shard(integration_keys.due_shard_number(credential))
    )


def _claim(transaction: TransactWrite, credential: Credential, scope: ScopeId) -> None:
    if scope:
        free = ScopeRow.pk.does_not_exist() | (ScopeRow.credential == credential.id)
        transaction.save(_scope_row(credential, scope), condition=free)


def _commit(writes: Callable[[TransactWrite], None], own: int) -> None:
    """Commit the writes of a credential and of its scope.

    `own`: the index of the credential's own write; PynamoDB orders a transaction by deletes, puts,
    updates. Raises StaleVersion when that write's condition fails, Conflict when the scope's does.
    """
    try:
        transact(writes)
    except TransactWriteError as error:
        if failed_conditions(error)[own]:
            raise StaleVersion(CHANGED) from None
        raise Conflict(SCOPE_TAKEN) from None


def _key_row(uid: Uid, platform: Platform, credential: CredentialId) -> CredentialRow:
    return CredentialRow(
        account_keys.account(uid), integration_keys.credential(platform, credential)
    )


def _scope_row(credential: Credential, scope: ScopeId) -> ScopeRow:
    return ScopeRow(
        account_keys.account(credential.uid),
        integration_keys.scope(credential.platform, scope),
        credential=credential.id,
    )


def _sealed(credential: Credential) -> dict[str, str]:
    return {name: b64encode(sealed).decode() for name, sealed in credential.sealed.items()}


def _host_trust(trust: HostTrust) -> dict[str, object] | None:
    """Return the trust as JSON; None for the default, which nearly everyone has."""
    return None if trust == HostTrust() else asdict(trust)


def _credential_row(credential: Credential) -> CredentialRow:
    at = credential.next_sync_at
    return CredentialRow.of(
        credential,
        account_keys.account(credential.uid),
        integration_keys.credential(credential.platform, credential.id),
        scope=credential.scope or None,
        fields=dict(credential.fields),
        sealed=_sealed(credential),
        fingerprints=dict(credential.fingerprints),
        last_four=dict(credential.last_four),
        due_shard=_shard(credential.id, at),
        due_at=at,
        trust=_host_trust(credential.trust),
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


def _due(row: CredentialRow) -> DueCredential:
    uid, platform, credential_id = integration_keys.credential_of(row.pk, row.sk)
    return DueCredential(uid, platform, credential_id, int(row.due_at or 0), bool(row.own_server))
