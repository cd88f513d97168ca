"""Credentials in DynamoDB (docs/reference/design.md, table `integrations`)."""

from __future__ import annotations

from collections.abc import Callable

from pynamodb.exceptions import TransactWriteError
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.dynamo.base import (
    assign,
    at_version,
    bind,
    failed_conditions,
    transact,
    update_if,
)
from chalicelib.adapters.dynamo.credential_rows import (
    AdditionsRow,
    CredentialRow,
    DueIndex,
    ScopeRow,
    credential_of,
    credential_row,
    due_actions,
    due_credential,
    has_same_tokens,
    host_trust_json,
    is_live,
    is_unchanged,
    key_row,
    scope_row,
    sealed_texts,
    token_actions,
)
from chalicelib.adapters.dynamo.keys import account_keys, integration_keys
from chalicelib.adapters.dynamo.readable import readable
from chalicelib.domain.errors import Conflict, NotFound, StaleVersion, TooManyCredentials
from chalicelib.domain.limits import DEFAULT_LIMITS
from chalicelib.domain.words import CredentialId, Instant, Platform, ScopeId, Uid
from chalicelib.services.ports.integrations import Credential, DueCredential

CHANGED = "The credential was changed meanwhile."
SCOPE_TAKEN = "Another live credential opens the same scope."
TOO_MANY = (
    "An account can have {most} credentials, and this one has them all: remove one that is not"
    " needed any more, or ask our support for more."
)


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
            account_keys.account(uid), integration_keys.credentials_of(platform), is_live()
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
        pk, row = account_keys.account(credential.uid), credential_row(credential)
        known = AdditionsRow.find(pk, integration_keys.ADDITIONS_SK)
        seq = 0 if known is None else int(known.seq)
        a_credential = CredentialRow.sk.startswith(integration_keys.CREDENTIAL_PREFIX)
        if CredentialRow.count(pk, a_credential, is_live(), consistent_read=True) >= most:
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
        row = key_row(credential.uid, credential.platform, credential.id)

        def writes(transaction: TransactWrite) -> None:
            transaction.update(
                row,
                actions=[
                    CredentialRow.scope.set(scope),
                    CredentialRow.version.set(credential.version + 1),
                ],
                condition=is_unchanged(credential),
            )
            _claim(transaction, credential, scope)

        _commit(writes, own=1)
        return self.get(credential.uid, credential.platform, credential.id)

    def save(self, credential: Credential, tokens: tuple[bytes, ...] | None = None) -> Credential:
        actions = [
            CredentialRow.fields.set(dict(credential.fields)),
            CredentialRow.sealed.set(sealed_texts(credential)),
            CredentialRow.fingerprints.set(dict(credential.fingerprints)),
            CredentialRow.last_four.set(dict(credential.last_four)),
            assign(CredentialRow.market, credential.market),
            CredentialRow.history_from.set(credential.history_from),
            assign(CredentialRow.trust, host_trust_json(credential.trust)),
            CredentialRow.version.set(credential.version + 1),
        ]
        if tokens is not None:
            actions += token_actions(tokens)
            actions.append(CredentialRow.tokens_version.add(1))
        row = key_row(credential.uid, credential.platform, credential.id)
        if not update_if(row, actions, is_unchanged(credential)):
            self.get(credential.uid, credential.platform, credential.id)
            raise StaleVersion(CHANGED)
        return credential_of(row)

    def lease_tokens(self, credential: Credential, now: Instant, until: Instant) -> bool:
        free = CredentialRow.tokens_leased_until.does_not_exist() | (
            CredentialRow.tokens_leased_until <= now
        )
        row = key_row(credential.uid, credential.platform, credential.id)
        actions = [CredentialRow.tokens_leased_until.set(until)]
        return update_if(row, actions, has_same_tokens(credential) & free)

    def keep_tokens(self, credential: Credential, tokens: tuple[bytes, ...]) -> bool:
        version = CredentialRow.tokens_version.set(credential.tokens_version + 1)
        row = key_row(credential.uid, credential.platform, credential.id)
        return update_if(row, [*token_actions(tokens), version], has_same_tokens(credential))

    def release_tokens(self, credential: Credential) -> None:
        row = key_row(credential.uid, credential.platform, credential.id)
        update_if(row, [CredentialRow.tokens_leased_until.remove()], has_same_tokens(credential))

    def remove(self, credential: Credential, at: Instant) -> None:
        row = key_row(credential.uid, credential.platform, credential.id)

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
                condition=is_unchanged(credential),
            )
            if credential.scope:
                transaction.delete(
                    scope_row(credential, credential.scope),
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
            *due_actions(credential, at),
        ]
        if not update_if(key_row(uid, platform, credential), actions, is_live()):
            raise NotFound("There is no such credential.")

    def set_due(
        self, uid: Uid, platform: Platform, credential: CredentialId, at: Instant | None
    ) -> None:
        row = key_row(uid, platform, credential)
        if not update_if(row, due_actions(credential, at), is_live()):
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
            *due_actions(credential, next_sync_at),
        ]
        if good_at is not None:
            actions.append(CredentialRow.last_good_run_at.set(good_at))
        if shopper_at is not None:
            actions.append(CredentialRow.last_shopper_at.set(shopper_at))
        update_if(key_row(uid, platform, credential), actions, is_live())

    def due(self, shard: int, until: Instant, limit: int) -> list[DueCredential]:
        rows = CredentialRow.due.query(
            integration_keys.due_shard(shard),
            DueIndex.due_at <= until,
            limit=limit,
            scan_index_forward=True,
        )
        return list(readable(rows, due_credential))

    def claim_due(self, due: DueCredential, next_at: Instant) -> bool:
        row = key_row(due.uid, due.platform, due.credential)
        return update_if(
            row, [CredentialRow.due_at.set(next_at)], CredentialRow.due_at == due.due_at
        )


def _claim(transaction: TransactWrite, credential: Credential, scope: ScopeId) -> None:
    if scope:
        free = ScopeRow.pk.does_not_exist() | (ScopeRow.credential == credential.id)
        transaction.save(scope_row(credential, scope), condition=free)


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
