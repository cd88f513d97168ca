"""The only place that formats DynamoDB keys. A partition key names its account, so that accounts
are isolated."""

from __future__ import annotations

import re
import zlib
from hashlib import blake2b

from chalicelib.domain.words import (
    CredentialId,
    Day,
    Fence,
    Instant,
    Platform,
    ScopeId,
    Stream,
    Uid,
)

DUE_SHARDS = 16
RECENT_SHARDS = 8


def account(uid: Uid) -> str:
    return f"ACCOUNT#{uid}"


def account_of(pk: str) -> Uid:
    """Return the account of a partition key that `account` made."""
    return Uid(pk.removeprefix("ACCOUNT#"))


ACCOUNT_SK = "ACCOUNT"
USER_PREFIX = "USER#"
NOTIFICATION_PREFIX = "NOTIFICATION#"
AUDIT_PREFIX = "AUDIT#"
INTEGRATION_PREFIX = "INTEGRATION#"
CREDENTIAL_PREFIX = "CREDENTIAL#"
ADDITIONS_SK = "ADDITIONS"
SCOPE_PREFIX = "SCOPE#"
ANY_STORE_PREFIX = "STORE"
STORE_PREFIX = "STORE#"
STORE_KEY_PREFIX = "STOREKEY#"
STORE_COUNTER_SK = "COUNTER"
RULES_SK = "RULES"
PREVIEW_PREFIX = "PREVIEW#"
JOB_PREFIX = "JOB#"
WORK_PREFIX = "WORK#"
ADJUSTED_PREFIX = "ADJUSTED#"
LEFT_PREFIX = "LEFT#"
DISCOUNT_PREFIX = "DISCOUNT#"
DISCOUNT_NAMES_PREFIX = "DISCOUNTNAMES#"
SIGNING_KEY_SK = "SIGNINGKEY"
WITHDRAWN_PREFIX = "WITHDRAWN#"
EXPIRY_SHARDS = 8
DIGEST_PREFIX = "DIGEST#"
DIGEST_SHARDS = 8


def user(sub: str) -> str:
    return f"{USER_PREFIX}{sub}"


def notification(kind: str, subject: str) -> str:
    return f"{NOTIFICATION_PREFIX}{kind}#{subject}"


def audit(at: Instant, entry: str) -> str:
    return f"{AUDIT_PREFIX}{at:015d}#{entry}"


def audit_from(since: Instant | None) -> str:
    """Return where the audit entries since then begin; None: all of them."""
    return f"{AUDIT_PREFIX}{since or 0:015d}"


def audit_until(until: Instant | None) -> str:
    """Return where those before then end."""
    return f"{AUDIT_PREFIX}~" if until is None else f"{AUDIT_PREFIX}{until:015d}"


def preview(preview_id: str) -> str:
    return f"{PREVIEW_PREFIX}{preview_id}"


def live_preview(subject: str) -> str:
    return f"LIVE#{subject}"


COUNTING_SK = "COUNTING"


def job(job_id: str) -> str:
    prefix = WORK_PREFIX if job_id.startswith("work_") else JOB_PREFIX
    return f"{prefix}{job_id}"


def backups_of(platform: Platform) -> str:
    return f"BACKUP#{platform}#"


def backup(platform: Platform, backup_id: str) -> str:
    return f"{backups_of(platform)}{backup_id}"


SWITCH_PREFIX = "SWITCH#"
DOUBLED_PAIR = re.compile(r"\d{4}-\d\d-\d\d-[0-9a-f]{16}")


def switch(switch_id: str) -> str:
    return f"{SWITCH_PREFIX}{switch_id}"


def switch_check(switch_id: str, number: int) -> str:
    return f"SWITCHCHECK#{switch_id}#{number:04d}"


def doubled_pairs(uid: Uid, switch_id: str, number: int) -> str:
    """Return the partition of the pairs of sales that a check of a switch found."""
    return f"DOUBLED#{uid}#{switch_id}#{number:04d}"


