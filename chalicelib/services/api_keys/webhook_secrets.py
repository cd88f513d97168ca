"""Make webhook secrets, and verify what was signed with them (Standard Webhooks, S20)."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace

from chalicelib.domain.errors import Conflict, NotFound, RequestError, field_fault, invalid_fields
from chalicelib.domain.times import HOUR
from chalicelib.domain.words import Instant, Platform, Uid
from chalicelib.services.ports.api_keys import WebhookSecret, WebhookSecrets
from chalicelib.services.ports.audit import Audit, AuditEntry
from chalicelib.services.ports.common import Clock, Ids, SecretBox

SECRET_BYTES = 32
MOST_LIVE = 5
LONGEST_ID = 255
_TIMESTAMP = re.compile(r"[0-9]{10}")


class NotSigned(RequestError):
    """The signature, its time, or the secret that it was made with is not good."""

    status = 401
    code = "not_signed"


REFUSED = "The signature cannot be verified."


@dataclass(frozen=True, slots=True)
class NewWebhookSecret:
    """A secret that was made, and its text, which is shown this once."""

    secret: WebhookSecret
    text: str


@dataclass(frozen=True, slots=True)
class WebhookSecretService:
    """Keeps the secrets with which POS sign what they send."""

    secrets: WebhookSecrets
    box: SecretBox
    audit: Audit
    ids: Ids
    clock: Clock
    platforms: frozenset[Platform]

    def for_account(self, uid: Uid) -> list[WebhookSecret]:
        """Return all, the newest first."""
        return sorted(self.secrets.for_account(uid), key=lambda s: s.created_at, reverse=True)

    def create(self, uid: Uid, platform: Platform, *, actor: str) -> NewWebhookSecret:
        """Make a secret. Raises InvalidInput for an unknown platform, Conflict beyond 5 live ones
        of it."""
        if platform not in self.platforms:
            raise invalid_fields(field_fault("platform", "one of the POS", min(self.platforms)))
        now = self.clock.now()
        live = [s for s in self.secrets.for_platform(uid, platform) if s.is_live(now)]
        if len(live) >= MOST_LIVE:
            raise Conflict(f"A POS has {MOST_LIVE} secrets at most: end one first.")
        key = self.ids.new("whk")
        text = "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
        sealed = self.box.seal(text, _context(uid, platform, key))
        made = WebhookSecret(uid, platform, key, sealed, text[-4:], now, actor)
        self.secrets.put(made)
        self._record(made, "webhook_secret.created", actor)
        return NewWebhookSecret(made, text)

    def replace(self, uid: Uid, key: str, keep_old_hours: int, *, actor: str) -> NewWebhookSecret:
        """Make a secret in the place of another, which is good for some hours more. Raises
        NotFound."""
        old = self._get(uid, key)
        made = self.create(uid, old.platform, actor=actor)
        self._end(old, self.clock.now() + keep_old_hours * HOUR)
        return made

    def revoke(self, uid: Uid, key: str, *, actor: str) -> None:
        """End a secret at once. Raises NotFound."""
        old = self._get(uid, key)
        self._end(old, self.clock.now())
        self._record(old, "webhook_secret.revoked", actor)

    def verify(self, uid: Uid, platform: Platform, headers: Mapping[str, str], body: bytes) -> str:
        """Return the id of what was signed with a live secret within five minutes.

        Raises NotSigned, with the same words whatever is wrong.
        """
        named = {name: headers.get(name, "").strip() for name in _HEADERS}
        webhook_id, timestamp = named["webhook-id"], named["webhook-timestamp"]
        if 0 < len(webhook_id) <= LONGEST_ID and _TIMESTAMP.fullmatch(timestamp):
            now = self.clock.now()
            for secret in self.secrets.for_platform(uid, platform):
                if secret.is_live(now) and self._is_signed(secret, named, body):
                    return webhook_id
        raise NotSigned(REFUSED)

    def _is_signed(self, secret: WebhookSecret, named: Mapping[str, str], body: bytes) -> bool:
        from standardwebhooks import Webhook

        text = self.box.unseal(secret.sealed, _context(secret.uid, secret.platform, secret.id))

        def is_good(signature: str) -> bool:
            one = {**named, "webhook-signature": signature}
            try:
                Webhook(text).verify(body, one, json_parse=False)
            except Exception:  # noqa: BLE001 -- malformed input raises whatever it likes
                return False
            return True

        return any(is_good(each) for each in named["webhook-signature"].split()[:10])

    def _get(self, uid: Uid, key: str) -> WebhookSecret:
        for secret in self.secrets.for_account(uid):
            if secret.id == key:
                return secret
        raise NotFound("There is no such secret.")

    def _end(self, secret: WebhookSecret, at: Instant) -> None:
        earlier = at if secret.ends_at is None else min(at, secret.ends_at)
        self.secrets.put(replace(secret, ends_at=earlier))

    def _record(self, secret: WebhookSecret, action: str, actor: str) -> None:
        subject = f"webhook_secret:{secret.platform}:{secret.id}"
        self.audit.record(secret.uid, AuditEntry(self.clock.now(), actor, action, subject))


_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")


def _context(uid: Uid, platform: Platform, key: str) -> dict[str, str]:
    return {"uid": uid, "credential": key, "field": f"webhook:{platform}"}
