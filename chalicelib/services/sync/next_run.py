"""When the next run of a credential is due, and what a failed run changes about that (§5)."""

from __future__ import annotations

from chalicelib.domain.errors import (
    KeyRejected,
    LoginExpired,
    PermissionMissing,
    RateLimited,
    SecretUnreadable,
    ServerTooSlow,
    ServerUnreachable,
)
from chalicelib.domain.schedule import MAX_EVERY_HOURS, STALE_AFTER, next_due, retry_at
from chalicelib.domain.words import CredentialId, Instant
from chalicelib.services.ports.accounts import Account
from chalicelib.services.ports.integrations import Credential

KEY_TRIES = 3
"""A key that was rejected so often in a row is not tried again by itself."""

FIRST_WAIT_SECONDS = 30
LONGEST_WAIT_SECONDS = 30 * 2**5
"""Where the POS does not say how long; as long as it says otherwise."""


def next_run_at(
    now: Instant,
    account: Account,
    credential: CredentialId,
    *,
    min_hours: int,
    began: Instant,
    listing_due: Instant | None,
) -> Instant:
    """Return when the credential is synced next, by the account's schedule.

    `min_hours`: the profile's least hours between runs. `began`: when the present run did.
    `listing_due`: when the listing that fixes imported points is due, None when none is; a run that
    began before goes back for it.
    """
    every = min(max(account.sync_every_hours, min_hours), MAX_EVERY_HOURS)
    regular = next_due(now, account.time_zone, account.sync_hour, every, credential)
    if listing_due is None or began >= listing_due:
        return regular
    return min(regular, max(listing_due, now))


def is_key_given_up(code: str, failures: int) -> bool:
    """Whether a run that failed with error `code`, the `failures`th in a row, stops the schedule:
    the key was rejected too often, cannot be decrypted, or a person must log in again."""
    rejected = code == KeyRejected.code and failures >= KEY_TRIES
    return rejected or code in (LoginExpired.code, SecretUnreadable.code)


def retry_run_at(now: Instant, regular: Instant, code: str, failures: int) -> Instant | None:
    """Return when a credential is synced again whose run failed with error `code`; None when never.

    `regular`: when it would be without the failure. `failures`: bad runs in a row, this included. A
    server that does not answer is left alone beyond its regular time; a permission is granted by a
    person, so trying sooner is no use.
    """
    if is_key_given_up(code, failures):
        return None
    if code == PermissionMissing.code:
        return regular
    back_off = retry_at(now, failures)
    if code in (ServerUnreachable.code, ServerTooSlow.code):
        return back_off
    return min(regular, back_off)


def seconds_to_wait(limited: RateLimited, waits: int) -> int:
    """Return how long a run leaves a POS alone that asked for patience.

    As long as the POS says; else longer with each of the `waits` that were in a row before.
    """
    asked = limited.details.get("retry_after")
    if isinstance(asked, int | float):
        return int(asked) + 1
    return min(FIRST_WAIT_SECONDS << min(waits, 10), LONGEST_WAIT_SECONDS)


def failures_in_a_row(credential: Credential, run: str, code: str) -> int:
    """Count the bad runs in a row, `run` included, which failed with error `code`.

    A rejected key counts from its first rejection; a run that was recorded already counts once.
    """
    if credential.last_run_id == run:
        return credential.failures_in_a_row
    if code == KeyRejected.code and credential.last_error != code:
        return 1
    return credential.failures_in_a_row + 1


def is_stale(credential: Credential, now: Instant) -> bool:
    """Whether the credential has had no good run for a day."""
    last_good = credential.last_good_run_at or credential.created_at
    return now - last_good >= STALE_AFTER
