"""Builds the services of API keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.config import config
from chalicelib.entrypoints.once import once
from chalicelib.entrypoints.wiring import gateways, outside

if TYPE_CHECKING:
    from chalicelib.adapters.dynamo.api_keys import DynamoApiKeys
    from chalicelib.services.api_keys.admission import KeyAdmission
    from chalicelib.services.api_keys.keys import ApiKeyService
    from chalicelib.services.api_keys.webhook_secrets import WebhookSecretService
    from chalicelib.services.ports.api_keys import NamedCalls


@once
def stored_keys() -> DynamoApiKeys:
    from chalicelib.adapters.dynamo.api_keys import DynamoApiKeys

    return DynamoApiKeys(config().table_accounts)


@once
def named_calls() -> NamedCalls:
    from chalicelib.adapters.dynamo.api_keys import DynamoNamedCalls

    return DynamoNamedCalls(config().table_accounts)


@once
def admission() -> KeyAdmission:
    from chalicelib.services.api_keys.admission import KeyAdmission

    keys = stored_keys()
    return KeyAdmission(keys, keys, outside.raised_limits(), outside.throttle(), outside.clock())


@once
def service() -> ApiKeyService:
    from chalicelib.services.api_keys.keys import ApiKeyService

    keys = stored_keys()
    platforms = gateways.pos_gateway().platforms()
    return ApiKeyService(
        keys,
        keys,
        outside.stores(),
        outside.audit(),
        outside.clock(),
        frozenset(info.platform for info in platforms),
        frozenset(info.platform for info in platforms if info.signed_consent),
    )


@once
def webhook_secrets() -> WebhookSecretService:
    from chalicelib.adapters.dynamo.webhook_secrets import DynamoWebhookSecrets
    from chalicelib.services.api_keys.webhook_secrets import WebhookSecretService

    return WebhookSecretService(
        DynamoWebhookSecrets(config().table_accounts),
        outside.cursor_box(),
        outside.audit(),
        outside.ids(),
        outside.clock(),
        frozenset(info.platform for info in gateways.pos_gateway().platforms()),
    )
