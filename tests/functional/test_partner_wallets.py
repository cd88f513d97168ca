"""Wallet, redemption URL and refund as a POS calls them, on the tables (product.md §11)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest

from chalicelib.config import config
from chalicelib.domain.records import Customer
from chalicelib.domain.words import Platform, ScopeId, Uid
from chalicelib.entrypoints import wiring
from chalicelib.services.ports.stores import Store
from tests.functional.gateway import OURS, THEIRS, Got, World
from tests.functional.partner import REFUSED, Caller, a_caller, heard_calls, refusal
from tests.functional.test_rewards_api import PHONE, create, shop

__all__ = ["shop"]


@pytest.fixture
def till(shop: World) -> Iterator[Caller]:
    create(shop.gateway("Owner"), pos_ids={"posabit": "47370"})
    create(shop.gateway("Owner"), name="Gift", points=50, amount_off=500, reusable=False)
    return a_caller()


def wallet(till: Caller, **whose: Any) -> Any:
    got = till.post("/api/v2/wallet", whose or {"phone": PHONE})
    assert got.status == 200, got.text
    return got.json["data"]


def template(till: Caller, name: str) -> Any:
    return next(each for each in wallet(till)["discountTemplates"] if each["name"] == name)


def path(url: str) -> str:
    return urlsplit(url).path


def message(got: Got) -> str:
    return str(got.json["errors"][0]["message"])


def test_a_wallet_lists_points_and_what_they_buy(till: Caller) -> None:
    by_phone = wallet(till, phone="(206) 555-0123")
    ten, gift = by_phone["discountTemplates"]

    assert (by_phone["loyaltyPoints"], by_phone["hidePointsInWallet"]) == (300, False)
    assert isinstance(by_phone["loyaltyPoints"], int), "clients read whole points as integers"
    assert (ten["posDiscountID"], ten["pointsDeduction"], ten["dollarValue"]) == ("47370", 100, 10)
    assert (ten["available"], ten["expiration"], ten["reusable"]) == (True, 0, True)
    assert (gift["percentageValue"], gift["reusable"], gift["posDiscountID"]) == (0, False, "")
    assert wallet(till, email="M@Example.com")["contactID"] == by_phone["contactID"]
    assert till.get(f"/api/v2/wallet/{PHONE}").json["data"]["contactID"] == by_phone["contactID"]
    assert wallet(till, phone=2065550123)["contactID"] == by_phone["contactID"]


def test_nobody_and_nothing_asked_say_so(till: Caller) -> None:
    nobody = till.post("/api/v2/wallet", {"phone": "2065550199"})
    nothing = till.post("/api/v2/wallet", {})
    twisted = till.post("/api/v2/wallet", {"phone": "x" * 255})

    assert (nobody.status, nobody.json["success"], nobody.json["code"]) == (404, False, 404)
    assert (nothing.status, twisted.status) == (422, 422)
    assert Caller("aiq_nonsense").post("/api/v2/wallet", {"phone": PHONE}).status == 403


def test_a_till_redeems_by_the_url_alone_and_takes_it_back(till: Caller) -> None:
    """{title} can redeem discounts within the checkout process without having to rely on our
    Budtender view."""
    ten = template(till, "Ten off")

    first = till.put(path(ten["redemptionURL"]))
    again = till.post(path(ten["redemptionURL"]))

    done = first.json["data"]
    assert (first.status, first.json) == (200, again.json)
    assert (done["templateID"], done["pointsDeducted"], done["refunded"]) == (ten["id"], 100, False)
    assert wallet(till)["loyaltyPoints"] == 200

    refund = f"/api/v1.1/discount/refund/{OURS}"
    names = {
        "contactID": done["contactID"],
        "templateID": done["templateID"],
        "redemptionID": done["redemptionID"],
    }
    by_path = till.put("/".join((refund, *names.values())))
    assert by_path.json["data"]["refunded"] is True
    assert till.post(refund, names).json == till.put(refund, names).json == by_path.json
    assert wallet(till)["loyaltyPoints"] == 300
    assert till.put(path(ten["redemptionURL"])).json["data"]["refunded"] is True
    for wrong in ({"templateID": "dsc_0"}, {"redemptionID": "f" * 48}, {"contactID": "e" * 32}):
        assert till.put(refund, {**names, **wrong}).status == 404
    assert till.put(refund, {**names, "redemptionID": ""}).status == 404


def test_a_business_refusal_is_a_409_with_a_reason_and_never_a_403(till: Caller) -> None:
    first, second = template(till, "Gift"), template(till, "Gift")
    till.put(path(first["redemptionURL"]))

    got = till.put(path(second["redemptionURL"]), {"orderID": "o1"})

    assert (got.status, message(got)) == (409, "This discount is already redeemed.")
    assert wallet(till)["loyaltyPoints"] == 250
    assert template(till, "Gift")["available"] is False


def test_a_url_is_looked_at_and_nothing_leaves(till: Caller) -> None:
    ten = template(till, "Ten off")

    for method in ("GET", "HEAD"):
        headers = {"X-APIKEY": till.key}
        got = till.gateway.send(method, path(ten["redemptionURL"]), headers=headers)
        assert (got.status, got.json["success"]) == (405, False)
    assert wallet(till)["loyaltyPoints"] == 300


def test_another_accounts_key_and_a_twisted_url_redeem_nothing(till: Caller) -> None:
    ten = template(till, "Ten off")
    url = path(ten["redemptionURL"])
    theirs = a_caller(uid=THEIRS)

    assert refusal(theirs.put(url)) == REFUSED
    assert refusal(Caller("").put(url)) == REFUSED
    taken = theirs.put(url.replace(f"/{OURS}/", f"/{THEIRS}/"))
    assert (taken.status, till.put(url[:-3] + "AAA").status) == (404, 404)
    assert till.put(url.replace(ten["id"], "dsc_0")).status == 404
    assert wallet(till)["loyaltyPoints"] == 300


def test_what_the_till_knows_of_the_order_is_judged(shop: World, till: Caller) -> None:
    create(shop.gateway("Owner"), name="Big", min_spend=5000)
    url = path(template(till, "Big")["redemptionURL"])

    low = till.put(url, {"subtotal": "49.99", "orderID": 1001})
    assert (low.status, message(low)) == (409, "The order is below this discount's least sum.")
    assert till.put(url, {"storeID": "99"}).status == 404
    assert till.put(url, {"subtotal": 50, "orderID": 1001}).status == 200
    fresh = path(template(till, "Big")["redemptionURL"])
    again = till.put(fresh, {"subtotal": 50, "orderID": "1001"})
    assert again.status == 200
    assert wallet(till)["loyaltyPoints"] == 200, "one redemption of a discount for one order"


def test_who_is_no_member_has_a_wallet_without_points(till: Caller) -> None:
    bob = Customer("2", first="Bob", phone="+12065550150")
    commits = wiring.derivation.commits()
    commits.commit(Uid(OURS), Platform("posabit"), ScopeId("north"), customers=[bob])

    got = wallet(till, phone="2065550150")

    assert (got["loyaltyPoints"], got["loyaltyMember"], got["discountTemplates"]) == (0, False, [])


def test_a_wallet_with_a_pin_is_shown_to_who_was_sent_it(till: Caller) -> None:
    texting = wiring.outside.texting_settings()
    rules = texting.get(Uid(OURS))
    texting.assign("+12065559999", Uid(OURS))
    texting.save(Uid(OURS), rules, replace(rules, number="+12065559999"))

    asked = till.post("/api/v2/verify/wallet", {"phone": PHONE})
    assert (asked.status, asked.json["data"]) == (200, {"sent": "sms"})
    url = config().queue_texts_url
    received = boto3.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    [code] = [
        job["code"]
        for job in (json.loads(each["Body"]) for each in received["Messages"])
        if job["job"] == "pin"
    ]

    wrong = till.post("/api/v2/view/wallet", {"phone": PHONE, "code": "99999"})
    assert (wrong.status, wrong.json["success"]) == (422, False)
    shown = till.post("/api/v2/view/contact/wallet", {"phone": PHONE, "code": code})
    assert shown.json["data"]["loyaltyPoints"] == 300
    assert till.post("/api/v2/view/wallet", {"phone": PHONE, "code": code}).status == 422
    assert till.post("/api/v2/verify/wallet", {"phone": PHONE}).status == 429
    assert till.post("/api/v2/verify/wallet", {"phone": "2065550199"}).status == 404
    mail = till.post("/api/v2/verify/contact/wallet", {"email": "m@example.com"})
    assert (mail.status, "e-mails" in message(mail)) == (409, True), "none is configured"


def test_a_wallet_takes_at_most_six_calls_of_the_database_and_a_redemption_ten(
    till: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line among the key's last calls apart."""
    wiring.outside.stores().create(Store(Uid(OURS), 0, "Main"))
    url = path(template(till, "Ten off")["redemptionURL"])  # the signing key is known by now
    calls = heard_calls(monkeypatch)

    wallet(till)
    by_wallet, _ = calls.copy(), calls.clear()
    done = till.put(url)
    by_redemption, _ = calls.copy(), calls.clear()
    refund = f"/api/v1.1/discount/refund/{OURS}"
    data = done.json["data"]
    till.put("/".join((refund, data["contactID"], data["templateID"], data["redemptionID"])))
    by_refund = calls.copy()

    assert len(by_wallet) - 1 <= 6, by_wallet
    assert len(by_redemption) - 1 <= 10, by_redemption
    assert len(by_refund) - 1 <= 10, by_refund
    assert by_redemption.count("TransactWriteItems") == 1, "one write that also unlocks"


