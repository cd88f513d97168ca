"""Which notices a run's result raises, and which it mends, without any store (product.md §12)."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.services.ports.notifications import Notification
from chalicelib.services.ports.runs import RunError, StreamState
from chalicelib.services.sync.notices import (
    MENDED_BY_A_GOOD_RUN,
    Notice,
    catalogue_notices,
    failure_notices,
    mended_keys,
    row_notices,
)
from chalicelib.services.sync.run_result import RunResult, StreamResult, judge_catalogue
from tests.worlds.backroom import CREDENTIAL, PLATFORM
from tests.worlds.run_results import NOW, a_credential, a_result
from tests.worlds.syncing import DAY, MINUTE

SUBJECT = f"{PLATFORM}:{CREDENTIAL}"


def failed(code: str, **changes: Any) -> RunResult:
    return a_result(error=RunError(code, "you", f"It says {code}."), **changes)


def kinds_said(code: str, failures: int = 1, last_good: int = NOW) -> list[str]:
    credential = a_credential(last_good_run_at=last_good)
    return [n.kind for n in failure_notices(failed(code), credential, failures, NOW)]


def an_open(kind: str, subject: str = SUBJECT, refreshed_at: int = NOW) -> Notification:
    return Notification(
        kind=kind,
        subject=subject,
        severity="error",
        title="",
        what_to_do="",
        link="",
        raised_at=0,
        refreshed_at=refreshed_at,
        data={},
    )


def mended(result: RunResult, *open_now: Notification) -> set[str]:
    return {kind for kind, _ in mended_keys(result, open_now, NOW)}


@pytest.mark.parametrize(
    ("code", "failures", "said"),
    [
        ("key_rejected", 2, []),
        ("key_rejected", 3, ["key_rejected"]),
        ("permission_missing", 1, ["permission_missing"]),
        ("server_unreachable", 2, []),
        ("server_unreachable", 3, ["server_unreachable"]),
        ("server_untrusted", 1, ["server_untrusted"]),
        ("host_refused", 1, ["server_untrusted"]),
        ("upstream_error", 9, []),
    ],
)
def test_a_failure_is_told_of_when_a_person_must_act(
    code: str, failures: int, said: list[str]
) -> None:
    assert kinds_said(code, failures) == said


def test_whatever_failed_a_day_without_a_good_run_is_told_of_too() -> None:
    assert kinds_said("upstream_error", last_good=NOW - DAY) == ["stale_source"]
    assert kinds_said("host_refused", last_good=NOW - DAY) == ["server_untrusted", "stale_source"]


def test_missing_permissions_are_named_once_each_else_the_error_is_quoted() -> None:
    named = failed("permission_missing", missing_permissions=("Menu", "Customers", "Menu"))
    unnamed = failed("permission_missing")

    [by_name] = failure_notices(named, a_credential(last_good_run_at=NOW), 1, NOW)
    [quoted] = failure_notices(unnamed, a_credential(last_good_run_at=NOW), 1, NOW)

    assert by_name.facts == {"permissions": ["Customers", "Menu"]}
    assert quoted.facts == {"permissions": "It says permission_missing."}


def test_a_run_without_error_has_no_failure_to_tell_of() -> None:
    assert failure_notices(a_result(), a_credential(), 0, NOW + 9 * DAY) == []


@pytest.mark.parametrize(
    ("linked", "unlinked", "said", "cleared"),
    [(20, 29, False, False), (25, 25, False, True), (24, 26, True, False)],
)
def test_many_unlinked_sales_are_more_than_half_of_fifty(
    linked: int, unlinked: int, *, said: bool, cleared: bool
) -> None:
    result = a_result(sales_linked=linked, sales_unlinked=unlinked)

    kinds = [notice.kind for notice in row_notices(result)]

    assert ("many_unlinked_sales" in kinds) is said
    assert ("many_unlinked_sales" in mended(result)) is cleared


def test_no_rows_are_told_of_a_whole_listing_only() -> None:
    whole = StreamResult(good=True, full_listing=True, listed=0)
    changes = StreamResult(good=True, full_listing=False, listed=0)

    assert row_notices(a_result(streams={"customers": whole})) == [
        Notice("no_rows", {"stream": "customers"})
    ]
    assert row_notices(a_result(streams={"customers": changes})) == []


def test_what_is_said_of_a_run_is_not_cleared_by_it() -> None:
    empty = a_result(streams={"customers": StreamResult(full_listing=True)})

    assert "no_rows" not in mended(empty)
    assert "no_rows" in mended(a_result())


def test_a_good_run_mends_what_failures_said_of_its_credential_only() -> None:
    keys = mended_keys(a_result(), [], NOW)

    assert {(kind, SUBJECT) for kind in MENDED_BY_A_GOOD_RUN} <= keys
    assert {subject for _, subject in keys} == {SUBJECT}


def test_a_run_that_lacks_a_permission_mends_nothing_but_its_catalogue() -> None:
    assert mended(failed("permission_missing")) == set()
    assert mended(failed("permission_missing", catalogue="taken")) == {"truncated_catalogue"}


@pytest.mark.parametrize(("minutes", "forgotten"), [(15, False), (16, True)])
def test_dead_letters_the_watch_no_longer_sees_are_forgotten(
    minutes: int, *, forgotten: bool
) -> None:
    letters = an_open("dead_letter", "queue:sync", NOW - minutes * MINUTE)

    keys = mended_keys(a_result(), [letters], NOW)

    assert (("dead_letter", "queue:sync") in keys) is forgotten


def test_a_short_catalogue_is_told_with_both_counts() -> None:
    result = a_result(
        catalogue="too short",
        streams={"inventory": StreamResult(listed=80)},
        earlier={"inventory": StreamState(last_listing=100)},
    )

    assert catalogue_notices(result) == [
        Notice("truncated_catalogue", {"listed": 80, "before": 100})
    ]
    assert catalogue_notices(a_result(catalogue="taken")) == []


@pytest.mark.parametrize(
    ("read", "judged"),
    [
        (None, "nothing new"),
        (StreamResult(good=False, full_listing=True, listed=100), "nothing new"),
        (StreamResult(good=True, full_listing=False, listed=100), "nothing new"),
        (StreamResult(good=True, full_listing=True, listed=90), "taken"),
        (StreamResult(good=True, full_listing=True, listed=89), "too short"),
    ],
)
def test_a_catalogue_is_judged_by_a_whole_listing_against_the_one_before(
    read: StreamResult | None, judged: str
) -> None:
    assert judge_catalogue(read, StreamState(last_listing=100), "run_1") == judged


def test_a_catalogue_that_this_run_has_saved_already_is_not_judged_again() -> None:
    read = StreamResult(good=True, full_listing=True, listed=9)

    assert judge_catalogue(read, StreamState(last_listing=9, last_run="run_1"), "run_1") == (
        "nothing new"
    )


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ({"a": ("North House", None)}, "North House"),
        ({"a": ("North House", None), "b": ("South House", None)}, "north"),
        ({"a": ("", None)}, "north"),
    ],
)
def test_a_source_is_called_by_its_only_store_else_by_its_scope(
    names: dict[str, tuple[str, str | None]], shown: str
) -> None:
    assert a_result(store_names=names).display_name == shown


def test_a_source_that_has_told_no_scope_yet_is_called_by_its_credential() -> None:
    assert a_result(scope="").display_name == a_result().credential
