"""Signups, look-ups and opt-ins as a POS calls them, on the tables (product.md §11)."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from chalicelib.domain.words import Platform, Uid
from chalicelib.entrypoints import wiring
from chalicelib.services.job_messages.text_jobs import StatedConsentMessage, text_job
from chalicelib.services.ports.stores import Store
from tests.fakes.audiences import MemoryObjects
from tests.functional.gateway import OURS, THEIRS, World
from tests.functional.partner import REFUSED, Caller, a_caller, heard_calls, refusal
from tests.functional.test_rewards_api import PHONE, shop
from tests.worlds.tills import E1, P1, PICTURE

__all__ = ["shop"]

LOYALTY = "/api/v2/loyalty"
STOPPED = {"state": "opted_out", "optinTime": None, "optreqTime": None}


@pytest.fixture
def till(shop: World, monkeypatch: pytest.MonkeyPatch) -> Caller:
    """A till of POSaBIT, in a shop where Maria is a member with 300 points."""
    monkeypatch.setattr(wiring.outside, "objects", MemoryObjects)
    return a_caller()


def other() -> Caller:
    """A key without the box of signed consent."""
    return a_caller("")


def sign_up(till: Caller, **told: Any) -> Any:
    got = till.post(LOYALTY, told)
    assert got.status == 200, got.text
    return got.json["data"]


def note_consent() -> None:
    """The worker notes what was sent of consent."""
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName="texts")["QueueUrl"]
    while found := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in found:
            import json

            read = text_job(json.loads(message["Body"]))
            if isinstance(read, StatedConsentMessage):
                wiring.consent.stated_consent_worker().handle(read)
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def test_who_signed_up_is_found_by_the_next_call(till: Caller) -> None:
    """Can I sign a shopper up during the checkout flow in POSaBIT?

    Yes! POSaBIT has an in-checkout signup screen that can capture new loyalty & optins for
    marketing.

    How can I confirm that the integration is active and signups are being sent?
    """
    done = sign_up(till, mobilePhone="(206) 555-0101", firstName="Ana", email=E1, loyalty=True)

    found = till.get(f"/api/v2/loyalty/lookup/{P1}").json["data"]
    listed = till.get(f"/api/v1.1/piis/{OURS}", search=E1).json["data"]
    one = till.get(f"/api/v1.1/piis/{OURS}/{done['contactID']}").json["data"]
    assert done["loyalty"] is True
    assert "warnings" not in done
    assert (found["contactID"], found["loyalty"]) == (done["contactID"], True)
    assert found["contact"]["firstName"] == "Ana"
    assert (listed["total"], listed["results"][0]["mobilePhone"]) == (1, P1)
    assert (one["platform"], one["email"], one["srcID"]) == ("posabit", E1, done["srcID"])
    assert till.get(f"/api/v2/lookup/email/{E1}").json["data"]["contactID"] == done["contactID"]


def test_a_signup_of_whom_the_pos_knows_answers_the_id_that_aiq_gave_first(till: Caller) -> None:
    done = sign_up(till, mobilePhone=PHONE)

    wallet = till.post("/api/v2/wallet", {"phone": PHONE}).json["data"]
    assert done["contactID"] == wallet["contactID"] != done["srcID"]
    assert wallet["loyaltyPoints"] == 300


def test_warnings_stand_within_the_answer(till: Caller) -> None:
    done = sign_up(till, mobilePhone="12345", email=E1, birthdate="02/03/2004", favoriteStoreID="#")

    assert {w["field"] for w in done["warnings"]} == {"mobilePhone", "birthdate", "favoriteStoreID"}


def test_no_contact_is_refused_in_the_envelope(till: Caller) -> None:
    got = till.post(LOYALTY, {"firstName": "Ana", "mobilePhone": None})

    assert (got.status, got.json["success"]) == (422, False)
    assert got.json["errors"][0]["field"] == "mobilePhone"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (LOYALTY, {"mobilePhone": P1, "uid": THEIRS}),
        (LOYALTY, {"mobilePhone": P1, "uid": int(THEIRS)}),
        (f"/api/v1.1/loyaltyContact/{OURS}", {"mobilePhone": P1, "uid": f" {THEIRS} "}),
        ("/api/v2/wallet", {"phone": PHONE, "uid": "#"}),
        (f"/api/v1.1/createUpdateMembers/{OURS}", [{"pos_id": "1"}, {"uid": THEIRS}]),
        (
            f"/api/v1.1/createUpdateSale/{OURS}",
            {"member": {"uid": THEIRS, "mobilePhone": P1}, "visit": {"pos_id": "1"}},
        ),
    ],
)
def test_a_body_about_another_account_is_refused_like_a_wrong_key(
    till: Caller, path: str, body: object
) -> None:
    got = till.post(path, body)

    assert (got.status, refusal(got)) == (403, REFUSED)
    assert till.get(f"/api/v2/loyalty/lookup/{P1}").json["data"]["results"] is None
    [view] = wiring.api_keys.service().for_account(Uid(OURS))
    statuses = [call.status for call in wiring.api_keys.service().calls(Uid(OURS), view.key.id)]
    assert sorted(statuses) == [200, 403]


@pytest.mark.parametrize("uid", [OURS, int(OURS), "", None, [], {"a": 1}])
def test_a_body_about_the_keys_account_or_none_is_served(till: Caller, uid: object) -> None:
    assert sign_up(till, mobilePhone=P1, uid=uid)["loyalty"] is True


def test_addresses_are_read_as_they_are_encoded(till: Caller) -> None:
    done = sign_up(till, mobilePhone=P1, email="ana+4567@example.com")
    email = "ana%2B4567%40example.com"

    for path in (
        f"/api/v2/loyalty/lookup/{email}",
        f"/api/v2/lookup/email/{email}",
        "/api/v2/loyalty/lookup/%2B1%20206%20555%200101",
        "/api/v2/wallet/%2B12065550101",
    ):
        assert till.get(path).json["data"]["contactID"] == done["contactID"], path
    assert till.put(f"/api/v2/optin/email/{email}/true").json["data"]["state"] == "opted_in"
    [view] = wiring.api_keys.service().for_account(Uid(OURS))
    calls = wiring.api_keys.service().calls(Uid(OURS), view.key.id)
    assert {call.phone[-4:] for call in calls} == {"", "0101"}, "no digits of an e-mail are shown"


def test_unknown_fields_and_odd_values_are_passed_over(till: Caller) -> None:
    done = sign_up(
        till,
        mobilePhone=2065550101,
        uid=OURS,
        loyalty="true",
        smsoptin="1",
        firstName=["x"],
        address={"street": "1 Main St", "state": "WA"},
        customAttributes=[{"key": "a", "value": "b"}],
        somethingNew={"a": 1},
    )

    assert done["loyalty"] is True


@pytest.mark.parametrize("key", ["", "aiq_3912_aaaaaaaaaa_" + "b" * 40])
def test_without_a_key_nothing_is_said_of_anybody(till: Caller, key: str) -> None:
    known = Caller(key).get(f"/api/v2/loyalty/lookup/{PHONE}")
    unknown = Caller(key).get("/api/v2/loyalty/lookup/2065550999")

    assert (known.status, known.text) == (403, unknown.text)


def test_nobody_is_results_null_and_another_accounts_id_is_not_found(till: Caller) -> None:
    theirs = Caller(a_caller(uid=THEIRS).key)

    assert till.get("/api/v2/loyalty/lookup/2065550999").json["data"]["results"] is None
    assert till.get(f"/api/v1.1/piis/{OURS}", search="2065550999").json["data"]["results"] is None
    found = sign_up(till, mobilePhone=P1)["contactID"]
    assert theirs.get(f"/api/v1.1/piis/{THEIRS}/{found}").status == 404


def test_the_box_and_a_signature_opt_in_and_a_text_asks_who_gave_neither(till: Caller) -> None:
    """POSaBIT will send AIQ new loyalty signups and their opt-in status.

    NOTE: If you add "Customer Consent" to your signup form, there will be an checkbox and the
    shopper will be required to provide their signature - this will opt them into marketing
    communications on the AIQ side.
    """
    sign_up(till, mobilePhone=P1, email=E1, smsoptin=True, emailOptIn=True)
    sign_up(other(), mobilePhone="2065550102", smsoptin=True, signature=PICTURE)
    sign_up(other(), mobilePhone="2065550103", smsoptin=True)
    note_consent()

    log = wiring.outside.consent_log()

    def state(channel: Any, contact: str) -> Any:
        return log.read(Uid(OURS), channel, contact).state

    assert state("sms", P1).consent.state == "opted_in"
    assert state("email", E1).consent.state == "opted_in"
    assert state("sms", "+12065550102").consent.state == "opted_in"
    asked = state("sms", "+12065550103")
    assert (asked.consent.state, asked.wanted.cause) == ("unknown", "signup")
    assert till.get(f"/api/v2/loyalty/lookup/{P1}").json["data"]["optedIn"] is True


def test_who_opted_out_stays_out_until_they_sign(till: Caller) -> None:
    def put(path: str, **query: object) -> Any:
        got = till.put(path, **query)
        assert got.status == 200, got.text
        return got.json["data"]

    out = put(f"/api/v2/optin/text/{P1}/false")
    again = put(f"/api/v2/optin/text/{P1}/true")
    asked = put(f"/api/v1.1/optin/{OURS}/{P1}/TRUE", doubleopt="true")
    sign_up(till, mobilePhone=P1, smsoptin=True)
    note_consent()
    still = put(f"/api/v2/optin/text/{P1}/true")

    assert out["state"] == "opted_out"
    assert again == asked == still == out
    sign_up(till, mobilePhone=P1, smsoptin=True, signature=PICTURE)
    note_consent()
    assert put(f"/api/v2/optin/text/{P1}/true")["state"] == "opted_in"


def test_an_unticked_box_of_a_later_visit_takes_nothing_back(till: Caller) -> None:
    assert till.put(f"/api/v2/optin/text/{P1}/true").json["data"]["state"] == "opted_in"

    for told in ({"smsoptin": False}, {}, {"smsoptin": None}):
        sign_up(till, mobilePhone=P1, **told)
    note_consent()

    assert till.put(f"/api/v2/optin/text/{P1}/true").json["data"]["state"] == "opted_in"


def test_a_number_that_nobody_has_is_kept_for_later(till: Caller) -> None:
    got = till.put("/api/v2/optin/text/2065550777/true")

    assert got.json["data"]["state"] == "opted_in"
    assert till.get("/api/v2/loyalty/lookup/2065550777").json["data"]["results"] is None


@pytest.mark.parametrize("path", ["text/12345/true", "email/nobody/true"])
def test_an_opt_in_of_no_contact_is_refused(till: Caller, path: str) -> None:
    assert till.put(f"/api/v2/optin/{path}").status == 422


def test_the_answer_of_a_named_look_up_is_kept_nowhere(till: Caller) -> None:
    till.post(LOYALTY, {"mobilePhone": P1, "firstName": "Ana"})

    first = till.post(f"/api/v2/loyalty/lookup/{P1}", {}, idempotency_key="look-up-1")
    till.post(LOYALTY, {"mobilePhone": P1, "firstName": "Eve"})
    again = till.post(f"/api/v2/loyalty/lookup/{P1}", {}, idempotency_key="look-up-1")

    assert "Ana" in first.text
    assert "Eve" in again.text, "erasing a shopper reaches no answer that was kept"


def test_a_named_call_is_done_once_and_answered_alike(till: Caller) -> None:
    body = {"mobilePhone": P1, "firstName": "Ana"}

    first = till.post(LOYALTY, body, idempotency_key="visit-1")
    again = till.post(LOYALTY, body, idempotency_key="visit-1")
    twisted = till.post(LOYALTY, {**body, "firstName": "Eve"}, idempotency_key="visit-1")

    assert first.status == again.status == 200
    assert first.text == again.text
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert (twisted.status, twisted.json["success"]) == (422, False)


def test_the_same_name_with_another_query_is_another_call(till: Caller) -> None:
    path = f"/api/v2/optin/text/{P1}/true"

    def call(**query: str) -> Any:
        named = {"X-APIKEY": till.key, "Idempotency-Key": "visit-1"}
        return till.gateway.send("PUT", path, query=query, headers=named)

    first, again = call(doubleopt="true"), call(doubleopt="true")
    twisted, without = call(doubleopt="false"), call()

    assert (first.status, again.headers["Idempotent-Replayed"]) == (200, "true")
    assert (twisted.status, without.status) == (422, 422)


@pytest.mark.parametrize("name", ["x" * 256, " ", "tab\tin it", "caf\u00e9"])
def test_a_name_that_is_none_is_refused_and_nothing_is_done(till: Caller, name: str) -> None:
    told = {"mobilePhone": P1}

    got = till.post(LOYALTY, told, Idempotency_Key=name)

    assert (got.status, got.json["success"]) == (422, False), got.text
    assert till.get(f"/api/v2/loyalty/lookup/{P1}").json["data"]["results"] is None


def test_a_named_call_that_still_runs_is_to_be_tried_again(till: Caller) -> None:
    body = {"mobilePhone": P1}
    inside: list[Any] = []
    service = wiring.signups.service()

    class Slow:
        def sign_up(self, *given: Any) -> Any:
            if not inside:
                inside.append(till.post(LOYALTY, body, idempotency_key="visit-1"))
            return service.sign_up(*given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wiring.signups, "service", Slow)
        got = till.post(LOYALTY, body, idempotency_key="visit-1")

    assert got.status == 200
    assert (inside[0].status, inside[0].headers["Retry-After"]) == (409, "1")


def test_a_named_call_that_failed_for_now_is_made_again(
    till: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.domain.errors import CommitBusy

    class Busy:
        def sign_up(self, *_: Any) -> Any:
            raise CommitBusy("busy", retry_after=5)

    with monkeypatch.context() as patch:
        patch.setattr(wiring.signups, "service", Busy)
        busy = till.post(LOYALTY, {"mobilePhone": P1}, idempotency_key="visit-1")
    done = till.post(LOYALTY, {"mobilePhone": P1}, idempotency_key="visit-1")

    assert (busy.status, busy.headers["Retry-After"]) == (503, "5")
    assert done.status == 200
    assert "Idempotent-Replayed" not in done.headers


def test_a_signup_takes_at_most_ten_calls_of_the_database(
    till: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line among the key's last calls apart."""
    wiring.outside.stores().create(Store(Uid(OURS), 0, "Main"))
    calls = heard_calls(monkeypatch)
    seen = {}
    for who, told in {
        "new": {"mobilePhone": P1, "email": E1, "smsoptin": True},
        "known to the POS": {"mobilePhone": PHONE, "firstName": "Mary"},
        "again": {"mobilePhone": P1, "lastName": "Reyes", "favoriteStoreID": 1},
    }.items():
        calls.clear()
        sign_up(till, **told)
        seen[who] = calls.copy()

    assert all(each.count("TransactWriteItems") == 1 for each in seen.values()), seen
    assert all(5 < len(each) - 1 <= 10 for each in seen.values()), seen


