"""Keys of the table of stores: stores, store keys (the POS's stores), inventory."""

from __future__ import annotations

from chalicelib.domain.words import Uid

ANY_STORE_PREFIX = "STORE"
STORE_PREFIX = "STORE#"
STORE_KEY_PREFIX = "STOREKEY#"
STORE_COUNTER_SK = "COUNTER"


def store(number: int) -> str:
    return f"{STORE_PREFIX}{number:08d}"


def store_key(key_id: str) -> str:
    return f"{STORE_KEY_PREFIX}{key_id}"


def inventory(uid: Uid, key_id: str) -> str:
    return f"INVENTORY#{uid}#{key_id}"
