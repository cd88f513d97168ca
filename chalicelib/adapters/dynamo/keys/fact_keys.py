"""Keys of the table of personas for facts and what is derived from them: source records, sales,
merge keys, personas, the commit lock."""

from __future__ import annotations

from chalicelib.adapters.dynamo.keys.key_parts import shortened
from chalicelib.domain.words import Fence, Instant, Platform, ScopeId, Uid


def record(uid: Uid, record_id: str) -> str:
    return f"{uid}#REC#{record_id}"


PROFILE_SK = "PROFILE"
SALES_SK = "SALES"
PERSONA_SK = "PERSONA"
POINTER_PREFIX = "SALE#"


def pointer(ordered_at: Instant, scope_id: str, ext_id: str) -> str:
    return f"{POINTER_PREFIX}{ordered_at:015d}#{shortened(scope_id)}#{shortened(ext_id)}"


def pointers_at(at: Instant) -> str:
    """Return the start of the sort keys of pointers to sales ordered at this instant."""
    return f"{POINTER_PREFIX}{max(at, 0):015d}"


LEDGER_PREFIX = "LEDGER#"


def ledger(cause: str) -> str:
    return f"{LEDGER_PREFIX}{shortened(cause)}"


def merge_key(uid: Uid, kind: str, value: str) -> str:
    return f"{uid}#KEY#{kind}#{shortened(value)}"


MEMBERS_SK = "MEMBERS"
MEMBER_PREFIX = "MEMBER#"


def member(record_id: str) -> str:
    return f"{MEMBER_PREFIX}{record_id}"


def shared_keys(uid: Uid) -> str:
    return f"{uid}#SHARED"


def shared_key(kind: str, value: str) -> str:
    return f"{kind}#{shortened(value)}"


def sale(uid: Uid, platform: Platform, scope_id: str, ext_id: str) -> str:
    """A scope may hold any character, so its own `#` is escaped."""
    scope_text = scope_id.replace("%", "%25").replace("#", "%23")
    return f"{uid}#SALE#{platform}#{scope_text}#{ext_id}"


SALE_SK = "SALE"
RETURNS_SK = "RETURNS"


def seen_ids(uid: Uid, platform: Platform, scope_id: ScopeId) -> str:
    return f"{uid}#IDS#{platform}#{scope_id}"


SEEN_IDS_SK = "IDS"


def tombstones(uid: Uid) -> str:
    """Return the partition of an account's tombstones."""
    return f"{uid}#ERASED"


SALT_SK = "SALT"
TOMBSTONE_PREFIX = "TOMBSTONE#"


def tombstone(name: str) -> str:
    return f"{TOMBSTONE_PREFIX}{name}"


def facts_log(uid: Uid, platform: Platform) -> str:
    return f"{uid}#LOG#{platform}"


def logged_part(fence: Fence, part: int) -> str:
    return f"{fence:012d}#{part:04d}"


def fence_of(sk: str) -> Fence:
    """Return the commit whose part of the facts log lies under this key."""
    return int(sk.partition("#")[0])


def commit(uid: Uid) -> str:
    return f"{uid}#COMMIT"


COMMIT_SK = "COMMIT"
RECENT_SHARDS = 8


def recent_shard(uid: Uid, number: int) -> str:
    return f"{uid}#RECENT#{number}"


def out_of_market_shard(uid: Uid, number: int) -> str:
    return f"{uid}#OUTOFMARKET#{number}"


NAME_SHARDS = (*"abcdefghijklmnopqrstuvwxyz", "~")
"""One per first letter, in the order of names; all other names share the last."""


def name_shard_of(name_key: str) -> str:
    first = name_key[:1]
    return first if first in NAME_SHARDS else NAME_SHARDS[-1]


def name_shard(uid: Uid, shard: str) -> str:
    return f"{uid}#NAME#{shard}"
