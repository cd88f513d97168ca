"""Webhook secrets (table `accounts`), encrypted."""

from __future__ import annotations

from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute

from chalicelib.adapters.dynamo.base import Row, bind, instant
from chalicelib.adapters.dynamo.keys import account_keys, till_keys
from chalicelib.adapters.dynamo.readable import readable
from chalicelib.domain.words import Platform, Uid
from chalicelib.services.ports.api_keys import WebhookSecret


class WebhookSecretRow(Row):
    sealed = BinaryAttribute(legacy_encoding=False)
    last_four = UnicodeAttribute()
    created_at = NumberAttribute()
    created_by = UnicodeAttribute()
    ends_at = NumberAttribute(null=True)


class DynamoWebhookSecrets:
    """The `WebhookSecrets` port."""

    def __init__(self, table: str) -> None:
        bind(table, WebhookSecretRow)

    def put(self, secret: WebhookSecret) -> None:
        place = till_keys.webhook_secret(secret.platform, secret.id)
        WebhookSecretRow.of(secret, account_keys.account(secret.uid), place).save()

    def for_platform(self, uid: Uid, platform: Platform) -> list[WebhookSecret]:
        return self._listed(uid, till_keys.webhooks_of(platform))

    def for_account(self, uid: Uid) -> list[WebhookSecret]:
        return self._listed(uid, till_keys.WEBHOOK_PREFIX)

    def _listed(self, uid: Uid, prefix: str) -> list[WebhookSecret]:
        rows = WebhookSecretRow.query_prefix(account_keys.account(uid), prefix)
        return list(readable(rows, lambda row: _secret_of(uid, row)))


def _secret_of(uid: Uid, row: WebhookSecretRow) -> WebhookSecret:
    platform, _, secret = row.sk.removeprefix(till_keys.WEBHOOK_PREFIX).partition("#")
    return WebhookSecret(
        uid=uid,
        platform=Platform(platform),
        id=secret,
        sealed=row.sealed,
        last_four=row.last_four,
        created_at=int(row.created_at),
        created_by=row.created_by,
        ends_at=instant(row.ends_at),
    )
