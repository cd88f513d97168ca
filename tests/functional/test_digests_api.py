"""Who gets which notifications by e-mail, chosen through the API and sent by the schedule."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import boto3
import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ses import ses_backends

import app
from chalicelib.adapters.aws import send_once as once
from chalicelib.domain.roles import ROLES, Role, has_right
from chalicelib.entrypoints import wiring
from chalicelib.services.notifications.digest import SUBJECT
from chalicelib.services.notifications.digest_choices import NO_SENDER, NOT_SEEN
from chalicelib.services.ports.digests import MailRefused
from tests.functional.gateway import OURS, THEIRS, Gateway, Person, World

ACCOUNT = f"/api/accounts/{OURS}"
USERS, ME = f"{ACCOUNT}/users", f"{ACCOUNT}/me"
OWNER = f"sub-{OURS}-Owner"
SENDER = "digests@aiq.example"
WORKERS = 4
SCHEDULED = {
    "version": "0",
    "id": "1",
    "account": "000000000000",
    "region": "us-east-1",
    "detail": {},
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "time": "2026-03-01T08:00:00Z",
    "resources": ["arn:aws:events:us-east-1:000000000000:rule/tick"],
}


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 240_000


@pytest.fixture
def sender(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The deployment has a sender, verified with SES."""
    monkeypatch.setenv("DIGEST_SENDER", SENDER)
    monkeypatch.setenv("DASHBOARD_URL", "https://front.example")
    wiring.reset()
    once.client.cache_clear()
    boto3.client("sesv2").create_email_identity(EmailIdentity=SENDER)
    yield SENDER
    once.client.cache_clear()


def tick() -> list[Any]:
    """One look of the schedule; all e-mails so far."""
    app.send_digests(SCHEDULED, Context())
    return list(ses_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].sent_messages)


def reject_a_key(uid: str = OURS) -> None:
    wiring.notifications.notifier().raise_(
        uid, "key_rejected", "posabit:crd_1", title="POSaBIT", scope="Ballard"
    )


def emails(severities: list[str]) -> dict[str, object]:
    return {"severities": severities}


def test_nobody_is_e_mailed_until_chosen(api: Gateway) -> None:
    [owner] = api.get(USERS).json["items"]

    assert owner["email_severities"] == []
    assert api.get(ME).json == owner


@pytest.mark.usefixtures("sender")
def test_who_was_invited_is_e_mailed_once_they_have_logged_in(api: Gateway) -> None:
    invited = api.post(USERS, {"email": "new@example.com", "role": "Analyst"}).json
    got = api.put(f"{USERS}/{invited['sub']}/emails", emails(["error"])).json
    reject_a_key()

    assert (got["email_note"], invited["last_seen_at"], tick()) == (NOT_SEEN, None, [])

    assert Gateway(Person(invited["sub"])).get(ME).json["email_note"] is None
    [message] = tick()
    assert message.destinations["ToAddresses"] == ["new@example.com"]


@pytest.mark.usefixtures("sender")
def test_a_choice_is_shown_wherever_the_person_is(world: World, api: Gateway) -> None:
    got = api.put(f"{ME}/emails", emails(["error", "warning", "error"]))

    assert got.status == 200
    assert got.json["email_severities"] == ["warning", "error"]
    assert got.json["email_note"] is None
    assert api.get(ME).json == got.json
    assert api.get(USERS).json["items"] == [got.json]
    again = api.patch(f"{USERS}/{OWNER}", {"role": "Owner"})
    assert again.json == got.json


def test_without_a_sender_the_choice_is_kept_and_the_answer_says_why_nothing_comes(
    api: Gateway,
) -> None:
    got = api.put(f"{ME}/emails", emails(["error"])).json

    assert (got["email_severities"], got["email_note"]) == (["error"], NO_SENDER)
    reject_a_key()
    assert tick() == []
    assert list(wiring.outside.digests().all_marks())


def test_the_owner_chooses_for_the_team_and_both_choices_are_audited(
    world: World, api: Gateway
) -> None:
    world.gateway("Operator")
    operator = f"{USERS}/sub-{OURS}-Operator/emails"

    assert api.put(operator, emails(["error"])).json["email_severities"] == ["error"]
    assert api.put(operator, emails(["error"])).status == 200
    assert api.put(operator, emails([])).json["email_severities"] == []

    entries = api.get(f"{ACCOUNT}/audit").json["items"]
    assert [(e["actor"], e["action"], e["subject"], e["before"], e["after"]) for e in entries] == [
        (
            f"user:{OWNER}",
            "user.emails_chosen",
            f"user:sub-{OURS}-Operator",
            {"email_severities": before},
            {"email_severities": after},
        )
        for before, after in ((["error"], []), ([], ["error"]))
    ]


@pytest.mark.parametrize("role", ROLES)
def test_each_may_choose_for_themselves_what_they_may_see_and_for_others_if_the_team_is_theirs(
    world: World, role: Role
) -> None:
    gateway = world.gateway(role)
    seeing, leading = has_right(role, "notifications:read"), has_right(role, "team:write")

    assert gateway.put(f"{ME}/emails", emails(["error"])).status == (200 if seeing else 403)
    assert gateway.get(ME).status == (200 if seeing else 403)
    assert gateway.put(f"{USERS}/{OWNER}/emails", emails(["error"])).status == (
        200 if leading else 403
    )


