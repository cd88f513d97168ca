"""Keys of the table of personas for texting: contact states, texts, replies, counts."""

from __future__ import annotations

from chalicelib.adapters.dynamo.keys.key_parts import shard_number, shortened
from chalicelib.domain.words import Instant, Uid

TEXT_SHARDS = 16


def contact(uid: Uid, channel: str, value: str) -> str:
    """Return the partition of the state and log of one number or address."""
    return f"{uid}#CONTACT#{channel}#{shortened(value)}"


HEAD_SK = "HEAD"
CONSENT_ENTRY_PREFIX = "ENTRY#"


def consent_entry(entry: str) -> str:
    return f"{CONSENT_ENTRY_PREFIX}{shortened(entry)}"


def number_of(pk: str) -> tuple[Uid, str]:
    """Return account and number from the key of a number's state, as an index holds it."""
    uid, _, rest = pk.partition("#CONTACT#sms#")
    return Uid(uid), rest


def text_shard_number(number: str) -> int:
    """Return the shard of the `texts_due` index for a number; it never changes."""
    return shard_number(number, TEXT_SHARDS)


def text_shard(number: int) -> str:
    return f"TEXTS#{number:02d}"


def texts(uid: Uid, day: str) -> str:
    """Return the partition of an account's texts of a local day."""
    return f"{uid}#TEXTS#{day}"


TEXT_PREFIX = "TEXT#"


def text(at: Instant, text_id: str) -> str:
    return f"{TEXT_PREFIX}{at:015d}#{shortened(text_id)}"


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
    return f"{UNCLEAR_REPLY_PREFIX}{shortened(reply_id)}"


def text_counts(uid: Uid, period: str) -> str:
    """Return the partition of an account's counts of a day or a month."""
    return f"{uid}#COUNTS#{period}"


TEXT_COUNTS_SK = "COUNTS"


def texts_waiting(uid: Uid, shard: int) -> str:
    return f"{uid}#WAITING#{shard:02d}"


TEXTS_WAITING_SK = "WAITING"