def test_the_number_of_a_store_in_the_data_field_is_the_favourite_store(till: Caller) -> None:
    """Enter your store ID number into the Data field and replacing the "#" with the stores's
    number."""
    store = wiring.outside.stores().create(Store(Uid(OURS), 0, "Main"))

    numbered = sign_up(till, mobilePhone=P1, favoriteStoreID=str(store.id))
    template = sign_up(till, mobilePhone="2065550102", favoriteStoreID="#")

    found = till.get(f"/api/v1.1/piis/{OURS}/{numbered['contactID']}").json["data"]
    assert (found["favoriteStoreID"], "warnings" in numbered) == (store.id, False)
    assert [warning["field"] for warning in template["warnings"]] == ["favoriteStoreID"]


def test_signups_of_another_key_and_platform_say_where_they_came_from(till: Caller) -> None:
    done = sign_up(other(), mobilePhone="2065550104")

    view = wiring.personas.personas().get(Uid(OURS), done["contactID"])
    assert view.row.sources == (Platform("api"),)
    assert [why.reason for why in view.why_member if hasattr(why, "reason")] or view.why_member


def test_a_search_takes_a_blank_inside_an_address_for_a_plus(till: Caller) -> None:
    """What a client does not encode arrives decoded."""
    done = sign_up(till, mobilePhone=P1, email="ana+4567@example.com")

    got = till.get(f"/api/v1.1/piis/{OURS}", search="ana 4567@example.com").json["data"]

    assert [each["contactID"] for each in got["results"]] == [done["contactID"]]
    assert (got["size"], got["total"], got["asOf"]) == (1, 1, None), "a search is live"


