"""Create, replace and revoke API keys, and show how they are used (product.md §11)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.domain.api_keys import (
    ALPHABET,
    CALLS_KEPT,
    ID_LENGTH,
    SALT_BYTES,
    SECRET_LENGTH,
    KeyText,
    hash_secret,
)
from chalicelib.domain.errors import Conflict, field_fault, invalid_fields
from chalicelib.domain.times import HOUR
from chalicelib.domain.words import NO_PLATFORM, Instant, Platform, Uid
from chalicelib.services.ports.api_keys import ApiKey, ApiKeys, KeyCall, KeyUses, SignedConsent
from chalicelib.services.ports.audit import Audit, AuditEntry
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.stores import Stores

MOST_LIVE_KEYS = 20


@dataclass(frozen=True, slots=True)
class KeyView:
    """A key with when it was last used."""

    key: ApiKey
    used_at: Instant | None


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was made, and its text, which is shown this once."""

    view: KeyView
    text: str


@dataclass(frozen=True, slots=True)
class ApiKeyService:
    """Keeps an account's API keys. `platforms`: those whose keys there may be; `signing`: those
    whose consents are signed at the checkout, so that the box is ticked for their keys unless
    somebody unticks it (partner-api.md S1)."""

    keys: ApiKeys
    uses: KeyUses
    stores: Stores
    audit: Audit
    clock: Clock
    platforms: frozenset[Platform]
    signing: frozenset[Platform]

    def for_account(self, uid: Uid) -> list[KeyView]:
        """Return all keys, the newest first."""
        keys = sorted(self.keys.for_account(uid), key=lambda key: key.created_at, reverse=True)
        return [self._view(key) for key in keys]

    def create(
        self,
        uid: Uid,
        name: str,
        platform: Platform,
        *,
        actor: str,
        captures_consent: bool | None = None,
        store: int | None = None,
    ) -> NewKey:
        """Make a key. `captures_consent`: None for what is usual of the platform.

        Raises InvalidInput for an unknown platform, NotFound for an unknown store, Conflict beyond
        20 live keys.
        """
        if platform != NO_PLATFORM and platform not in self.platforms:
            reason = 'one of the POS, or "" for other'
            raise invalid_fields(field_fault("platform", reason, min(self.platforms)))
        if store is not None:
            self.stores.get(uid, store)
        now = self.clock.now()
        if sum(key.is_live(now) for key in self.keys.for_account(uid)) >= MOST_LIVE_KEYS:
            raise Conflict(f"An account has {MOST_LIVE_KEYS} keys at most: revoke one first.")
        ticked = platform in self.signing if captures_consent is None else captures_consent
        consent = SignedConsent(actor, now) if ticked else None
        key, text = _new_key(uid, name, platform, consent, store, now, actor)
        self.keys.create(key)
        self._record(key, "api_key.created", actor, after=_audited(key))
        return NewKey(KeyView(key, None), text)

    def change(
        self, uid: Uid, key_id: str, version: int, changes: Mapping[str, Any], *, actor: str
    ) -> KeyView:
        """Set `name`, `captures_consent` or `store`. Raises NotFound, StaleVersion."""
        key = replace(self.keys.get(uid, key_id), version=version)
        changed = key
        if "name" in changes:
            changed = replace(changed, name=changes["name"])
        if "store" in changes:
            if changes["store"] is not None:
                self.stores.get(uid, changes["store"])
            changed = replace(changed, store=changes["store"])
        if changes.get("captures_consent", key.captures_consent is not None) != (
            key.captures_consent is not None
        ):
            ticked = SignedConsent(actor, self.clock.now()) if changes["captures_consent"] else None
            changed = replace(changed, captures_consent=ticked)
        saved = self.keys.save(changed)
        self._record(saved, "api_key.changed", actor, before=_audited(key), after=_audited(saved))
        return self._view(saved)

    def replace(self, uid: Uid, key_id: str, keep_old_hours: int, *, actor: str) -> NewKey:
        """Make a key in the place of another, which is good for some hours more.

        Raises NotFound, Conflict for a key that ended or was replaced already.
        """
        old, now = self.keys.get(uid, key_id), self.clock.now()
        if old.ends_at is not None:
            raise Conflict("This key was revoked or replaced already: make a new one.")
        new, text = _new_key(
            uid, old.name, old.platform, old.captures_consent, old.store, now, actor
        )
        ending = replace(old, ends_at=now + keep_old_hours * HOUR, replaced_by=new.id)
        self.keys.replace(ending, new)
        self._record(
            old,
            "api_key.replaced",
            actor,
            after={"replaced_by": new.id, "keep_old_hours": keep_old_hours},
        )
        return NewKey(KeyView(new, None), text)

    def revoke(self, uid: Uid, key_id: str, *, actor: str) -> None:
        """End a key at once; again, nothing changes. Raises NotFound."""
        key, now = self.keys.get(uid, key_id), self.clock.now()
        if not key.is_live(now):
            return
        self.keys.save(replace(key, ends_at=now))
        self._record(key, "api_key.revoked", actor)

    def calls(self, uid: Uid, key_id: str) -> list[KeyCall]:
        """Return the key's last 200 calls, the newest first. Raises NotFound."""
        self.keys.get(uid, key_id)
        calls = sorted(self.uses.calls(uid, key_id), key=lambda call: call.at, reverse=True)
        return calls[:CALLS_KEPT]

    def _view(self, key: ApiKey) -> KeyView:
        used = [use.used_at for use in self.uses.uses(key.uid, key.id).values() if use.used_at]
        return KeyView(key, max(used, default=None))

    def _record(
        self,
        key: ApiKey,
        action: str,
        actor: str,
        before: dict[str, object] | None = None,
        after: dict[str, object] | None = None,
    ) -> None:
        entry = AuditEntry(self.clock.now(), actor, action, f"api_key:{key.id}", before, after)
        self.audit.record(key.uid, entry)


def _new_key(
    uid: Uid,
    name: str,
    platform: Platform,
    consent: SignedConsent | None,
    store: int | None,
    now: Instant,
    actor: str,
) -> tuple[ApiKey, str]:
    text = KeyText(uid, _random_text(ID_LENGTH), _random_text(SECRET_LENGTH))
    salt = secrets.token_bytes(SALT_BYTES)
    key = ApiKey(
        uid=uid,
        id=text.id,
        name=name,
        platform=platform,
        salt=salt,
        digest=hash_secret(text.secret, salt),
        created_at=now,
        created_by=actor,
        captures_consent=consent,
        store=store,
    )
    return key, text.whole


def _random_text(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def _audited(key: ApiKey) -> dict[str, object]:
    return {
        "name": key.name,
        "platform": key.platform,
        "captures_consent": key.captures_consent is not None,
        "store": key.store,
    }
