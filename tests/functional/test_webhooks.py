"""What a POS sends signed (partner-api.md S20): over the raw bytes, within five minutes, once."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from standardwebhooks import Webhook

from chalicelib.domain.times import to_text
from chalicelib.domain.words import Platform, Uid
from chalicelib.entrypoints import wiring
from chalicelib.services.api_keys.webhook_secrets import WebhookSecretService
from chalicelib.services.job_messages.text_jobs import text_job
from chalicelib.services.job_messages.webhook_messages import WebhookMessage
from tests.fakes.audiences import MemoryObjects
from tests.functional.gateway import OURS, THEIRS, Gateway, Got, World
from tests.functional.test_rewards_api import shop
from tests.worlds.tills import E1, E2, P1

__all__ = ["shop"]

PATH = f"/api/webhooks/posabit/{OURS}"
REFUSED = 401


@pytest.fixture
def secret(shop: World, monkeypatch: pytest.MonkeyPatch) -> str:
    url = boto3.client("sqs").create_queue(QueueName="webhooks")["QueueUrl"]
    monkeypatch.setenv("QUEUE_WEBHOOKS_URL", url)
    wiring.reset()
    objects = MemoryObjects()
    monkeypatch.setattr(wiring.outside, "objects", lambda: objects)
    return service().create(Uid(OURS), Platform("posabit"), actor="user:owner").text


def service() -> WebhookSecretService:
    return wiring.api_keys.webhook_secrets()


def an_event(kind: str = "signup", seconds_ago: int = 0, **data: Any) -> str:
    at = to_text((round(time.time()) - seconds_ago) * 1000)
    told = {"mobilePhone": P1, "email": E1, **data}
    return json.dumps({"type": kind, "occurred_at": at, "data": told})


def signed(secret: str, body: str, webhook_id: str = "evt-1", late: int = 0) -> dict[str, str]:
    at = datetime.fromtimestamp(round(time.time()) + late, UTC)
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(round(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(webhook_id, at, body),
    }


def send(body: str, headers: dict[str, str], path: str = PATH) -> Got:
    return Gateway(None).send("POST", path, raw=body, headers=headers)


def queued() -> list[dict[str, Any]]:
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName="webhooks")["QueueUrl"]
    found = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            found.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


def work() -> list[str]:
    """The worker works off what is queued, in the order it came."""
    done = []
    for body in queued():
        message = text_job(body)
        if isinstance(message, WebhookMessage):
            done.append(wiring.signups.webhook_worker().handle(message))
    return done


def profile() -> Any:
    [row], _ = wiring.personas.personas().search(Uid(OURS), _by_phone(), 10, None)
    return row


def _by_phone() -> Any:
    from chalicelib.services.ports.personas import PersonaFilter

    return PersonaFilter(phone=P1)


def test_a_large_picture_is_queued_whole(secret: str) -> None:
    picture = "data:image/png;base64,iVBORw0K" + "A" * 130_000
    body = an_event(customerSignature=picture)

    assert send(body, signed(secret, body)).status == 202

    [message] = map(text_job, queued())
    assert isinstance(message, WebhookMessage)
    assert message.told["signature"] == picture


def test_a_signed_signup_makes_a_member(secret: str) -> None:
    body = an_event(firstName="Ana", smsoptin=True)

    got = send(body, signed(secret, body))

    assert (got.status, got.json["data"]) == (202, {"accepted": True})
    assert work() == ["new"]
    assert (profile().first, profile().member, profile().sources) == ("Ana", True, ("posabit",))


@pytest.mark.parametrize(
    "twist",
    [
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,a,b"},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v2,abc"},
        {"webhook-signature": ""},
        {"webhook-id": ""},
        {"webhook-id": "another"},
        {"webhook-timestamp": ""},
        {"webhook-timestamp": "1e9"},
        {"webhook-timestamp": "1764504000000"},
        {"webhook-timestamp": "nan"},
    ],
)
def test_what_is_not_signed_well_is_one_and_the_same_refusal(
    secret: str, twist: dict[str, str]
) -> None:
    body = an_event()

    got = send(body, {**signed(secret, body), **twist})

    assert (got.status, got.json["errors"][0]["message"]) == (
        REFUSED,
        "The signature cannot be verified.",
    )
    assert queued() == []


@pytest.mark.parametrize(
    ("late", "status"), [(290, 202), (310, REFUSED), (-290, 202), (-310, REFUSED)]
)
def test_a_signature_is_good_for_five_minutes_both_ways(
    secret: str, late: int, status: int
) -> None:
    body = an_event()

    assert send(body, signed(secret, body, late=late)).status == status


def test_the_body_is_verified_byte_by_byte(secret: str) -> None:
    body = '{"b":1.0, "a":"é\\u00e9\\/", "type":"ping"}\n'
    headers = signed(secret, body)

    assert send(body, headers).status == 202
    assert send(body.replace(", ", ","), headers).status == REFUSED


@pytest.mark.parametrize(
    "path",
    [
        f"/api/webhooks/posabit/{THEIRS}",
        "/api/webhooks/posabit/999999",
        f"/api/webhooks/thsuite/{OURS}",
        f"/api/webhooks/clover/{OURS}",
    ],
)
def test_unknown_accounts_and_platforms_without_a_secret_are_refused_alike(
    secret: str, path: str
) -> None:
    body = an_event()

    known = send(body, {**signed(secret, body), "webhook-id": "x"})
    got = send(body, signed(secret, body), path)

    assert (got.status, got.json["errors"]) == (REFUSED, known.json["errors"])


def test_two_secrets_are_good_while_one_takes_the_place_of_the_other(secret: str) -> None:
    [old] = service().for_account(Uid(OURS))
    new = service().replace(Uid(OURS), old.id, 24, actor="user:owner").text
    body = an_event()
    by_both = signed(new, body, "evt-2")
    by_both["webhook-signature"] = f"v1,bad {by_both['webhook-signature']}"

    assert send(body, signed(secret, body)).status == 202
    assert send(body, by_both).status == 202
    service().revoke(Uid(OURS), old.id, actor="user:owner")
    assert send(body, signed(secret, body, "evt-3")).status == REFUSED
    assert send(body, signed(new, body, "evt-4")).status == 202


def test_an_event_delivered_again_is_taken_once(secret: str) -> None:
    body, other = an_event(firstName="Ana"), an_event(firstName="Eve")

    answers = [send(body, signed(secret, body)).status for _ in range(3)]
    conflict = send(other, signed(secret, other)).status

    assert [*answers, conflict] == [202] * 4
    assert len(queued()) == 1


def test_the_same_message_worked_off_twice_signs_up_once(secret: str) -> None:
    body = an_event(smsoptin=True)
    send(body, signed(secret, body))
    [told] = queued()
    worker = wiring.signups.webhook_worker()

    done = [worker.handle(text_job(told)) for _ in range(2)]  # type: ignore[arg-type]

    assert done == ["new", "known"]


def test_an_older_profile_never_takes_the_place_of_a_newer_one(secret: str) -> None:
    newer = an_event("profile.changed", 60, pos_id="7", email=E2, firstName="Anna")
    older = an_event("profile.changed", 180, pos_id="7", firstName="Ana")

    for number, body in enumerate((newer, older)):
        assert send(body, signed(secret, body, f"evt-{number}")).status == 202

    assert work() == ["changed", "known"]
    assert (profile().email, profile().first) == (E2, "Anna")
    assert profile().member is False


def test_unknown_types_are_acknowledged_and_bad_events_refused(secret: str) -> None:
    def told(body: str, webhook_id: str) -> Got:
        return send(body, signed(secret, body, webhook_id))

    unknown = told(an_event("order.created"), "evt-1")
    ahead = told(an_event(seconds_ago=-400), "evt-2")
    nothing = told('{"type": "signup", "occurred_at": 1764504000}', "evt-3")
    broken = told('{"type": ', "evt-4")

    assert (unknown.status, unknown.json["data"]) == (202, {"accepted": False})
    assert (ahead.status, nothing.status, broken.status) == (422, 422, 400)
    assert queued() == []


def test_while_the_queue_is_down_the_sender_is_to_try_again(
    secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = an_event()
    with monkeypatch.context() as patch:
        patch.setenv("QUEUE_WEBHOOKS_URL", "https://sqs.us-east-1.amazonaws.com/1/nowhere")
        wiring.reset()
        down = send(body, signed(secret, body))
    wiring.reset()

    assert (down.status, down.headers["Retry-After"]) == (503, "5")
    assert send(body, signed(secret, body)).status == 202
    assert len(queued()) == 1


def test_a_secret_is_stored_encrypted_and_shown_once(secret: str, shop: World) -> None:
    api = shop.gateway("Owner")
    path = f"/api/accounts/{OURS}/webhook-secrets"

    made = api.post(path, {"platform": "posabit"}).json
    listed = api.get(path).json["items"]

    assert made["secret"].startswith("whsec_")
    assert all("secret" not in each for each in listed)
    assert {each["last_four"] for each in listed} == {made["secret"][-4:], secret[-4:]}
    again = api.post(f"{path}/{made['id']}/replace", {"keep_old_hours": 0}).json
    assert again["secret"] != made["secret"]
    assert api.delete(f"{path}/{again['id']}").status == 204
    assert api.delete(f"{path}/nothing").status == 404
    assert api.post(path, {"platform": "clover"}).status == 422
