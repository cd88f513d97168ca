"""Discounts and the counter through the API, on the tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from chalicelib.adapters.dynamo.batch import commit_client
from chalicelib.adapters.dynamo.rewards import NamesSeenRow
from chalicelib.domain.ids import record_id
from chalicelib.domain.records import Customer, NamedDiscount
from chalicelib.domain.words import Platform, ScopeId, Uid
from chalicelib.entrypoints import wiring
from tests.fakes.aws import create_table
from tests.functional.gateway import OURS, THEIRS, Gateway, World
from tests.functional.personas_table import TABLE, personas_table

ACCOUNT = f"/api/accounts/{OURS}"
PHONE = "+12065550123"
TEN = {"name": "Ten off", "points": 100, "amount_off": 1000}


@pytest.fixture
def shop(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Maria is a member with 300 points."""
    monkeypatch.setenv("TABLE_PERSONAS", TABLE)
    for name in ("texts", "jobs"):
        url = boto3.client("sqs").create_queue(QueueName=name)["QueueUrl"]
        monkeypatch.setenv(f"QUEUE_{name.upper()}_URL", url)
    create_table(boto3.client("dynamodb"), "stores-under-test")
    with personas_table(commit_client()):
        maria = Customer("1", first="Maria", last="Quick", phone=PHONE, email="m@example.com")
        commits, posabit, north = wiring.derivation.commits(), Platform("posabit"), ScopeId("north")
        commits.commit(Uid(OURS), posabit, north, customers=[maria])
        contact = record_id(Uid(OURS), posabit, north, "1")
        commits.join(Uid(OURS), contact, "form", 1)
        commits.adjust(Uid(OURS), contact, "adj", 30_000, note="-", actor="user:ann")
        yield world


def mirror(api: Gateway, discount: str) -> tuple[str, str | None]:
    """How a discount is mirrored in POSaBIT."""
    items = api.get(f"{ACCOUNT}/discounts").json["items"]
    [mirrors] = [each["mirrors"] for each in items if each["id"] == discount]
    [one] = [each for each in mirrors if each["platform"] == "posabit"]
    return one["state"], one["name_there"]


def test_ids_are_kept_beside_the_names_that_earlier_releases_read(shop: World) -> None:
    api, seen = shop.gateway("Owner"), wiring.rewards.names_seen()
    named, linked = create(api), create(api, name="Gift", pos_ids={"posabit": "47370"})
    account, posabit = Uid(OURS), Platform("posabit")
    before = NamesSeenRow("ACCOUNT#" + OURS, "DISCOUNTNAMES#posabit")
    before.replace(["Ten off", "Gift"], instead_of=[])

    assert mirror(api, named["id"]) == mirror(api, linked["id"]) == ("mirrored", None)
    seen.see(account, posabit, [NamedDiscount("Ten off", "1"), NamedDiscount("Gift", "2")])
    assert mirror(api, linked["id"]) == ("missing", None)
    for name in ("Present", "", "Present"):
        seen.see(account, posabit, [NamedDiscount(name, "47370")])

    assert mirror(api, linked["id"]) == ("mirrored", "Present")
    assert mirror(api, named["id"]) == ("mirrored", None)
    assert NamesSeenRow.listed(before.pk, before.sk) == ["Ten off", "Gift", "Present"]
    assert set(seen.discounts(account)[posabit]) == {
        NamedDiscount("Ten off", "1"),
        NamedDiscount("Gift", "2"),
        NamedDiscount("Present", "47370"),
    }


