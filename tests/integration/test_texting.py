"""Texts on the deployed stack: what a phone receives, and what its answers change (§9)."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pytest

from chalicelib.domain.asking import Head, Wanted, begin, finish, want
from chalicelib.domain.consent import Entry, derive
from chalicelib.entrypoints import wiring
from chalicelib.services.ports.texting import Text
from tests.e2e.stage import new_retailer
from tests.waiting import eventually
from tools.account import as_if_deployed
from tools.demo.retailer import Retailer
from tools.stack import LocalStack
from tools.texting import turn

RECORD = "a" * 32
CONFIRMED, OPTED_OUT, HELP = "You are now signed up", "You are opted out", "You get texts"


def a_number(area: str) -> str:
    """Nobody else's in this session."""
    return f"+1{area}55501{secrets.randbelow(100):02d}"


@dataclass
class Phone:
    """A shopper's phone, and the shop that it writes to."""

    stack: LocalStack
    retailer: Retailer
    shop: str
    number: str = field(default_factory=lambda: a_number("425"))

    def received(self) -> list[str]:
        answer = self.stack.http.get(
            f"{self.stack.endpoint_url}/_ministack/sns/sms-messages",
            params={"phoneNumber": self.number},
        )
        kept = answer.json()["sms_messages"].get(self.number, [])
        return [message["Message"] for message in kept]

    def text(self, body: str, message: str | None = None, to: str | None = None) -> None:
        """As End User Messaging publishes it; the local SNS needs a subject and an attribute."""
        payload = {
            "originationNumber": self.number,
            "destinationNumber": to or self.shop,
            "messageKeyword": "KEYWORD",
            "messageBody": body,
            "inboundMessageId": message or secrets.token_hex(8),
            "previousPublishedMessageId": "",
        }
        self.stack.client("sns").publish(
            TopicArn=self.stack.outputs["TopicInboundSmsArn"],
            Subject="inbound",
            Message=json.dumps(payload),
            MessageAttributes={"source": {"DataType": "String", "StringValue": "sms"}},
        )

    def head(self) -> Head:
        with self.inside():
            return wiring.consent_log().read(self.retailer.uid, "sms", self.number).head

    def is_in(self, state: str) -> bool:
        return bool(eventually(lambda: self.head().consent.state == state, every=0.5))

    def gets(self, count: int, words: str) -> bool:
        """Whether this is how many texts with these words it has got, in the end."""
        return bool(
            eventually(lambda: sum(words in text for text in self.received()) >= count)
        ) and (sum(words in text for text in self.received()) == count)

    @contextmanager
    def inside(self) -> Iterator[None]:
        with as_if_deployed(self.stack.client, self.stack.outputs["APIHandlerName"]):
            yield


@pytest.fixture
def phone(stack: LocalStack) -> Phone:
    retailer = new_retailer(stack)
    shop = f"+1206555{secrets.randbelow(10_000):04d}"
    change = {"number": shop, "brand": "Green Leaf"}
    answer = retailer.ask("PATCH", "/texting", json=change, headers={"If-Match": '"0"'})
    assert answer.status_code == 200, answer.text
    return Phone(stack, retailer, shop)


def asked(phone: Phone) -> None:
    """The shopper has been sent a request a moment ago."""
    uid = phone.retailer.uid
    with phone.inside():
        now, day = wiring.clock().now(), "2026-01-01"
        before = Head(phone.number)
        head = begin(want(before, Wanted(RECORD, "posabit", now)), "posabit", now, day)
        request = Entry(head.requests[0].id, now, "request", "aiq")
        head = replace(head, consent=derive([request]))
        text = Text("seed", uid, "request", phone.number, "Reply YES", 1, now, day)
        texts = wiring.texts()
        assert texts.begin(text, None, before=before, after=head, entries=[request]) == "begun"
        sending = wiring.consent_log().read(uid, "sms", phone.number).head
        assert texts.end(text, "sent", before=sending, after=finish(sending, "sent", limit=2))


def test_a_yes_opts_in_and_a_stop_opts_out_each_confirmed_once(phone: Phone) -> None:
    asked(phone)

    phone.text("Yes!", message="m1" + phone.number)
    assert phone.is_in("opted_in")
    phone.text("Yes!", message="m1" + phone.number)
    assert phone.gets(1, CONFIRMED)

    phone.text("stop")
    assert phone.is_in("opted_out")
    phone.text("STOPALL")
    phone.text("help")

    assert phone.gets(1, OPTED_OUT)
    assert phone.gets(0, HELP)
    assert phone.gets(1, CONFIRMED)


def test_help_is_answered_from_the_shops_number(phone: Phone) -> None:
    phone.text("HELP")

    assert phone.gets(1, HELP)
    assert phone.head().consent.state == "unknown"


def test_a_message_to_a_number_of_nobody_is_kept_for_the_operator(phone: Phone) -> None:
    nobody = f"+1509555{secrets.randbelow(10_000):04d}"

    phone.text("STOP", to=nobody)

    dead = phone.stack.resources["TextsDeadQueue"]
    found: list[str] = []

    def look() -> bool:
        answer = phone.stack.client("sqs").receive_message(
            QueueUrl=dead, MaxNumberOfMessages=10, VisibilityTimeout=1
        )
        found.extend(message["Body"] for message in answer.get("Messages", ()))
        return any(nobody in body for body in found)

    assert eventually(look)


def test_a_test_goes_to_the_number_typed_and_is_counted(phone: Phone) -> None:
    answer = phone.retailer.ask("POST", "/texting/test", json={"number": phone.number})

    assert answer.status_code == 202, answer.text
    assert phone.gets(1, "Green Leaf: This is a test.")
    assert eventually(lambda: phone.retailer.get("/texting")["today"]["texts"] == 1)


def test_the_schedule_hands_what_is_due_to_the_worker(phone: Phone) -> None:
    """Nobody holds the number, so the worker gives the request up and says why."""
    with phone.inside():
        now = wiring.clock().now()
        head = want(Head(phone.number), Wanted(RECORD, "posabit", now))
        assert wiring.consent_log().write(phone.retailer.uid, Head(phone.number), head)
    assert phone.retailer.get("/texting")["waiting"] == 1

    phone.stack.tick("ReleaseTexts")

    assert eventually(lambda: phone.head().wanted is None, every=0.5)
    dropped = phone.head().dropped
    assert dropped is not None
    assert dropped.reason == "nobody"
    assert phone.received() == []
    assert phone.retailer.get("/texting")["waiting"] == 0


def test_the_operator_turns_texting_off_and_on(stack: LocalStack, phone: Phone) -> None:
    off = turn(stack.client, stack.outputs, "off", by="operator", reason="a test")
    try:
        assert off.off
        assert turn(stack.client, stack.outputs, "", by="", reason="") == off
    finally:
        on = turn(stack.client, stack.outputs, "on", by="operator", reason="")
    assert not on.off
