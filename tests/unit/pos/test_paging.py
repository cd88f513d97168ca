"""No page style loses a row, whatever happens to the rows meanwhile."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import FilterIgnored, UnexpectedAnswer
from chalicelib.domain.times import DAY, from_text, to_text
from chalicelib.domain.words import Stream
from chalicelib.pos.paging.response_page import response_page
from chalicelib.pos.paging.styles import style_for
from chalicelib.services.ports.pos import Cursor, StreamPlan

from .builders import UNHURRIED
from .listing import PROFILE, Listing, fetch, read_all

NOW = from_text("2026-05-02T12:00:00Z")
ROWS = st.dictionaries(st.integers(1, 60), st.integers(0, 12).map(lambda n: NOW - DAY + n))
"""Up to sixty rows within thirteen milliseconds: ties longer than a page are the rule."""


def plan(stream: Stream, **changes: Any) -> StreamPlan:
    return StreamPlan(stream, NOW, **changes)


@UNHURRIED
@given(ROWS, st.integers(1, 7))
def test_a_full_listing_has_every_row_whatever_the_ties(rows: dict[int, int], size: int) -> None:
    listing = Listing("customers", rows, size)

    seen, last = read_all(listing, plan("customers"))

    assert set(seen) == set(rows.items())
    assert last.full_listing


@UNHURRIED
@given(st.lists(st.integers(0, 8), max_size=40), st.integers(2, 7))
def test_rows_are_handed_on_once_while_no_tie_fills_a_page(instants: list[int], size: int) -> None:
    ties = Counter(instants)
    rows = {at + 1: NOW - DAY + n for at, n in enumerate(sorted(instants))}

    seen, _ = read_all(Listing("customers", rows, size), plan("customers"))

    if max(ties.values(), default=0) < size:
        assert sorted(seen) == sorted(rows.items())


@UNHURRIED
@given(ROWS, st.integers(1, 7), st.data())
def test_rows_edited_deleted_and_added_meanwhile_lose_no_other_row(
    rows: dict[int, int], size: int, data: st.DataObject
) -> None:
    listing = Listing("customers", rows, size)
    tick = iter(range(10_000))
    budget = [40]

    def change(listing: Listing, _page: int) -> None:
        if budget[0] <= 0:
            return
        for _ in range(data.draw(st.integers(0, 2))):
            budget[0] -= 1
            number = data.draw(st.integers(1, 70))
            if number in listing.rows and data.draw(st.integers(0, 3)) == 0:
                del listing.rows[number]
            else:
                listing.rows[number] = NOW + next(tick)

    try:
        seen, _ = read_all(listing, plan("customers"), change)
    except UnexpectedAnswer:
        return  # what was promised has all been deleted: the run fails and is begun again

    lost = {number for number, at in listing.rows.items() if (number, at) not in seen}
    assert all(listing.rows[number] >= NOW for number in lost), "the next run would not find it"
    assert lost <= {number for number, at in listing.rows.items() if at >= NOW}


@UNHURRIED
@given(ROWS, st.integers(1, 7), st.integers(0, 30))
def test_going_on_from_an_older_cursor_repeats_and_never_skips(
    rows: dict[int, int], size: int, killed_after: int
) -> None:
    listing, asked = Listing("customers", rows, size), plan("customers")
    cursors: list[Cursor | None] = [None]
    seen: set[int] = set()
    for _ in range(killed_after):
        page, onward = fetch(listing, asked, cursors[-1])
        if onward.cursor is None:
            break
        seen |= {row["id"] for row in page.rows}
        cursors.append(onward.cursor)

    cursor: Cursor | None = cursors[max(0, len(cursors) - 2)]
    while True:
        page, onward = fetch(listing, asked, cursor)
        seen |= {row["id"] for row in page.rows}
        if onward.cursor is None:
            break
        cursor = onward.cursor

    assert seen == set(rows)


@UNHURRIED
@given(ROWS, st.integers(1, 7), st.integers(-1, 13))
def test_an_incremental_listing_has_every_row_changed_since(
    rows: dict[int, int], size: int, offset: int
) -> None:
    since = NOW - DAY + offset

    seen, last = read_all(Listing("customers", rows, size), plan("customers", since=since))

    assert set(seen) == {(number, at) for number, at in rows.items() if at > since}
    assert not last.full_listing


@UNHURRIED
@given(
    st.dictionaries(st.integers(1, 60), st.integers(0, 200).map(lambda n: NOW - n * DAY)),
    st.integers(1, 7),
    st.integers(1, 150),
)
def test_a_first_pass_over_sales_reaches_back_to_the_beginning_of_history(
    rows: dict[int, int], size: int, days: int
) -> None:
    history_from = NOW - days * DAY

    seen, last = read_all(Listing("sales", rows, size), plan("sales", history_from=history_from))

    assert set(seen) == {(number, at) for number, at in rows.items() if at > history_from}
    assert not last.full_listing


def test_a_first_pass_over_sales_begins_with_the_newest_window() -> None:
    listing = Listing("sales", {n: NOW - n * DAY for n in range(1, 100)}, size=50)

    seen, _ = read_all(listing, plan("sales", history_from=NOW - 90 * DAY))

    windows = [(number - 1) // 30 for number, _ in seen]
    assert windows[0] == 0
    assert windows[-1] == 2
    assert "q[updated_at_lt]" not in listing.asked[0]


def test_history_ends_a_year_back_when_nobody_says_otherwise() -> None:
    listing = Listing("sales", {1: NOW - 364 * DAY, 2: NOW - 366 * DAY})

    seen, _ = read_all(listing, plan("sales"))

    assert [number for number, _ in seen] == [1]


def test_a_tie_longer_than_a_page_is_stepped_through_and_swept_back() -> None:
    listing = Listing("customers", dict.fromkeys(range(1, 13), NOW - DAY) | {99: NOW}, size=5)

    read_all(listing, plan("customers"))

    assert [int(asked["page"]) for asked in listing.asked] == [1, 1, 2, 3, 2, 1]


def test_a_customer_moving_off_an_unread_page_of_a_tie_is_met_on_the_way_back() -> None:
    listing = Listing("customers", dict.fromkeys(range(1, 13), NOW - DAY) | {99: NOW - 1}, size=5)

    def edit_the_first(listing: Listing, page: int) -> None:
        if page == 1:
            listing.rows[1] = NOW

    seen, _ = read_all(listing, plan("customers"), edit_the_first)

    assert {number for number, _ in seen} == {*range(1, 13), 99}


def test_customers_are_asked_with_the_filter_that_working_calls_use() -> None:
    listing = Listing("customers", {})

    read_all(listing, plan("customers", since=NOW))

    assert listing.asked == [
        {
            "page": "1",
            "per_page": "250",
            "q[s]": "updated_at asc",
            "q[updated_at_gt]": "2026-05-02T12:00:00.000Z",
        }
    ]


def body(stream: Stream, rows: list[Any], total: Any, **changes: Any) -> Any:
    key = PROFILE.streams[stream].rows
    assert key is not None
    return {"total_records": total, "per_page": 250, key: rows} | changes


def check(stream: Stream, answer: Any, cursor: Cursor | None = None, **changes: Any) -> None:
    profile = PROFILE.streams[stream]
    style, asked = style_for(PROFILE, profile), plan(stream, **changes)
    style.check(asked, style.position(asked, cursor), response_page(answer, profile, stream))


def row(at: int | str) -> dict[str, Any]:
    return {"id": 1, "updated_at": at if isinstance(at, str) else to_text(at)}


@pytest.mark.parametrize("stream", ["customers", "sales", "inventory"])
def test_an_empty_page_in_the_middle_is_no_answer(stream: Stream) -> None:
    with pytest.raises(UnexpectedAnswer, match="empty page"):
        check(stream, body(stream, [], 700))


def test_an_empty_page_is_no_answer_while_rows_must_still_come() -> None:
    at = {"after": NOW - DAY, "low": 0, "floor": 0, "left": 450}

    with pytest.raises(UnexpectedAnswer, match="empty page"):
        check("customers", body("customers", [], 0), at)


@pytest.mark.parametrize(
    "rows",
    [
        [*[row(NOW - 2 * DAY)] * 5, *[row(NOW)] * 5],
        [row(NOW - n) for n in range(10)],
        [row(NOW + n * 5 % 17) for n in range(17)],
    ],
    ids=["older than asked", "newest first", "unsorted"],
)
def test_a_filter_or_sort_that_is_ignored_is_noticed(rows: list[Any]) -> None:
    with pytest.raises(FilterIgnored):
        check("customers", body("customers", rows, len(rows)), since=NOW - DAY)


@pytest.mark.parametrize("at", [NOW - 300 * DAY, NOW - DAY + 1, NOW + 300 * DAY])
@pytest.mark.parametrize("place", [0, 3, 7])
def test_one_row_at_the_wrong_place_fails_no_page_and_hides_no_other_row(
    at: int, place: int
) -> None:
    rows = [row(NOW - 10 + n) for n in range(8)]
    rows.insert(place, row(at))
    answer, profile = body("customers", rows, 700), PROFILE.streams["customers"]
    style, asked = style_for(PROFILE, profile), plan("customers", since=NOW - DAY)
    page = response_page(answer, profile, "customers")
    position = style.position(asked, None)

    style.check(asked, position, page)
    onward = style.next_page(asked, position, page).position

    assert style.new_rows(asked, position, page) == rows
    assert onward.after <= NOW - 3 or onward.page == 2


def test_rows_beyond_their_window_are_noticed_and_a_stray_one_is_taken() -> None:
    cursor = {"after": NOW - 60 * DAY, "low": NOW - 60 * DAY, "floor": 0, "before": NOW - 30 * DAY}

    with pytest.raises(FilterIgnored):
        check("sales", body("sales", [row(NOW)] * 5, 5), cursor)
    check("sales", body("sales", [row(NOW)], 1), cursor)


def test_a_page_whose_rows_tell_no_time_is_no_answer() -> None:
    with pytest.raises(UnexpectedAnswer):
        check("customers", body("customers", [row("not a date")], 1))


def test_one_broken_time_does_not_spoil_the_page() -> None:
    check("customers", body("customers", [row("?"), row(NOW), row("?")], 3), since=NOW - DAY)


def test_another_page_than_the_one_asked_for_is_no_answer() -> None:
    with pytest.raises(UnexpectedAnswer, match="Another page"):
        check("inventory", body("inventory", [row(NOW)], 1, current_page=7))


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        "x",
        {},
        {"customers": {}},
        {"customers": []},
        {"customers": [], "total_records": -1},
    ],
)
def test_a_body_of_another_shape_is_no_answer(answer: Any) -> None:
    with pytest.raises(UnexpectedAnswer):
        check("customers", answer)


def test_totals_sent_as_text_count() -> None:
    check("customers", body("customers", [row(NOW)], "1", current_page="1"))


def test_a_still_inventory_is_a_full_listing() -> None:
    listing = Listing("inventory", dict.fromkeys(range(1, 13), NOW))

    seen, last = read_all(listing, plan("inventory", since=NOW))

    assert len(seen) == 12
    assert last.full_listing
    assert all(asked["q[quantity_on_hand_gt]"] == "0" for asked in listing.asked)


def test_an_inventory_that_moved_once_is_listed_once_more() -> None:
    listing = Listing("inventory", dict.fromkeys(range(1, 13), NOW))

    def sell_out_one(listing: Listing, page: int) -> None:
        if page == 0:
            del listing.rows[2]

    seen, last = read_all(listing, plan("inventory"), sell_out_one)

    assert {number for number, _ in seen} == set(range(1, 13))
    assert [int(asked["page"]) for asked in listing.asked] == [1, 2, 3, 1, 2, 3]
    assert last.full_listing


def test_an_inventory_that_never_stands_still_is_no_full_listing() -> None:
    listing = Listing("inventory", dict.fromkeys(range(1, 20), NOW))

    def sell_out_one(listing: Listing, page: int) -> None:
        del listing.rows[page + 1]

    _, last = read_all(listing, plan("inventory"), sell_out_one)

    assert not last.full_listing


def test_an_empty_store_is_a_full_listing_of_nothing() -> None:
    seen, last = read_all(Listing("inventory", {}), plan("inventory"))

    assert (seen, last.full_listing) == ([], True)


def test_the_one_answer_about_a_venue_must_name_it() -> None:
    with pytest.raises(UnexpectedAnswer):
        check("stores", {"result": "ok"})
