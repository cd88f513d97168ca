"""How a source is, in one word for every page: the worst credential counts (product.md §3, §5)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.times import DAY, HOUR, MINUTE
from chalicelib.services.integrations.health import (
    SourceHealth,
    last_shopper,
    oldest_good_sync,
    source_health,
)
from chalicelib.services.ports.integrations import Credential, Frozen, Integration
from chalicelib.services.ports.runs import RunView, StreamTotals
from tests.fakes.common import NOON

CONNECTED = Integration("3912", "posabit", state="connected", connected_at=NOON - DAY)


def a_credential(name: str = "north", **fields: Any) -> Credential:
    whole = Credential("3912", "posabit", name, f"venue-{name}", {}, {}, created_at=NOON - 2 * DAY)
    return replace(whole, **fields)


def synced(name: str, ago: int, **fields: Any) -> Credential:
    return a_credential(name, last_good_run_at=NOON - ago, **fields)


def a_run(credential: str = "north", **fields: Any) -> RunView:
    view = RunView("run_1", "3912", "posabit", credential, "running", "now", NOON - MINUTE)
    return replace(view, started_at=NOON - MINUTE, heartbeat_at=NOON, **fields)


def health(*credentials: Credential, live: tuple[RunView, ...] = ()) -> SourceHealth:
    return source_health(CONNECTED, credentials, live, NOON)


def test_a_source_is_as_fresh_as_its_oldest_credential() -> None:
    fresh, dead = synced("north", HOUR), synced("south", 3 * DAY)

    assert oldest_good_sync([fresh, dead]) == NOON - 3 * DAY
    assert health(fresh, dead) == SourceHealth("warn", "stale", "us", "south", NOON - 3 * DAY)


def test_a_credential_without_any_good_sync_leaves_the_age_unknown() -> None:
    assert oldest_good_sync([synced("north", HOUR), a_credential("south")]) is None
    assert oldest_good_sync([]) is None


def test_all_well_is_said_of_the_credential_that_waited_longest() -> None:
    found = health(synced("north", HOUR), synced("south", 2 * HOUR))

    assert found == SourceHealth("good", "connected", None, "south", NOON - 2 * HOUR)


@pytest.mark.parametrize(
    ("error", "level", "actor"),
    [
        ("key_rejected", "bad", "you"),
        ("permission_missing", "bad", "you"),
        ("server_unreachable", "bad", "you"),
        ("upstream", "warn", "the POS"),
        ("unexpected_answer", "warn", "the POS"),
        ("internal", "warn", "us"),
        ("abandoned", "warn", "us"),
    ],
)
def test_a_failure_says_who_must_act(error: str, level: str, actor: str) -> None:
    found = health(synced("north", HOUR, last_error=error))

    assert (found.level, found.code, found.actor) == (level, error, actor)
    assert found.since == NOON - HOUR


def test_what_a_person_must_mend_comes_before_everything_else() -> None:
    rejected = synced("north", 2 * HOUR, last_error="key_rejected")
    garbage = synced("south", 5 * DAY, last_error="unexpected_answer")

    found = health(rejected, garbage, synced("east", 0), live=(a_run("east"),))

    assert (found.code, found.credential) == ("key_rejected", "north")


def test_a_first_sync_is_busy_before_and_while_it_runs() -> None:
    new = a_credential(created_at=NOON - MINUTE)

    assert health(new).code == "waiting"
    assert health(new, live=(a_run(),)) == SourceHealth(
        "busy", "syncing", None, "north", NOON - MINUTE
    )


def test_a_stale_source_that_syncs_stays_stale_until_it_is_good() -> None:
    assert health(synced("north", 2 * DAY), live=(a_run(),)).code == "stale"


def test_a_source_that_is_not_connected_is_neither_good_nor_bad() -> None:
    left = replace(CONNECTED, state="disconnected")

    assert source_health(Integration("3912", "posabit"), (), (), NOON).code == "not_connected"
    assert source_health(left, (synced("n", 9 * DAY),), (), NOON) == SourceHealth(
        "idle", "disconnected"
    )
    assert health() == SourceHealth("idle", "no_credential", "you")


def test_a_frozen_source_says_since_when_and_whether_it_rolls_back() -> None:
    frozen = Frozen("b", "user:ann", NOON - HOUR, "connected", frozen_at=NOON - HOUR + 5000)
    card = replace(CONNECTED, state="frozen", frozen=frozen)
    rolling = replace(card, frozen=replace(frozen, rolling="back"))
    starting = replace(card, state="freezing", frozen=replace(frozen, frozen_at=None))

    stale = (synced("north", 9 * DAY),)
    assert source_health(card, stale, (), NOON) == SourceHealth(
        "frozen", "frozen", since=NOON - HOUR + 5000
    )
    assert source_health(rolling, stale, (), NOON).code == "rolling_back"
    assert source_health(starting, stale, (), NOON).code == "freezing"


def test_the_latest_new_shopper_may_have_come_with_the_sync_under_way() -> None:
    held = (a_credential("north", last_shopper_at=NOON - HOUR), a_credential("south"))
    without = a_run(streams={"customers": StreamTotals(fetched=9, unchanged=9)})
    bringing = a_run(streams={"customers": StreamTotals(fetched=9, new=2, unchanged=7)})

    assert last_shopper(held, ()) == NOON - HOUR
    assert last_shopper(held, (without,)) == NOON - HOUR
    assert last_shopper(held, (bringing,)) == NOON
    assert last_shopper((), ()) is None