def adjustments(day: str, actor: str) -> str:
    return f"{ADJUSTED_PREFIX}{day}#{actor}"


def discount(discount_id: str) -> str:
    return f"{DISCOUNT_PREFIX}{discount_id}"


def discount_names(platform: Platform) -> str:
    return f"{DISCOUNT_NAMES_PREFIX}{platform}"


def pin(tag: str) -> str:
    return f"PIN#{tag}"


def leavers(platform: Platform, part: int = 0) -> str:
    first = f"{LEFT_PREFIX}{platform}"
    return f"{first}#{part:03d}" if part else first


def withdrawals(platform: Platform) -> str:
    return f"{WITHDRAWN_PREFIX}{platform}"


def withheld(uid: Uid, run: str) -> str:
    """Return the partition of a run's notes of contacts that it withheld."""
    return f"WITHHELD#{uid}#{run}"


def expiry_shard(number: int) -> str:
    """Return a partition of the accounts whose points expire, which are looked at daily."""
    return f"EXPIRY#{number:02d}"


def expiry_shard_number(uid: Uid) -> int:
    return zlib.crc32(uid.encode()) % EXPIRY_SHARDS


def digest(sub: str) -> str:
    return f"{DIGEST_PREFIX}{sub}"


def digest_shard(number: int) -> str:
    """Return a partition of the accounts that have news for a digest."""
    return f"DIGESTS#{number:02d}"


def digest_shard_number(uid: Uid) -> int:
    return zlib.crc32(uid.encode()) % DIGEST_SHARDS


AUDIENCES_SK = "AUDIENCES"
AUDIENCE_RUN_PREFIX = "AUDIENCE#"
AUDIENCE_RUN = re.compile(r"AUDIENCE#audience_[0-9A-Za-z]+")
AUDIENCE_SHARDS = 8


def audience_run(run: str) -> str:
    return f"{AUDIENCE_RUN_PREFIX}{run}"


def audience_shard(number: int) -> str:
    """Return a partition of the accounts that the planner of audience runs looks at."""
    return f"AUDIENCES#{number:02d}"


def audience_shard_number(uid: Uid) -> int:
    return zlib.crc32(uid.encode()) % AUDIENCE_SHARDS


def audience_look(at: Instant, uid: str) -> str:
    return f"{at:015d}#{uid}"


EXPORT_PREFIX = "EXPORT#"
ERASURE_PREFIX = "ERASURE#"


def export(export_id: str) -> str:
    return f"{EXPORT_PREFIX}{export_id}"


OFFBOARDING_SK = "OFFBOARDING"


def offboarding(offboarding_id: str) -> str:
    return f"OFFBOARDING#{offboarding_id}"


def erasure(erasure_id: str) -> str:
    return f"{ERASURE_PREFIX}{erasure_id}"


def integration(platform: Platform) -> str:
    return f"{INTEGRATION_PREFIX}{platform}"


def credentials_of(platform: Platform) -> str:
    return f"{CREDENTIAL_PREFIX}{platform}#"


def credential(platform: Platform, credential_id: CredentialId) -> str:
    return f"{credentials_of(platform)}{credential_id}"


def credential_of(pk: str, sk: str) -> tuple[Uid, Platform, CredentialId]:
    """Return account, platform and id from the key of a credential's row, as an index holds it."""
    platform, _, credential_id = sk.removeprefix(CREDENTIAL_PREFIX).partition("#")
    return account_of(pk), Platform(platform), CredentialId(credential_id)


def scope(platform: Platform, scope_id: str) -> str:
    return f"{SCOPE_PREFIX}{platform}#{scope_id}"


def due_shard_number(credential_id: str) -> int:
    """Return the shard of the `due` index for a credential; it never changes."""
    return zlib.crc32(credential_id.encode()) % DUE_SHARDS


def due_shard(number: int) -> str:
    return f"DUE#{number:02d}"


def store(number: int) -> str:
    return f"{STORE_PREFIX}{number:08d}"


