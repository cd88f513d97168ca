"""What each way of paging asks for first, how far its windows go back, and what its end tells.

That no row is lost on the way is tested where whole listings are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import FilterIgnored, UnexpectedAnswer
from chalicelib.domain.times import DAY, HOUR, MINUTE, from_text, to_text
from chalicelib.pos.paging.filters import (
    NoFilter,
    Span,
    TimeBounds,
    history_start,
    instant_of,
    latest_of,
    time_bounds,
    written_time,
)
from chalicelib.pos.paging.pagers import pager_of
from chalicelib.pos.paging.proofs.downwards import UnorderedPages, UnorderedPosition
from chalicelib.pos.paging.proofs.keyset import KeysetPages, KeysetPosition, are_rising_in_utc
from chalicelib.pos.paging.proofs.newest_first import NewestFirstPages, NewestFirstPosition
from chalicelib.pos.paging.proofs.overlap import OverlappingPages, OverlapPosition
from chalicelib.pos.paging.response_page import ResponsePage, fingerprint
from chalicelib.pos.paging.style import NextPage
from chalicelib.pos.profile import registry
from chalicelib.pos.profile.paging import (
    NewestFirstProof,
    PageNumbers,
    RowOffset,
    RowSpan,
    TimeFilter,
)
from chalicelib.pos.profile.path import Path
from chalicelib.services.ports.pos import StreamPlan, TimeSpan

from .made_up import a_profile

NOW = from_text("2026-05-02T12:00:00Z")
FIRST_PASS = StreamPlan("sales", NOW)
LATER = StreamPlan("sales", NOW, since=NOW - DAY)


def ago(days: float) -> int:
    return NOW - int(days * DAY)


def at(row: Any) -> int | None:
    found = row.get("at")
    return found if isinstance(found, int) else None


def rows(*instants: int, **more: Any) -> ResponsePage:
    told = [{"id": number, "at": instant} for number, instant in enumerate(instants)]
    return ResponsePage("sales", told, **more)  # type: ignore[arg-type]


def test_a_first_pass_reads_back_to_the_plans_beginning_else_so_many_days() -> None:
    assert history_start(FIRST_PASS, 25) == ago(25)
    assert history_start(StreamPlan("sales", NOW, history_from=ago(5)), 25) == ago(5)
    assert written_time(NOW + 7) == "2026-05-02T12:00:00.007Z"


# Numbered pages without an order


NUMBERS = pager_of(PageNumbers(by="number", param="page", size="per", limit=2, total=Path("total")))


def bounds(**changes: Any) -> TimeBounds:
    names = {"field": "at", "after": "from", "before": "to", "history_days": 25, **changes}
    return TimeBounds(TimeFilter(by="time", **names), written_time, at)


def unordered(**changes: Any) -> UnorderedPages:
    return UnorderedPages(NUMBERS, bounds(**changes), latest, {"sort": "id"})


def latest(rows: Sequence[Any]) -> int | None:
    return max((told for told in map(at, rows) if told is not None), default=None)


def test_windows_of_an_unordered_listing_go_back_to_the_floor_and_overlap_at_the_seam() -> None:
    style = unordered(window_days=10)
    positions: list[UnorderedPosition] = []
    onward: NextPage[UnorderedPosition] = NextPage(style.start(FIRST_PASS))
    while onward.position is not None:
        positions.append(onward.position)
        onward = style.next_page(FIRST_PASS, onward.position, rows())

    floor = ago(25)
    assert positions == [
        UnorderedPosition(after=ago(10), floor=floor),
        UnorderedPosition(after=ago(20), before=ago(10) + 1, floor=floor),
        UnorderedPosition(after=floor, before=ago(20) + 1, floor=floor),
    ]
    assert onward == NextPage(None, times=TimeSpan(floor, NOW))
    assert style.params(FIRST_PASS, positions[1]) == {
        "page": "1",
        "per": "2",
        "sort": "id",
        "from": written_time(ago(20)),
        "to": written_time(ago(10) + 1),
    }
    assert "to" not in style.params(FIRST_PASS, positions[0])


def test_a_later_pass_looks_back_from_its_watermark() -> None:
    style = unordered(window_days=10, look_back_days=3)

    start = style.start(LATER)

    assert start == UnorderedPosition(after=ago(4))
    assert style.next_page(LATER, start, rows()) == NextPage(None, times=TimeSpan(ago(4), NOW))
    assert unordered().start(FIRST_PASS) == UnorderedPosition()
    whole = unordered().next_page(FIRST_PASS, UnorderedPosition(), rows())
    assert whole == NextPage(None, full_listing=True)


@pytest.mark.parametrize(
    ("minutes_ago", "last_page", "goes_down"),
    [(15, 2, True), (16, 2, False), (16, 3, True), (-5, 2, True)],
)
def test_pages_are_read_again_downwards_where_rows_may_have_moved(
    minutes_ago: int, last_page: int, goes_down: bool
) -> None:
    style = unordered()
    first = rows(ago(2), ago(2), last_page=last_page)
    second = rows(NOW - minutes_ago * MINUTE, last_page=2)

    up = style.next_page(FIRST_PASS, style.start(FIRST_PASS), first).position
    assert up == UnorderedPosition(page=2, pages=last_page, size=2, read=fingerprint(first.rows))
    onward = style.next_page(FIRST_PASS, up, second)

    assert (onward.position is not None) is goes_down
    if onward.position is not None:
        down = onward.position
        assert (down.page, down.down, down.moved) == (1, True, True)
        assert style.next_page(FIRST_PASS, down, first) == NextPage(
            None, full_listing=True, again=True
        )


def test_rows_outside_the_times_asked_for_show_an_ignored_filter_but_for_those_far_ahead() -> None:
    style = unordered(window_days=10)
    window = UnorderedPosition(after=ago(20), before=ago(10), floor=ago(25))

    for outside in (ago(20) - 1, ago(10) + 1, NOW + DAY):
        with pytest.raises(FilterIgnored, match=r"The filter by time is ignored: sales\."):
            style.check(FIRST_PASS, window, rows(*[outside] * 5))
    for inside in (ago(20), ago(10), NOW + DAY + 1):
        style.check(FIRST_PASS, window, rows(*[inside] * 5))


# Reading on from the last row's instant


def keyset(**changes: Any) -> KeysetPages:
    return KeysetPages(NUMBERS, bounds(**changes), {"sort": "at"})  # type: ignore[arg-type]


def test_windows_of_a_keyset_go_back_to_the_floor_whose_instant_was_read_before() -> None:
    style = keyset(window_days=10)
    positions: list[KeysetPosition] = []
    onward: NextPage[KeysetPosition] = NextPage(style.start(FIRST_PASS))
    while onward.position is not None:
        positions.append(onward.position)
        onward = style.next_page(FIRST_PASS, onward.position, rows(total=0))

    floor = ago(25)
    assert positions == [
        KeysetPosition(after=ago(10) - 1, low=ago(10), floor=floor),
        KeysetPosition(after=ago(20) - 1, low=ago(20), floor=floor, before=ago(10)),
        KeysetPosition(after=floor, low=floor, floor=floor, before=ago(20)),
    ]
    assert onward == NextPage(None)
    assert style.params(FIRST_PASS, positions[1]) == {
        "page": "1",
        "per": "2",
        "sort": "at",
        "from": written_time(ago(20) - 1),
        "to": written_time(ago(10)),
    }
    assert "to" not in style.params(FIRST_PASS, positions[0])


def test_without_windows_a_keyset_begins_at_the_watermark_or_at_the_beginning() -> None:
    assert keyset().start(FIRST_PASS) == KeysetPosition(0, 0, 0)
    assert keyset().start(LATER) == KeysetPosition(ago(1), ago(1), ago(1))
    end = keyset().next_page(FIRST_PASS, KeysetPosition(0, 0, 0), rows(ago(1), total=1))
    assert end == NextPage(None, full_listing=True)
    later = keyset().next_page(LATER, keyset().start(LATER), rows(NOW, total=1))
    assert later == NextPage(None)


def test_a_keyset_goes_on_just_before_the_last_row_and_knows_those_it_meets_again() -> None:
    style, start = keyset(), KeysetPosition(0, 0, 0)
    page = rows(ago(3), ago(2), ago(2), total=9)

    onward = style.next_page(FIRST_PASS, start, page).position

    assert onward == KeysetPosition(
        after=ago(2) - 1,
        low=0,
        floor=0,
        left=6,
        met=(fingerprint(page.rows[2]), fingerprint(page.rows[1])),
    )
    changed = {"id": 1, "at": ago(2), "total": 5}
    again = ResponsePage("sales", [page.rows[2], changed, {"id": 4, "at": ago(1)}], total=6)
    assert style.new_rows(FIRST_PASS, onward, again) == again.rows[1:]


MOMENTS = st.lists(st.integers(0, 40), min_size=1, max_size=6)
"""Microseconds by which rows are apart, a thousand each."""


@given(moments=MOMENTS, rising=st.booleans(), window=st.integers(0, 40), page=st.integers(1, 2))
def test_a_page_of_times_in_one_form_is_judged_and_left_as_one_of_instants(
    moments: list[int], rising: bool, window: int, page: int
) -> None:
    """What rises as text is not read row by row."""
    micros = [200 * moment for moment in (sorted(moments) if rising else moments)]
    told = [to_text(NOW)[:-1] + f".{at:06d}Z" for at in micros]
    position = KeysetPosition(NOW, NOW, NOW - 5, before=NOW + window // 5, page=page, left=3)

    def outcome(style: KeysetPages, values: list[Any]) -> object:
        answer = ResponsePage("sales", [{"at": value} for value in values], total=9)
        try:
            style.check(LATER, position, answer)
        except (FilterIgnored, UnexpectedAnswer) as refused:
            return type(refused)
        onward = style.next_page(LATER, position, answer).position
        return onward and replace(onward, met=("",) * len(onward.met))

    by_text = instant_of(registry.profile("posabit").time, Path("at"))
    by_texts = replace(keyset(), filter=replace(bounds(), read=by_text))

    assert outcome(by_texts, told) == outcome(keyset(), [NOW + at // 1000 for at in micros])


def test_a_page_with_a_time_in_another_form_is_read_row_by_row() -> None:
    day = "2026-05-01"
    assert are_rising_in_utc([f"{day}T08:00:00Z", f"{day}T08:00:00Z", f"{day}T09:00:00Z"])
    for other in (f"{day}T07:00:00Z", f"{day} 19:00:00Z", f"{day}T19:00:00.0Z", "", None, 7):
        assert not are_rising_in_utc([f"{day}T08:00:00Z", other])


@given(
    st.lists(
        st.sampled_from(
            [
                *("2026-05-01T08:00:00Z", "2026-05-01T09:00:00Z", "2026-05-01T07:59:59.999Z"),
                *("2026-05-01T11:00:00+03:00", "2026-05-01 10:00:00", "9999-99-99T99:99:99Z"),
                *("2026-04-30T23:00:00Z", "", None, 7),
            ]
        )
    )
)
def test_the_latest_of_some_rows_is_the_same_whether_each_is_read_or_the_greatest_text(
    times: list[Any],
) -> None:
    clock, field = a_profile().time, Path("at")
    rows = [{"at": time} for time in times]

    each = [told for told in map(instant_of(clock, field), rows) if told is not None]

    assert latest_of(clock, field)(rows) == max(each, default=None)
    assert latest_of(clock, None)(rows) is None


# Rows by offset and by range


def test_an_offset_listing_asks_from_the_last_row_met_on() -> None:
    pager: Any = pager_of(RowOffset(by="offset", param="from", size="per", limit=3))
    style = OverlappingPages(pager, NoFilter(), Path("id"), {})
    start = style.start(FIRST_PASS)
    page = rows(1, 2, 3)

    onward = style.next_page(FIRST_PASS, start, page).position

    assert style.params(FIRST_PASS, start) == {"from": "0", "per": "3"}
    assert onward == OverlapPosition(start=3, last="2", longest=3)
    assert style.params(FIRST_PASS, onward) == {"from": "2", "per": "3"}
    last = ResponsePage("sales", [page.rows[2], {"id": 7}])
    assert style.new_rows(FIRST_PASS, onward, last) == [{"id": 7}]
    for plan in (FIRST_PASS, LATER):
        assert style.next_page(plan, onward, last) == NextPage(None, full_listing=True)
    filtered = replace(style, filter=bounds())
    assert filtered.next_page(FIRST_PASS, onward, last) == NextPage(None, full_listing=True)
    assert not filtered.next_page(LATER, onward, last).full_listing


def test_a_filter_by_last_change_is_written_on_the_shops_clock_an_hour_early_in_autumn() -> None:
    spec = TimeFilter(by="time", after="since", format="%Y-%m-%d %H:%M:%S", field=Path("changed"))
    modified = time_bounds(spec, registry.profile("profitek").time, "America/Vancouver")
    asked = {
        since: modified.params(Span(from_text(since)))["since"]
        for since in ("2026-05-02T12:00:00Z", "2026-11-01T08:30:00Z", "2026-11-01T07:30:00Z")
    }

    assert list(asked.values()) == [
        "2026-05-02 05:00:00",
        "2026-11-01 00:30:00",
        "2026-11-01 00:30:00",
    ]
    good, old = "2026-05-02T05:00:00", "2026-05-02T04:59:59"
    modified.check(LATER, Span(NOW), ResponsePage("customers", [{"changed": good}] * 9))
    with pytest.raises(FilterIgnored, match="The filter by time is ignored: customers"):
        modified.check(
            LATER, Span(NOW + HOUR // 8000), ResponsePage("customers", [{"changed": old}] * 9)
        )


def test_a_range_begins_with_the_last_row_of_the_one_before() -> None:
    pager: Any = pager_of(RowSpan(by="range", param="range", limit=50))
    proof = NewestFirstProof(by="newest_first", changed=Path("at"))
    style = NewestFirstPages(pager, proof, {"sort": "down"}, at, at)
    start = style.start(FIRST_PASS)

    onward = style.next_page(FIRST_PASS, start, rows(ago(1), ago(2), ago(3))).position

    assert style.params(FIRST_PASS, start) == {"range": "[0,49]", "sort": "down"}
    assert isinstance(onward, NewestFirstPosition)
    assert (onward.first, onward.falling, onward.fell, onward.last) == (2, True, True, ago(3))
    assert (onward.sinking, onward.sank, onward.oldest) == (True, True, ago(3))
    assert style.params(FIRST_PASS, onward)["range"] == "[2,51]"
    assert style.next_page(FIRST_PASS, onward, rows(ago(3))) == NextPage(None, full_listing=True)
    assert style.next_page(LATER, onward, rows(ago(3))) == NextPage(None)
    unordered_by_time = replace(style, proof=NewestFirstProof(by="newest_first"))
    whole = unordered_by_time.next_page(LATER, onward, rows(ago(3)))
    assert whole == NextPage(None, full_listing=True)
    assert style.next_page(LATER, onward, rows(ago(4), ago(5))) == NextPage(None)
