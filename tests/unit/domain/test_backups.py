"""Which backups of a source stay, and in which shard of one a fact lies (product.md §10)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.backups import (
    Backup,
    Shard,
    backup_id,
    backups_to_drop,
    empty_shards,
    log_needed_from,
    pin,
    shard_of,
    shards_for,
)
from chalicelib.domain.pulled_facts import FactPlace
from chalicelib.domain.times import DAY

NOW = 100 * DAY


def backup(fence: int, kind: Any = "nightly", *, days_old: float = 0, **more: Any) -> Backup:
    values = {"run": "audience:1", "state": "verified", **more}
    made_at = NOW - int(days_old * DAY)
    return Backup("1000", "posabit", backup_id(fence), fence, kind, made_at=made_at, **values)


def fences(backups: list[Backup]) -> list[int]:
    return [each.fence for each in backups]


def test_ids_sort_by_the_moment_they_are_of() -> None:
    assert backup_id(7) == "000000000007"
    assert backup_id(9) < backup_id(10)


def test_the_newest_thirty_nights_stay() -> None:
    nights = [backup(n, days_old=31 - n) for n in range(1, 32)]

    assert fences(backups_to_drop(nights, NOW)) == [1]
    assert backups_to_drop(nights[1:], NOW) == []


def test_no_night_over_35_days_old_stays_but_the_newest_backup_of_all() -> None:
    ages = {1: 36.0, 2: 35.001, 3: 35.0}
    backups = [backup(fence, days_old=age) for fence, age in ages.items()]

    assert fences(backups_to_drop(backups, NOW)) == [2, 1]
    assert fences(backups_to_drop(backups[:2], NOW)) == [1]


def test_five_on_demand_stay_beside_the_nights() -> None:
    asked = [backup(n, "on_demand") for n in range(1, 7)]

    assert fences(backups_to_drop([*asked, backup(0)], NOW)) == [1]


def test_what_is_pinned_stays_whatever_it_is_and_what_is_being_built_is_not_judged() -> None:
    backups = [
        backup(1, days_old=90, pinned_by="switch"),
        backup(2, "ahead", pinned_by="switch"),
        backup(3, "ahead"),
        backup(4, state="bad"),
        backup(5, days_old=90, state="building"),
        backup(6),
    ]

    assert fences(backups_to_drop(backups, NOW)) == [4, 3]
    assert fences(backups_to_drop([backup(4, state="bad"), backup(3, "ahead")], NOW)) == [4, 3]


@pytest.mark.parametrize(
    ("backups", "needed_from"),
    [
        ([], 0),
        ([backup(5)], 0),
        ([backup(5), backup(9)], 5),
        ([backup(5), backup(9), backup(7)], 7),
        ([backup(5), backup(8, "on_demand", run="switch:1"), backup(9, run="switch:2")], 5),
        ([backup(2, pinned_by="s"), backup(8), backup(9)], 2),
        ([backup(8), backup(9), backup(1, "ahead"), backup(2, state="bad")], 8),
        ([backup(9), backup(2, state="building")], 0),
    ],
)
def test_the_log_is_needed_back_to_the_backup_before_the_newest_the_last_run_and_every_pin(
    backups: list[Backup], needed_from: int
) -> None:
    assert log_needed_from(backups) == needed_from


@pytest.mark.parametrize(
    ("kind", "run", "is_one"),
    [
        ("nightly", "audience:1", True),
        ("on_demand", "audience:1", True),
        ("on_demand", "switch:1", False),
        ("ahead", "audience:1", False),
    ],
)
def test_a_backup_taken_for_a_switch_is_none_of_an_audience_run(
    kind: str, run: str, is_one: bool
) -> None:
    assert backup(1, kind, run=run).is_of_audience_run is is_one


def test_a_backup_has_one_shard_for_each_twenty_thousand_facts_doubled_up_to_64() -> None:
    facts = (0, 20_000, 20_001, 40_000, 40_001, 640_000, 640_001, 1_280_000, 10**8)

    assert [shards_for(n) for n in facts] == [1, 1, 2, 2, 4, 32, 64, 64, 64]
    assert empty_shards(2) == (Shard(0), Shard(1))


def test_a_backup_counts_what_its_shards_hold_and_a_pin_changes_nothing_else() -> None:
    whole = backup(1, shards=(Shard(0, "a", 10, 2, 3), Shard(1, "b", 5, 1, 4), Shard(2)))

    assert (whole.customers, whole.sales, whole.size) == (3, 7, 15)
    assert pin(whole, "switch").pinned_by == "switch"
    assert pin(pin(whole, "switch"), "") == whole


def test_a_fact_lies_in_the_same_shard_for_ever() -> None:
    """Another way to choose it would look for the facts of stored backups in the wrong place."""
    place = FactPlace("sale", "venue-1", "1001")

    assert [shard_of(place, count) for count in (1, 2, 4, 64)] == [0, 1, 1, 57]


@given(st.text(max_size=5), st.text(max_size=5), st.sampled_from([1, 2, 64]))
def test_every_fact_has_a_shard(scope: str, ext_id: str, shards: int) -> None:
    place = FactPlace("sale", scope, ext_id)

    assert 0 <= shard_of(place, shards) < shards
