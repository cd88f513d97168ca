"""Rows as some POS have them: shoppers in orders, gift cards, other currencies, tombstones."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from chalicelib.domain.records import Customer, Fact, InventoryItem, Sale
from chalicelib.domain.words import Stream
from chalicelib.pos.profile import load
from chalicelib.pos.profile.faults import BrokenProfile
from chalicelib.pos.profile.profile import Profile
from chalicelib.pos.rows.coerce import Unusable
from chalicelib.pos.rows.field_map import Setting
from chalicelib.pos.rows.normalise import Normalised, Normaliser
from chalicelib.pos.rows.times import instant_reader
from tools.paths import ROOT

DRAFT = (ROOT / "tools" / "scaffold" / load.FILE).read_text(encoding="utf-8")
ORDER = {"id": 7, "ordered_at": "2026-05-01T10:00:00Z", "status": "completed", "type": "sale"}


def profile(**streams: dict[str, Any]) -> Profile:
    """The first draft of a platform, with parts of its streams said otherwise."""
    raw = yaml.safe_load(DRAFT)
    for name, changes in streams.items():
        raw["streams"][name]["map"] |= changes.pop("map", {})
        raw["streams"][name] |= changes
    return load.parse(yaml.safe_dump(raw))


def page(stream: Stream, said: Profile, *rows: Any) -> Normalised:
    return Normaliser(said, stream, Setting("main")).page(rows)


def one(made: Normalised) -> Fact:
    (fact,) = made.facts
    assert made.rejects == ()
    return fact


def test_shoppers_are_read_out_of_the_orders_they_stand_in() -> None:
    said = profile(customers={"within": {"at": "buyer", "keep": {"updated_at": "ordered_at"}}})
    old, new = ({"id": 1, "first_name": name} for name in ("Ann", "Anna"))

    made = page(
        "customers",
        said,
        {**ORDER, "buyer": new},
        {**ORDER, "ordered_at": "2026-04-01T10:00:00Z", "buyer": old},
        {**ORDER, "buyer": None},
        {**ORDER},
        "junk",
    )

    shopper = one(made)
    assert isinstance(shopper, Customer)
    assert (shopper.ext_id, shopper.first) == ("1", "Anna"), "the newer order knows her better"
    assert made.unknown_words == {}


def test_gift_cards_are_tenders_beside_the_payments() -> None:
    cards = {"rows": "gift_cards", "map": {"name": {"say": "Gift card"}, "amount": "used"}}
    tenders = {"rows": "payments", "map": {"name": "kind", "amount": "paid"}, "also": [cards]}
    said = profile(sales={"map": {"tenders": tenders}})
    row = {"payments": [{"kind": "Cash", "paid": 300}], "gift_cards": [{"used": 700}]}

    sale = one(page("sales", said, {**ORDER, "total": 1000, **row}))
    without = one(page("sales", said, {**ORDER, "total": 300, "payments": row["payments"]}))
    broken = one(page("sales", said, {**ORDER, "total": 1, "gift_cards": [{"used": "x"}]}))

    assert isinstance(sale, Sale)
    assert [(t.name, t.amount) for t in sale.tenders] == [("Cash", 300), ("Gift card", 700)]
    assert [t.name for t in without.tenders] == ["Cash"]  # type: ignore[union-attr]
    assert broken.flags == {"bad_tenders.amount"}  # type: ignore[union-attr]


def test_a_sale_in_another_currency_is_set_aside_and_never_added_up() -> None:
    said = profile(sales={"map": {"currency": "money.code"}})
    rows = [
        {**ORDER, "id": n, "total": 100, "money": {"code": code}}
        for n, code in enumerate(("USD", "usd", "CAD", None, "$"), 1)
    ]

    made = page("sales", said, *rows)

    assert [(r.ext_id, r.reason, r.field) for r in made.rejects] == [
        ("3", "other_currency", "money.code")
    ]
    assert [(f.ext_id, f.currency) for f in made.facts if isinstance(f, Sale)] == [
        ("1", "USD"),
        ("2", "USD"),
        ("4", "USD"),
        ("5", "USD"),
    ]
    assert made.facts[-1].flags == {"bad_currency"}  # type: ignore[union-attr]


def test_what_an_item_costs_in_another_currency_is_not_said() -> None:
    said = profile(inventory={"map": {"currency": "currency"}})
    row = {"id": 1, "name": "Tea", "quantity": "2", "price": 500}

    item = one(page("inventory", said, {**row, "currency": "CAD"}))
    ours = one(page("inventory", said, {**row, "currency": "USD"}))

    assert isinstance(item, InventoryItem)
    assert (item.price, item.currency, item.flags) == (None, "USD", {"other_currency"})
    assert ours.price == 500  # type: ignore[union-attr]


def test_a_tombstone_of_a_sale_is_a_void_though_nothing_else_is_left_of_it() -> None:
    said = profile(
        sales={"map": {"is_void": "deleted_at", "ordered_at": ["ordered_at", "deleted_at"]}}
    )

    made = page("sales", said, {"id": 7, "deleted_at": "2026-05-03T10:00:00Z"})

    sale = one(made)
    assert isinstance(sale, Sale)
    assert (sale.kind, sale.total, sale.happened) == ("void", 0, False)
    assert made.unknown_words == {}, "that it has no status is no riddle"


def test_a_sale_without_a_total_that_is_no_tombstone_is_set_aside() -> None:
    said = profile(sales={"map": {"is_void": "deleted"}})

    made = page("sales", said, {**ORDER, "deleted": False}, {**ORDER, "id": 8, "total": "x"})

    assert [reject.reason for reject in made.rejects] == ["bad_money", "bad_money"]


def test_a_deleted_and_a_merged_shopper_are_inactive() -> None:
    said = profile(customers={"map": {"active": {"unless": "deleted_at"}, "merged_into": "into"}})

    gone = one(page("customers", said, {"id": 1, "deleted_at": "2026-05-03T10:00:00Z"}))
    merged = one(page("customers", said, {"id": 2, "into": 3}))

    assert not gone.active  # type: ignore[union-attr]
    assert (merged.active, merged.merged_into) == (False, "3")  # type: ignore[union-attr]


def test_a_flag_makes_a_return_whatever_the_signs_of_its_amounts() -> None:
    said = profile(sales={"map": {"is_return": "refund"}})

    sale = one(page("sales", said, {**ORDER, "total": 100, "tax": -5, "refund": True}))

    assert isinstance(sale, Sale)
    assert (sale.kind, sale.total, sale.tax) == ("return", -100, -5)


@pytest.mark.parametrize(
    ("streams", "what"),
    [
        ({"sales": {"map": {"total": {"say": "5"}}}}, "is no plain text"),
        ({"sales": {"map": {"customer_ext_id": {"say": "5"}}}}, "is no plain text"),
        (
            {
                "sales": {
                    "map": {
                        "tenders": {
                            "rows": "a",
                            "map": {"name": "n", "amount": "p"},
                            "also": [{"rows": "b", "map": {"amount": "p"}}],
                        }
                    }
                }
            },
            "also.0.map: tenders need name",
        ),
        ({"customers": {"within": {"keep": {}}}}, "within.at"),
    ],
)
def test_what_cannot_be_meant_is_told(streams: Any, what: str) -> None:
    with pytest.raises(BrokenProfile) as broken:
        profile(**streams)

    assert what in str(broken.value)


@pytest.mark.parametrize(
    ("format_", "value", "instant"),
    [
        ("seconds", 1_777_600_000, 1_777_600_000_000),
        ("seconds", "1777600000", 1_777_600_000_000),
        ("seconds", 1_777_600_000.25, 1_777_600_000_250),
        ("milliseconds", 1_777_600_000_001, 1_777_600_000_001),
        ("seconds", "2026-05-01T01:46:40Z", 1_777_600_000_000),
        ("seconds", 0, None),
        ("seconds", None, None),
    ],
)
def test_a_time_may_count_since_1970(format_: str, value: Any, instant: int | None) -> None:
    read = instant_reader("UTC", ("iso", format_))

    assert read(value) == instant


@pytest.mark.parametrize("value", [1_777_600_000_000, -5, 1e300, float("nan"), True, [], "soon"])
def test_a_count_that_is_no_time_of_a_shop_is_broken(value: Any) -> None:
    with pytest.raises(Unusable):
        instant_reader("UTC", ("seconds",))(value)


def test_a_number_is_no_time_where_the_profile_does_not_say_so() -> None:
    with pytest.raises(Unusable):
        instant_reader("UTC", ("iso",))(1_777_600_000)


def test_a_sale_keeps_the_count_as_the_text_of_its_time() -> None:
    raw = yaml.safe_load(DRAFT)
    raw["time"] = {"zone": "UTC", "formats": ["seconds"], "zone_names": "iana"}

    made = page(
        "sales", load.parse(yaml.safe_dump(raw)), {**ORDER, "ordered_at": 1_777_600_000, "total": 1}
    )

    assert one(made).ordered_at_text == "1777600000"  # type: ignore[union-attr]
