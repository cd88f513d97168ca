"""The cards of THSuite and Webjoint in the words of their articles, and what their maps can say."""

from __future__ import annotations

from socket import socket
from time import process_time
from typing import Any
from urllib.parse import parse_qs

import orjson
import pytest

from chalicelib.domain.errors import UnexpectedAnswer
from chalicelib.domain.records import Customer, InventoryItem, Reject, Sale
from chalicelib.domain.words import Stream
from chalicelib.pos.gateway import Gateway
from chalicelib.pos.paging.receipts import Receipts
from chalicelib.pos.profile import registry
from chalicelib.pos.rows.field_map import Setting
from chalicelib.pos.rows.normalise import Normaliser
from chalicelib.services.ports.common import do_nothing
from chalicelib.services.ports.pos import CredentialAccess, StreamPlan
from tests.fakes.common import NOON, FakeClock

from .tiny_server import say, serving


def one(platform: str, stream: Stream, row: dict[str, Any], store: str = "51") -> Any:
    return Normaliser(registry.profile(platform), stream, Setting(store)).one(row)


def an_order(**changes: Any) -> dict[str, Any]:
    return {
        "id": 55231,
        "_id": "12-51-80211-55231",
        "customerId": 999,
        "facilityId": 51,
        "status": "Complete",
        "type": "Delivery",
        "subtotal": "45.00",
        "discount": "5.00",
        "taxes": "9.80",
        "deliveryFee": "2.50",
        "total": "52.30",
        "created": "2026-05-02T19:22:10.000Z",
        "modified": "2026-05-02T21:03:00.000Z",
        "details": [{"id": 1, "productId": 77, "name": "Blue Dream", "quantity": 1, "price": "45"}],
    } | changes


@pytest.mark.parametrize(
    ("platform", "title", "fields"),
    [
        ("thsuite", "THSuite API", [("APIKey", True, True)]),
        (
            "webjoint",
            "Webjoint",
            [("API Key", True, True), ("CompanyID", False, True), ("FacilityIDs", False, False)],
        ),
    ],
)
def test_a_card_asks_for_the_fields_of_its_article(
    platform: str, title: str, fields: list[tuple[str, bool, bool]]
) -> None:
    info = registry.info(platform)

    assert info.title == title
    assert [(f.label, f.secret, f.required) for f in info.fields] == fields
    assert (info.age_gate_to_connect, info.own_server, info.writable) == (True, False, False)
    assert (info.pushes_signups, info.imports_points, info.market_sync) == (False, False, False)


def test_the_articles_words_help_to_fill_the_fields() -> None:
    token = registry.info("thsuite").fields[0].help
    facilities = registry.info("webjoint").fields[2].help

    assert "Integration Token in THSuite" in token
    assert "Copy the INTEGRATION TOKEN" in token
    assert facilities == (
        "Facility IDs are used to pull sales and inventory for particular locations. If empty,"
        " sales and inventory will be pulled for ALL available facilities."
    )


def test_a_contract_that_nobody_confirmed_says_so() -> None:
    thsuite, webjoint = registry.info("thsuite"), registry.info("webjoint")

    assert (thsuite.contract_status, webjoint.contract_status) == ("unconfirmed", "partly public")
    assert "not confirmed by the vendor" in thsuite.contract_note
    assert "endpoints.customers.paths" in thsuite.inferred
    assert webjoint.overlap_seconds == 7 * 24 * 3600


@pytest.mark.parametrize(
    ("composite", "customer"),
    [("12-51-80211-55231", "80211"), ("12-51-0-55231", None), ("12-51", "999"), (None, "999")],
)
def test_who_bought_is_the_third_part_of_a_composite_id(
    composite: str | None, customer: str | None
) -> None:
    sale = one("webjoint", "sales", an_order(_id=composite))

    assert sale.customer_ext_id == customer


def test_an_order_has_dollars_in_text_and_its_facility() -> None:
    sale = one("webjoint", "sales", an_order(), store="")

    assert isinstance(sale, Sale)
    assert (sale.total, sale.tax, sale.fees, sale.discount) == (5230, 980, 250, 500)
    assert (sale.store_key, sale.ext_id, sale.is_final) == ("51", "51:55231", True)


