"""Deterministic identifiers: the same facts always give the same id."""

from __future__ import annotations

import hashlib

from chalicelib.domain.words import Platform, ScopeId, Uid

STORE_KEY_SEPARATOR = ":"

LONGEST_SHOP = 100
"""Bytes of a shop's key in an id, which becomes part of database keys too."""

LONGEST_STORE_KEY_ID = 400
"""Bytes; it becomes part of database keys, which take 1 KB."""

_RECORD_ID_LENGTH = 32
_HEX = frozenset("0123456789abcdef")


def record_id(uid: Uid, platform: Platform, scope: ScopeId, ext_id: str) -> str:
    """Return the permanent id of a source record: 32 hex characters (product.md §6, `contactID`).

    It depends on the POS's own id of the shopper, never on when or through which credential AIQ
    read it, so a re-added credential finds its old records again.
    """
    return _digest("record", uid, platform, scope, ext_id)


def is_record_id(text: str) -> bool:
    """Whether `text` has the form of a record id."""
    return len(text) == _RECORD_ID_LENGTH and _HEX.issuperset(text)


def adjustment_id(actor: str, key: str) -> str:
    """Return the id of an adjustment by hand, unique per person and Idempotency-Key."""
    return _digest("adjustment", actor, key)


def number_tag(record: str, number: str) -> str:
    """Return an id for a phone number of a source record that does not show the number."""
    return _digest("number", record, number)


def store_key_id(platform: Platform, scope: ScopeId, key: str) -> str:
    """Return the id of a store key inside one account: `platform:scope:key`.

    A scope may be `IP:port`, so its own `:` is escaped. An id over 400 bytes is cut, and ends in a
    digest of the whole.
    """
    whole = STORE_KEY_SEPARATOR.join((platform, _escaped(scope), key))
    if len(whole.encode()) <= LONGEST_STORE_KEY_ID:
        return whole
    return f"{whole[:60]}…{_digest('store key', whole)}"


def id_in_shop(shop: str, ext_id: str) -> str:
    """Return the id, unique in the scope, of what the POS numbers in each shop anew:
    `shop:ext_id`. `shop` is the store key; one over 100 bytes is cut, and ends in a digest."""
    shop_text = _escaped(shop)
    if len(shop_text.encode()) > LONGEST_SHOP:
        shop_text = f"{shop_text[:12]}…{_digest('shop', shop)}"
    return f"{shop_text}{STORE_KEY_SEPARATOR}{ext_id}"


def product_id(store_key: str, ext_id: str) -> str:
    """Return the id of a product in its scope: the POS's id is unique in its store only."""
    return f"{store_key}\x1f{ext_id}"


def _escaped(text: str) -> str:
    """Without the separator, so that what stands before it is told from what stands behind."""
    return text.replace("%", "%25").replace(STORE_KEY_SEPARATOR, "%3A")


def _digest(*parts: str) -> str:
    joined = "\x1f".join(parts).encode()
    return hashlib.blake2b(joined, digest_size=16).hexdigest()
