"""Keys of the table of accounts for what tills use: API keys, webhooks, discounts, PINs."""

from __future__ import annotations

from chalicelib.domain.words import Platform, Uid

API_KEY_PREFIX = "APIKEY#"
KEY_USE_PREFIX = "USE#"
KEY_CALL_PREFIX = "CALL#"


def api_key(key: str) -> str:
    return f"{API_KEY_PREFIX}{key}"


def key_uses(uid: Uid, key: str) -> str:
    """Return the partition of how an API key is used."""
    return f"KEYUSE#{uid}#{key}"


def key_use(bucket: str) -> str:
    return f"{KEY_USE_PREFIX}{bucket}"


def key_call(bucket: str, place: int) -> str:
    return f"{KEY_CALL_PREFIX}{bucket}#{place:03d}"


def named_call(uid: Uid, name: str) -> str:
    """Return the partition of a call that its caller named."""
    return f"NAMED#{uid}#{name}"


NAMED_CALL_SK = "CALL"
WEBHOOK_PREFIX = "WEBHOOK#"


def webhooks_of(platform: Platform) -> str:
    return f"{WEBHOOK_PREFIX}{platform}#"


def webhook_secret(platform: Platform, secret: str) -> str:
    return f"{webhooks_of(platform)}{secret}"


DISCOUNT_PREFIX = "DISCOUNT#"


def discount(discount_id: str) -> str:
    return f"{DISCOUNT_PREFIX}{discount_id}"


DISCOUNT_NAMES_PREFIX = "DISCOUNTNAMES#"


def discount_names(platform: Platform) -> str:
    return f"{DISCOUNT_NAMES_PREFIX}{platform}"


def pin(tag: str) -> str:
    return f"PIN#{tag}"


SIGNING_KEY_SK = "SIGNINGKEY"