def test_a_discount_counts_its_redemptions_by_the_same_transaction(
    shop: World, till: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = shop.gateway("Owner")

    def counted() -> Any:
        listed = owner.get(f"/api/accounts/{OURS}/discounts").json["items"]
        return {each["name"]: each["redemptions"] for each in listed}

    kept, given_back = (
        till.put(path(template(till, "Ten off")["redemptionURL"])).json["data"] for _ in range(2)
    )
    assert counted() == {"Ten off": 2, "Gift": 0}

    def refund(done: Any) -> Got:
        names = [done[name] for name in ("contactID", "templateID", "redemptionID")]
        return till.put("/".join((f"/api/v1.1/discount/refund/{OURS}", *names)))

    assert (refund(given_back).status, counted()["Ten off"]) == (200, 1)
    found = owner.get(f"/api/accounts/{OURS}/discounts/{kept['templateID']}")
    etag = found.headers["ETag"]
    owner.delete(f"/api/accounts/{OURS}/discounts/{kept['templateID']}", if_match=etag)
    assert (refund(kept).json["data"]["refunded"], counted()) == (True, {"Gift": 0})
    assert wallet(till)["loyaltyPoints"] == 300


def test_another_url_for_an_order_answers_with_the_first_redemption_for_good(till: Caller) -> None:
    first, second = (path(template(till, "Ten off")["redemptionURL"]) for _ in range(2))

    done = till.put(first, {"orderID": "R-1"}).json["data"]
    with_order = till.put(second, {"orderID": "R-1"}).json["data"]
    without = till.put(second).json["data"]

    assert done == with_order == without
    assert wallet(till)["loyaltyPoints"] == 200
