"""An id is unique per what the POS makes it unique for (product.md §5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.ids import id_in_shop
from chalicelib.domain.manifest import NO_ROW
from chalicelib.domain.records import Customer, Reject, Sale
from chalicelib.domain.words import Platform
from chalicelib.pos.paging.response_page import response_page
from chalicelib.pos.profile import load, registry
from chalicelib.pos.profile.faults import BrokenProfile
from chalicelib.pos.profile.profile import Profile
from chalicelib.pos.rows.field_map import Setting
from chalicelib.pos.rows.normalise import Normalised, Normaliser

COLUMNS = ["Store", "Invoice", "Close Date", "Customer ID", "SKU", "Total", "Status"]
AUPHAN = registry.profile("auphan")


def line(store: str, invoice: str, total: str = "5.00", customer: str = "8812") -> list[str]:
    return [store, invoice, "2026-05-01 10:00:00", customer, "A", total, "Closed"]


def report(*lines: list[str], profile: Profile = AUPHAN) -> Normalised:
    page = response_page([COLUMNS, *lines], profile.streams["sales"], "sales")
    return Normaliser(profile, "sales", Setting("")).page(page.rows)


def ids(normalised: Normalised) -> dict[str, int]:
    """The sales by id, with their totals."""
    return {f.ext_id: f.total for f in normalised.facts if isinstance(f, Sale)}


def changed(platform: Platform, change: Callable[[dict[str, Any]], object]) -> Profile:
    raw = yaml.safe_load((load.FOLDER / platform / load.FILE).read_text(encoding="utf-8"))
    change(raw)
    return load.parse(yaml.safe_dump(raw, allow_unicode=True))


@given(st.text(), st.text(), st.text(min_size=1), st.text(min_size=1))
def test_ids_of_two_shops_are_equal_for_one_shop_and_one_number_only(
    shop: str, other_shop: str, number: str, other_number: str
) -> None:
    equal = id_in_shop(shop, number) == id_in_shop(other_shop, other_number)

    assert equal is ((shop, number) == (other_shop, other_number))


def test_an_id_stays_short_whatever_a_shop_is_called() -> None:
    long = id_in_shop("ü" * 500, "1")

    assert len(long.encode()) < 120
    assert long != id_in_shop("ü" * 499, "1")


def test_the_same_invoice_number_of_two_shops_is_two_sales() -> None:
    found = report(line("Main St", "1001"), line("Harbour", "1001", "9.00"))

    assert ids(found) == {"Main St:1001": 500, "Harbour:1001": 900}
    assert [f.former_ext_id for f in found.facts if isinstance(f, Sale)] == ["1001", "1001"]


def test_customers_of_the_server_are_named_by_its_sales_as_it_lists_them() -> None:
    [sale] = report(line("Main St", "1001")).facts

    assert isinstance(sale, Sale)
    assert sale.customer_ext_id == "8812"


def test_equal_lines_of_an_invoice_are_as_many_lines() -> None:
    [sale] = report(*[line("Main St", "1001")] * 3).facts

    assert isinstance(sale, Sale)
    assert (len(sale.items), sale.total) == (3, 1_500)


def test_invoices_of_a_server_that_leaves_the_shop_blank_are_still_put_together() -> None:
    found = report(line("", "1001"), line("", "1001"), line("", "1002"), line("", ""))

    assert ids(found) == {":1001": 1_000, ":1002": 500}
    assert [reject.reason for reject in found.rejects] == ["missing_id"]


def test_a_sale_set_aside_is_named_as_it_would_be_known() -> None:
    [reject] = report(line("Harbour", "1001", "n/a")).rejects

    assert reject.ext_id == "Harbour:1001"


def test_a_row_is_known_by_the_id_of_its_shop() -> None:
    page = response_page(
        [COLUMNS, line("Main St", "1"), line("Harbour", "1")], AUPHAN.streams["sales"], "sales"
    )
    asked: list[str] = []

    found = Normaliser(AUPHAN, "sales", Setting("")).page(
        page.rows, lambda ext_id, _row: bool(asked.append(ext_id)) or ext_id == "Harbour:1"
    )

    assert asked == ["Main St:1", "Harbour:1"]
    assert list(ids(found)) == ["Main St:1"]
    assert list(found.rows) == ["Main St:1"]
    assert found.rows["Main St:1"] != NO_ROW


def test_an_order_is_known_by_its_facility_also_where_the_row_leaves_it_out() -> None:
    order = {"id": 7, "created": "2026-05-02T19:22:10Z", "status": "Complete", "total": "1.00"}
    rows = [{**order, "facilityId": 51}, order]
    normaliser = Normaliser(registry.profile("webjoint"), "sales", Setting("52"))

    assert list(ids(normaliser.page(rows))) == ["51:7", "52:7"]


def test_where_a_shop_numbers_its_customers_both_streams_name_them_alike() -> None:
    def number_customers_by_shop(raw: dict[str, Any]) -> None:
        raw["streams"]["customers"]["unique_in"] = "shop"
        raw["streams"]["customers"]["map"]["store_key"] = "Store"

    profile = changed("auphan", number_customers_by_shop)
    row = {"Store": "Harbour", "Customer ID": "8812", "First Name": "Ana"}

    customer = Normaliser(profile, "customers", Setting("")).one(row)
    [sale] = report(line("Harbour", "1001"), profile=profile).facts

    assert isinstance(customer, Customer)
    assert isinstance(sale, Sale)
    assert customer.ext_id == sale.customer_ext_id == "Harbour:8812"


def test_a_return_names_its_sale_as_the_sale_is_known() -> None:
    profile = changed("thsuite", lambda raw: raw["streams"]["sales"].update(unique_in="shop"))
    row = {
        "id": "r2",
        "storeId": "st_2",
        "originalTransactionId": "r1",
        "completedAt": "2026-05-02T19:22:10Z",
        "status": "completed",
        "type": "return",
        "total": 5,
    }

    sale = Normaliser(profile, "sales", Setting("st_9")).one(row)

    assert isinstance(sale, Sale)
    assert (sale.ext_id, sale.original_ext_id) == ("st_2:r2", "st_2:r1")
    assert sale.former_ext_id is None


def test_a_row_without_an_id_has_none_in_its_shop_either() -> None:
    reject = Normaliser(registry.profile("webjoint"), "sales", Setting("52")).one({"total": "1"})

    assert isinstance(reject, Reject)
    assert (reject.reason, reject.ext_id) == ("missing_id", None)


@pytest.mark.parametrize("platform", registry.names())
@pytest.mark.parametrize("stream", ["customers", "sales"])
def test_a_profile_that_does_not_say_how_far_its_ids_are_unique_is_refused(
    platform: Platform, stream: str
) -> None:
    with pytest.raises(BrokenProfile, match=f"how far an id of {stream} is unique"):
        changed(
            platform,
            lambda raw: (
                raw["streams"][stream].pop("unique_in"),
                raw["evidence"].pop(f"streams.{stream}.unique_in"),
            ),
        )


def by(*columns: str) -> Callable[[dict[str, Any]], object]:
    return lambda raw: raw["streams"]["sales"]["lines"].update(by=list(columns))


WRONG: list[tuple[Platform, Callable[[dict[str, Any]], object], str]] = [
    ("auphan", lambda raw: raw["streams"]["sales"].update(unique_in="scope"), "'Store' tells"),
    ("auphan", by("Store", "Receipt", "Invoice"), "'Receipt' tells lines apart"),
    ("auphan", by("Invoice"), "'Store' is part of an id"),
    ("auphan", lambda raw: raw["streams"]["customers"].update(unique_in="shop"), "says its shop"),
    ("profitek", lambda raw: raw["streams"]["sales"].update(unique_in="shop"), "says its shop"),
    ("thsuite", lambda raw: raw["streams"]["sales"].update(formerly="scope"), "taken over"),
    ("posabit", lambda raw: raw["streams"]["sales"].update(unique_in="country"), "unique_in"),
]


@pytest.mark.parametrize(("platform", "change", "told"), WRONG)
def test_a_profile_whose_ids_are_not_made_of_all_that_groups_them_is_refused(
    platform: Platform, change: Callable[[dict[str, Any]], object], told: str
) -> None:
    with pytest.raises(BrokenProfile, match=told):
        changed(platform, change)