@pytest.mark.parametrize(
    ("status", "final", "kind"),
    [
        ("Complete", True, "sale"),
        ("OutForDelivery", False, "sale"),
        ("Refunded", True, "sale"),
        ("Partially_Refunded", True, "sale"),
        ("Cancelled", False, "void"),
        ("Teleported", False, "sale"),
        ("", False, "sale"),
    ],
)
def test_only_what_was_completed_is_final(status: str, final: bool, kind: str) -> None:
    sale = one("webjoint", "sales", an_order(status=status))

    assert (sale.is_final, sale.kind) == (final, kind)


@pytest.mark.parametrize(("blocked", "active"), [(True, False), (False, True), (None, True)])
def test_blocked_is_the_opposite_of_active(blocked: bool | None, active: bool) -> None:
    customer = one("webjoint", "customers", {"id": 1, "firstName": "Ana", "blocked": blocked})

    assert isinstance(customer, Customer)
    assert customer.active is active


@pytest.mark.parametrize("variants", [[], None, [{}], "text", [7]])
def test_a_product_without_a_usable_variant_has_no_price(variants: Any) -> None:
    row = {"compositeId": "12-51-7", "id": 7, "name": "X", "quantity": 2, "variants": variants}

    item = one("webjoint", "inventory", row)

    assert isinstance(item, InventoryItem)
    assert (item.price, item.store_key, item.product_ext_id) == (None, "51", "7")


def test_a_receipt_is_kept_without_the_amounts_of_a_line_that_is_but_a_note() -> None:
    group = registry.profile("thsuite").streams["sales"].group
    assert group is not None
    line = {"receiptId": "r1", "storeId": "st", "completedAt": "2026-05-02T19:22:10Z"}
    rows = [
        {**line, "id": "a", "total": 1.1, "tax": "0.1"},
        {**line, "id": "b", "name": "Happy birthday", "total": "", "tax": "-", "quantity": ""},
    ]

    [whole] = Receipts(group).with_lines_merged(rows)

    made = one("thsuite", "sales", whole)
    assert isinstance(made, Sale)
    assert (made.total, made.tax, len(made.items), made.flags) == (110, 10, 2, frozenset())


@pytest.mark.parametrize("broken", ["12,x4", "n/a", "", None])
def test_a_broken_amount_of_one_line_sets_its_receipt_aside(broken: str | None) -> None:
    group = registry.profile("thsuite").streams["sales"].group
    assert group is not None
    line = {"receiptId": "r1", "storeId": "st", "completedAt": "2026-05-02T19:22:10Z"}
    rows = [
        {**line, "id": "a", "total": 1.1},
        {**line, "id": "b", "total": broken, "subtotal": 2},
    ]

    [whole] = Receipts(group).with_lines_merged(rows)

    made = one("thsuite", "sales", whole)
    assert isinstance(made, Reject)
    assert (made.reason, made.ext_id) == ("bad_money", "r1")


def test_lines_add_up_without_a_cent_lost() -> None:
    group = registry.profile("thsuite").streams["sales"].group
    assert group is not None
    line = {"receiptId": "r1", "completedAt": "2026-05-02T19:22:10Z", "status": "completed"}
    rows = [{**line, "id": n, "total": 0.1, "tax": None, "name": "X"} for n in range(3)]

    [whole] = Receipts(group).with_lines_merged(rows)

    sale = one("thsuite", "sales", whole, store="st_1")
    assert isinstance(sale, Sale)
    assert (sale.total, sale.tax, len(sale.items), sale.store_key) == (30, 0, 3, "st_1")


def test_lines_of_two_tills_are_told_apart_however_they_are_mixed() -> None:
    group = registry.profile("thsuite").streams["sales"].group
    assert group is not None
    told = {"completedAt": "2026-05-02T19:22:10Z", "status": "completed", "total": 1}
    rows = [{**told, "id": n, "receiptId": f"r{n % 2}"} for n in (0, 1, 2, 3, 2)]

    wholes = Receipts(group).with_lines_merged(rows)

    assert [(whole["id"], whole["total"]) for whole in wholes] == [("r0", "2"), ("r1", "2")]