def test_names_and_ids_that_two_workers_see_at_once_are_both_kept(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, account, posabit = wiring.rewards.names_seen(), Uid(OURS), Platform("posabit")
    ours, theirs = NamedDiscount("Ten off", "1"), NamedDiscount("Ten off", "2")
    seen.see(account, posabit, [NamedDiscount("Ten off")])
    find = NamesSeenRow.find

    def find_late(pk: str, sk: str) -> NamesSeenRow | None:
        row = find(pk, sk)
        monkeypatch.setattr(NamesSeenRow, "find", find)
        seen.see(account, posabit, [theirs])
        return row

    monkeypatch.setattr(NamesSeenRow, "find", find_late)
    seen.see(account, posabit, [ours])

    assert set(seen.discounts(account)[posabit]) == {ours, theirs}


def create(api: Gateway, **fields: Any) -> dict[str, Any]:
    got = api.post(f"{ACCOUNT}/discounts", {**TEN, **fields})
    assert got.status == 201, got.text
    made: dict[str, Any] = got.json
    return made


def test_a_discount_is_made_changed_and_deleted(shop: World) -> None:
    """Create the discount in AIQ."""
    api = shop.gateway("Marketing")
    made = create(api, percent_off=None, starts_on="2026-01-01", pos_ids={"posabit": "47370"})

    assert (made["points"], made["amount_off"], made["percent_off"]) == (100, 1000, None)
    assert (made["reusable"], made["redemptions"], made["version"]) == (True, 0, 1)
    path = f"{ACCOUNT}/discounts/{made['id']}"
    changed = api.patch(path, {"percent_off": 12.5, "amount_off": None}, if_match='"1"')
    assert (changed.json["amount_off"], changed.json["percent_off"]) == (None, 12.5)
    assert api.patch(path, {"points": 5}, if_match='"1"').status == 412
    assert api.get(f"{ACCOUNT}/discounts").json["items"] == [changed.json]
    assert api.delete(path, if_match='"1"').status == 412
    assert api.delete(path, if_match='"2"').status == 204
    assert api.get(path).status == 404
    actions = [e.action for e in wiring.outside.audit().entries(Uid(OURS), 9, None)[0]]
    assert actions == ["discount.deleted", "discount.changed", "discount.created"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"amount_off": None}, "amount_off"),
        ({"percent_off": 10}, "amount_off"),
        ({"points": -1}, "points"),
        ({"points": 1.001}, "points"),
        ({"name": " "}, "name"),
        ({"percent_off": 101, "amount_off": None}, "percent_off"),
        ({"stores": [99]}, "stores"),
        ({"starts_on": "2026-02-02", "ends_on": "2026-02-01"}, "ends_on"),
        ({"ends_on": "2026-02-30"}, "ends_on"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_discount_that_cannot_be_says_which_field(
    shop: World, fields: dict[str, Any], field: str
) -> None:
    got = shop.gateway("Marketing").post(f"{ACCOUNT}/discounts", {**TEN, **fields})

    assert (got.status, got.json["errors"][0]["field"].split(".")[0]) == (422, field), got.text


def test_a_name_is_taken_once_however_it_is_written(shop: World) -> None:
    api = shop.gateway("Owner")
    create(api)

    again = api.post(f"{ACCOUNT}/discounts", {**TEN, "name": "TEN  off (AIQ)"})

    assert again.status == 409
    assert shop.gateway("Owner", THEIRS).get(f"/api/accounts/{THEIRS}/discounts").json == {
        "items": []
    }


def test_staff_look_up_redeem_and_undo_and_read_nothing_else(shop: World) -> None:
    discount = create(shop.gateway("Owner"))
    staff = shop.gateway("Staff")
    shown = staff.get(f"{ACCOUNT}/counter").json
    assert (shown["currency"], shown["locale"]) == ("USD", "en-US")
    assert staff.get(f"{ACCOUNT}/discounts").status == 403
    assert staff.get(f"{ACCOUNT}/personas").status == 403

    found = staff.post(f"{ACCOUNT}/counter/lookup", {"phone": "(206) 555-0123"}).json["shopper"]
    assert (found["name"], found["last_four"], found["points"]) == ("Maria Q.", "0123", 300)
    wallet = staff.get(f"{ACCOUNT}/counter/wallet/{found['contact_id']}").json
    assert [offer["available"] for offer in wallet["offers"]] == [True]

    body = {"contact_id": found["contact_id"], "discount": discount["id"], "points": 100}
    done = staff.post(f"{ACCOUNT}/counter/redeem", body, idempotency_key="key-00000001")
    again = staff.post(f"{ACCOUNT}/counter/redeem", body, idempotency_key="key-00000001")
    assert (done.status, done.json) == (200, again.json)
    assert staff.get(f"{ACCOUNT}/counter/wallet/{found['contact_id']}").json["points"] == 200
    counted = shop.gateway("Owner").get(f"{ACCOUNT}/discounts").json["items"]
    assert [each["redemptions"] for each in counted] == [1]

    undone = staff.post(f"{ACCOUNT}/counter/redeem/{done.json['id']}/undo")
    assert undone.json["refunded"] is True
    after = staff.get(f"{ACCOUNT}/counter/wallet/{found['contact_id']}").json
    assert (after["points"], after["recent"]) == (300, [])
    ledger = shop.gateway("Owner").get(f"{ACCOUNT}/personas/{found['contact_id']}/ledger").json
    [cause] = [entry for entry in ledger["items"] if entry["kind"] == "redemption"]
    assert (cause["amount"], [p["amount"] for p in cause["postings"]]) == (0, [-100, 100])
    assert cause["why"]["code"] == "redemption_refunded"


def test_too_few_points_are_said_and_nothing_leaves(shop: World) -> None:
    discount = create(shop.gateway("Owner"), points=301)
    staff = shop.gateway("Staff")
    contact = record_id(Uid(OURS), Platform("posabit"), ScopeId("north"), "1")

    body = {"contact_id": contact, "discount": discount["id"], "points": 301}
    got = staff.post(f"{ACCOUNT}/counter/redeem", body, idempotency_key="key-00000001")

    assert (got.status, got.json["reason"]) == (409, "not_enough_points")
    assert got.json["detail"] == "1 more points are needed."
    for wrong in ({**body, "contact_id": "e" * 32}, {**body, "discount": "dsc_0"}):
        assert (
            staff.post(f"{ACCOUNT}/counter/redeem", wrong, idempotency_key="key-00000002").status
            == 404
        )


def test_staff_sign_a_shopper_up_who_redeems_at_once(shop: World) -> None:
    staff = shop.gateway("Staff")
    told = {"phone": "206 555 0177", "first": "Kim", "consent": True, "signed_name": "Kim Lee"}

    done = staff.post(f"{ACCOUNT}/counter/signup", told, idempotency_key="key-00000001")
    again = staff.post(f"{ACCOUNT}/counter/signup", told, idempotency_key="key-00000001")

    assert (done.status, done.json["member"], done.json["warnings"]) == (200, True, [])
    assert again.json == done.json
    found = staff.post(f"{ACCOUNT}/counter/lookup", {"phone": "2065550177"}).json["shopper"]
    assert (found["contact_id"], found["member"]) == (done.json["contact_id"], True)
    nobody = staff.post(f"{ACCOUNT}/counter/signup", {}, idempotency_key="key-00000002")
    assert nobody.status == 422


def test_who_told_staff_not_to_be_texted_is_opted_out_with_who_was_told(shop: World) -> None:
    contact = record_id(Uid(OURS), Platform("posabit"), ScopeId("north"), "1")
    body = {"contact_id": contact, "channels": ["sms"]}

    assert shop.gateway("Staff").post(f"{ACCOUNT}/counter/opt-out", body).status == 204
    told = {"channels": ["email", "sms"], "told": "phone"}
    path = f"{ACCOUNT}/personas/{contact}/opt-out"
    assert shop.gateway("Manager").post(path, told).status == 204
    assert shop.gateway("Analyst").post(path, told).status == 403

    log = wiring.outside.consent_log()
    [by_staff] = log.read(Uid(OURS), "sms", PHONE).entries
    assert (by_staff.act, by_staff.source, by_staff.actor) == (
        "stop",
        "counter",
        f"user:sub-{OURS}-Staff",
    )
    [by_phone] = log.read(Uid(OURS), "email", "m@example.com").entries
    assert (by_phone.source, by_phone.actor) == ("phone", f"user:sub-{OURS}-Manager")