def store_key(key_id: str) -> str:
    return f"{STORE_KEY_PREFIX}{key_id}"


def inventory(uid: Uid, key_id: str) -> str:
    return f"INVENTORY#{uid}#{key_id}"


def record(uid: Uid, record_id: str) -> str:
    return f"{uid}#REC#{record_id}"


PROFILE_SK = "PROFILE"
SALES_SK = "SALES"
PERSONA_SK = "PERSONA"
POINTER_PREFIX = "SALE#"


def pointer(ordered_at: Instant, scope_id: str, ext_id: str) -> str:
    return f"{POINTER_PREFIX}{ordered_at:015d}#{_shortened(scope_id)}#{_shortened(ext_id)}"


def pointers_at(at: Instant) -> str:
    """Return the start of the sort keys of pointers to sales ordered at this instant."""
    return f"{POINTER_PREFIX}{max(at, 0):015d}"


LEDGER_PREFIX = "LEDGER#"


def ledger(cause: str) -> str:
    return f"{LEDGER_PREFIX}{_shortened(cause)}"


LONGEST_VALUE = 400
"""Bytes of a POS's value that a key takes unchanged; DynamoDB takes 1 KB."""


def merge_key(uid: Uid, kind: str, value: str) -> str:
    return f"{uid}#KEY#{kind}#{_shortened(value)}"


MEMBERS_SK = "MEMBERS"
MEMBER_PREFIX = "MEMBER#"


def member(record_id: str) -> str:
    return f"{MEMBER_PREFIX}{record_id}"


def shared_keys(uid: Uid) -> str:
    return f"{uid}#SHARED"


def shared_key(kind: str, value: str) -> str:
    return f"{kind}#{_shortened(value)}"


def _shortened(value: str) -> str:
    """Return the value; of one that is too long its beginning and a digest of the whole."""
    if len(value.encode()) <= LONGEST_VALUE:
        return value
    return f"{value[:40]}…{blake2b(value.encode(), digest_size=16).hexdigest()}"


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


def credential_state(uid: Uid, credential_id: str) -> str:
    return f"CREDENTIAL#{uid}#{credential_id}"


STATE_SK = "STATE"
STREAMS_SK = "STREAMS"


def piece(kind: str, name: str) -> str:
    return f"PIECE#{kind}#{name}"


def manifest(uid: Uid, credential_id: str, name: str, generation: int) -> str:
    return f"MANIFEST#{uid}#{credential_id}#{name}#{generation}"


MANIFEST_BASE_PREFIX = "BASE#"


def manifest_base(bucket: int) -> str:
    return f"{MANIFEST_BASE_PREFIX}{bucket:05d}"


def manifest_delta(number: int) -> str:
    return f"DELTA#{number:06d}"


def sale_days(uid: Uid, credential_id: str) -> str:
    return f"SALEDAYS#{uid}#{credential_id}"


def sale_day(day: Day, number: int) -> str:
    return f"{day:06d}#{number:03d}"


def runs(uid: Uid, platform: Platform) -> str:
    return f"RUNS#{uid}#{platform}"


def aside(uid: Uid, run: str) -> str:
    return f"ASIDE#{uid}#{run}"


def aside_row(name: Stream, number: int) -> str:
    return f"{name}#{number:06d}"


TEXT_SHARDS = 16


def contact(uid: Uid, channel: str, value: str) -> str:
    """Return the partition of the state and log of one number or address."""
    return f"{uid}#CONTACT#{channel}#{_shortened(value)}"


HEAD_SK = "HEAD"
CONSENT_ENTRY_PREFIX = "ENTRY#"


def consent_entry(entry: str) -> str:
    return f"{CONSENT_ENTRY_PREFIX}{_shortened(entry)}"


def number_of(pk: str) -> tuple[Uid, str]:
    """Return account and number from the key of a number's state, as an index holds it."""
    uid, _, rest = pk.partition("#CONTACT#sms#")
    return Uid(uid), rest