def test_a_list_without_a_snapshot_is_empty_and_past_the_end_too(till: Caller) -> None:
    got = till.get(f"/api/v1.1/piis/{OURS}", start=0, limit=5000, sort="points", dir="desc")

    data = got.json["data"]
    assert (data["results"], data["limit"], data["asOf"]) == (None, 2000, None)


def test_a_pos_without_a_pull_pushes_shoppers_sales_and_stock(till: Caller) -> None:
    member = {"pos_id": "u1", "mobilePhone": P1, "firstName": "Ana"}
    visit = {
        "pos_id": "r1",
        "pos_user": "u1",
        "transaction_date": "2026-01-02 10:00:00 +0000",
        "location": "Nowhere",
        "transaction_total": "30.00",
        "sendNotification": 0,
        "visit_details_attributes": [{"sku": "J1", "price": 35.0, "discount": 5, "quantity": 1}],
    }

    one = till.post(f"/api/v1.1/createUpdateMember/{OURS}", member)
    many = till.post(f"/api/v1.1/createUpdateMembers/{OURS}", [member, {"firstName": "Eve"}])
    sale = till.post(f"/api/v1.1/createUpdateSale/{OURS}", {"member": member, "visit": visit})

    assert (one.status, many.status, sale.status) == (200, 200, 200), sale.text
    assert one.json["data"]["contactID"] == one.json["data"]["srcID"]
    told = many.json["data"]["results"]
    assert [len(each["errors"]) for each in told] == [0, 1]
    assert sale.json["data"]["warnings"][0]["field"] == "location"
    assert till.get(f"/api/v2/lookup/{P1}").json["data"]["loyalty"] is False


def test_too_many_at_once_and_unreadable_ones_are_refused(till: Caller) -> None:
    member = {"pos_id": "u1", "mobilePhone": P1}

    many = till.post(f"/api/v1.1/createUpdateMembers/{OURS}", [member] * 101)
    odd = till.post(f"/api/v1.1/createUpdateSales/{OURS}", [{"visit": "x"}])
    bad = till.post(f"/api/v1.1/createUpdateSale/{OURS}", {"visit": {"pos_id": "r1"}})
    stock = till.post(f"/api/v1.1/createUpdateInventory/{OURS}", [{"name": "Jar"}])

    assert [got.status for got in (many, odd, bad, stock)] == [413, 422, 422, 422]
    assert bad.json["errors"][0]["field"] == "visit.transaction_total"


def test_stock_of_an_id_that_is_too_long_is_refused_by_its_field(shop: World) -> None:
    stock = [{"SKU": "\u6f22" * 500, "location": "Main"}]

    got = a_caller().post(f"/api/v1.1/createUpdateInventory/{OURS}", stock)

    assert (got.status, got.json["errors"][0]["field"]) == (422, "0.SKU")