def test_who_sees_no_notifications_cannot_be_chosen(world: World, api: Gateway) -> None:
    world.gateway("Staff")
    staff = f"{USERS}/sub-{OURS}-Staff"

    got = api.put(f"{staff}/emails", emails(["error"]))

    assert (got.status, got.json["code"]) == (409, "conflict")
    assert "choose another role" in got.json["detail"]
    assert api.put(f"{staff}/emails", emails([])).status == 200


def test_who_becomes_staff_or_leaves_is_shown_without_e_mails(world: World, api: Gateway) -> None:
    world.gateway("Operator")
    operator = f"{USERS}/sub-{OURS}-Operator"
    api.put(f"{operator}/emails", emails(["error"]))

    assert api.patch(operator, {"role": "Staff"}).json["email_severities"] == []
    assert api.patch(operator, {"role": "Analyst"}).json["email_severities"] == ["error"]
    assert api.patch(operator, {"active": False}).json["email_severities"] == []
    got = api.put(f"{operator}/emails", emails(["error"]))
    assert (got.status, "let them back in" in got.json["detail"]) == (409, True)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"severities": ["fatal"]}, "severities.0"),
        ({"severities": "error"}, "severities"),
        ({"severities": None}, "severities"),
        ({"severities": ["error"] * 4}, "severities"),
        ({}, "severities"),
        ({"severities": [], "to": "x@example.com"}, "to"),
    ],
)
def test_what_is_no_severity_is_refused_with_its_field(
    api: Gateway, body: dict[str, object], field: str
) -> None:
    got = api.put(f"{ME}/emails", body)

    assert got.status == 422
    assert got.json["errors"][0]["field"] == field
    assert api.get(ME).json["email_severities"] == []


def test_another_accounts_people_cannot_be_chosen(world: World, api: Gateway) -> None:
    theirs = f"sub-{THEIRS}-Owner"

    assert api.put(f"{USERS}/{theirs}/emails", emails(["error"])).status == 404
    assert api.put(f"/api/accounts/{THEIRS}/users/{theirs}/emails", emails([])).status == 404
    assert api.put(f"/api/accounts/{THEIRS}/me/emails", emails(["error"])).status == 404
    assert (
        world.gateway("Owner", THEIRS).get(f"/api/accounts/{THEIRS}/me").json["email_severities"]
        == []
    )


@pytest.mark.usefixtures("sender")
def test_who_is_chosen_is_written_to_once_and_the_other_account_hears_nothing(
    world: World, api: Gateway
) -> None:
    world.gateway("Owner", THEIRS).put(f"/api/accounts/{THEIRS}/me/emails", emails(["error"]))
    api.put(f"{ME}/emails", emails(["error"]))
    reject_a_key()

    tick()
    [message] = tick()

    assert message.source == SENDER
    assert message.destinations["ToAddresses"] == [f"owner@{OURS}.example"]
    assert message.subject == SUBJECT
    assert f"https://front.example/a/{OURS}/settings/integrations/posabit" in message.body


@pytest.mark.usefixtures("sender")
def test_what_is_open_when_somebody_is_chosen_comes_in_their_first_digest(api: Gateway) -> None:
    reject_a_key()
    for mark in list(wiring.outside.digests().all_marks()):
        wiring.outside.digests().unmark(mark)

    api.put(f"{ME}/emails", emails(["error"]))

    assert len(tick()) == 1


@pytest.mark.usefixtures("sender")
def test_an_account_called_like_a_header_gets_one_subject(world: World, api: Gateway) -> None:
    world.accounts.update(replace(world.account(), name="Green\r\nBcc: x@example.com"))
    api.put(f"{ME}/emails", emails(["error"]))
    reject_a_key()

    [message] = tick()

    assert message.subject == SUBJECT
    assert "Green Bcc: x@example[.]com (account" in message.body
    assert message.destinations == {"ToAddresses": [f"owner@{OURS}.example"]}


def test_refusals_fail_the_function_after_all_were_tried(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its alarm is how the operator hears that the sender is not verified."""
    monkeypatch.setenv("DIGEST_SENDER", "nobody@aiq.example")
    wiring.reset()
    once.client.cache_clear()
    for uid in (OURS, THEIRS):
        world.gateway("Owner", uid).put(f"/api/accounts/{uid}/me/emails", emails(["error"]))
        reject_a_key(uid)

    with pytest.raises(MailRefused):
        tick()

    claims = [
        recipient.claimed_at
        for uid in (OURS, THEIRS)
        for recipient in wiring.outside.digests().recipients(uid).values()
    ]
    assert len(claims) == 2
    assert None not in claims


@pytest.mark.usefixtures("sender")
def test_of_many_workers_on_one_account_one_writes(api: Gateway) -> None:
    api.put(f"{ME}/emails", emails(["error"]))
    reject_a_key()
    sender = wiring.notifications.digest_sender()

    with ThreadPoolExecutor(WORKERS) as workers:
        done = list(workers.map(lambda _: sender.send(lambda: True), range(3 * WORKERS)))

    assert sum(one.sent for one in done) == 1
    assert len(tick()) == 1
