"""Days on the store's clock, rows by offset, report tables: no row is lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import FilterIgnored, KeyRejected, UnexpectedAnswer
from chalicelib.domain.records import InventoryItem
from chalicelib.domain.times import DAY, from_text, local_day, to_datetime
from chalicelib.pos.asking import queries
from chalicelib.pos.paging.day_windows import AHEAD_DAYS, DayWindows, Window
from chalicelib.pos.paging.proofs.whole import WholeAnswers
from chalicelib.pos.paging.response_page import ResponsePage, response_page
from chalicelib.pos.paging.style import NextPage
from chalicelib.pos.paging.styles import style_for
from chalicelib.pos.profile import registry
from chalicelib.pos.profile.paging import DayFilter
from chalicelib.pos.rows import coerce
from chalicelib.pos.rows.coerce import Unusable
from chalicelib.pos.rows.field_map import Setting
from chalicelib.pos.rows.normalise import Normaliser
from chalicelib.pos.transport import answers
from chalicelib.pos.transport.answer_rules import AnswerRules, NotOffered
from chalicelib.services.ports.pos import Cursor, StreamPlan, TimeSpan

from .builders import UNHURRIED

NOW = from_text("2026-05-02T12:00:00Z")
VANCOUVER = "America/Vancouver"
AUPHAN, PROFITEK = registry.profile("auphan"), registry.profile("profitek")


# Rows by offset


class Counted:
    """A listing that gives at most `cap` rows from a place on; `rows` may change meanwhile."""

    def __init__(self, rows: list[int], cap: int) -> None:
        self.rows, self.cap = rows, cap

    def answer(self, params: dict[str, str]) -> list[dict[str, Any]]:
        start = int(params["startIndex"])
        size = min(int(params["count"]), self.cap)
        return [{"ItemID": number} for number in self.rows[start : start + size]]


def fetch(listing: Counted, cursor: Cursor | None) -> tuple[list[int], NextPage[Any]]:
    stream, plan = PROFITEK.streams["inventory"], StreamPlan("inventory", NOW)
    style = style_for(PROFITEK, stream, VANCOUVER)
    cursor = orjson.loads(orjson.dumps(cursor))
    at = style.position(plan, cursor)
    page = response_page(listing.answer(style.params(plan, at)), stream, "inventory")
    style.check(plan, at, page)
    new = [row["ItemID"] for row in style.new_rows(plan, at, page)]
    return new, style.next_page(plan, at, page)


ROWS = st.lists(st.integers(1, 500), max_size=60, unique=True)


@UNHURRIED
@given(ROWS, st.integers(2, 100))
def test_every_row_is_met_once_whatever_a_page_holds(rows: list[int], cap: int) -> None:
    seen, cursor = [], None
    for _ in range(200):
        new, onward = fetch(Counted(rows, cap), cursor)
        seen += new
        cursor = onward.cursor
        if cursor is None:
            break

    assert seen == rows
    assert onward.full_listing


@UNHURRIED
@given(ROWS, st.integers(2, 9), st.data())
def test_a_full_listing_has_every_row_though_others_went_away(
    rows: list[int], cap: int, data: st.DataObject
) -> None:
    listing, seen, cursor = Counted(list(rows), cap), set(), None
    try:
        for _ in range(300):
            new, onward = fetch(listing, cursor)
            seen |= set(new)
            cursor = onward.cursor
            if cursor is None:
                break
            if listing.rows and data.draw(st.integers(0, 4)) == 0:
                listing.rows.remove(data.draw(st.sampled_from(listing.rows)))
    except UnexpectedAnswer:
        return  # so many went away that the run fails, and is begun again

    if onward.full_listing:
        assert seen >= set(listing.rows)


@UNHURRIED
@given(ROWS, st.integers(2, 9), st.integers(0, 20))
def test_going_on_from_an_older_cursor_skips_nothing(
    rows: list[int], cap: int, killed_after: int
) -> None:
    seen: set[int] = set()
    cursors: list[Cursor | None] = [None]
    for _ in range(killed_after):
        new, onward = fetch(Counted(rows, cap), cursors[-1])
        seen |= set(new)
        if onward.cursor is None:
            break
        cursors.append(onward.cursor)

    cursor = cursors[max(0, len(cursors) - 2)]
    while True:
        new, onward = fetch(Counted(rows, cap), cursor)
        seen |= set(new)
        cursor = onward.cursor
        if cursor is None:
            break

    assert seen == set(rows)


# Windows of days


def windows(**changes: Any) -> DayWindows:
    asked = {
        "by": "days",
        "after": "from",
        "before": "to",
        "format": "%Y-%m-%d %H:%M",
        "field": "at",
    }
    sizes = {"days": 1, "max_days": 1, "grow_below": 0}
    return DayWindows(DayFilter(**asked | sizes | changes), VANCOUVER, ("iso",))


def test_reading_again_from_a_late_day_looks_back_as_the_pass_would() -> None:
    look_back = {"daily_days": 3, "weekly_days": 35}
    late = StreamPlan("sales", NOW, history_from=NOW - DAY, kind="weekly")

    window = windows(look_back=look_back).first(late)

    assert window.floor == windows().first(replace(late, history_from=NOW - 35 * DAY)).floor


@UNHURRIED
@given(st.integers(0, 400), st.integers(1, 40), st.lists(st.integers(0, 900), min_size=500))
def test_windows_cover_every_day_back_to_the_beginning_once(
    days_back: int, longest: int, rows: list[int]
) -> None:
    asked = windows(max_days=longest, grow_below=100)
    window = asked.first(StreamPlan("sales", NOW, history_from=NOW - days_back * DAY))
    covered: list[int] = []

    for held in rows:
        covered += reversed(range(window.low, window.high))
        following = asked.following(window, held)
        if following is None:
            break
        assert following.high == window.low
        assert following.high - following.low <= longest
        window = following

    today = to_datetime(NOW, VANCOUVER).date().toordinal()
    first = to_datetime(NOW - days_back * DAY, VANCOUVER).date().toordinal()
    assert covered == list(reversed(range(first, today + 2)))


def test_days_are_those_of_the_store() -> None:
    late = from_text("2026-05-02T05:00:00Z")  # ten in the evening of the first of May

    asked = windows().params(windows().first(StreamPlan("sales", late, since=late)))

    assert asked == {"from": "2026-05-01 00:00", "to": "2026-05-03 00:00"}


def test_a_window_doubles_where_few_rows_came_and_halves_where_very_many_did() -> None:
    asked = windows(days=2, max_days=9, grow_below=10)
    first = asked.first(StreamPlan("sales", NOW, history_from=NOW - 400 * DAY))

    def before(days: int, rows: int) -> int:
        following = asked.following(replace(first, days=days), rows)
        assert following is not None
        assert following == Window(
            first.low - following.days, first.low, first.floor, following.days
        )
        return following.days

    assert first.high - first.low == 2 + 1
    assert [before(2, rows) for rows in (0, 9, 10, 40)] == [4, 4, 2, 2]
    assert [before(8, rows) for rows in (9, 10, 40, 41)] == [9, 8, 8, 4]
    assert [before(3, rows) for rows in (9, 41)] == [6, 2]


def test_no_window_is_read_before_the_floor_nor_one_before_the_newest_where_that_tells_all() -> (
    None
):
    plan = StreamPlan("sales", NOW, history_from=NOW - DAY)
    asked = windows(days=9)
    window = asked.first(plan)

    assert window.low == window.floor
    assert asked.following(window, 0) is None
    older = replace(window, low=window.low + 1)
    assert asked.following(older, 0) == Window(window.floor, older.low, window.floor, 9)
    assert windows(newest_only=True).following(older, 0) is None


@pytest.mark.parametrize(
    ("kind", "since", "days_back"),
    [
        ("daily", 1, 3),
        ("daily", 9, 9),
        ("weekly", 1, 35),
        ("between", 1, 1),
        ("between", None, 365),
        ("daily", None, 365),
        ("between", -5, 0),
    ],
)
def test_a_pass_reads_back_to_its_watermark_and_as_far_as_its_kind_says(
    kind: Any, since: int | None, days_back: int
) -> None:
    asked = windows(look_back={"daily_days": 3, "weekly_days": 35}, history_days=365)
    watermark = None if since is None else NOW - since * DAY
    plan = StreamPlan("sales", NOW, since=watermark, kind=kind)

    window = asked.first(plan)

    assert window.high - AHEAD_DAYS - window.floor == days_back


def test_the_last_second_stands_where_the_pos_includes_the_end() -> None:
    late = from_text("2026-05-02T05:00:00Z")
    window = windows().first(StreamPlan("sales", late, since=late))
    included = windows(until_included=True, format="%Y-%m-%d %H:%M:%S")

    assert included.params(window) == {"from": "2026-05-01 00:00:00", "to": "2026-05-02 23:59:59"}


def test_the_times_that_a_complete_listing_showed_are_those_of_the_shops_clock() -> None:
    plan = StreamPlan("sales", NOW, since=NOW - 3 * DAY)
    pages = WholeAnswers(windows(), {})
    newest = pages.start(plan)
    oldest = replace(newest, low=newest.floor)
    today = local_day(NOW, VANCOUVER)
    times = TimeSpan(
        from_text(f"{today - timedelta(3)}T00:00:00Z"),
        from_text(f"{today + timedelta(2)}T00:00:00Z"),
    )

    assert pages.next_page(plan, oldest, rows_at()) == NextPage(None, times=times)
    onward = pages.next_page(plan, newest, rows_at())
    assert (onward.times, onward.full_listing) == (None, False)
    assert onward.position == windows().following(newest, 0)
    all_there_is = WholeAnswers(windows(newest_only=True), {})
    assert all_there_is.next_page(plan, newest, rows_at()) == NextPage(None, full_listing=True)


def rows_at(*clocks: str) -> ResponsePage:
    return ResponsePage("sales", [{"at": clock} for clock in clocks])


INSIDE = "2026-05-02T08:00:00"


@pytest.mark.parametrize("at", ["2026-05-01T23:59:59", "2024-12-31T12:00:00"])
def test_a_filter_by_day_that_is_ignored_is_noticed(at: str) -> None:
    plan = StreamPlan("sales", NOW)
    window = windows().first(plan)

    with pytest.raises(FilterIgnored):
        windows().check(plan, window, rows_at(*[INSIDE] * 5, *[at] * 5))


@pytest.mark.parametrize("at", ["2026-05-01T23:59:59", "1899-12-30T00:00:00"])
def test_a_few_rows_outside_their_window_fail_nothing(at: str) -> None:
    plan = StreamPlan("sales", NOW)
    window = windows().first(plan)

    windows().check(plan, window, rows_at(at))
    windows().check(plan, window, rows_at(*[at] * 30, *[INSIDE] * 40))


def test_a_till_whose_clock_is_ahead_does_not_pass_for_a_filter_that_is_ignored() -> None:
    plan = StreamPlan("sales", NOW)
    newest = windows().first(plan)
    older = windows().following(newest, 0)

    for window in (newest, older):
        assert window is not None
        windows().check(plan, window, rows_at(*["2062-01-01T10:00:00"] * 50))
    with pytest.raises(FilterIgnored):
        windows().check(plan, older, rows_at(*[INSIDE] * 5))


def test_rows_that_tell_no_time_do_not_spoil_their_window() -> None:
    plan = StreamPlan("sales", NOW)
    window = windows().first(plan)

    windows().check(plan, window, ResponsePage("sales", [{"at": "not a date"}, {}, "no row"]))


# Tables


SALES = AUPHAN.streams["sales"]


def test_rows_under_a_header_become_one_row_for_each_invoice_wherever_they_are() -> None:
    body = [
        ["Store", "Invoice", "SKU", "Total"],
        ["Main St", "1", "a", "2.00"],
        ["Rideau", "1", "b", "3.00"],
        ["Main St", "1", "c", "4.00"],
        ["Main St Total", "", "", "6.00"],
    ]

    rows = response_page(body, SALES, "sales").rows

    assert [(row["Store"], [line["SKU"] for line in row["lines"]]) for row in rows] == [
        ("Main St", ["a", "c"]),
        ("Rideau", ["b"]),
    ]


def test_lines_that_tell_no_invoice_are_not_put_together() -> None:
    body = [["Store", "Invoice", "SKU"], ["Main St", "", "a"], ["Main St", "", "b"]]

    assert len(response_page(body, SALES, "sales").rows) == 2


def test_a_report_without_the_columns_that_matter_is_no_answer() -> None:
    with pytest.raises(UnexpectedAnswer, match="no column 'Invoice'"):
        response_page([["Store", "Facture"], ["Main St", "1"]], SALES, "sales")


@pytest.mark.parametrize("body", [None, {}, {"rows": []}, "x", ["x"], [1, 2], [[1], [2]], [[{}]]])
def test_a_body_that_is_no_table_is_no_answer(body: Any) -> None:
    with pytest.raises(UnexpectedAnswer):
        response_page(body, SALES, "sales")


def test_a_row_longer_than_its_header_is_left_for_a_person_to_see() -> None:
    body = [["Store", "Invoice"], ["Main St", "1", "surplus"]]

    assert response_page(body, SALES, "sales").rows == [["Main St", "1", "surplus"]]


# Money, errors, queries


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("45.00", 4500),
        ("$1,234.56", 123456),
        ("-$1,234.56", -123456),
        ("($5.00)", -500),
        ("5.00-", -500),
        ("1\u00a0234,56\u00a0$", 123456),
        ("-1\u202f234,56 $", -123456),
        ("1 234 567,89 $", 123456789),
        ("CA$12", 1200),
        ("1,234", 123400),
        ("12,5", 1250),
        ("0,00 $", 0),
        (45.5, 4550),
        (0.29, 29),
        (-1.005, -101),
        (float(10**12), 10**14),
        ("1.005", 101),
        ("", None),
        ("$", None),
        ("- $", None),
        (None, None),
    ],
)
def test_money_is_read_in_both_languages(text: Any, cents: int | None) -> None:
    assert coerce.dollars(text) == cents


@pytest.mark.parametrize("text", ["12,x4", "free", "1.2.3", "1,23,456.00", "--5", "€5"])
def test_money_that_is_none_is_not_guessed(text: str) -> None:
    with pytest.raises(Unusable):
        coerce.dollars(text)


@given(st.integers(-(10**9), 10**9))
def test_money_printed_either_way_is_the_same_money(cents: int) -> None:
    sign, (whole, part) = "-" if cents < 0 else "", divmod(abs(cents), 100)

    assert coerce.dollars(f"{sign}${whole:,}.{part:02d}") == cents
    french = f"{whole:,}".replace(",", "\u00a0")
    assert coerce.dollars(f"{sign}{french},{part:02d}\u00a0$") == cents


RULES = AnswerRules(registry.profile("auphan").answers, "X")


def parsed(body: bytes, content_type: str) -> Any:
    """The data of a body of status 200, as the transport comes to it."""
    if rule := RULES.of_text(body):
        raise RULES.error(rule, None, None)
    return answers.parse_json(body, content_type)


def test_plain_text_tells_what_is_wrong() -> None:
    with pytest.raises(KeyRejected):
        parsed(b"API_TOKEN required", "application/json")
    with pytest.raises(NotOffered):
        parsed(b"Unknown report", "text/html")
    for other in (b"Fatal error", b"api_token" + b"x" * 600, b"", b"\xff\xfe", b"<html>api_token"):
        with pytest.raises(answers.UnreadableAnswer):
            parsed(other, "text/plain")


def test_data_is_data_under_any_type() -> None:
    assert parsed(b' [["a"]]', "text/html") == [["a"]]


def test_the_token_stands_within_the_question() -> None:
    endpoint = AUPHAN.endpoints["sales"]

    asked = queries.request_params(endpoint, {"date_from": "2026-05-02"}, {"api_token": "s3cr3t"})

    data = orjson.loads(asked["data"])
    assert set(asked) == {"lang_id", "data"}
    assert (data["report"], data["api_token"]) == ("Line Item Sales", "s3cr3t")
    assert data["variables"]["date_from"] == "2026-05-02"
    assert "date_from" not in endpoint.json_query.body["variables"]  # type: ignore[union-attr]


VARIABLES = """
    store_groups separate_stores selection use_time date_from date_to dow employee_id cashier_id
    enter_employee_id delete_employee_id commission_id open_station_id close_station_id shift_id
    status invoice_status kitchen item_type product_sku invoice_id table_type_id web_order
    kiosk_order web_type kiosk_type cc_invoices_only customer_id customer_group_id product_id
    category_id parent_category_id report_cat_id payment_type_id print_num invoice_print_num
    coupon_codes coupon_code_set only_discounted_sales only_invoice_discounted_sales
    only_saleruled_sales only_price_reduced_sales only_discount_approved_items
    only_discount_approved_invoices only_discount_approved_items_invoices
    only_tax_exempted_sales only_recovered_items hide_recovered_items weather_type precip_type
    max_temp min_temp sales_percent_grouped page_break collapse_groups hide_empty_rows
    group_totals grand_totals font_size page_width report_datetime_format report_date_format
    report_time_format report_format_money pivot_expand
