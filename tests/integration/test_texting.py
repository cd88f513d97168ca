"""Texts on the deployed stack: what a phone receives, and what its answers change (§9)."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pytest

from chalicelib.domain.consent import Entry, derive_consent
from chalicelib.domain.contact_states import (
    ContactState,
    WantedRequest,
    begin_request,
    finish_request,
    plan_request,
)
from chalicelib.domain.texting import WORDINGS
from chalicelib.entrypoints import wiring
from chalicelib.services.consent.circumstances import CircumstancesReader
from chalicelib.services.job_messages.text_jobs import RequestJob
from chalicelib.services.ports.effects import Ask
from chalicelib.services.ports.integrations import AgeGate, Integration
from chalicelib.services.ports.texting import Text
from chalicelib.services.texting.requests import RequestSender
from simulators.phone.network import Network
from tests.e2e.stage import new_retailer
from tests.fakes.common import FakeClock
from tests.fakes.integrations import MemoryIntegrations
from tests.fakes.stores import MemoryStores
from tests.fakes.texting import FakeCarrier, FakeCore, FakeSwitch
from tests.waiting import eventually
from tests.worlds.texting import DAYTIME
from tools.demo.retailer import Retailer
from tools.number import assign
from tools.stack import LocalStack
from tools.stage import as_if_deployed
from tools.texting import turn

RECORD = "a" * 32
WORKERS = 6
CONFIRMED, OPTED_OUT, HELP = "You are now signed up", "You are opted out", "You get texts"


NUMBERS = [
    f"+1{area}55501{last:02d}"
    for area in (206, 212, 303, 312, 406, 415, 425, 503, 509, 512, 602, 617, 702, 801, 907)
    for last in range(100)
]
"""Those that nobody has: 555-0100 to 555-0199."""

FREE = iter(secrets.SystemRandom().sample(NUMBERS, len(NUMBERS)))


def a_number() -> str:
    """Nobody else's in this session, and hardly one of an earlier session on the same stack."""
    return next(FREE)


@dataclass
class Shopper:
    """A shopper with a phone, and the shop that it writes to."""

    stack: LocalStack
    retailer: Retailer
    shop: str
    number: str = field(default_factory=a_number)

    @property
    def phone(self) -> Network:
        return Network(self.stack.endpoint_url, self.stack.outputs["TopicInboundSmsArn"])

    def received(self) -> list[str]:
        return [message.body for message in self.phone.received(self.number)]

    def text(self, body: str, message: str | None = None, to: str | None = None) -> None:
        self.phone.say(self.number, body, to or self.shop, message)

    def contact_state(self) -> ContactState:
        with self.inside():
            return wiring.outside.consent_log().read(self.retailer.uid, "sms", self.number).state

    def is_in(self, state: str) -> bool:
        return bool(eventually(lambda: self.contact_state().consent.state == state, every=0.5))

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
def shopper(stack: LocalStack) -> Shopper:
    retailer = new_retailer(stack)
    shop = a_number()
    assign(stack.client, stack.outputs, shop, retailer.uid)
    change = {"number": shop, "brand": "Green Leaf"}
    answer = retailer.ask("PATCH", "/texting", json=change, headers={"If-Match": '"0"'})
    assert answer.status_code == 200, answer.text
    return Shopper(stack, retailer, shop)


def asked(shopper: Shopper) -> None:
    """The shopper has been sent a request a moment ago."""
    uid = shopper.retailer.uid
    with shopper.inside():
        now, day = wiring.outside.clock().now(), "2026-01-01"
        before = ContactState(shopper.number)
        state = begin_request(
            plan_request(before, WantedRequest(RECORD, "posabit", now)), "posabit", now, day
        )
        request = Entry(state.requests[0].id, now, "request", "aiq")
        state = replace(state, consent=derive_consent([request]))
        text = Text("seed", uid, "request", shopper.number, "Reply YES", 1, now, day)
        texts = wiring.outside.texts()
        assert texts.begin(text, None, before=before, after=state, entries=[request]) == "begun"
        sending = wiring.outside.consent_log().read(uid, "sms", shopper.number).state
        assert texts.end(
            text, "sent", before=sending, after=finish_request(sending, "sent", limit=2)
        )


def test_a_yes_opts_in_and_a_stop_opts_out_each_confirmed_once(shopper: Shopper) -> None:
    asked(shopper)

    shopper.text("Yes!", message="m1" + shopper.number)
    assert shopper.is_in("opted_in")
    shopper.text("Yes!", message="m1" + shopper.number)
    assert shopper.gets(1, CONFIRMED)

    shopper.text("stop")
    assert shopper.is_in("opted_out")
    shopper.text("STOPALL")
    shopper.text("help")

    assert shopper.gets(1, OPTED_OUT)
    assert shopper.gets(0, HELP)
    assert shopper.gets(1, CONFIRMED)


