"""Keys of the table of accounts for signups: forms that were sent, shoppers to create in a POS."""

from __future__ import annotations

from chalicelib.adapters.dynamo.keys.key_parts import shard_number
from chalicelib.domain.words import Platform, Uid


def join_proofs(uid: Uid) -> str:
    """Return the partition of the signup forms that were sent."""
    return f"JOIN#{uid}"


SHOPPER_SHARDS = 8
INTENT_PREFIX = "INTENT#"
OPEN_INTENT_PREFIX = "OPEN#"
SHOWN_INTENT_PREFIX = "SHOWN#"
TURN_SK = "TURN"


def new_shoppers(uid: Uid, platform: Platform) -> str:
    """Return the partition of the shoppers that contact sync is to create in a POS."""
    return f"SHOPPERS#{uid}#{platform}"


def intent(record: str) -> str:
    return f"{INTENT_PREFIX}{record}"


def open_intent(record: str) -> str:
    return f"{OPEN_INTENT_PREFIX}{record}"


def shown_intent(record: str) -> str:
    return f"{SHOWN_INTENT_PREFIX}{record}"


def shopper_shard(number: int) -> str:
    """Return a partition of the sources that contact sync looks at."""
    return f"SHOPPERSDUE#{number}"


def shopper_shard_number(uid: Uid) -> int:
    return shard_number(uid, SHOPPER_SHARDS)


def due_source(uid: Uid, platform: Platform) -> str:
    return f"{uid}#{platform}"
