"""Settings → Texting, consent of a persona and trusted flags through the API (§9, §12)."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from chalicelib.adapters.dynamo.credential_rows import CredentialRow
from chalicelib.adapters.dynamo.credentials import DynamoCredentials
from chalicelib.adapters.dynamo.stores import DynamoStores, StoreRow
from chalicelib.domain.consent import Entry
from chalicelib.domain.texting import WORDINGS
from chalicelib.domain.times import DAY, MINUTE, to_text
from chalicelib.entrypoints import wiring
from chalicelib.services.consent.log import append_entries
from chalicelib.services.job_messages.text_jobs import SendTest, text_job
from chalicelib.services.ports.texting import Switch, Text, UnclearReply
from tests.fakes.common import NOON
from tests.fakes.pos import FakePosGateway
from tests.functional.gateway import OURS, THEIRS, Gateway, World
from tests.functional.personas_table import TABLE, personas_table
from tests.functional.test_personas_api import JANE, Shelf

TEXTING = f"/api/accounts/{OURS}/texting"
NUMBER = "+12065550100"
PHONE = "(206) 555-0123"


@pytest.fixture(autouse=True)
def tables(world: World, jobs: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The personas table, and a queue for texts, beside the accounts of the world."""
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="texts")["QueueUrl"]
    monkeypatch.setenv("QUEUE_TEXTS_URL", url)
    wiring.reset()
    wiring.outside.texting_settings().assign(NUMBER, OURS)
    with personas_table(boto3.client("dynamodb")):
        yield url


def queued(url: str) -> list[Any]:
    found = boto3.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    return [text_job(json.loads(message["Body"])) for message in found.get("Messages", ())]


def test_an_account_begins_with_ours_and_without_a_number(api: Gateway) -> None:
    got = api.get(TEXTING)

    assert (got.status, got.headers["ETag"]) == (200, '"0"')
    assert got.json == {
        "number": None,
        "brand": "Green Shop",
        "request_limit": 2,
        "opens": "08:00",
        "closes": "21:00",
        "daily_cap": 1000,
        "monthly_budget": 20000,
        "start_after_minutes": 60,
        "wordings": dict(WORDINGS),
        "status": "No SMS is sent: set the origination number first (Settings -> Texting).",
        "today": {"texts": 0, "parts": 0, "unknown": 0},
        "this_month": {"texts": 0, "parts": 0, "unknown": 0},
        "waiting": 0,
        "version": 0,
    }


