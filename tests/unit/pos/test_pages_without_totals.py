"""Listings of which the POS promises neither order nor total: pages, ranges, shop by shop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import FilterIgnored, KeyRejected, UnexpectedAnswer
from chalicelib.domain.times import DAY, HOUR, from_text, to_text
from chalicelib.domain.words import Stream
from chalicelib.pos.paging.each_shop import first_cursor, typed_shops
from chalicelib.pos.paging.response_page import ResponsePage, response_page
from chalicelib.pos.paging.style import NextPage
from chalicelib.pos.paging.styles import style_for
from chalicelib.pos.profile import registry
from chalicelib.pos.profile.profile import Profile
from chalicelib.pos.transport.answer_rules import AnswerRules
from chalicelib.services.ports.pos import Cursor, StreamPlan

from .builders import UNHURRIED

NOW = from_text("2026-05-02T12:00:00Z")
THSUITE, WEBJOINT = registry.profile("thsuite"), registry.profile("webjoint")
ROWS = st.dictionaries(
    st.integers(1, 80), st.integers(0, 60 * 24).map(lambda n: NOW - DAY + n * 60_000)
)
Rows = dict[int, int]
Between = Callable[[Rows, int], None]


def endless(depth: int = 1_000) -> Any:
    """What orjson reads and does not write."""
    nested: Any = "deep"
    for _ in range(depth):
        nested = [nested]
    return nested


def nothing(_rows: Rows, _page: int) -> None:
    """Between pages."""


def read_all(
    profile: Profile,
    stream: Stream,
    answer: Callable[[dict[str, str]], Any],
    plan: StreamPlan,
    between: Callable[[int], None] = lambda _page: None,
    cursor: Cursor | None = None,
) -> tuple[list[dict[str, Any]], list[ResponsePage], NextPage[Any]]:
    """The new rows, the pages and what follows the last one; cursors go through JSON."""
    how = profile.streams[stream]
    style = style_for(profile, how)
    seen: list[dict[str, Any]] = []
    pages: list[ResponsePage] = []
    for number in range(500):
        at = style.position(plan, cursor)
        page = response_page(answer(style.params(plan, at)), how, stream)
        style.check(plan, at, page)
        seen += style.new_rows(plan, at, page)
        pages.append(page)
        onward = style.next_page(plan, at, page)
        if onward.cursor is None:
            return seen, pages, onward
        packed = orjson.dumps(onward.cursor)
        assert len(packed) < 8192
        cursor = orjson.loads(packed)
        between(number)
    raise AssertionError("the listing never ends")


class Numbered:
    """THSuite's customers, sorted by last change, or by id."""

    def __init__(self, rows: Rows, size: int, *, bare: bool = False, by_id: bool = False) -> None:
        self.rows, self.size, self.bare, self.by_id = dict(rows), size, bare, by_id

    def __call__(self, params: dict[str, str]) -> Any:
        since = from_text(params["updatedSince"]) if "updatedSince" in params else None
        chosen = [(n, at) for n, at in self.rows.items() if since is None or at >= since]
        chosen.sort(key=lambda row: row[0] if self.by_id else (row[1], row[0]))
        page, size = int(params["page"]), min(int(params["limit"]), self.size)
        rows = [
            {"id": n, "updatedAt": to_text(at)} for n, at in chosen[(page - 1) * size : page * size]
        ]
        if self.bare:
            return rows
        return {"data": rows, "page": page, "totalPages": -(-len(chosen) // size)}


@UNHURRIED
@given(ROWS, st.integers(1, 9), st.booleans(), st.booleans())
def test_numbered_pages_have_every_row(rows: Rows, size: int, bare: bool, by_id: bool) -> None:
    listing = Numbered(rows, size, bare=bare, by_id=by_id)

    seen, _, last = read_all(THSUITE, "customers", listing, StreamPlan("customers", NOW))

    assert {row["id"] for row in seen} == set(rows)
    assert last.full_listing


@UNHURRIED
@given(ROWS, st.integers(1, 9), st.booleans(), st.data())
def test_rows_edited_meanwhile_are_lost_on_no_numbered_page(
    rows: Rows,
    size: int,
    by_id: bool,
    data: st.DataObject,
) -> None:
    listing = Numbered(rows, size, by_id=by_id)
    times = iter([NOW + 1, NOW + 2, NOW + 3])

    def edit(_page: int) -> None:
        """A later edit has a later time: it moves a row to the end, and none down a page."""
        if listing.rows and (at := next(times, None)):
            listing.rows[data.draw(st.sampled_from(sorted(listing.rows)))] = at

    seen, _, _ = read_all(THSUITE, "customers", listing, StreamPlan("customers", NOW), edit)

    lost = set(rows) - {row["id"] for row in seen}
    assert all(listing.rows[number] >= NOW for number in lost), "the next run would not find it"


def test_a_page_of_one_row_may_come_again_on_the_way_down() -> None:
    """The other row has just moved past what is read: the next run finds it by its change."""
    listing = Numbered({1: NOW - DAY, 2: NOW - DAY}, 1)
    edits = [(2, NOW + 2), (1, NOW + 1)]

    def edit(_page: int) -> None:
        if edits:
            listing.rows.update([edits.pop()])

    seen, _, _ = read_all(THSUITE, "customers", listing, StreamPlan("customers", NOW), edit)

    assert [row["id"] for row in seen] == [1, 1, 1]


def test_sales_are_asked_for_window_by_window_newest_first() -> None:
    asked: list[dict[str, str]] = []

    def empty(params: dict[str, str]) -> Any:
        asked.append(params)
        return {"data": [], "page": 1, "totalPages": 0}

    plan = StreamPlan("sales", NOW, history_from=NOW - 70 * DAY)
    _, _, last = read_all(THSUITE, "sales", empty, plan)

    starts = [from_text(params["startDate"]) for params in asked]
    ends = [from_text(params["endDate"]) for params in asked if "endDate" in params]
    assert starts == [NOW - 30 * DAY, NOW - 60 * DAY, NOW - 70 * DAY]
    assert ends == [start + 1 for start in starts[:-1]]
    assert not last.full_listing


def test_later_passes_look_back_over_the_days_in_which_sales_are_edited() -> None:
    style = style_for(THSUITE, THSUITE.streams["sales"])

    plan = StreamPlan("sales", NOW, since=NOW - HOUR)
    asked = style.params(plan, style.start(plan))

    assert from_text(asked["startDate"]) == NOW - HOUR - 7 * DAY
    assert "endDate" not in asked


def of_one_minute(name: str, changed: str, many: int) -> list[dict[str, Any]]:
    return [{name: number, changed: "2026-05-02T11:00:00"} for number in range(many)]


@pytest.mark.parametrize(
    ("platform", "body"),
    [
        ("thsuite", of_one_minute("id", "updatedAt", 100)),
        ("thsuite", of_one_minute("id", "updatedAt", 1)),
        ("thsuite", {"data": of_one_minute("id", "updatedAt", 100)}),
        ("thsuite", {"data": of_one_minute("id", "updatedAt", 100), "totalPages": 7}),
        ("webjoint", of_one_minute("id", "modified", 100)),
        ("webjoint", of_one_minute("id", "modified", 600)),
        ("profitek", of_one_minute("CustomerID", "LastModified", 100)),
        ("profitek", of_one_minute("CustomerID", "LastModified", 600)),
    ],
)
def test_a_pos_that_gives_the_same_page_again_and_again_is_not_read_for_ever(
    platform: str, body: Any
) -> None:
    plan = StreamPlan("customers", NOW)

    with pytest.raises(UnexpectedAnswer, match="Another page of customers"):
        read_all(registry.profile(platform), "customers", lambda _params: body, plan)


def test_a_total_does_not_make_the_same_page_a_new_one() -> None:
    def echo(params: dict[str, str]) -> Any:
        rows = [{"id": number} for number in range(250)]
        told = {"total_records": 10**9, "total_pages": 10**7, "per_page": 250}
        return {**told, "current_page": int(params["page"]), "inventory": rows}

    plan = StreamPlan("inventory", NOW)

    with pytest.raises(UnexpectedAnswer, match="Another page of inventory"):
        read_all(registry.profile("posabit"), "inventory", echo, plan)


@pytest.mark.parametrize("pages", [0, 1])
def test_nothing_at_all_may_be_called_no_page_or_one(pages: int) -> None:
    body = {"data": [], "page": 1, "totalPages": pages}

    seen, _, last = read_all(THSUITE, "customers", lambda _p: body, StreamPlan("customers", NOW))

    assert (seen, last.full_listing) == ([], True)


@pytest.mark.parametrize(
    "body",
    [
        {"data": [], "page": 1, "totalPages": 2},
        {"data": [{"id": 1}], "page": 2, "totalPages": 2},
        {"data": [{"updatedAt": to_text(NOW - 2 * DAY)}] * 5, "page": 1, "totalPages": 1},
        {"rows": []},
        {"data": {}},
        "text",
        None,
    ],
)
def test_a_numbered_page_that_cannot_be_right_is_refused(body: Any) -> None:
    plan = StreamPlan("customers", NOW, since=NOW - DAY)

    with pytest.raises((UnexpectedAnswer, FilterIgnored)):
        read_all(THSUITE, "customers", lambda _params: body, plan)


class Ranged:
    """Webjoint's customers or orders, newest first by what is asked; `repeat` sends some twice."""

    def __init__(
        self, rows: Rows, size: int, *, newest_first: bool = True, repeat: int = 0
    ) -> None:
        self.rows, self.size, self.newest_first, self.repeat = (
            dict(rows),
            size,
            newest_first,
            repeat,
        )
        self.asked = 0

    def __call__(self, params: dict[str, str]) -> Any:
        self.asked += 1
        first, last = orjson.loads(params["range"])
        chosen = sorted(self.rows.items(), key=lambda row: row[1], reverse=self.newest_first)
        wire = [{"id": n, "modified": to_text(at), "created": to_text(at)} for n, at in chosen]
        if self.repeat:
            wire = [row for row in wire for _ in range(1 + (row["id"] % self.repeat == 0))]
        return wire[first : min(last, first + self.size - 1) + 1]


@UNHURRIED
@given(ROWS, st.integers(2, 9), st.booleans(), st.sampled_from([0, 3]))
def test_ranges_have_every_row_once(
    rows: Rows,
    size: int,
    newest_first: bool,
    repeat: int,
) -> None:
    listing = Ranged(rows, size, newest_first=newest_first, repeat=repeat)

    seen, _, last = read_all(WEBJOINT, "customers", listing, StreamPlan("customers", NOW))

    assert sorted(row["id"] for row in seen) == sorted(rows)
    assert last.full_listing


@UNHURRIED
@given(ROWS, st.integers(2, 9), st.booleans(), st.integers(0, 24))
def test_ranges_have_whatever_changed_since_in_any_order(
    rows: Rows,
    size: int,
    newest_first: bool,
    hours: int,
) -> None:
    since = NOW - hours * HOUR

    seen, _, last = read_all(
        WEBJOINT,
        "customers",
        Ranged(rows, size, newest_first=newest_first),
        StreamPlan("customers", NOW, since=since),
    )

    assert {row["id"] for row in seen} == {n for n, at in rows.items() if at >= since}
    assert not last.full_listing


def test_newest_first_ends_after_a_whole_page_of_older_rows() -> None:
    rows = {n: NOW - n * HOUR for n in range(1, 200)}
    listing = Ranged(rows, 10)

    read_all(WEBJOINT, "customers", listing, StreamPlan("customers", NOW, since=NOW - 12 * HOUR))

    assert listing.asked == 3


def test_an_order_as_it_once_was_never_follows_the_newer_one() -> None:
    def row(number: int, modified: int, status: str) -> dict[str, Any]:
        made = {"id": number, "created": to_text(NOW - DAY), "status": status}
        return {**made, "modified": to_text(modified)}

    wire = [row(1, NOW, "Complete"), row(2, NOW, "Complete"), row(3, NOW - DAY, "Complete")]
    wire += [row(1, NOW - DAY, "Pending"), row(2, NOW, "Complete"), row(4, NOW - DAY, "Pending")]

    def answer(params: dict[str, str]) -> Any:
        first, last = orjson.loads(params["range"])
        return wire[first : min(last, first + 2) + 1]

    plan = StreamPlan("sales", NOW, history_from=NOW - 9 * DAY)
    seen, _, _ = read_all(WEBJOINT, "sales", answer, plan, cursor=first_cursor(["51"]))

    assert [(r["id"], r["status"]) for r in seen] == [
        (1, "Complete"),
        (2, "Complete"),
        (3, "Complete"),
        (4, "Pending"),
    ]


def test_a_page_without_any_row_is_never_the_end_of_a_range() -> None:
    listing = Ranged({n: NOW - n for n in range(1, 20)}, 5)

    def answer(params: dict[str, str]) -> Any:
        return [] if params["range"].startswith("[4,") else listing(params)

    with pytest.raises(UnexpectedAnswer):
        read_all(WEBJOINT, "customers", answer, StreamPlan("customers", NOW))


def test_every_shop_is_read_and_rows_of_another_one_are_refused() -> None:
    asked: list[str] = []

    def answer(params: dict[str, str]) -> Any:
        asked.append(params["facilityId"])
        first, _ = orjson.loads(params["range"])
        return [{"compositeId": params["facilityId"], "facilityId": params["facilityId"]}][first:][
            :1
        ]

    start = first_cursor(["51", "52"])
    seen, _, last = read_all(
        WEBJOINT, "inventory", answer, StreamPlan("inventory", NOW), cursor=start
    )

    assert [row["facilityId"] for row in seen] == ["51", "52"]
    assert last.full_listing
    assert asked == ["51", "52"]
    with pytest.raises(FilterIgnored):
        read_all(
            WEBJOINT,
            "inventory",
            lambda _params: [{"compositeId": "x", "facilityId": 99}] * 5,
            StreamPlan("inventory", NOW),
            cursor=start,
        )


@pytest.mark.parametrize(
    ("typed", "found"),
    [("", []), ("51", ["51"]), ("51, 52;53  54,", ["51", "52", "53", "54"]), ("51,51", ["51"])],
)
def test_shops_are_listed_as_people_type_them(typed: str, found: list[str]) -> None:
    assert typed_shops(typed) == found


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"name": "UnauthorizedError"}, KeyRejected),
        ({"name": "ShopClosedError", "message": "Ana Ruiz"}, UnexpectedAnswer),
        ({"name": "Terror"}, None),
        ({"name": 5}, None),
        ([{"name": "ShopClosedError"}], None),
        (None, None),
    ],
)
def test_an_error_told_by_an_object_is_one_and_shows_none_of_its_text(
    body: Any, error: type[Exception] | None
) -> None:
    rules = AnswerRules(WEBJOINT.answers, "Webjoint")
    rule = rules.of_data(body)

    told = rule and rules.error(rule, None, None)
    assert type(told) is (error or type(None))
    assert "Ana" not in str(told)


def test_a_platform_without_error_objects_takes_none_for_one() -> None:
    assert AnswerRules((), "POSaBIT").of_data({"name": "ShopClosedError"}) is None
    assert replace(ResponsePage("x", []), last_page=2).last_page == 2


@pytest.mark.parametrize("platform", ["thsuite", "webjoint"])
def test_a_row_nested_without_end_does_not_end_the_listing(platform: str) -> None:
    """A record costs itself and not the page (product.md §15)."""
    page = registry.profile(platform).streams["customers"].page.pager
    told = [{"id": n, "notes": endless()} for n in range(page.limit + 1)]  # type: ignore[union-attr]

    def answer(params: dict[str, str]) -> Any:
        if platform == "webjoint":
            first, last = (int(n) for n in orjson.loads(params["range"]))
            return told[first : last + 1]
        start = (int(params["page"]) - 1) * page.limit  # type: ignore[union-attr]
        return {"data": told[start : start + page.limit]}  # type: ignore[union-attr]

    rows, _, _ = read_all(
        registry.profile(platform), "customers", answer, StreamPlan("customers", now=NOW)
    )

    assert len(rows) == len(told)