def text_shard_number(number: str) -> int:
    """Return the shard of the `texts_due` index for a number; it never changes."""
    return zlib.crc32(number.encode()) % TEXT_SHARDS


def text_shard(number: int) -> str:
    return f"TEXTS#{number:02d}"


def texts(uid: Uid, day: str) -> str:
    """Return the partition of an account's texts of a local day."""
    return f"{uid}#TEXTS#{day}"


TEXT_PREFIX = "TEXT#"


def text(at: Instant, text_id: str) -> str:
    return f"{TEXT_PREFIX}{at:015d}#{_shortened(text_id)}"


def day_of_texts(pk: str) -> tuple[Uid, str]:
    """Return account and day from the key of a day's texts."""
    uid, _, day = pk.partition("#TEXTS#")
    return Uid(uid), day


def text_of(sk: str) -> tuple[Instant, str]:
    """Return when a text was begun, and its id as keys hold it."""
    at, _, text_id = sk.removeprefix(TEXT_PREFIX).partition("#")
    return int(at), text_id


def unclear_replies(uid: Uid) -> str:
    """Return the partition of an account's replies that wait for a person."""
    return f"{uid}#REPLIES"


UNCLEAR_REPLY_PREFIX = "REPLY#"


def unclear_reply(reply_id: str) -> str:
    return f"{UNCLEAR_REPLY_PREFIX}{_shortened(reply_id)}"


def text_counts(uid: Uid, period: str) -> str:
    """Return the partition of an account's counts of a day or a month."""
    return f"{uid}#COUNTS#{period}"


TEXT_COUNTS_SK = "COUNTS"


def texts_waiting(uid: Uid, shard: int) -> str:
    return f"{uid}#WAITING#{shard:02d}"


TEXTS_WAITING_SK = "WAITING"
TEXTING_SK = "TEXTING"


def origination(number: str) -> str:
    return f"ORIGINATION#{number}"


ORIGINATION_SK = "ORIGINATION"


API_KEY_PREFIX = "APIKEY#"
KEY_USE_PREFIX = "USE#"
KEY_CALL_PREFIX = "CALL#"


WEBHOOK_PREFIX = "WEBHOOK#"


def webhooks_of(platform: Platform) -> str:
    return f"{WEBHOOK_PREFIX}{platform}#"


def webhook_secret(platform: Platform, secret: str) -> str:
    return f"{webhooks_of(platform)}{secret}"


def named_call(uid: Uid, name: str) -> str:
    """Return the partition of a call that its caller named."""
    return f"NAMED#{uid}#{name}"


NAMED_CALL_SK = "CALL"


def api_key(key: str) -> str:
    return f"{API_KEY_PREFIX}{key}"


def key_uses(uid: Uid, key: str) -> str:
    """Return the partition of how an API key is used."""
    return f"KEYUSE#{uid}#{key}"


def key_use(bucket: str) -> str:
    return f"{KEY_USE_PREFIX}{bucket}"


def key_call(bucket: str, place: int) -> str:
    return f"{KEY_CALL_PREFIX}{bucket}#{place:03d}"


def throttle(uid: Uid, what: str) -> str:
    return f"THROTTLE#{uid}#{what}"


def throttle_period(period: int) -> str:
    return f"PERIOD#{period:012d}"


def slots(uid: Uid) -> str:
    """Return the partition of the slots that an account holds, a row per queue."""
    return f"SLOTS#{uid}"


def raised_limit(name: str) -> str:
    return f"LIMIT#{name}"


OPERATOR = "OPERATOR"
KILL_SWITCH_SK = "TEXTS"
ASSIGNING_SK = "NUMBERS"


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
    return zlib.crc32(uid.encode()) % SHOPPER_SHARDS


def due_source(uid: Uid, platform: Platform) -> str:
    return f"{uid}#{platform}"


def join_proofs(uid: Uid) -> str:
    """Return the partition of the signup forms that were sent."""
    return f"JOIN#{uid}"
