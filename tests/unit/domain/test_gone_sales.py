"""A sale that two complete readings of its day, a day apart, lack is gone (product.md §5)."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from chalicelib.domain import gone_sales
from chalicelib.domain.gone_sales import (
    A_DAY_APART,
    Absence,
    RecentSales,
    WatchedSale,
    first_day_watched,
)
from chalicelib.domain.manifest import id_digest
from chalicelib.domain.times import DAY, HOUR

NOW = 20_500 * DAY
SINCE = NOW // DAY - 42
MONTH = (NOW - 30 * DAY, NOW + DAY)


def recent(amount: int = 10) -> RecentSales:
    sales = RecentSales([], SINCE)
    for number in range(amount):
        sales.show(f"s{number}", NOW - number * HOUR)
    return sales


def reading(
    sales: RecentSales, lacks: Iterable[str], now: int = NOW, times: tuple[int, int] = MONTH
) -> list[str]:
    """The sales that are gone after a complete reading."""
    lacking = {id_digest(ext_id) for ext_id in lacks}
    absence = sales.miss(*times, lambda key, _sale: key not in lacking, now)
    for sale in absence.gone:
        sales.mark_gone(sale)
    return [sale.ext_id for sale in absence.gone]


def test_one_reading_that_lacks_a_sale_loses_none_and_a_second_a_day_later_does() -> None:
    sales = recent()

    assert reading(sales, ["s3"]) == []
    assert reading(sales, ["s3"], NOW + A_DAY_APART) == ["s3"]
    assert reading(sales, ["s3"], NOW + 3 * DAY) == []


def test_readings_of_the_same_day_are_one() -> None:
    sales = recent()

    assert [reading(sales, ["s3"], NOW + hours * HOUR) for hours in (0, 1, 6, 12, 18)] == [[]] * 5


def test_daily_passes_are_a_day_apart_also_when_clocks_go_forward() -> None:
    sales = recent()
    reading(sales, ["s3"])

    assert reading(sales, ["s3"], NOW + 23 * HOUR) == ["s3"]


def test_a_sale_that_shows_in_between_was_never_missing() -> None:
    sales = recent()
    reading(sales, ["s3"])
    sales.show("s3", NOW - 3 * HOUR)

    assert reading(sales, ["s3"], NOW + DAY) == []
    assert reading(sales, ["s3"], NOW + 2 * DAY) == ["s3"]


def test_what_comes_back_is_taken_in_again() -> None:
    sales = recent()
    reading(sales, ["s3"])
    was_missed = sales.is_missed(id_digest("s3"))
    sales.show("s3", NOW - 3 * HOUR)

    assert was_missed
    assert not sales.is_missed(id_digest("s3"))


def test_a_sale_is_missed_only_where_its_time_was_read() -> None:
    sales = recent()
    since = NOW - 3 * HOUR

    for day in range(3):
        assert reading(sales, ["s4"], NOW + day * DAY, (since, NOW + 9 * DAY)) == []
        assert reading(sales, ["s3"], NOW + day * DAY, (0, since)) == []


@pytest.mark.parametrize(
    ("known", "lacking", "is_believed"),
    [(5, 5, True), (19, 19, True), (20, 20, False), (200, 20, True), (199, 20, False)],
)
def test_a_reading_that_lacks_more_than_a_tenth_and_twenty_at_least_tells_nothing(
    known: int, lacking: int, *, is_believed: bool
) -> None:
    sales = recent(known)
    lacks = [f"s{number}" for number in range(lacking)]
    everything = (0, NOW + DAY)
    reading(sales, lacks, times=everything)

    gone = reading(sales, lacks, NOW + DAY, everything)

    assert len(gone) == (lacking if is_believed else 0)


def test_what_a_day_showed_is_known_in_the_next_process() -> None:
    sales = recent()
    reading(sales, ["s3", "s4"])
    kept = sales.take_changes()

    again = RecentSales([each for rows in kept.values() for each in rows], SINCE)

    assert reading(again, ["s3", "s5"], NOW + DAY) == ["s3"]
    assert not again.is_missed(id_digest("s1"))
    assert again.take_changes().keys() == {(NOW - 3 * HOUR) // DAY}


def test_a_reading_without_change_leaves_nothing_to_write() -> None:
    sales = recent()
    sales.take_changes()
    sales.show("s3", NOW - 3 * HOUR)
    reading(sales, [])

    assert sales.take_changes() == {}


def test_a_sale_whose_date_is_corrected_is_watched_under_the_new_one() -> None:
    sales = recent(1)
    sales.take_changes()
    sales.show("s0", NOW - 5 * DAY)

    assert {day: len(rows) for day, rows in sales.take_changes().items()} == {
        NOW // DAY: 1,
        NOW // DAY - 5: 1,
    }
    assert reading(sales, ["s0"], times=(NOW - DAY, NOW + DAY)) == []


def test_an_id_that_a_sale_had_once_is_missed_by_nobody() -> None:
    sales = recent()
    sales.forget("s3")

    assert reading(sales, ["s3"]) + reading(sales, ["s3"], NOW + DAY) == []


def test_older_sales_than_a_run_looks_at_are_not_watched() -> None:
    sales = RecentSales([], SINCE)

    assert sales.show("new", NOW)
    assert not sales.show("old", (SINCE - 1) * DAY)


def test_a_run_looks_at_six_weeks_and_as_far_back_as_it_reads_within_400_days() -> None:
    assert first_day_watched(NOW, NOW - DAY) == NOW // DAY - 42
    assert first_day_watched(NOW, NOW - 90 * DAY) == NOW // DAY - 91
    assert first_day_watched(NOW, 0) == NOW // DAY - 400


def test_of_very_many_sales_the_newest_days_are_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gone_sales, "MOST_WATCHED", 3)
    sales = RecentSales([], SINCE)
    shown = [sales.show(f"s{days}", NOW - days * DAY) for days in range(5)]
    kept = sales.take_changes()
    monkeypatch.setattr(gone_sales, "MOST_WATCHED", 2)

    fewer = RecentSales([rows[0] for _, rows in sorted(kept.items(), reverse=True)], SINCE)

    assert shown == [True, True, True, False, False]
    assert [days for days in range(5) if id_digest(f"s{days}") in fewer.by_key] == [0, 1]
    assert not fewer.show("s2", NOW - 2 * DAY)
    assert fewer.take_changes() == {}


def test_the_days_that_did_not_fit_are_not_watched_from_the_newest_of_them_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sales = RecentSales([], SINCE)
    for number, days in enumerate((0, 0, 1, 1)):
        sales.show(f"s{number}", NOW - days * DAY)
    kept = sales.take_changes()
    monkeypatch.setattr(gone_sales, "MOST_WATCHED", 3)

    fewer = RecentSales([rows[0] for _, rows in sorted(kept.items(), reverse=True)], SINCE)

    assert not fewer.show("of the day left out", NOW - DAY)
    assert fewer.show("of the next", NOW)


def test_the_first_moment_of_a_reading_is_read_and_its_end_is_not() -> None:
    sales = RecentSales([], SINCE)
    start, end = NOW - 2 * DAY, NOW - HOUR
    for ext_id, at in {"before": start - 1, "first": start, "last": end - 1, "end": end}.items():
        sales.show(ext_id, at)
    found: list[str] = []

    def is_shown(key: int, sale: WatchedSale) -> bool:
        found.append(sale.ext_id)
        return key != id_digest("first")

    assert sales.miss(start, end, is_shown, NOW) == Absence(1, 2)
    assert sorted(found) == ["first", "last"]


def test_what_is_forgotten_or_moved_is_no_longer_kept_under_its_day() -> None:
    sales = recent(2)
    sales.take_changes()
    sales.forget("s0")
    sales.show("s1", NOW - 5 * DAY)

    kept = sales.take_changes()

    assert kept.keys() == {NOW // DAY, (NOW - HOUR) // DAY, NOW // DAY - 5}
    assert not RecentSales(kept[NOW // DAY], SINCE).by_key
    assert not RecentSales(kept[(NOW - HOUR) // DAY], SINCE).by_key


def test_a_day_takes_as_few_rows_as_hold_its_sales(monkeypatch: pytest.MonkeyPatch) -> None:
    at_noon = {f"s{number}": NOW + number for number in range(5)}
    rows = {}
    for size in (1, 2, 4_000):
        monkeypatch.setattr(gone_sales, "SALES_PER_ROW", size)
        for amount in (0, 1, 5):
            sales = RecentSales([], SINCE)
            for ext_id in [*at_noon][: amount or 1]:
                sales.show(ext_id, at_noon[ext_id])
            if not amount:
                sales.forget("s0")
            [rows[size, amount]] = [len(day) for day in sales.take_changes().values()]

    assert rows == {
        (1, 0): 1,
        (1, 1): 1,
        (1, 5): 5,
        (2, 0): 1,
        (2, 1): 1,
        (2, 5): 3,
        (4_000, 0): 1,
        (4_000, 1): 1,
        (4_000, 5): 1,
    }
