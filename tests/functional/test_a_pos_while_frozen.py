"""What a POS and its tills call while the source uses AIQ's last backup, and around an erasure.

Cases of public reports, played through the calls themselves (product.md §10, §14; freezing.md).

The account: a point a dollar. Ana bought S1 for $50 until the backup; then came S2 of hers for $30,
Ben, and S3 of his for $20.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest

from chalicelib.config import config
from chalicelib.domain.ids import record_id
from chalicelib.domain.records import Customer, Sale
from chalicelib.domain.rules import Loyalty, Rules, Source
from chalicelib.domain.times import DAY, local_day_number, to_text
from chalicelib.domain.words import POINT, Platform
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.events.queues import WORKERS
from chalicelib.services.job_messages.text_jobs import text_job
from chalicelib.services.job_messages.webhook_messages import webhook_event
from chalicelib.services.ports.integrations import Credential, Integration
from chalicelib.services.ports.stores import StoreKeySighting
from tests.fakes.common import MemoryQueue
from tests.functional.gateway import OURS, Gateway
from tests.functional.partner import Caller, a_caller
from tests.functional.test_erase_api import everything_stored, jobs, now, work
from tests.functional.test_webhooks import send, signed
from tests.worlds.everything_stored import shown_in
from tests.worlds.tills import PICTURE

__all__ = ["jobs"]

ANA, BEN, CAT = "+12065550101", "+12065550102", "+12065550177"
POSABIT = f"/api/accounts/{OURS}/integrations/posabit"
RID = record_id(OURS, "posabit", "north", "1")
PUSH_SALE = f"/api/v1.1/createUpdateSale/{OURS}"
PUSH_MEMBER = f"/api/v1.1/createUpdateMember/{OURS}"
LOYALTY = "/api/v2/loyalty"


@pytest.fixture
def webhooks(monkeypatch: pytest.MonkeyPatch) -> MemoryQueue:
    queue = MemoryQueue()
    monkeypatch.setattr(wiring.queues, "webhooks_queue", lambda: queue)
    return queue


@pytest.fixture
def till(api: Gateway) -> Caller:
    uid = OURS
    wiring.outside.integrations().save(Integration(uid, "posabit", state="connected"))
    wiring.outside.credentials().add(Credential(uid, "posabit", "crd_1", "north", {}, {}))
    loyalty = Loyalty(enabled=True, points_per_100=100 * POINT, accrual_start=0)
    source = Source(enroll_after=0, pushes=True)
    wiring.outside.rule_book().save(uid, Rules(loyalty, {"posabit": source}))
    seen = StoreKeySighting(Platform("posabit"), "north", "Main", "Main", now())
    wiring.outside.stores().see_keys(uid, [seen])
    tell(a_customer(), a_sale("s1", 5_000))
    wiring.freezing.take_backup().take(uid, "posabit", "run_1", "nightly", lambda: True)
    return a_caller()


def a_customer(ext_id: str = "1", first: str = "Ana", phone: str = ANA) -> Customer:
    return Customer(ext_id, first=first, phone=phone, updated_at=now())


def a_sale(ext_id: str, total: int, who: str = "1") -> Sale:
    return Sale(ext_id, "Main", now() - DAY, "", "USD", total, customer_ext_id=who)


def tell(*facts: Customer | Sale) -> None:
    wiring.derivation.commits().commit(
        OURS,
        "posabit",
        "north",
        customers=[fact for fact in facts if isinstance(fact, Customer)],
        sales=[fact for fact in facts if isinstance(fact, Sale)],
    )


def since_the_backup() -> None:
    tell(a_customer("2", "Ben", BEN), a_sale("s2", 3_000), a_sale("s3", 2_000, "2"))


def freeze(api: Gateway, jobs: MemoryQueue) -> None:
    token = api.post(f"{POSABIT}/freeze/preview", {"choice": "last"}).json["token"]
    assert api.post(f"{POSABIT}/freeze", {"choice": "last", "token": token}).status == 202
    work(jobs)
    assert frozen(api)["state"] == "frozen"


def unfreeze(api: Gateway, jobs: MemoryQueue) -> None:
    assert api.post(f"{POSABIT}/unfreeze").status == 202
    work(jobs)
    assert frozen(api)["state"] == "connected"


def frozen(api: Gateway) -> Mapping[str, Any]:
    read: Mapping[str, Any] = api.get(f"{POSABIT}/freeze").json
    return read


def carry_out(jobs: MemoryQueue) -> None:
    """What commits and calls asked for on the queue of texts."""
    while bodies := wiring.queues.texts_queue().take():  # type: ignore[attr-defined]
        for body in bodies:
            message = text_job(body)
            if message.job != "request":
                WORKERS[message.job]("texts").handle(message)
    work(jobs)


def a_secret() -> str:
    made = wiring.api_keys.webhook_secrets().create(OURS, Platform("posabit"), actor="user:o")
    return made.text


def wallet(till: Caller, phone: str = ANA) -> Any:
    got = till.post("/api/v2/wallet", {"phone": phone})
    assert got.status == 200, got.text
    return got.json["data"]


def sold(ext_id: str, total: str, **others: Any) -> dict[str, Any]:
    """A sale of now at Main as a POS pushes it."""
    visit = {
        "pos_id": ext_id,
        "location": "Main",
        "transaction_date": to_text(now()),
        "transaction_total": total,
        "visit_details_attributes": [],
        "pos_user": others.pop("pos_user", "1"),
    }
    return {"visit": visit, **others}


def make_ten(api: Gateway) -> None:
    ten = {"name": "Ten off", "points": 100, "amount_off": 1000}
    five = {"name": "Five", "points": 5, "amount_off": 100}
    for each in (ten, five):
        assert api.post(f"/api/accounts/{OURS}/discounts", each).status == 201


def give(api: Gateway, contact: str, amount: float, key: str) -> int:
    got = api.send(
        "POST",
        f"/api/accounts/{OURS}/personas/{contact}/points",
        body={"amount": amount, "reason": "by hand"},
        headers={"Idempotency-Key": key},
    )
    return got.status


def redeem(till: Caller, phone: str, name: str) -> Any:
    [url] = [
        each["redemptionURL"]
        for each in wallet(till, phone)["discountTemplates"]
        if each["name"] == name
    ]
    return till.put(urlsplit(url).path)


def erase(api: Gateway, jobs: MemoryQueue, contact: str, typed: str) -> None:
    persona = f"/api/accounts/{OURS}/personas/{contact}"
    token = api.post(f"{persona}/erase/preview").json["token"]
    asked = api.post(f"{persona}/erase", {"token": token, "typed": typed})
    assert asked.status == 202, asked.text
    work(jobs)
    assert api.get(f"/api/accounts/{OURS}/erasures/{asked.json['id']}").json["state"] == "done"


def test_no_door_leads_to_the_pos_of_a_frozen_source_and_what_came_waits(
    api: Gateway, jobs: MemoryQueue, till: Caller, webhooks: MemoryQueue
) -> None:
    """A disabled source is synced by another door (airbytehq/airbyte#16380): pushes of the POS, an
    event of it, and a shopper who is to be created there."""
    since_the_backup()
    settings = f"{POSABIT}/settings"
    version = api.get(settings).headers["ETag"]
    assert api.patch(settings, {"sync_personas": True}, if_match=version).status == 200
    freeze(api, jobs)
    secret = (
        wiring.api_keys.webhook_secrets().create(OURS, Platform("posabit"), actor="user:o").text
    )

    sale = till.post(PUSH_SALE, sold("s7", "10.00"))
    again = till.post(PUSH_SALE, sold("s7", "10.00"))
    member = till.post(PUSH_MEMBER, {"pos_id": "2", "firstName": "Ben", "mobilePhone": BEN})
    told = {"pos_id": "1", "firstName": "Anna", "mobilePhone": ANA}
    event = json.dumps({"type": "profile.changed", "occurred_at": to_text(now()), "data": told})
    hook = send(event, signed(secret, event))
    signup = a_caller("").post(LOYALTY, {"mobilePhone": CAT, "firstName": "Cat", "loyalty": True})
    carry_out(jobs)

    assert [sale.status, again.status, member.status, signup.status] == [200] * 4
    assert "kept, and stored once" in sale.json["data"]["warnings"][0]["message"]
    assert hook.status == 202
    [waiting] = webhooks.take()
    from chalicelib.domain.errors import SourceStandsStill

    with pytest.raises(SourceStandsStill):
        WORKERS["webhook"]("webhooks").handle(webhook_event(waiting))
    assert frozen(api)["waiting_pushes"] in (2, 3), "the clock may have ticked between the two"
    contact_sync = api.get(f"{POSABIT}/contact-sync").json
    assert (contact_sync["queued"], contact_sync["waits_for"]) == (1, "frozen")
    gateway: Any = wiring.gateways.pos_gateway()
    assert (gateway.checked, gateway.opened) == ([], [])
    assert (wallet(till)["loyaltyPoints"], wallet(till, CAT)["loyaltyPoints"]) == (50, 0)

    unfreeze(api, jobs)

    assert WORKERS["webhook"]("webhooks").handle(webhook_event(waiting)) == "changed"
    assert wallet(till)["loyaltyPoints"] == 90
    assert wallet(till, BEN)["loyaltyPoints"] == 20
    assert api.get(f"/api/accounts/{OURS}/personas/{RID}").json["first"] == "Anna"


def test_neither_backup_nor_push_nor_an_older_signup_brings_the_erased_back(
    api: Gateway, jobs: MemoryQueue, till: Caller, webhooks: MemoryQueue
) -> None:
    """Restored backup brings back the erased (attevon-llc/OpenTranscribe#442)."""
    since_the_backup()
    secret = (
        wiring.api_keys.webhook_secrets().create(OURS, Platform("posabit"), actor="user:o").text
    )
    before = to_text(now())
    erase(api, jobs, RID, "0101")
    freeze(api, jobs)

    member = {"pos_id": "1", "firstName": "Ana", "mobilePhone": ANA}
    assert till.post(PUSH_MEMBER, member).status == 200
    assert till.post(PUSH_SALE, sold("s7", "10.00", member=member)).status == 200
    event = json.dumps({"type": "signup", "occurred_at": before, "data": {"mobilePhone": ANA}})
    assert send(event, signed(secret, event)).status == 202
    for body in webhooks.take():
        WORKERS["webhook"]("webhooks").handle(webhook_event(body))
    assert shown_in(everything_stored(), ["2065550101", "Ana"]) == []
    unfreeze(api, jobs)
    tell(a_customer(), a_sale("s1", 5_000), a_sale("s2", 3_000))
    carry_out(jobs)

    assert shown_in(everything_stored(), ["2065550101", "Ana"]) == []
    assert till.post("/api/v2/wallet", {"phone": ANA}).status == 404
    found = till.get(f"/api/v1.1/piis/{OURS}", search=ANA).json["data"]
    assert found["results"] is None
    anew = till.post(LOYALTY, {"mobilePhone": ANA, "signature": PICTURE, "smsoptin": True})
    assert anew.status == 200
    assert wallet(till)["loyaltyPoints"] == 0, "what was bought before stays unlinked"


def test_who_was_erased_and_buys_again_is_nobody_until_they_sign_up(
    api: Gateway, jobs: MemoryQueue, till: Caller
) -> None:
    """Erased, then bought again (uk.co.vedaconsulting.mailchimp#140)."""
    make_ten(api)
    [five] = [each for each in wallet(till)["discountTemplates"] if each["name"] == "Five"]
    erase(api, jobs, RID, "0101")

    member = {"pos_id": "1", "firstName": "Ana", "mobilePhone": ANA}
    assert till.post(PUSH_SALE, sold("s9", "10.00", member=member)).status == 200
    tell(a_customer(), a_sale("s10", 1_000))

    assert till.put(urlsplit(five["redemptionURL"]).path).status == 404
    assert till.get(f"/api/v1.1/piis/{OURS}/{RID}").status == 404
    assert till.post("/api/v2/wallet", {"phone": ANA}).status == 404
    assert till.post(LOYALTY, {"mobilePhone": ANA, "loyalty": True}).status == 200
    assert wallet(till)["loyaltyPoints"] == 0


def test_an_export_holds_what_was_done_at_the_till(
    api: Gateway, jobs: MemoryQueue, till: Caller
) -> None:
    """Export that leaves things out (opengento/magento2-gdpr#5): each kind with its count, and
    nobody else's."""
    make_ten(api)
    redemption = redeem(till, ANA, "Five").json["data"]["redemptionID"]
    given = [give(api, RID, amount, key) for amount, key in ((3, "by-hand-1"), (-1, "by-hand-2"))]
    assert given == [200, 200]
    told = {"mobilePhone": "(206) 555-0101", "signature": PICTURE, "smsoptin": True}
    assert till.post(LOYALTY, told).status == 200
    carry_out(jobs)
    assert till.put(f"/api/v2/optin/text/{ANA}/false").status == 200
    since_the_backup()
    freeze(api, jobs)
    till.post(PUSH_SALE, sold("s7", "10.00"))
    till.post(PUSH_SALE, sold("s8", "10.00", pos_user="2"))

    asked = api.post(f"/api/accounts/{OURS}/personas/{RID}/export")
    work(jobs)

    key = f"exports/{OURS}/{asked.json['id']}.json"
    body = boto3.client("s3").get_object(Bucket=config().bucket_backups, Key=key)["Body"].read()
    said = json.loads(body)
    assert {each["scope"] for each in said["records"]} == {"north", "signup"}
    assert sorted(each["ext_id"] for each in said["sales"]) == ["s1", "s2"]
    causes = [each["cause"] for each in said["ledger"]]
    assert sum(redemption in cause for cause in causes) == 1
    assert sum(cause.startswith("adjustment") for cause in causes) == 2
    assert said["consent"][0]["state"] == "opted_out"
    assert [each["pos_user"] for each in said["pushes"]] == ["1"]
    assert "(206) 555-0101" in body.decode()
    assert BEN not in body.decode()


def test_points_that_a_listing_fixed_are_not_lost_and_not_there_twice(
    api: Gateway, jobs: MemoryQueue, till: Caller
) -> None:
    """Points lost or twice in the move (AnthropicBots/compressor#1476): a lock is never rolled
    back, and what was redeemed of it stays redeemed."""
    make_ten(api)
    book = wiring.outside.rule_book()
    rules = book.get(OURS)
    today = local_day_number(now(), "America/Los_Angeles")
    source = replace(rules.source(Platform("posabit")), imported_on=today - 1, accrual_start=today)
    book.save(OURS, replace(rules, sources={"posabit": source}))
    wiring.derivation.commits().commit(
        OURS,
        "posabit",
        "north",
        customers=[replace(a_customer(), pos_points=120)],
        import_run="run_9",
    )
    rules = book.get(OURS)
    locked = replace(rules.source(Platform("posabit")), import_locks={"north": "run_9"})
    book.save(OURS, replace(rules, sources={"posabit": locked}))
    assert wallet(till)["loyaltyPoints"] == 120
    tell(replace(a_sale("s2", 3_000), ordered_at=now()))

    freeze(api, jobs)
    assert redeem(till, ANA, "Ten off").status == 200
    assert wallet(till)["loyaltyPoints"] == 20

    unfreeze(api, jobs)

    assert wallet(till)["loyaltyPoints"] == 50


def test_what_was_done_for_somebody_who_is_rolled_back_stays_at_the_till(
    api: Gateway, jobs: MemoryQueue, till: Caller
) -> None:
    """Hand-made data of a rolled-back person: Ben, born after the backup, was given 15 points and
    redeemed 5."""
    make_ten(api)
    since_the_backup()
    ben = record_id(OURS, "posabit", "north", "2")
    assert give(api, ben, 15, "by-hand-1") == 200
    assert redeem(till, BEN, "Five").status == 200
    assert wallet(till, BEN)["loyaltyPoints"] == 30

    freeze(api, jobs)

    assert wallet(till, BEN)["balance"] == 10
    [found] = till.get(f"/api/v1.1/piis/{OURS}", search=BEN).json["data"]["results"]
    assert found["contactID"] == ben
    [source] = api.get(f"/api/accounts/{OURS}/personas/{ben}").json["members"]
    assert source["note"] == "kept for what was done in AIQ"