def test_what_is_sent_is_changed_and_the_rest_stays(api: Gateway) -> None:
    first = {"number": "206-555-0100", "closes": "20:30", "wordings": {"help": "{brand}: STOP."}}
    got = api.patch(TEXTING, first, if_match='"0"')
    assert (got.status, got.json["number"], got.json["status"]) == (200, NUMBER, None)

    got = api.patch(TEXTING, {"daily_cap": 7, "wordings": None}, if_match='"1"')

    assert got.status == 200
    assert (got.json["number"], got.json["closes"], got.json["daily_cap"]) == (NUMBER, "20:30", 7)
    assert got.json["wordings"] == dict(WORDINGS)
    assert api.get(TEXTING).json == got.json


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"number": "+442079460000"}, "number"),
        ({"number": "hello"}, "number"),
        ({"request_limit": 3}, "request_limit"),
        ({"start_after_minutes": -1}, "start_after_minutes"),
        ({"opens": "7:59"}, "opens"),
        ({"opens": "07:59"}, "opens"),
        ({"closes": "21:30"}, "closes"),
        ({"daily_cap": -1}, "daily_cap"),
        ({"brand": "{brand}"}, "brand"),
        ({"brand": "Green\u200bLeaf"}, "brand"),
        ({"brand": "Green\u3164"}, "brand"),
        ({"wordings": {"help": "{brand}: STOP\u202e."}}, "wordings.help"),
        ({"wordings": {"request": "text us"}}, "wordings.request"),
        ({"wordings": {"goodbye": "x"}}, "wordings.goodbye"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_what_cannot_be_taken_is_refused_by_field(
    api: Gateway, change: dict[str, Any], field: str
) -> None:
    got = api.patch(TEXTING, change, if_match='"0"')

    assert got.status == 422
    assert [fault["field"] for fault in got.json["errors"]] == [field]
    assert api.get(TEXTING).json["version"] == 0


def test_a_stale_change_and_anothers_number_are_refused(world: World, api: Gateway) -> None:
    api.patch(TEXTING, {"number": NUMBER}, if_match='"0"')

    assert api.patch(TEXTING, {"daily_cap": 1}, if_match='"0"').status == 412
    theirs = world.gateway("Owner", THEIRS)
    got = theirs.patch(f"/api/accounts/{THEIRS}/texting", {"number": NUMBER}, if_match='"0"')
    assert (got.status, got.json["code"]) == (409, "conflict")


def test_a_number_needs_the_operators_assignment_before_an_account_takes_it(api: Gateway) -> None:
    got = api.patch(TEXTING, {"number": "+12065550101"}, if_match='"0"')

    assert (got.status, got.json["code"]) == (409, "conflict")
    assert "not assigned to your account" in got.json["detail"]
    assert api.get(TEXTING).json["number"] is None


def test_a_change_is_in_the_activity_log(api: Gateway) -> None:
    api.patch(TEXTING, {"number": NUMBER}, if_match='"0"')

    [entry] = api.get(f"/api/accounts/{OURS}/audit").json["items"]
    assert (entry["action"], entry["before"], entry["after"]) == (
        "texting.changed",
        {"number": None},
        {"number": NUMBER},
    )


def test_a_test_is_queued_for_the_number_typed_and_limited(api: Gateway, tables: str) -> None:
    assert api.post(f"{TEXTING}/test", {"number": PHONE}).status == 409
    api.patch(TEXTING, {"number": NUMBER}, if_match='"0"')

    got = api.post(f"{TEXTING}/test", {"number": PHONE})

    assert got.status == 202
    [job] = queued(tables)
    assert isinstance(job, SendTest)
    assert (job.uid, job.number, job.id) == (OURS, "+12065550123", got.json["id"])
    again = [api.post(f"{TEXTING}/test", {"number": PHONE}) for _ in range(3)]
    assert [answer.status for answer in again] == [202, 202, 429]
    assert int(again[-1].headers["Retry-After"]) <= 3600


def test_a_days_texts_are_listed_with_whom_when_and_why(api: Gateway) -> None:
    for number in range(3):
        text = Text(
            f"request#{number}",
            OURS,
            "request",
            "+12065550123",
            "Reply YES",
            1,
            NOON + number,
            "2026-01-01",
            "posabit",
        )
        wiring.outside.texts().begin(text, None)
    path = f"{TEXTING}/texts"

    first = api.get(path, day="2026-01-01", limit=2)
    rest = api.get(path, day="2026-01-01", limit=2, cursor=first.json["next_cursor"])

    assert [text["id"] for text in first.json["items"] + rest.json["items"]] == [
        "request#2",
        "request#1",
        "request#0",
    ]
    assert rest.json["next_cursor"] is None
    assert first.json["items"][0]["at"] == "2026-01-01T12:00:00.002Z"
    assert (first.json["items"][0]["why"], first.json["items"][0]["state"]) == (
        "posabit",
        "sending",
    )
    assert api.get(path, day="2026-01-02").json["items"] == []
    assert api.get(path).json["items"] == []  # of today
    assert api.get(path, day="yesterday").status == 422


def test_unclear_replies_are_listed_and_a_person_says_what_they_mean(api: Gateway) -> None:
    now = wiring.outside.clock().now()
    for number, text in enumerate(("only on fridays?", "who is this")):
        reply = UnclearReply(f"m{number}", now + number, "+12065550123", text, now - DAY)
        wiring.texting.reply_queue().keep(OURS, reply)
    path = f"{TEXTING}/replies"

    first, second = api.get(path).json["items"]
    unread = api.post(f"{path}/m0", {"means": "perhaps"})
    left = api.post(f"{path}/m0", {"means": "stop"})
    none_left = api.post(f"{path}/m1", {"means": "nothing"})

    assert (first["id"], first["number"], first["text"], second["id"]) == (
        "m0",
        "+12065550123",
        "only on fridays?",
        "m1",
    )
    assert first["request"] == to_text(now - DAY)
    assert unread.status == 422
    assert (left.status, [reply["id"] for reply in left.json["items"]]) == (200, ["m1"])
    assert none_left.json == {"items": []}
    assert api.post(f"{path}/m0", {"means": "stop"}).status == 404
    state = wiring.outside.consent_log().read(OURS, "sms", "+12065550123").state
    assert state.consent.state == "opted_out"
    assert api.get(f"/api/accounts/{OURS}/notifications").json == {"items": []}


def test_a_replys_words_live_thirty_days(api: Gateway) -> None:
    now = wiring.outside.clock().now()
    replies = wiring.outside.unclear_replies()
    replies.add(OURS, UnclearReply("old", now - 30 * DAY, "+12065550123", "hm"))
    replies.add(OURS, UnclearReply("new", now - 30 * DAY + MINUTE, "+12065550123", "hm"))

    assert [reply["id"] for reply in api.get(f"{TEXTING}/replies").json["items"]] == ["new"]
    assert replies.get(OURS, "old") is None
    rows = boto3.client("dynamodb").scan(TableName=TABLE)["Items"]
    expires = {row["sk"]["S"]: int(row["expires_at"]["N"]) * 1000 for row in rows}
    assert abs(expires["REPLY#new"] - now - MINUTE) < 1000


def test_the_card_says_why_no_sms_goes(api: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring.gateways, "pos_gateway", FakePosGateway)
    DynamoCredentials("integrations-under-test")
    CredentialRow.create_table(billing_mode="PAY_PER_REQUEST", wait=True)
    card = f"/api/accounts/{OURS}/integrations/posabit"
    assert "origination number" in api.get(card).json["sms_status"]

    api.patch(TEXTING, {"number": NUMBER}, if_match='"0"')
    assert "age-gate" in api.get(card).json["sms_status"]

    api.put(f"{card}/age-gate", {"passed": True})
    assert api.get(card).json["sms_status"] is None


def test_no_test_goes_to_a_landline_plan_number_or_while_all_texts_are_stopped(
    api: Gateway,
) -> None:
    api.patch(TEXTING, {"number": NUMBER}, if_match='"0"')
    assert api.post(f"{TEXTING}/test", {"number": "+1 800 555 0199"}).status == 422

    wiring.outside.kill_switch().turn(Switch(off=True, by="operator", at=NOON))

    assert api.post(f"{TEXTING}/test", {"number": PHONE}).status == 409
    assert api.get(TEXTING).json["status"].startswith("No SMS is sent: our operator")


def test_a_personas_consent_is_told_per_contact_with_flags_and_own_acts(
    api: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wiring.personas, "personas", Shelf)
    DynamoStores("stores-under-test")
    StoreRow.create_table(billing_mode="PAY_PER_REQUEST", wait=True)
    flag = Entry("flag#1", NOON, "flag_no", "posabit", evidence={"seq": 1})
    start = Entry("sms#m1", NOON + 1, "start", "sms", "shopper", evidence={"message_id": "m1"})
    log, clock = wiring.outside.consent_log(), wiring.outside.clock()
    append_entries(log, clock, OURS, "sms", "+12065550100", [flag, start])
    append_entries(log, clock, THEIRS, "sms", "+12065550100", [flag])

    got = api.get(f"/api/accounts/{OURS}/personas/{JANE.id}/consent")

    assert got.status == 200
    [phone] = got.json["contacts"]
    assert (phone["channel"], phone["contact"], phone["state"]) == ("sms", JANE.phone, "opted_in")
    assert [entry["act"] for entry in phone["entries"]] == ["start", "flag_no"]
    assert got.json["asked"]["state"] == "nobody"
    assert api.get(f"/api/accounts/{OURS}/personas/{'f' * 32}/consent").status == 404
