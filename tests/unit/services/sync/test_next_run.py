"""When a credential's next run is due (product.md §5, §7)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.errors import RateLimited
from chalicelib.domain.words import Instant
from chalicelib.services.sync.next_run import (
    failures_in_a_row,
    is_stale,
    next_run_at,
    retry_run_at,
    seconds_to_wait,
)
from tests.fakes.accounts import an_account
from tests.worlds.backroom import CREDENTIAL, UID
from tests.worlds.run_results import NOW, a_credential
from tests.worlds.syncing import DAY, HOUR, MINUTE

ACCOUNT = an_account(UID)


def due(
    *,
    every: int = 6,
    min_hours: int = 1,
    began: Instant = NOW,
    listing_due: Instant | None = None,
) -> Instant:
    account = replace(ACCOUNT, sync_every_hours=every)
    return next_run_at(
        NOW, account, CREDENTIAL, min_hours=min_hours, began=began, listing_due=listing_due
    )


@pytest.mark.parametrize("every", [1, 6, 12])
def test_the_next_run_is_at_most_the_accounts_hours_away(every: int) -> None:
    assert NOW < due(every=every) <= NOW + every * HOUR


def test_a_profile_may_ask_for_longer_pauses_than_the_account_does() -> None:
    assert due(every=1, min_hours=6) == due(every=6)


def test_no_profile_asks_for_more_than_the_longest_pause() -> None:
    assert due(every=1, min_hours=48) == due(every=12)


def test_a_run_goes_back_for_the_listing_that_fixes_imported_points() -> None:
    listing = NOW + 5 * MINUTE

    assert due(listing_due=listing) == listing


def test_a_listing_that_was_due_before_is_read_at_once() -> None:
    assert due(began=NOW - HOUR, listing_due=NOW - MINUTE) == NOW


def test_a_listing_far_ahead_does_not_put_off_the_regular_run() -> None:
    assert due(listing_due=NOW + 30 * DAY) == due()


def test_a_run_that_began_after_the_listing_was_due_does_not_go_back_for_it() -> None:
    assert due(listing_due=NOW - MINUTE) == due()


@pytest.mark.parametrize(
    ("code", "failures", "wanted"),
    [
        ("upstream_error", 1, NOW + 15 * MINUTE),
        ("upstream_error", 4, NOW + HOUR),
        ("server_unreachable", 4, NOW + 2 * HOUR),
        ("permission_missing", 1, NOW + HOUR),
        ("key_rejected", 2, NOW + 30 * MINUTE),
        ("key_rejected", 3, None),
    ],
)
def test_after_a_failure_the_error_says_when_a_new_try_is_of_use(
    code: str, failures: int, wanted: Instant | None
) -> None:
    assert retry_run_at(NOW, NOW + HOUR, code, failures) == wanted


def test_a_pos_that_names_no_time_is_waited_for_ever_longer_up_to_a_limit() -> None:
    waits = [seconds_to_wait(RateLimited("wait"), waits) for waits in (0, 1, 2, 5, 6, 10**6)]

    assert waits == [30, 60, 120, 960, 960, 960]


def test_a_pos_that_names_a_time_is_left_alone_until_it_is_over() -> None:
    assert seconds_to_wait(RateLimited("wait", retry_after=40.2), 3) == 41


def test_failures_in_a_row_are_counted_once_a_run() -> None:
    failing = a_credential(last_run_id="run_1", last_error="upstream_error", failures_in_a_row=4)

    assert failures_in_a_row(failing, "run_1", "upstream_error") == 4
    assert failures_in_a_row(failing, "run_2", "upstream_error") == 5


def test_a_rejected_key_is_counted_from_its_first_rejection() -> None:
    failing = a_credential(last_run_id="run_1", last_error="upstream_error", failures_in_a_row=4)
    rejected = replace(failing, last_error="key_rejected")

    assert failures_in_a_row(failing, "run_2", "key_rejected") == 1
    assert failures_in_a_row(rejected, "run_2", "key_rejected") == 5


def test_a_credential_is_stale_a_day_after_its_last_good_run_or_since_it_was_added() -> None:
    good = a_credential(last_good_run_at=NOW)
    new = a_credential(created_at=NOW)

    for credential in (good, new):
        assert not is_stale(credential, NOW + DAY - 1)
        assert is_stale(credential, NOW + DAY)
