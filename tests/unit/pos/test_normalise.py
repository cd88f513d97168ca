"""Rows become facts or rejects, never exceptions."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.ids import product_id
from chalicelib.domain.records import STREAMS, Customer, InventoryItem, Reject, Sale, StoreFact
from chalicelib.domain.times import from_text
from chalicelib.pos.profile import registry
from chalicelib.pos.profile.path import Path
from chalicelib.pos.rows.field_map import Setting
from chalicelib.pos.rows.normalise import Normaliser

from .builders import (
    UNHURRIED,
    a_customer_row,
    a_sale_row,
    an_info_body,
    an_inventory_row,
    customer,
    item,
    normaliser,
    page,
    reject,
    store,
)

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(
        ["2026-05-02T19:22:10.000Z", "0000-00-00", "12,x4", "1e400", "-0", "٣٤", "+"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
ROWS = {
    "stores": an_info_body(),
    "customers": a_customer_row(),
    "sales": a_sale_row(),
    "inventory": an_inventory_row(),
}
FACTS = {"stores": StoreFact, "customers": Customer, "sales": Sale, "inventory": InventoryItem}


@pytest.mark.parametrize("stream", STREAMS)
@UNHURRIED
@given(data=st.data())
def test_any_json_value_gives_a_fact_or_a_reject(stream: Any, data: st.DataObject) -> None:
    fields = st.fixed_dictionaries({}, optional=dict.fromkeys(ROWS[stream], JSON))
    row = data.draw(JSON | fields.map(lambda changes: ROWS[stream] | changes))

    made = normaliser(stream).one(row)

    assert isinstance(made, FACTS[stream] | Reject)


@pytest.mark.parametrize("stream", ["sales"])
@UNHURRIED
@given(element=JSON, where=st.sampled_from(["items", "sales_tenders", "discount_list"]))
def test_any_element_inside_a_sale_gives_a_fact_or_a_reject(
    stream: Any, element: Any, where: str
) -> None:
    row = a_sale_row()
    if where == "discount_list":
        row["items"][0][where] = [element]
    else:
        row[where] = [element]

    made = normaliser(stream).one(row)

    assert isinstance(made, Sale | Reject)


def test_a_shopper_keeps_what_the_pos_says() -> None:
    made = customer()

    assert made == Customer(
        ext_id="4410023",
        first="Ana",
        last="Ruiz",
        phone_raw="2065550142",
        phone="+12065550142",
        email_raw="ana@example.com",
        email="ana@example.com",
        birth_date="1990-07-23",
        gender="female",
        type="recreational",
        state="WA",
        address="12 Pine St",
        pos_loyalty_member=True,
        pos_points=120,
        sms_consent="yes",
        email_consent="yes",
        terms_agreed=True,
        created_at=from_text("2024-02-11T20:01:44Z"),
        updated_at=from_text("2026-05-02T03:14:09Z"),
    )


def test_numbers_and_flags_sent_as_text_mean_the_same() -> None:
    as_text = {
        "id": "4410023",
        "points": "120",
        "active": 1,
        "loyalty": "1",
        "marketing_opt_in": "true",
        "sms_opt_in": 1,
        "sms_opt_out": 0,
        "terms_agreed": 1,
        "birth_year": "1990",
    }

    assert customer(**as_text) == customer()


@pytest.mark.parametrize(
    ("opted_in", "opted_out", "consent"),
    [
        (True, True, "no"),
        (False, True, "no"),
        (True, False, "yes"),
        (False, False, "unknown"),
        (None, None, "unknown"),
        (True, "", "yes"),
        (True, "0", "yes"),
        (True, "2026-05-01T00:00:00Z", "unknown"),
        (True, {"at": 1}, "unknown"),
        (True, 2, "unknown"),
    ],
)
def test_an_opt_out_wins_and_silence_is_unknown(
    opted_in: Any, opted_out: Any, consent: str
) -> None:
    made = customer(sms_opt_in=opted_in, sms_opt_out=opted_out, marketing_opt_in=True)

    assert made.sms_consent == consent


def test_a_marketing_opt_in_is_for_email_and_never_for_sms() -> None:
    made = customer(sms_opt_in=None, sms_opt_out=None, marketing_opt_in=True)

    assert (made.sms_consent, made.email_consent) == ("unknown", "yes")


def test_no_marketing_opt_in_is_no_opt_out() -> None:
    assert customer(marketing_opt_in=False).email_consent == "unknown"


@pytest.mark.parametrize(
    ("changes", "flag"),
    [
        ({"customer_type": "employee"}, "employee"),
        ({"customer_type": "Employee"}, "employee"),
        ({"active": False}, "inactive"),
        ({"first_name": "Walk", "last_name": "In"}, "test"),
        ({"first_name": "GUEST", "last_name": ""}, "test"),
        ({"telephone": "call front desk"}, "bad_phone"),
        ({"telephone": ["2065550142"]}, "bad_phone"),
        ({"telephone": {"number": "2065550142"}}, "bad_phone"),
        ({"telephone": "000-000-0000"}, "placeholder_phone"),
        ({"email": "ana@"}, "bad_email"),
        ({"email": {"address": "ana@example.com"}}, "bad_email"),
        ({"email": "noemail@example.com"}, "placeholder_email"),
        ({"birthday": "0000-00-00"}, "bad_birth_date"),
    ],
)
def test_what_is_odd_about_a_shopper_is_flagged(changes: Any, flag: str) -> None:
    assert customer(**changes).flags == {flag}


def test_a_shopper_who_only_shares_a_first_name_with_the_guest_list_is_a_person() -> None:
    assert customer(first_name="Guest", last_name="Moreau").flags == frozenset()


@pytest.mark.parametrize("birthday", [None, "", "0000-00-00", "yesterday"])
def test_the_year_stands_where_the_date_of_birth_is_missing_or_broken(birthday: Any) -> None:
    assert customer(birthday=birthday).birth_date == "1990"


def test_nothing_of_a_licence_is_kept_in_a_shopper() -> None:
    assert "WDL-CANARY" not in repr(customer())


def test_a_reject_keeps_the_row_without_the_licence() -> None:
    made = reject("customers", a_customer_row(id=None, extra={"drivers_license": "WDL-CANARY"}))

    assert made.reason == "missing_id"
    assert made.field == "id"
    assert made.row["first_name"] == "Ana"
    assert "WDL-CANARY" not in repr(made)


@pytest.mark.parametrize("broken", [None, "", 0, True, {}, [], "x" * 200, 1.2e19, 2.0**60])
def test_a_row_without_a_usable_id_is_set_aside(broken: Any) -> None:
    made = reject("customers", a_customer_row(id=broken))

    assert (made.reason, made.field) == ("missing_id", "id")


@pytest.mark.parametrize("row", [None, "text", 7, ["a"], True])
def test_a_row_that_is_no_object_is_set_aside(row: Any) -> None:
    assert reject("customers", row).reason == "wrong_shape"


def test_no_licence_hides_in_a_row_that_is_no_object() -> None:
    made = reject("customers", [{"id": 7, "drivers_license": "WDL-1"}, "WDL-1", ["WDL-1"]])

    assert made.row == {"row": [{"id": 7}, "…", "…"]}


def test_a_row_nested_without_end_is_set_aside_in_a_form_that_can_be_stored() -> None:
    abyss: Any = "WDL-1"
    for _ in range(1000):
        abyss = [abyss]

    made = reject("customers", a_customer_row(id=None, notes=abyss))

    assert b"WDL-1" not in orjson.dumps(made)


@pytest.mark.parametrize(
    "broken", ["not a date", "2026-13-45T25:00:00.000Z", "0001-01-01T00:00:00Z"]
)
def test_broken_times_of_a_shopper_cost_only_the_time(broken: str) -> None:
    made = customer(updated_at=broken, created_at=broken)

    assert (made.updated_at, made.created_at) == (None, None)


def test_of_rows_with_one_id_on_a_page_the_last_stands() -> None:
    made = page("customers", a_customer_row(), a_customer_row(first_name="Anna"))

    assert [fact.first for fact in made.facts if isinstance(fact, Customer)] == ["Anna"]


def test_of_rows_with_one_id_on_a_page_the_one_changed_last_stands() -> None:
    newer = a_customer_row(first_name="New", updated_at="2026-05-02T03:00:00.000Z")
    older = a_customer_row(first_name="Old", updated_at="2026-05-01T03:00:00.000Z")

    for rows in ((newer, older), (older, newer)):
        made = page("customers", *rows)

        assert [fact.first for fact in made.facts if isinstance(fact, Customer)] == ["New"]


def test_overlong_text_is_cut() -> None:
    assert len(customer(first_name="x" * 10_000).first) == 500


def test_a_lot_keeps_its_exact_quantity_and_its_price_in_cents() -> None:
    made = item()

    assert (made.quantity, made.price, made.store_key) == ("369.7", 4500, "harbor-01")


@pytest.mark.parametrize(
    ("changes", "flags"),
    [
        ({"price": "free"}, {"bad_price"}),
        ({"quantity_on_hand": "many"}, {"bad_quantity"}),
        ({"price": "-", "quantity_on_hand": ""}, set()),
        ({"active": "perhaps", "name": {}}, {"bad_active", "bad_name"}),
    ],
)
def test_a_lot_is_kept_without_what_cannot_be_read(changes: Any, flags: set[str]) -> None:
    made = item(**changes)

    assert made.flags == flags
    assert made.price is None or "price" not in changes
    assert made.quantity == "" or "quantity_on_hand" not in changes


@pytest.mark.parametrize("nobody", [None, "", "-", "N/A", 0])
def test_a_lot_without_an_id_is_set_aside(nobody: Any) -> None:
    made = reject("inventory", an_inventory_row(id=nobody))

    assert (made.reason, made.field) == ("missing_id", "id")


def test_the_venue_becomes_a_store_key_with_an_iana_zone() -> None:
    made = store()

    assert (made.key, made.name, made.time_zone) == (
        "harbor-01",
        "Harbor House",
        "America/Los_Angeles",
    )


@pytest.mark.parametrize(
    ("zone", "iana"),
    [("Arizona", "America/Phoenix"), ("America/Boise", "America/Boise"), ("Middle-earth", None)],
)
def test_an_unknown_zone_name_is_not_guessed(zone: str, iana: str | None) -> None:
    assert store(timezone=zone).time_zone == iana


def test_a_venue_without_a_code_is_known_by_its_license() -> None:
    assert store(code=None).key == "414309"


@pytest.mark.parametrize("earliest", ["ordered_at", "updated_at"])
def test_what_is_set_aside_says_where_why_and_since_when(earliest: str) -> None:
    row = a_sale_row(total="?", **{earliest: "2026-05-01T10:00:00.000Z"})

    assert reject("sales", row) == Reject(
        stream="sales",
        reason="bad_money",
        field="total",
        row=row,
        ext_id="90210077",
        at=from_text("2026-05-01T10:00:00Z"),
    )
    assert reject("sales", 7) == Reject("sales", "wrong_shape", "", {"row": 7})
    assert reject("sales", {"id": 1}).at is None
    assert reject("customers", a_customer_row(id=None)).at == from_text("2024-02-11T20:01:44Z")


def nested(depth: int, *, in_objects: bool) -> Any:
    row: Any = []
    for _ in range(depth - 1):
        row = {"in": row} if in_objects else [row]
    return row


@pytest.mark.parametrize("in_objects", [True, False])
def test_a_row_is_kept_down_to_fifty_levels(in_objects: bool) -> None:
    whole = a_customer_row(id=None, notes=nested(50, in_objects=in_objects))
    deeper = a_customer_row(id=None, notes=nested(51, in_objects=in_objects))

    assert reject("customers", whole).row["notes"] == whole["notes"]
    kept = orjson.dumps(reject("customers", deeper).row["notes"]).decode()
    assert kept.count("…") == 1
    assert kept == orjson.dumps(deeper["notes"]).decode().replace("[]", '"…"')


def test_known_rows_are_passed_over_and_the_digests_of_new_ones_told() -> None:
    rows = [
        *(a_customer_row(id=number) for number in (1, 2, 3)),
        7,
        a_customer_row(id=4),
        a_customer_row(id=4, first_name="Anna"),
        a_customer_row(id=None),
        a_customer_row(id=5),
    ]
    asked: dict[str, int] = {}

    def known(ext_id: str, digest: int) -> bool:
        asked[ext_id] = digest
        return ext_id in ("1", "3")

    made = normaliser("customers").page(rows, known)

    assert [fact.ext_id for fact in made.facts if isinstance(fact, Customer)] == ["2", "4", "5"]
    assert len(made.rejects) == 2
    assert set(asked) == {"1", "2", "3", "5"}
    assert made.rows == {"2": asked["2"], "5": asked["5"]}
    assert len(set(asked.values())) == 4
    told_by_another: dict[str, int] = {}
    normaliser("customers", "elsewhere").page(
        rows[:1], lambda ext_id, digest: bool(told_by_another.update({ext_id: digest}))
    )
    assert told_by_another["1"] != asked["1"]


def test_a_product_is_known_in_its_store() -> None:
    rows = [
        {"Item ID": "7", "Store": "North", "Product": "Jar", "On Hand": "2"},
        {"Item ID": "7", "Store": "South", "Product": "Jar", "On Hand": "2"},
        {"Item ID": "8", "Store": "South", "Product": "Lid", "On Hand": "0"},
    ]
    asked: list[str] = []

    def known(known_id: str, _digest: int) -> bool:
        asked.append(known_id)
        return known_id == product_id("North", "7")

    made = Normaliser(registry.profile("auphan"), "inventory", Setting("")).page(rows, known)

    assert [(f.store_key, f.ext_id) for f in made.facts if isinstance(f, InventoryItem)] == [
        ("South", "7")
    ]
    assert asked == [product_id("North", "7"), product_id("South", "7"), product_id("South", "8")]
    assert set(made.rows) == {product_id("South", "7")}
    assert made.sold_out == 1


def test_a_row_that_is_set_aside_or_says_an_unknown_word_is_read_again_the_next_time() -> None:
    good, broken = a_sale_row(id=1), a_sale_row(id=2, total="?")
    odd = a_sale_row(id=3, status="gifted")

    def never(_ext_id: str, _digest: int) -> bool:
        return False

    assert set(normaliser("sales").page([good, broken], never).rows) == {"1"}
    assert normaliser("sales").page([good, odd], never).rows == {}


def test_what_is_sold_out_is_counted_and_left_out_wherever_it_stands() -> None:
    profile = registry.profile("posabit")
    listing = profile.streams["inventory"].model_copy(update={"in_stock": Path("quantity_on_hand")})
    streams = {**profile.streams, "inventory": listing}
    all_lots = profile.model_copy(update={"streams": streams})
    on_hand = [1, 0, "0.5", "-2", None, "0.0", 3]

    made = Normaliser(all_lots, "inventory", Setting("n")).page(
        an_inventory_row(id=n + 1, quantity_on_hand=left) for n, left in enumerate(on_hand)
    )

    assert made.sold_out == 3
    assert [fact.ext_id for fact in made.facts if isinstance(fact, InventoryItem)] == [
        *("1", "3", "5", "7")
    ]


def test_a_lot_is_active_unless_the_pos_says_no_and_has_the_shops_currency() -> None:
    in_canada = Normaliser(registry.profile("posabit"), "inventory", Setting("n", currency="CAD"))

    assert item(active=None).active
    assert not item(active=False).active
    made = in_canada.one(an_inventory_row())
    assert isinstance(made, InventoryItem)
    assert (made.currency, made.active, made.store_key) == ("CAD", True, "n")
