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

from chalicelib.adapters.dynamo import keys
from chalicelib.adapters.dynamo.base import (
    Row,
    TableMeta,
    assign,
    bind,
    failed_conditions,
    instant,
    transact,
    update_if,
)
from chalicelib.domain.errors import Conflict, NotFound, StaleVersion
from chalicelib.domain.words import CredentialId, Instant, Platform, ScopeId, Uid
from chalicelib.services.ports.integrations import Credential, DueCredential
from chalicelib.services.ports.pos import HostTrust


class DueIndex(GlobalSecondaryIndex["CredentialRow"]):  # type: ignore[no-untyped-call]
    """Sparse: only a credential with a next sync has its two keys."""

    class Meta:
        index_name = "due"
        projection = IncludeProjection(["own_server"])

    due_shard = UnicodeAttribute(hash_key=True)
    due_at = NumberAttribute(range_key=True)


class CredentialRow(Row):
    """`due_at` is the next sync. `sealed` holds base 64; a removed credential has none."""

    class Meta(TableMeta):
        pass

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
    version = NumberAttribute()
    due = DueIndex()


class ScopeRow(Row):
    """Exists while a live credential has the scope."""

    class Meta(TableMeta):
        pass

    credential = UnicodeAttribute()


class DynamoCredentials:
    """The `Credentials` port. Each scope has one row that names its live credential."""

    def __init__(self, table: str) -> None:
        bind(table, CredentialRow, ScopeRow)

    def get(self, uid: Uid, platform: Platform, credential: CredentialId) -> Credential:
        try:
            row = CredentialRow.get(
                keys.account(uid), keys.credential(platform, credential), consistent_read=True
            )
        except CredentialRow.DoesNotExist:
            raise NotFound("There is no such credential.") from None
        if row.removed_at is not None:
            raise NotFound("There is no such credential.")
        return _credential(row)

    def for_integration(self, uid: Uid, platform: Platform) -> list[Credential]:
        rows = CredentialRow.query(
            keys.account(uid),
            CredentialRow.sk.startswith(keys.credentials_of(platform)),
            filter_condition=_live(),
            consistent_read=True,
        )
        return [_credential(row) for row in rows]

    def add(self, credential: Credential) -> None:
        row = _credential_row(credential)

        def writes(transaction: TransactWrite) -> None:
            transaction.save(row, condition=CredentialRow.pk.does_not_exist())
            _claim(transaction, credential, credential.scope)

        _commit(writes, own=0)

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
                condition=_live() & (CredentialRow.version == credential.version),
            )
            _claim(transaction, credential, scope)

        _commit(writes, own=1)
        return self.get(credential.uid, credential.platform, credential.id)

    def save(self, credential: Credential) -> Credential:
        actions = [
            CredentialRow.fields.set(dict(credential.fields)),
            CredentialRow.sealed.set(_texts(credential)),
            CredentialRow.fingerprints.set(dict(credential.fingerprints)),
            CredentialRow.last_four.set(dict(credential.last_four)),
            assign(CredentialRow.market, credential.market),
            CredentialRow.history_from.set(credential.history_from),
            assign(CredentialRow.trust, _said(credential.trust)),
            CredentialRow.version.set(credential.version + 1),
        ]
        row = _key_row(credential.uid, credential.platform, credential.id)
        if not update_if(row, actions, _live() & (CredentialRow.version == credential.version)):
            self.get(credential.uid, credential.platform, credential.id)
            raise StaleVersion("The credential was changed meanwhile.")
        return _credential(row)

    def remove(self, credential: Credential, at: Instant) -> None:
        row = _key_row(credential.uid, credential.platform, credential.id)

        def writes(transaction: TransactWrite) -> None:
            transaction.update(
                row,
                actions=[
                    CredentialRow.removed_at.set(at),
                    CredentialRow.sealed.remove(),
                    CredentialRow.due_shard.remove(),
                    CredentialRow.due_at.remove(),
                    CredentialRow.version.set(credential.version + 1),
                ],
                condition=_live() & (CredentialRow.version == credential.version),
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
        if not update_if(_key_row(uid, platform, credential), actions, _live()):
            raise NotFound("There is no such credential.")

    def set_due(
        self, uid: Uid, platform: Platform, credential: CredentialId, at: Instant | None
    ) -> None:
        row = _key_row(uid, platform, credential)
        if not update_if(row, _due_actions(credential, at), _live()):
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
    ) -> None:
        """A credential removed while its run ended is left alone."""
        actions = [
            CredentialRow.last_run_id.set(run_id),
            assign(CredentialRow.last_error, error),
            CredentialRow.failures_in_a_row.set(failures_in_a_row),
            assign(CredentialRow.stopped, stopped),
            *_due_actions(credential, next_sync_at),
        ]
        if good_at is not None:
            actions.append(CredentialRow.last_good_run_at.set(good_at))
        update_if(_key_row(uid, platform, credential), actions, _live())

    def due(self, shard: int, until: Instant, limit: int) -> list[DueCredential]:
        rows = CredentialRow.due.query(
            keys.due_shard(shard), DueIndex.due_at <= until, limit=limit, scan_index_forward=True
        )
        return [_due(row) for row in rows]

    def claim_due(self, due: DueCredential, next_at: Instant) -> bool:
        row = _key_row(due.uid, due.platform, due.credential)
        return update_if(
            row, [CredentialRow.due_at.set(next_at)], CredentialRow.due_at == due.due_at
        )


