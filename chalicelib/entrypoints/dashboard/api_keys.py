"""API & Tracking: the keys with which POS and others call, and their calls (product.md §11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from chalicelib.domain.words import Platform, Uid
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.dashboard.auth import Caller
from chalicelib.entrypoints.dashboard.front import FRONT
from chalicelib.entrypoints.http.routing import Resource
from chalicelib.entrypoints.http.shapes import Answer, Change, Input, Moment, ShortText

if TYPE_CHECKING:
    from chalicelib.services.api_keys.keys import KeyView
    from chalicelib.services.api_keys.webhook_secrets import NewWebhookSecret

resource = Resource(__name__, tag="API keys", front=FRONT)

KEYS = "/api/accounts/{uid}/api-keys"
MOST_HOURS = 24 * 30


class ConsentBox(Answer):
    """Who ticked *This sender captures signed consent*, and when."""

    by: str
    at: Moment


class ApiKeyAnswer(Answer):
    """A key. `id` is its prefix, which is no secret. `platform`: whose key it is, null for *other*.
    `ends_at`: from when it is refused, null for never; `replaced_by`: the key in its place."""

    id: str
    name: str
    platform: Platform | None
    captures_consent: ConsentBox | None
    store: int | None
    created_at: Moment
    created_by: str
    ends_at: Moment | None
    replaced_by: str | None
    used_at: Moment | None
    version: int


class NewApiKeyAnswer(ApiKeyAnswer):
    """`secret`: the whole key, shown this once."""

    secret: str


class ApiKeyList(Answer):
    items: list[ApiKeyAnswer]


class ApiKeyInput(Input):
    """`platform`: null for *other*. `captures_consent`: null for what is usual of the platform."""

    name: ShortText = Field(examples=["Tills of Main Street"])
    platform: Platform | None = Field(default=None, max_length=20, examples=["posabit"])
    captures_consent: bool | None = Field(default=None, examples=[True])
    store: int | None = Field(default=None, ge=1, examples=[1])


class ApiKeyChange(Change):
    """`captures_consent`: the box *This sender captures signed consent*. `store`: the store that
    the key is bound to, null for none."""

    name: ShortText = Field(default="", examples=["Tills of Main Street"])
    captures_consent: bool = Field(default=False, examples=[True])
    store: int | None = Field(default=None, ge=1, examples=[1])


class Replacement(Input):
    keep_old_hours: int = Field(
        ge=0, le=MOST_HOURS, examples=[24], description="How long the old key stays good."
    )


class KeyCallAnswer(Answer):
    """A call. `error`: what it was told, "" for none. `phone`: masked but for its last four."""

    at: Moment
    method: str
    route: str
    status: int
    error: str
    phone: str


class KeyCallList(Answer):
    items: list[KeyCallAnswer]


@resource.get(KEYS, right="keys:read")
def list_api_keys(uid: Uid) -> ApiKeyList:
    """List the account's keys, the newest first."""
    return ApiKeyList(items=[_shown(view) for view in wiring.api_keys.service().for_account(uid)])


@resource.post(KEYS, right="keys:write", status=201)
def create_api_key(uid: Uid, body: ApiKeyInput, caller: Caller) -> NewApiKeyAnswer:
    """Make a key; its secret is in this answer and in no other."""
    made = wiring.api_keys.service().create(
        uid,
        body.name,
        body.platform or Platform(""),
        actor=caller.actor,
        captures_consent=body.captures_consent,
        store=body.store,
    )
    return NewApiKeyAnswer(**_shown(made.view).model_dump(), secret=made.text)


@resource.patch(f"{KEYS}/{{key}}", right="keys:write")
def change_api_key(
    uid: Uid, key: str, body: ApiKeyChange, version: int, caller: Caller
) -> ApiKeyAnswer:
    """Change a key's name, its box of signed consent, or the store that it is bound to."""
    service = wiring.api_keys.service()
    return _shown(service.change(uid, key, version, body.sent_fields(), actor=caller.actor))


