"""Keys of the table of accounts: its settings, people, news, jobs, and what the operator keeps."""

from __future__ import annotations

import re

from chalicelib.adapters.dynamo.keys.key_parts import shard_number
from chalicelib.domain.words import Instant, Platform, Uid


def account(uid: Uid) -> str:
    return f"ACCOUNT#{uid}"


def account_of(pk: str) -> Uid:
    """Return the account of a partition key that `account` made."""
    return Uid(pk.removeprefix("ACCOUNT#"))


ACCOUNT_SK = "ACCOUNT"
USER_PREFIX = "USER#"


def user(sub: str) -> str:
    return f"{USER_PREFIX}{sub}"


NOTIFICATION_PREFIX = "NOTIFICATION#"


def notification(kind: str, subject: str) -> str:
    return f"{NOTIFICATION_PREFIX}{kind}#{subject}"


DIGEST_PREFIX = "DIGEST#"
DIGEST_SHARDS = 8


def digest(sub: str) -> str:
    return f"{DIGEST_PREFIX}{sub}"


def digest_shard(number: int) -> str:
    """Return a partition of the accounts that have news for a digest."""
    return f"DIGESTS#{number:02d}"


def digest_shard_number(uid: Uid) -> int:
    return shard_number(uid, DIGEST_SHARDS)


AUDIT_PREFIX = "AUDIT#"


def audit(at: Instant, entry: str) -> str:
    return f"{AUDIT_PREFIX}{at:015d}#{entry}"


def audit_from(since: Instant | None) -> str:
    """Return where the audit entries since then begin; None: all of them."""
    return f"{AUDIT_PREFIX}{since or 0:015d}"


def audit_until(until: Instant | None) -> str:
    """Return where those before then end."""
    return f"{AUDIT_PREFIX}~" if until is None else f"{AUDIT_PREFIX}{until:015d}"


RULES_SK = "RULES"
PREVIEW_PREFIX = "PREVIEW#"


def preview(preview_id: str) -> str:
    return f"{PREVIEW_PREFIX}{preview_id}"


def live_preview(subject: str) -> str:
    return f"LIVE#{subject}"


COUNTING_SK = "COUNTING"
JOB_PREFIX = "JOB#"
WORK_PREFIX = "WORK#"


def job(job_id: str) -> str:
    prefix = WORK_PREFIX if job_id.startswith("work_") else JOB_PREFIX
    return f"{prefix}{job_id}"


def push_line(platform: Platform) -> str:
    return f"PUSHES#{platform}"


def waiting_pushes(platform: Platform) -> str:
    return f"PUSH#{platform}#"


def waiting_push(platform: Platform, number: int, part: int | None) -> str:
    """Without a part: what the keys of all its parts begin with."""
    return f"{waiting_pushes(platform)}{number:012d}#{'' if part is None else f'{part:02d}'}"


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


ADJUSTED_PREFIX = "ADJUSTED#"


def adjustments(day: str, actor: str) -> str:
    return f"{ADJUSTED_PREFIX}{day}#{actor}"


LEFT_PREFIX = "LEFT#"


def leavers(platform: Platform, part: int = 0) -> str:
    first = f"{LEFT_PREFIX}{platform}"
    return f"{first}#{part:03d}" if part else first


WITHDRAWN_PREFIX = "WITHDRAWN#"


def withdrawals(platform: Platform) -> str:
    return f"{WITHDRAWN_PREFIX}{platform}"


def withheld(uid: Uid, run: str) -> str:
    """Return the partition of a run's notes of contacts that it withheld."""
    return f"WITHHELD#{uid}#{run}"


EXPIRY_SHARDS = 8


def expiry_shard(number: int) -> str:
    """Return a partition of the accounts whose points expire, which are looked at daily."""
    return f"EXPIRY#{number:02d}"


def expiry_shard_number(uid: Uid) -> int:
    return shard_number(uid, EXPIRY_SHARDS)


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
    return shard_number(uid, AUDIENCE_SHARDS)


def audience_look(at: Instant, uid: str) -> str:
    return f"{at:015d}#{uid}"


EXPORT_PREFIX = "EXPORT#"


def export(export_id: str) -> str:
    return f"{EXPORT_PREFIX}{export_id}"


ERASURE_PREFIX = "ERASURE#"


def erasure(erasure_id: str) -> str:
    return f"{ERASURE_PREFIX}{erasure_id}"


OFFBOARDING_SK = "OFFBOARDING"


def offboarding(offboarding_id: str) -> str:
    return f"OFFBOARDING#{offboarding_id}"


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
TEXTING_SK = "TEXTING"


def origination(number: str) -> str:
    return f"ORIGINATION#{number}"


ORIGINATION_SK = "ORIGINATION"
