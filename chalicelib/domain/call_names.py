"""Names that callers give their calls (`Idempotency-Key`), so that each is done once (S14)."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

from chalicelib.domain.errors import Conflict, InvalidInput
from chalicelib.domain.times import DAY, SECOND
from chalicelib.domain.words import Instant

KEPT = 7 * DAY
RUNS_AT_MOST = 35 * SECOND
"""Longer than a call may take: one that has not ended by then has died."""
LONGEST_NAME = 255

OTHER_BODY = "This Idempotency-Key was used for another body or query: take a new one."
RUNNING = "The call of this Idempotency-Key is still running: try again in a second."
BAD_NAME = "An Idempotency-Key has 1 to 255 printable characters."


@dataclass(frozen=True, slots=True)
class NamedCall:
    """A call that was begun. `body`: the digest of what it was about. `status` None: it has not
    ended, so far as is known."""

    body: str
    begun_at: Instant
    status: int | None = None
    answer: str = ""

    def is_running(self, now: Instant) -> bool:
        return self.status is None and now < self.begun_at + RUNS_AT_MOST


def check_name(name: str) -> None:
    """Raise InvalidInput unless a name may be one."""
    if not 0 < len(name) <= LONGEST_NAME or not (name.isascii() and name.isprintable()):
        raise InvalidInput(BAD_NAME)


def check_again(known: NamedCall, body: str, now: Instant) -> None:
    """Raise InvalidInput where the name stands for another body, Conflict while it runs."""
    if known.body != body:
        raise InvalidInput(OTHER_BODY)
    if known.is_running(now):
        raise Conflict(RUNNING, retry_after=1)


def digest_of(*parts: bytes) -> str:
    """Return a digest of what a call is about; parts that run together alike differ."""
    digest = blake2b(digest_size=16)
    for part in parts:
        digest.update(len(part).to_bytes(4, "big") + part)
    return digest.hexdigest()


def is_final(status: int) -> bool:
    """Whether an answer stands for good: 2xx, and refusals that the same call gets again."""
    return status < 500 and status not in (408, 409, 429)
