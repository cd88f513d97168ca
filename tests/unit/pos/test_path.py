"""A dotted path means the same to everyone who reads a profile."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.records import Customer, Sale
from chalicelib.domain.times import from_text
from chalicelib.pos.paging.day_windows import DayWindows
from chalicelib.pos.paging.filters import instant_of
from chalicelib.pos.paging.receipts import Receipts
from chalicelib.pos.paging.response_page import ResponsePage, response_page
from chalicelib.pos.paging.styles import style_for
from chalicelib.pos.profile import registry
from chalicelib.pos.profile.mapping import (
    ConsentMapping,
    IdPart,
    LineGroup,
    NegatedFlag,
    NestedRows,
    Sum,
)
from chalicelib.pos.profile.path import Path
from chalicelib.pos.profile.profile import Profile
from chalicelib.pos.rows.field_map import Setting
from chalicelib.pos.rows.normalise import Normaliser
from chalicelib.services.ports.pos import StreamPlan

from .builders import a_customer_row, a_sale_row, an_item_row

PROFILE = registry.profile("posabit")


@pytest.mark.parametrize(
    ("path", "row", "values"),
    [
        ("a", {"a": 1}, [1]),
        ("a", {}, []),
        ("a", {"a": None}, []),
        ("a", [1], []),
        ("a", "text", []),
        ("a.b", {"a": {"b": 1}}, [1]),
        ("a.b", {"a": 7}, []),
        ("a.1", {"a": [1, 2]}, [2]),
        ("a.2", {"a": [1, 2]}, []),
        ("a.b", {"a": [{"b": 1}, 7, {"b": None}, {"b": 2}]}, [1, 2]),
        ("a.b.c", {"a": [{"b": [{"c": 1}, {"c": 2}]}, {"b": {"c": 3}}]}, [1, 2, 3]),
        ("$", [1], [[1]]),
        ("$.a", {"a": 1}, [1]),
        (r"Inv\. No", {"Inv. No": 1}, [1]),
        ("0", {"0": 1}, [1]),
    ],
)
def test_a_path_leads_to_values(path: str, row: Any, values: list[Any]) -> None:
    assert Path(path).values(row) == values
    assert Path(path).value(row) == (values[0] if values else None)


@pytest.mark.parametrize("path", ["", " ", "a.", ".a", "a..b"])
def test_a_path_with_an_empty_step_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="empty step"):
        Path(path)


def nested(profile: Profile, stream: Any, **fields: Any) -> Profile:
    """The profile with fields of a stream's map elsewhere."""
    streams = dict(profile.streams)
    streams[stream] = streams[stream].model_copy(update={"map": {**streams[stream].map, **fields}})
    return profile.model_copy(update={"streams": streams})


def deep(row: dict[str, Any], *names: str) -> dict[str, Any]:
    """The row with these fields one level further down, under `in`."""
    return {k: v for k, v in row.items() if k not in names} | {"in": {n: row[n] for n in names}}


CONSENT = ConsentMapping(given=Path("in.sms_opt_in"), refused=Path("in.sms_opt_out"))
CUSTOMER_FIELDS = {
    "ext_id": (Path("in.id"), "id"),
    "first": (Path("in.first_name"), "first_name"),
    "phone": (Path("in.telephone"), "telephone"),
    "email": (Path("in.email"), "email"),
    "birth_date": (Path("in.birthday"), "birthday"),
    "birth_year": (Path("in.birth_year"), "birth_year"),
    "pos_points": (Path("in.points"), "points"),
    "active": (Path("in.active"), "active"),
    "updated_at": (Path("in.updated_at"), "updated_at"),
    "sms_consent": (CONSENT, "sms_opt_in", "sms_opt_out"),
}


@pytest.mark.parametrize("field", sorted(CUSTOMER_FIELDS))
@pytest.mark.parametrize("changes", [{}, {"sms_opt_out": True}, {"active": False}])
def test_a_field_of_a_shopper_is_read_from_wherever_it_stands(
    field: str, changes: dict[str, Any]
) -> None:
    spec, *names = CUSTOMER_FIELDS[field]
    row = a_customer_row(**changes)
    moved = nested(PROFILE, "customers", **{field: spec})

    read = Normaliser(moved, "customers", Setting("k")).one(deep(row, *names))

    assert isinstance(read, Customer)
    assert read == Normaliser(PROFILE, "customers", Setting("k")).one(row)


