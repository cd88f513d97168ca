"""All that a sync has to know of its source before it begins, in one call over two tables."""

from __future__ import annotations

from chalicelib.adapters.dynamo.accounts import AccountRow, account_of
from chalicelib.adapters.dynamo.base import bind, find_together
from chalicelib.adapters.dynamo.credential_rows import CredentialRow, credential_of
from chalicelib.adapters.dynamo.integrations import IntegrationRow, integration_of
from chalicelib.adapters.dynamo.keys import account_keys, integration_keys
from chalicelib.domain.words import CredentialId, Platform, Uid
from chalicelib.services.ports.runs import SyncSource


class DynamoSources:
    """The `Sources` port."""

    def __init__(self, accounts: str, integrations: str) -> None:
        bind(accounts, AccountRow)
        bind(integrations, CredentialRow, IntegrationRow)

    def read(self, uid: Uid, platform: Platform, credential: CredentialId) -> SyncSource:
        pk = account_keys.account(uid)
        account, integration, held = find_together(
            (AccountRow, pk, account_keys.ACCOUNT_SK),
            (IntegrationRow, pk, integration_keys.integration(platform)),
            (CredentialRow, pk, integration_keys.credential(platform, credential)),
        )
        return SyncSource(
            account=account_of(uid, account) if isinstance(account, AccountRow) else None,
            integration=integration_of(uid, integration)
            if isinstance(integration, IntegrationRow)
            else None,
            credential=credential_of(held)
            if isinstance(held, CredentialRow) and held.removed_at is None
            else None,
        )