"""
"""Of the report a working client asks for (reference/pos.md §3.2)."""


def test_a_report_of_auphan_is_asked_with_every_variable_that_a_working_client_sends() -> None:
    """All are sent, even when they are empty."""
    lists = {"store_groups", "customer_id", "product_id", "category_id", "parent_category_id"}
    lists |= {"status", "invoice_status", "item_type"}

    for name, endpoint in AUPHAN.endpoints.items():
        dates = {"date_from": "", "date_to": ""} if name in ("sales", "days") else {}
        asked = orjson.loads(queries.request_params(endpoint, dates, {"api_token": "x"})["data"])

        assert set(asked["variables"]) == set(VARIABLES.split()), name
        assert {key for key, value in asked["variables"].items() if value == []} == lists


def test_an_item_that_lies_in_two_stores_is_in_both() -> None:
    stock = AUPHAN.streams["inventory"]
    header = ["Store", "Item ID", "SKU", "Product", "Category", "On Hand", "Unit", "Price", "Cost"]
    rows = [[store, "7", "FLW-35", "Blue Dream", "", "3", "", "45", ""] for store in ("A", "B")]
    normaliser = Normaliser(AUPHAN, "inventory", Setting("", "America/Toronto", "CAD"))

    made = normaliser.page(response_page([header, *rows], stock, "stock").rows)

    assert [item.store_key for item in made.facts if isinstance(item, InventoryItem)] == ["A", "B"]