def test_the_opposite_of_a_nested_flag_is_read() -> None:
    moved = nested(PROFILE, "customers", active=NegatedFlag(unless=Path("in.blocked")))
    row = deep(a_customer_row(blocked=True), "blocked")

    read = Normaliser(moved, "customers", Setting("k")).one(row)

    assert isinstance(read, Customer)
    assert not read.active


def test_lines_sums_and_parts_of_ids_are_read_from_wherever_they_stand() -> None:
    lines = PROFILE.streams["sales"].map["items"]
    assert isinstance(lines, NestedRows)
    moved = nested(
        PROFILE,
        "sales",
        items=NestedRows(rows=Path("in.items"), map=lines.map),
        total=Sum(sum=(Path("in.items.total"), Path("in.fee"))),
        customer_ext_id=IdPart(of=Path("in.key"), at="-", take=2, parts=2),
    )
    items = [an_item_row(total=1000), an_item_row(total=234)]
    row = deep(a_sale_row(items=items, fee=6, key="9-4410023"), "items", "fee", "key")

    read = Normaliser(moved, "sales", Setting("k")).one(row)

    assert isinstance(read, Sale)
    assert (read.total, len(read.items), read.customer_ext_id) == (1240, 2, "4410023")


def test_lines_of_a_receipt_are_known_by_a_nested_id() -> None:
    group = LineGroup(
        by=Path("receipt.id"),
        into="items",
        names={"id": Path("receipt.id")},
        sums={"total": Path("money.total")},
    )
    rows = [
        {"receipt": {"id": 7}, "money": {"total": "1.00"}},
        {"receipt": {"id": 7}, "money": {"total": "2.50"}},
    ]

    [whole] = Receipts(group).with_lines_merged(rows)

    assert (whole["id"], whole["total"], len(whole["items"])) == (7, "3.50", 2)


def test_an_envelope_is_read_from_wherever_it_stands() -> None:
    stream = PROFILE.streams["customers"]
    pager = stream.page.pager.model_copy(
        update={"total": Path("meta.total_records"), "pages": Path("meta.total_pages")}
    )
    page = stream.page.model_copy(update={"pager": pager})
    stream = stream.model_copy(update={"rows": Path("data.customers"), "page": page})
    body = {
        "data": {"customers": [{"customer": a_customer_row()}]},
        "meta": {"total_records": 41, "total_pages": 7},
    }

    read = response_page(body, stream, "customers")

    assert (read.rows, read.total, read.pages) == ([a_customer_row()], 41, 7)


def test_instants_that_paging_goes_by_are_read_from_wherever_they_stand() -> None:
    read = instant_of(PROFILE.time, Path("times.changed"))

    assert read({"times": {"changed": "2026-05-01T00:00:00Z"}}) == from_text("2026-05-01T00:00:00Z")
    assert read({"times": []}) is None


def test_a_window_is_checked_by_a_nested_time() -> None:
    spec = registry.profile("profitek").streams["sales"].page.filter
    spec = spec.model_copy(update={"field": Path("at.date")})  # type: ignore[union-attr]
    days = DayWindows(spec, "UTC", ("iso",))
    plan = StreamPlan("sales", now=from_text("2026-05-02T12:00:00Z"))
    window = days.first(plan)
    page = ResponsePage("sales", [{"at": {"date": "1999-01-01T00:00:00"}}] * 5)

    with pytest.raises(Exception, match="filter by date"):
        days.check(plan, window, page)


def test_rows_of_another_shop_are_found_by_the_place_the_map_says() -> None:
    profile = registry.profile("webjoint")
    profile = nested(profile, "sales", store_key=Path("facility.id"))
    style = style_for(profile, profile.streams["sales"])
    plan = StreamPlan("sales", now=0)
    at = style.position(plan, {"shops": ["51"], "at": None, "full": True})

    style.check(plan, at, ResponsePage("orders", [{"facility": {"id": 51}}]))
    with pytest.raises(Exception, match="another shop"):
        style.check(plan, at, ResponsePage("orders", [{"facility": {"id": 52}}] * 5))
