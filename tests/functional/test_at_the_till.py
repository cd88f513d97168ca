"""What tills, kiosks and nightly pushes do one after the other, from public reports of bugs."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from chalicelib.entrypoints import wiring
from tests.fakes.audiences import MemoryObjects
from tests.functional.gateway import OURS, World
from tests.functional.partner import Caller, a_caller
from tests.functional.test_partner_signups import LOYALTY, note_consent, sign_up
from tests.functional.test_rewards_api import shop
from tests.worlds.tills import E1, P1, PICTURE

__all__ = ["shop"]

MEMBERS = f"/api/v1.1/createUpdateMembers/{OURS}"


@pytest.fixture
def till(shop: World, monkeypatch: pytest.MonkeyPatch) -> Caller:
    monkeypatch.setattr(wiring.outside, "objects", MemoryObjects)
    return a_caller()


def consent(till: Caller, channel: str = "text", contact: str = P1) -> Any:
    """What is known of a contact; asking so changes nothing where it was told before."""
    return till.put(f"/api/v2/optin/{channel}/{contact}/true").json["data"]


def texts_waiting() -> int:
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName="texts")["QueueUrl"]
    told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return int(told["ApproximateNumberOfMessages"])


def test_one_number_in_every_spelling_and_very_often_is_one_member(till: Caller) -> None:
    """Two members by writing the phone differently (episphere/connect/issues/1263)."""
    spellings = ["2065550101", "+12065550101", "(206) 555-0101", "1-206-555-0101"]
    told: list[dict[str, Any]] = [
        {"mobilePhone": each, "loyalty": True} for each in (*spellings, "206.555.0101\u00a0")
    ]
    told.append({"mobilePhone": P1, "email": E1})

    ids = {sign_up(till, **each)["contactID"] for each in told}
    more = {sign_up(till, **told[0])["contactID"] for _ in range(9)}

    assert len(ids | more) == 1
    found = till.get(f"/api/v1.1/piis/{OURS}", search=P1).json["data"]["results"]
    assert [each["contactID"] for each in found] == list(ids)


def test_no_sync_no_push_and_no_old_call_brings_back_who_left(till: Caller) -> None:
    """Sync subscribes who had left (mailchimp/mc-woocommerce/issues/1264)."""
    sign_up(till, mobilePhone=P1, smsoptin=True)
    note_consent()
    left = till.put(f"/api/v2/optin/text/{P1}/false").json["data"]
    out = (left["state"], left["optoutTime"])
    waiting = texts_waiting()

    sign_up(till, mobilePhone=P1, smsoptin=True)
    pushed = till.post(MEMBERS, [{"pos_id": "7", "mobilePhone": P1, "smsoptin": True}])
    asked = till.put(f"/api/v2/optin/text/{P1}/true", doubleopt="true")
    replayed = till.post(LOYALTY, {"mobilePhone": P1, "smsoptin": True, "firstName": "Ana"})
    note_consent()

    assert [got.status for got in (pushed, asked, replayed)] == [200, 200, 200]
    now = consent(till)
    assert (now["state"], now["optoutTime"]) == out
    assert texts_waiting() <= waiting, "nobody is asked"
    sign_up(till, mobilePhone=P1, smsoptin=True, signature=PICTURE)
    note_consent()
    assert consent(till)["state"] == "opted_in"


def test_who_left_by_e_mail_comes_back_by_signing_again(till: Caller) -> None:
    """Coming back by form is refused (hizzle-co/noptin/issues/1068)."""
    first = sign_up(till, email=E1, emailOptIn=True, signature=PICTURE)
    note_consent()
    assert till.put(f"/api/v2/optin/email/{E1}/false").json["data"]["state"] == "opted_out"

    again = sign_up(till, email=E1, emailOptIn=True, signature=PICTURE)
    note_consent()

    assert again["contactID"] == first["contactID"]
    assert consent(till, "email", E1)["state"] == "opted_in"