def _live() -> Condition:
    live: Condition = CredentialRow.pk.exists() & CredentialRow.removed_at.does_not_exist()
    return live


def _due_actions(credential: CredentialId, at: Instant | None) -> list[Action]:
    shard = None if at is None else keys.due_shard(keys.due_shard_number(credential))
    return [assign(CredentialRow.due_shard, shard), assign(CredentialRow.due_at, at)]


def _claim(transaction: TransactWrite, credential: Credential, scope: ScopeId) -> None:
    if scope:
        free = ScopeRow.pk.does_not_exist() | (ScopeRow.credential == credential.id)
        transaction.save(_scope_row(credential, scope), condition=free)


def _commit(writes: Callable[[TransactWrite], None], own: int) -> None:
    """Commit; `own` is the credential's own place in the transaction, the rest is its scope.

    PynamoDB orders a transaction: deletes, then puts, then updates. Raises StaleVersion, Conflict.
    """
    try:
        transact(writes)
    except TransactWriteError as error:
        if failed_conditions(error)[own]:
            raise StaleVersion("The credential was changed meanwhile.") from None
        raise Conflict("Another live credential opens the same scope.") from None


def _key_row(uid: Uid, platform: Platform, credential: CredentialId) -> CredentialRow:
    return CredentialRow(keys.account(uid), keys.credential(platform, credential))


def _scope_row(credential: Credential, scope: ScopeId) -> ScopeRow:
    return ScopeRow(
        keys.account(credential.uid),
        keys.scope(credential.platform, scope),
        credential=credential.id,
    )


def _texts(credential: Credential) -> dict[str, str]:
    return {name: b64encode(sealed).decode() for name, sealed in credential.sealed.items()}


def _said(trust: HostTrust) -> dict[str, object] | None:
    """Nothing for nearly everyone."""
    return None if trust == HostTrust() else asdict(trust)


def _credential_row(credential: Credential) -> CredentialRow:
    at = credential.next_sync_at
    shard = None if at is None else keys.due_shard(keys.due_shard_number(credential.id))
    return CredentialRow(
        keys.account(credential.uid),
        keys.credential(credential.platform, credential.id),
        scope=credential.scope or None,
        fields=dict(credential.fields),
        sealed=_texts(credential),
        fingerprints=dict(credential.fingerprints),
        last_four=dict(credential.last_four),
        market=credential.market,
        history_from=credential.history_from,
        created_at=credential.created_at,
        due_shard=shard,
        due_at=at,
        own_server=credential.own_server,
        trust=_said(credential.trust),
        version=1,
    )


def _credential(row: CredentialRow) -> Credential:
    uid, platform, credential_id = keys.credential_of(row.pk, row.sk)
    return Credential(
        uid=uid,
        platform=platform,
        id=credential_id,
        scope=ScopeId(row.scope or ""),
        fields=row.fields,
        sealed={name: b64decode(text) for name, text in (row.sealed or {}).items()},
        fingerprints=row.fingerprints,
        last_four=row.last_four,
        market=row.market,
        history_from=int(row.history_from),
        created_at=int(row.created_at),
        removed_at=instant(row.removed_at),
        next_sync_at=instant(row.due_at),
        last_good_run_at=instant(row.last_good_run_at),
        last_run_id=row.last_run_id,
        failures_in_a_row=int(row.failures_in_a_row),
        last_error=row.last_error,
        stopped=row.stopped,
        own_server=bool(row.own_server),
        trust=HostTrust(**(row.trust or {})),
        version=int(row.version),
    )


def _due(row: CredentialRow) -> DueCredential:
    uid, platform, credential_id = keys.credential_of(row.pk, row.sk)
    return DueCredential(uid, platform, credential_id, int(row.due_at or 0), bool(row.own_server))
