"""API keys: their form, how one is told from a guess, and how often it may call (partner-api.md).

A key's text names its account and itself, so that one read finds it; the rest is the secret, of
which AIQ keeps a salted hash.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal, NamedTuple

from chalicelib.domain.times import HOUR, MINUTE, SECOND
from chalicelib.domain.words import Instant, Platform, Uid

Bucket = Literal["till", "push", "read"]
"""What a call counts as. `till`: a person waits at the checkout; `push`: a POS sends what it has;
`read`: the rest."""

BUCKETS: tuple[Bucket, ...] = ("till", "push", "read")

ID_LENGTH, SECRET_LENGTH, SALT_BYTES = 10, 40, 16
ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
"""Without characters that people mistake for each other."""
CALLS_KEPT = 200
REFUSED = "Please provide a valid API key"
"""Whatever is wrong with a key (reference/aiq.md §1)."""

_FORM = re.compile(
    rf"aiq_([0-9]{{4,10}})_([{ALPHABET}]{{{ID_LENGTH}}})_([{ALPHABET}]{{{SECRET_LENGTH}}})"
)


class KeyText(NamedTuple):
    """A key as its owner holds it, taken apart. `id` is its prefix, which is no secret."""

    uid: Uid
    id: str
    secret: str

    @property
    def whole(self) -> str:
        return f"aiq_{self.uid}_{self.id}_{self.secret}"


def read_key(text: str) -> KeyText | None:
    """Return the parts of a key as it was sent, with blanks around it; None for what is no key."""
    match = _FORM.fullmatch(text.strip())
    return None if match is None else KeyText(Uid(match[1]), match[2], match[3])


def holds_a_key(text: str) -> bool:
    """Whether a key stands anywhere in the text."""
    return _FORM.search(text) is not None


def hash_secret(secret: str, salt: bytes) -> bytes:
    """Return what is stored of a secret. It has 200 random bits: no dictionary holds it."""
    return blake2b(secret.encode(), salt=salt, digest_size=32).digest()


def is_secret(secret: str, salt: bytes, stored: bytes) -> bool:
    """Whether this is the secret that was hashed, in the same time whatever it is."""
    return hmac.compare_digest(hash_secret(secret, salt), stored)


@dataclass(frozen=True, slots=True)
class CallLimits:
    """How many calls a bucket takes within a second, a minute and an hour."""

    per_second: int
    per_minute: int
    per_hour: int

    def raised_to(self, per_hour: int) -> CallLimits:
        """The limits of a bucket whose hours the operator raised; the others grow alike."""
        return CallLimits(
            -(-self.per_second * per_hour // self.per_hour),
            -(-self.per_minute * per_hour // self.per_hour),
            per_hour,
        )


CALL_LIMITS: Mapping[Bucket, CallLimits] = {
    "till": CallLimits(20, 600, 20_000),
    "push": CallLimits(5, 120, 2_000),
    "read": CallLimits(5, 120, 2_000),
}


class CountedPeriod(NamedTuple):
    """A second, minute or hour, by its number since 1970, and the calls counted in it."""

    number: int = 0
    calls: int = 0


class CountedPeriods(NamedTuple):
    """The latest second, minute and hour in which a bucket of a key was used."""

    second: CountedPeriod = CountedPeriod()
    minute: CountedPeriod = CountedPeriod()
    hour: CountedPeriod = CountedPeriod()


_LENGTHS = (SECOND, MINUTE, HOUR)


def windows_after_a_call(windows: CountedPeriods, now: Instant) -> CountedPeriods:
    """Return the windows with one call more. One that began later by another's clock goes on."""
    counted = []
    for window, length in zip(windows, _LENGTHS, strict=True):
        number = now // length
        counted.append(
            CountedPeriod(window.number, window.calls + 1)
            if window.number >= number
            else CountedPeriod(number, 1)
        )
    return CountedPeriods(*counted)


def seconds_to_wait(windows: CountedPeriods, limits: CallLimits, now: Instant) -> int | None:
    """Return after how many whole seconds one more call is taken; None for at once."""
    most = (limits.per_second, limits.per_minute, limits.per_hour)
    waits = [
        -(-((window.number + 1) * length - now) // SECOND)
        for window, length, limit in zip(windows, _LENGTHS, most, strict=True)
        if window.number >= now // length and window.calls >= limit
    ]
    return max(1, *waits) if waits else None


@dataclass(frozen=True, slots=True)
class Sender:
    """Who a call comes from: an account's key. `number`: which call of the bucket this is."""

    uid: Uid
    key: str
    platform: Platform
    captures_consent: bool
    store: int | None
    bucket: Bucket
    number: int

    @property
    def actor(self) -> str:
        """Its name in the audit, in ledger entries and consent."""
        return f"key:{self.key}"
