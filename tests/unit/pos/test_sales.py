"""Sales: kinds, finality, money and lines, whichever way the POS tells a refund."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from chalicelib.adapters.dynamo.codec import encode
from chalicelib.domain.records import LineItem, Sale, Tender
from chalicelib.domain.times import from_text

from .builders import a_sale_row, an_item_row, page, reject, sale


def test_a_sale_keeps_what_the_pos_says() -> None:
    made = sale()

    assert made == Sale(
        ext_id="90210077",
        store_key="harbor-01",
        ordered_at=from_text("2026-05-02T19:22:10Z"),
        ordered_at_text="2026-05-02T19:22:10.000Z",
        currency="USD",
        total=5480,
        status="completed",
        number="88-1042",
        customer_ext_id="4410023",
        channel="pos",
        employee_id="731",
        medical=False,
        subtotal=4500,
        discount=500,
        tax=1480,
        cost=1900,
        tenders=(Tender("Cash", 5480),),
        items=(
            LineItem(
                name="Blue Dream 3.5g",
                quantity="1",
                total=5480,
                ext_id="1",
                product_ext_id="900835",
                sku="FLW-35",
                brand="Acme",
                category="Flower",
                subtotal=4500,
                discount=500,
                tax=1480,
                cost=1900,
                discounts=("AIQ $5",),
                discount_ids=("47370",),
            ),
        ),
        updated_at=from_text("2026-05-02T19:22:11Z"),
    )


def test_numbers_sent_as_text_mean_the_same() -> None:
    numbers = ("id", "customer_id", "user_id", "sub_total", "discount", "tax", "total", "cost")
    as_text = {name: str(a_sale_row()[name]) for name in numbers}

    assert sale(**as_text, is_medical=0) == sale()


@pytest.mark.parametrize(
    ("changes", "kind", "final", "total"),
    [
        ({}, "sale", True, 5480),
        ({"status": "Completed"}, "sale", True, 5480),
        ({"status": "pending"}, "sale", False, 5480),
        ({"status": "on_hold"}, "sale", False, 5480),
        ({"status": None}, "sale", False, 5480),
        ({"status": "voided"}, "void", False, 5480),
        ({"total": -5480}, "return", True, -5480),
        ({"total": -5480, "status": "refunded"}, "return", True, -5480),
        ({"sale_type": "refund"}, "return", True, -5480),
        ({"status": "refunded"}, "sale", True, 0),
        ({"status": "partially_refunded", "total": 3000}, "sale", True, 3000),
        ({"status": "Partially refunded", "total": 5000}, "sale", True, 5000),
        ({"total": 2000}, "sale", True, 2000),
    ],
)
def test_kind_and_finality_follow_status_type_and_sign(
    changes: Any, kind: str, final: bool, total: int
) -> None:
    made = sale(**changes)

    assert (made.kind, made.is_final, made.total) == (kind, final, total)


def test_a_sale_refunded_in_place_still_happened_with_nothing_left_of_it() -> None:
    made = sale(status="refunded")

    assert (made.subtotal, made.discount, made.tax, made.total) == (0, 0, 0, 0)
    assert [line.returned for line in made.items] == [True]
    assert made.status == "refunded"


@pytest.mark.parametrize("sign", [1, -1])
def test_the_amounts_of_a_return_all_have_the_sign_that_its_type_says(sign: int) -> None:
    made = sale(sale_type="return", total=-5480, sub_total=sign * 4500, tax=sign * 980)

    assert (made.total, made.subtotal, made.tax) == (-5480, -4500, -980)


def test_the_lines_of_a_return_are_returned() -> None:
    made = sale(total=-5480, items=[an_item_row(quantity=-1, total=-5480)])

    assert [(line.quantity, line.returned) for line in made.items] == [("-1", True)]


def test_words_nobody_explained_are_counted() -> None:
    made = page(
        "sales",
        a_sale_row(),
        a_sale_row(id=1, status="on_hold"),
        a_sale_row(id=2, status="on_hold"),
        a_sale_row(id=3, sale_type="layaway"),
    )

    assert made.unknown_words == {"status=on_hold": 2, "sale_type=layaway": 1}


def test_ever_new_words_do_not_fill_the_count() -> None:
    made = page("sales", *(a_sale_row(id=n, status=f"s{n}") for n in range(1, 200)))

    assert len(made.unknown_words) <= 51
    assert sum(made.unknown_words.values()) == 199


@pytest.mark.parametrize("nobody", [None, 0, "", "0"])
def test_a_sale_of_nobody_is_kept_unlinked(nobody: Any) -> None:
    assert sale(customer_id=nobody).customer_ext_id is None


@pytest.mark.parametrize(
    ("changes", "reason", "field"),
    [
        ({"id": None}, "missing_id", "id"),
        ({"ordered_at": "not a date"}, "bad_date", "ordered_at"),
        ({"ordered_at": None}, "bad_date", "ordered_at"),
        ({"ordered_at": 1714678930}, "bad_date", "ordered_at"),
        ({"total": "12,x4"}, "bad_money", "total"),
        ({"total": None}, "bad_money", "total"),
        ({"total": 12.5}, "bad_money", "total"),
        ({"total": True}, "bad_money", "total"),
        ({"total": float("inf")}, "bad_money", "total"),
        ({"total": 10**20}, "bad_money", "total"),
        ({"total": "-"}, "bad_money", "total"),
        ({"id": "-"}, "missing_id", "id"),
        ({"ordered_at": "N/A"}, "bad_date", "ordered_at"),
    ],
)
def test_a_broken_sale_is_set_aside_naming_the_field(changes: Any, reason: str, field: str) -> None:
    made = reject("sales", a_sale_row(**changes))

    assert (made.reason, made.field) == (reason, field)


@pytest.mark.parametrize(
    ("changes", "flags"),
    [
        ({"tax": "free"}, {"bad_tax"}),
        ({"tax": "--", "sub_total": "", "discount": " ", "cost": "N/A"}, set()),
        ({"is_medical": "perhaps", "customer_id": {}}, {"bad_medical", "bad_customer_ext_id"}),
        ({"items": "three"}, {"bad_items"}),
        ({"items": "-", "sales_tenders": ""}, set()),
        ({"items": ["two for one", an_item_row()]}, {"bad_items"}),
        ({"items": [an_item_row(total="free")]}, {"bad_items.total"}),
        ({"items": [an_item_row(quantity="some")]}, {"bad_items.quantity"}),
        ({"items": [an_item_row(quantity="", cost="-", total=None)]}, set()),
        ({"items": [an_item_row(discount_list=[7])]}, {"bad_items.discounts"}),
        ({"sales_tenders": [{"total": "lots"}]}, {"bad_tenders.amount"}),
    ],
)
def test_a_sale_is_kept_without_what_cannot_be_read(changes: Any, flags: set[str]) -> None:
    made = sale(**changes)

    assert (made.total, made.flags) == (5480, flags)


def test_a_flag_is_of_its_own_sale_alone() -> None:
    made = page("sales", a_sale_row(tax="free"), a_sale_row(id=None, tax="free"), a_sale_row(id=2))

    assert [fact.flags for fact in made.facts if isinstance(fact, Sale)] == [{"bad_tax"}, set()]


def test_a_line_without_a_quantity_does_not_say_one() -> None:
    made = sale(items=[an_item_row(quantity="-")])

    assert [(line.quantity, line.returned) for line in made.items] == [("", False)]


def test_a_status_that_cannot_be_read_is_none_that_is_known() -> None:
    assert not sale(status={"code": 3}).is_status_known
    assert not sale(status={"code": 3}).is_final


@pytest.mark.parametrize("empty", [None, []])
def test_a_sale_without_lines_or_tenders_is_kept(empty: Any) -> None:
    made = sale(items=empty, sales_tenders=empty)

    assert (made.items, made.tenders) == ((), ())


def test_a_discount_is_kept_without_its_sign() -> None:
    assert sale(discount=-500).discount == 500


def test_amounts_that_are_not_said_are_zero() -> None:
    made = sale(discount=None, tax=None, sub_total=None)

    assert (made.discount, made.tax, made.subtotal) == (0, 0, 0)


@pytest.mark.parametrize(
    "changes",
    [
        {"items": [an_item_row(product_name="草" * 500, category="草" * 500) for _ in range(400)]},
        {
            "items": [
                an_item_row(discount_list=[{"coupon_name": f"{n}{'草' * 490}"} for n in range(500)])
            ]
        },
    ],
)
def test_a_sale_too_large_for_a_row_of_a_table_keeps_the_lines_that_fit(changes: Any) -> None:
    made = sale(**changes)

    assert made.flags == {"cut_items"}
    assert len(made.items) < len(changes["items"])
    assert made.total == 5480
    assert len(encode(made).encode()) < 400_000
    assert len(made.items) == 0 or len(encode(made).encode()) > 250_000


@pytest.mark.parametrize("lines", [500, 501, 900])
def test_a_long_sale_of_ordinary_lines_is_kept(lines: int) -> None:
    made = sale(items=[an_item_row(item_id=n) for n in range(lines)])

    assert (len(made.items), made.flags) == (lines, frozenset())


@pytest.mark.parametrize(
    ("status", "is_final", "is_known"),
    [("completed", True, True), ("pending", False, True), ("gifted", False, False)],
)
def test_a_status_is_final_open_or_unknown(status: str, is_final: bool, is_known: bool) -> None:
    made = sale(status=status)

    assert (made.is_final, made.is_status_known, made.kind) == (is_final, is_known, "sale")


def test_a_sale_worth_nothing_is_a_sale_and_one_below_it_a_return() -> None:
    assert (sale(total=0).kind, sale(total=1).kind, sale(total=-1).kind) == (
        *("sale", "sale"),
        "return",
    )


def test_a_line_says_nothing_that_was_not_said() -> None:
    bare = {"item_id": None, "product_name": None, "discount": None, "quantity": None}
    [line] = sale(items=[an_item_row(**bare, discount_list=[{}, {"coupon_name": ""}])]).items

    assert (line.name, line.quantity, line.discount, line.discounts) == ("", "", 0, ())
    assert not line.returned
    [back] = sale(items=[an_item_row(quantity=-2, discount=-5)]).items
    assert (back.quantity, back.returned, back.discount) == ("-2", True, 5)
    assert sale(sales_tenders=[{"total": None}]).tenders == (Tender("", None),)


@pytest.mark.parametrize(
    ("shown", "names", "ids"),
    [
        ([], (), ()),
        ([{"coupon_name": "A"}, {"coupon_id": 0, "coupon_name": "A"}], ("A",), ()),
        ([{"coupon_id": 7, "coupon_name": "A"}] * 2, ("A",), ("7",)),
        ([{"coupon_id": n, "coupon_name": "A"} for n in (7, 8)], ("A", "A"), ("7", "8")),
        ([{"coupon_id": "7"}, {"coupon_name": "B"}], ("", "B"), ("7", "")),
    ],
)
def test_a_discount_in_a_line_keeps_its_id_beside_its_name(
    shown: list[dict[str, Any]], names: tuple[str, ...], ids: tuple[str, ...]
) -> None:
    [line] = sale(items=[an_item_row(discount_list=shown)]).items

    assert (line.discounts, line.discount_ids) == (names, ids)


def test_what_cannot_be_read_within_a_line_is_named_with_all_it_stands_in() -> None:
    assert sale(items=[an_item_row(discount_list=[{"coupon_name": {}}])]).flags == {
        "bad_items.discounts.name"
    }
    assert sale(items=[an_item_row(discount_list=[{"coupon_id": {}}])]).flags == {
        "bad_items.discounts.ext_id"
    }
    assert sale(items=[an_item_row(tax="?")]).flags == {"bad_items.tax"}
    assert sale(sales_tenders=[{"total": "?"}]).flags == {"bad_tenders.amount"}


@pytest.mark.parametrize(
    ("odd", "flags"),
    [
        ("n/a", set()),
        ("", set()),
        ([], set()),
        ({}, {"bad_items"}),
        (0, {"bad_items"}),
        (["none"], {"bad_items"}),
    ],
)
def test_lines_that_are_no_list_are_named_and_blanks_say_nothing(odd: Any, flags: set[str]) -> None:
    made = sale(items=odd)

    assert (made.items, made.flags) == ((), flags)


def test_tenders_are_kept_before_lines_of_a_sale_that_is_too_large() -> None:
    tenders = [{"total": n, "payment_method_name": "草" * 100} for n in range(700)]
    lines = [an_item_row(product_name="草" * 500, category="草" * 500) for _ in range(400)]

    made = sale(sales_tenders=tenders, items=lines)

    assert (len(made.tenders), made.flags) == (700, {"cut_items"})
    assert 320_000 < len(encode(made).encode()) < 351_000


def test_what_is_kept_of_a_sale_that_is_too_large_fills_its_row_and_no_more() -> None:
    tenders = [{"total": n, "payment_method_name": "x" * 100} for n in range(5_000)]

    made = sale(sales_tenders=tenders, items=[an_item_row()])

    assert made.flags == {"cut_tenders", "cut_items"}
    size = len(orjson.dumps(replace(made, flags=frozenset()), default=sorted))
    assert 350_000 - 250 < size <= 350_000