@resource.post(f"{KEYS}/{{key}}/replace", right="keys:write", status=201)
def replace_api_key(uid: Uid, key: str, body: Replacement, caller: Caller) -> NewApiKeyAnswer:
    """Make a key in the place of another, which stays good for some hours."""
    service = wiring.api_keys.service()
    made = service.replace(uid, key, body.keep_old_hours, actor=caller.actor)
    return NewApiKeyAnswer(**_shown(made.view).model_dump(), secret=made.text)


@resource.delete(f"{KEYS}/{{key}}", right="keys:write")
def revoke_api_key(uid: Uid, key: str, caller: Caller) -> None:
    """Revoke a key: the next call with it is refused."""
    wiring.api_keys.service().revoke(uid, key, actor=caller.actor)


@resource.get(f"{KEYS}/{{key}}/calls", right="keys:read")
def list_api_key_calls(uid: Uid, key: str) -> KeyCallList:
    """List a key's last 200 calls, the newest first."""
    calls = wiring.api_keys.service().calls(uid, key)
    return KeyCallList(items=[KeyCallAnswer.model_validate(call) for call in calls])


def _shown(view: KeyView) -> ApiKeyAnswer:
    key = view.key
    box = key.captures_consent
    return ApiKeyAnswer(
        id=key.id,
        name=key.name,
        platform=key.platform or None,
        captures_consent=None if box is None else ConsentBox(by=box.by, at=box.at),
        store=key.store,
        created_at=key.created_at,
        created_by=key.created_by,
        ends_at=key.ends_at,
        replaced_by=key.replaced_by or None,
        used_at=view.used_at,
        version=key.version,
    )


SECRETS = "/api/accounts/{uid}/webhook-secrets"


class WebhookSecretAnswer(Answer):
    """A secret with which a POS signs what it sends to `/api/webhooks/{platform}/{uid}`."""

    id: str
    platform: Platform
    last_four: str
    created_at: Moment
    created_by: str
    ends_at: Moment | None


class NewWebhookSecretAnswer(WebhookSecretAnswer):
    """`secret`: the whole secret, shown this once."""

    secret: str


class WebhookSecretList(Answer):
    items: list[WebhookSecretAnswer]


class WebhookSecretInput(Input):
    platform: Platform = Field(max_length=20, examples=["posabit"])


@resource.get(SECRETS, right="keys:read")
def list_webhook_secrets(uid: Uid) -> WebhookSecretList:
    """List the account's webhook secrets, the newest first."""
    found = wiring.api_keys.webhook_secrets().for_account(uid)
    return WebhookSecretList(items=[WebhookSecretAnswer.model_validate(one) for one in found])


@resource.post(SECRETS, right="keys:write", status=201)
def create_webhook_secret(
    uid: Uid, body: WebhookSecretInput, caller: Caller
) -> NewWebhookSecretAnswer:
    """Make a webhook secret; it is in this answer and in no other."""
    service = wiring.api_keys.webhook_secrets()
    return _secret_once(service.create(uid, body.platform, actor=caller.actor))


@resource.post(f"{SECRETS}/{{secret}}/replace", right="keys:write", status=201)
def replace_webhook_secret(
    uid: Uid, secret: str, body: Replacement, caller: Caller
) -> NewWebhookSecretAnswer:
    """Make a webhook secret in the place of another, which stays good for some hours."""
    service = wiring.api_keys.webhook_secrets()
    return _secret_once(service.replace(uid, secret, body.keep_old_hours, actor=caller.actor))


@resource.delete(f"{SECRETS}/{{secret}}", right="keys:write")
def revoke_webhook_secret(uid: Uid, secret: str, caller: Caller) -> None:
    """Revoke a webhook secret: what is signed with it is refused from now on."""
    wiring.api_keys.webhook_secrets().revoke(uid, secret, actor=caller.actor)


def _secret_once(made: NewWebhookSecret) -> NewWebhookSecretAnswer:
    shown = WebhookSecretAnswer.model_validate(made.secret)
    return NewWebhookSecretAnswer(**shown.model_dump(), secret=made.text)