def test_lines_that_read_the_same_are_as_many_unless_their_id_is_one() -> None:
    group = registry.profile("thsuite").streams["sales"].group
    assert group is not None
    line = {"receiptId": "r1", "total": "5.00", "name": "Jar"}
    rows = [line, line, {**line, "id": "li_1"}, {**line, "id": "li_1"}]

    [whole] = Receipts(group).with_lines_merged(rows)

    assert (whole["total"], len(whole["items"])) == ("15.00", 3)


def test_lines_without_an_id_that_new_rows_pushed_overleaf_stand_once() -> None:
    group = registry.profile("thsuite").streams["sales"].group
    assert group is not None
    receipts = Receipts(group)
    other = {"receiptId": "r0", "total": "1.00"}
    a, b = ({"receiptId": "r1", "total": "5.00", "name": name} for name in "ab")

    def goes_on(*rows: Any) -> list[Any]:
        return receipts.from_receipt_on(list(rows), "r1", [a, b])

    assert goes_on(other, b, b) == [b]
    assert goes_on(a, b, b) == [b]
    assert goes_on(b, b) == [b, b]
    assert goes_on(other, {**b, "id": 7}) == [{**b, "id": 7}]


@pytest.mark.parametrize("odd", ["text", None, 7, ["receiptId"], {}])
def test_what_is_no_line_of_a_receipt_stays_what_it_is(odd: Any) -> None:
    group = registry.profile("thsuite").streams["sales"].group
    assert group is not None
    receipts = Receipts(group)
    line = {"receiptId": "r1", "id": 1, "total": 1}

    first, whole, last = receipts.with_lines_merged([odd, line, odd])

    assert first == last == odd
    assert whole["id"] == "r1"
    assert receipts.open_receipt([line, odd]) is None
    assert receipts.lines_of([odd, line], "r1") == [line]
    assert receipts.without_receipt([odd, line], "r1") == [odd]


def test_a_line_nested_without_end_is_still_a_line_of_its_receipt() -> None:
    group = registry.profile("thsuite").streams["sales"].group
    assert group is not None
    abyss: Any = "deep"
    for _ in range(1_000):
        abyss = [abyss]
    line = {"receiptId": "r1", "total": 1.0, "notes": abyss}

    [whole] = Receipts(group).with_lines_merged([{**line, "id": n} for n in (1, 2, 2)])

    assert whole["total"] == "2.0"


def test_a_flood_of_lines_of_one_receipt_takes_no_worker_away() -> None:
    group = registry.profile("thsuite").streams["sales"].group
    assert group is not None
    rows = [{"receiptId": "r1", "id": n} for n in range(100_000)]
    begun = process_time()

    Receipts(group).with_lines_merged(rows)

    assert process_time() - begun < 5


@pytest.mark.parametrize("body", [b'[{"id": 0}]', b'[{"id": {"number": 51}}]', b"[]"])
def test_facilities_that_cannot_be_read_are_the_matter_of_the_pos(body: bytes) -> None:
    typed = {"api_key": "wj_4f1c9a2b7d", "company_id": "12"}
    access = CredentialAccess(
        "webjoint", typed, "12", "America/Los_Angeles", "USD", permit=do_nothing
    )

    with serving(say(body)) as server:
        session = Gateway(FakeClock(), {"webjoint": server.url}, lambda _name: None).open(access)
        with pytest.raises(UnexpectedAnswer):
            session.fetch(StreamPlan("sales", NOON), None)


def test_a_token_is_told_by_the_first_transaction_that_names_its_store() -> None:
    rows = [{"id": "rcpt_1", "storeId": None}, {"id": "rcpt_2", "storeId": "st_2"}]
    access = CredentialAccess(
        "thsuite", {"api_key": "th_4f1c9a2b7d"}, None, "UTC", "USD", permit=do_nothing
    )

    def as_asked(connection: socket, _number: int) -> None:
        asked = int(parse_qs(server.requests[-1].split()[1])["limit"][0])
        say(orjson.dumps({"data": rows[:asked], "page": 1, "totalPages": 1}))(connection, 0)

    with serving(as_asked) as server:
        checked = Gateway(FakeClock(), {"thsuite": server.url}, lambda _name: None).check(access)

    assert (checked.outcome, checked.scope) == ("ok", "st_2")
