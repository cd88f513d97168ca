"""What the streams of an ended run leave to the next run (product.md §5)."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.times import utc_day
from chalicelib.services.ports.runs import StreamState
from chalicelib.services.sync.run_result import StreamResult
from chalicelib.services.sync.stream_states import DAYS_WATCHED, states_after
from tests.worlds.run_results import NOW, a_result
from tests.worlds.syncing import HOUR

TODAY = str(utc_day(NOW))


def sales_after(read: StreamResult, **earlier: Any) -> StreamState:
    result = a_result(streams={"sales": read}, earlier={"sales": StreamState(**earlier)})
    return states_after(result)["sales"]


@pytest.mark.parametrize(("good", "watermark"), [(True, NOW), (False, NOW - HOUR)])
def test_the_watermark_moves_when_all_of_a_stream_was_read(*, good: bool, watermark: int) -> None:
    assert sales_after(StreamResult(good=good), watermark=NOW - HOUR).watermark == watermark


@pytest.mark.parametrize(
    ("good", "full", "listing"), [(True, True, 7), (True, False, 9), (False, True, 9)]
)
def test_only_a_whole_listing_is_what_the_next_one_is_compared_with(
    *, good: bool, full: bool, listing: int
) -> None:
    read = StreamResult(good=good, full_listing=full, listed=7)

    assert sales_after(read, last_listing=9).last_listing == listing


def test_sales_are_added_per_store_key_and_day() -> None:
    read = StreamResult(store_key_sales={"north": 2, "kiosk": 1}, days={TODAY: 3})

    after = sales_after(read, store_key_sales={"north": 5}, days={TODAY: 4}, last_run="run_0")

    assert after.store_key_sales == {"north": 7, "kiosk": 1}
    assert after.days == {TODAY: 7}
    assert after.last_run == "run_1"


def test_a_run_that_is_ended_a_second_time_adds_nothing() -> None:
    read = StreamResult(good=True, store_key_sales={"north": 2}, days={TODAY: 3})
    result = a_result(streams={"sales": read})
    again = a_result(streams={"sales": read}, earlier=states_after(result))

    assert states_after(again) == states_after(result)


def test_days_that_nobody_asks_for_any_more_are_forgotten() -> None:
    old, oldest = (str(utc_day(NOW) - DAYS_WATCHED + n) for n in (0, 1))

    assert sales_after(StreamResult(), days={old: 1, oldest: 2}).days == {oldest: 2}


def test_a_stream_the_run_was_not_to_read_is_left_as_it_is() -> None:
    result = a_result(streams={"stores": StreamResult()}, earlier={"sales": StreamState(9)})

    assert set(states_after(result)) == {"stores"}