def test_help_is_answered_from_the_shops_number(shopper: Shopper) -> None:
    shopper.text("HELP")

    assert shopper.gets(1, HELP)
    assert [message.sender for message in shopper.phone.received(shopper.number)] == [shopper.shop]
    assert shopper.contact_state().consent.state == "unknown"


def test_a_message_to_a_number_of_nobody_is_kept_for_the_operator(shopper: Shopper) -> None:
    nobody = a_number()

    shopper.text("STOP", to=nobody)

    dead = shopper.stack.resources["TextsDeadQueue"]
    found: list[str] = []

    def look() -> bool:
        answer = shopper.stack.client("sqs").receive_message(
            QueueUrl=dead, MaxNumberOfMessages=10, VisibilityTimeout=1
        )
        found.extend(message["Body"] for message in answer.get("Messages", ()))
        return any(nobody in body for body in found)

    assert eventually(look)


def test_a_test_goes_to_the_number_typed_and_is_counted(shopper: Shopper) -> None:
    answer = shopper.retailer.ask("POST", "/texting/test", json={"number": shopper.number})

    assert answer.status_code == 202, answer.text
    assert shopper.gets(1, "Green Leaf: This is a test.")
    assert eventually(lambda: shopper.retailer.get("/texting")["today"]["texts"] == 1)


def test_the_schedule_hands_what_is_due_to_the_worker(shopper: Shopper) -> None:
    """Nobody holds the number, so the worker gives the request up and says why."""
    with shopper.inside():
        now = wiring.outside.clock().now()
        state = plan_request(ContactState(shopper.number), WantedRequest(RECORD, "posabit", now))
        assert wiring.outside.consent_log().write(
            shopper.retailer.uid, ContactState(shopper.number), state
        )
    assert shopper.retailer.get("/texting")["waiting"] == 1

    shopper.stack.tick("ReleaseTexts")

    assert eventually(lambda: shopper.contact_state().wanted is None, every=0.5)
    dropped = shopper.contact_state().dropped
    assert dropped is not None
    assert dropped.reason == "nobody"
    assert shopper.received() == []
    assert shopper.retailer.get("/texting")["waiting"] == 0


def test_of_many_workers_on_one_number_one_sends(shopper: Shopper) -> None:
    """The table is the deployed one; carrier, core and clock are the test's."""
    uid, number = shopper.retailer.uid, shopper.number
    carrier, core, clock = FakeCarrier(), FakeCore(), FakeClock(DAYTIME)
    core.put(uid, RECORD, number)
    integrations = MemoryIntegrations()
    gate = AgeGate("user:ann", 0)
    integrations.rows[uid, "posabit"] = Integration(uid, "posabit", "connected", gate)
    with shopper.inside():
        log, texts = wiring.outside.consent_log(), wiring.outside.texts()
        circumstances_reader = CircumstancesReader(
            held_personas=core,
            accounts=wiring.outside.accounts(),
            stores=MemoryStores(),
            integrations=integrations,
            settings=wiring.outside.texting_settings(),
            contact_states=log,
            switch=FakeSwitch(),
            clock=clock,
            mobile=wiring.typed_contacts.can_be_mobile,
        )
        sender = RequestSender(log, texts, carrier, circumstances_reader, clock)
        wiring.consent.consent_service().note_asks(uid, [Ask(number, RECORD, "posabit")])

        with ThreadPoolExecutor(WORKERS) as workers:
            done = list(
                workers.map(lambda _: sender.handle(RequestJob(uid, number)), range(3 * WORKERS))
            )

        state = log.read(uid, "sms", number).state
        counts = texts.totals(uid, state.requests[0].day)
    assert done.count("sent") == 1
    assert set(done) <= {"sent", "held", "busy"}
    assert carrier.bodies(number) == [WORDINGS["request"].replace("{brand}", "Green Leaf")]
    assert (len(state.requests), state.requests[0].outcome, counts.texts) == (1, "sent", 1)


def test_the_operator_turns_texting_off_and_on(stack: LocalStack, shopper: Shopper) -> None:
    off = turn(stack.client, stack.outputs, "off", by="operator", reason="a test")
    try:
        assert off.off
        assert turn(stack.client, stack.outputs, "", by="", reason="") == off
    finally:
        on = turn(stack.client, stack.outputs, "on", by="operator", reason="")
    assert not on.off
