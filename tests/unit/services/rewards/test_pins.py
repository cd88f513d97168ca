"""A PIN proves a phone or an e-mail at the till (partner-api.md, S13)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.consent import Entry
from chalicelib.domain.errors import Conflict, NotFound, TooManyRequests
from chalicelib.domain.pins import WrongPin
from chalicelib.domain.times import DAY, MINUTE
from chalicelib.domain.words import POINT, Uid
from chalicelib.services.consent.log import append_entries
from chalicelib.services.job_messages.text_jobs import SendPin, text_job
from chalicelib.services.ports.texting import Switch
from chalicelib.services.texting.send_pin import SendPins
from tests.fakes.facts import Crash
from tests.fakes.texting import FakeCarrier
from tests.worlds.rewards import TILL, RewardedShop
from tests.worlds.shop import ANA, UID

PHONE, EMAIL = "+12065550001", "ana@example.com"


@pytest.fixture
def shop() -> RewardedShop:
    return RewardedShop()


def ask(shop: RewardedShop, phone: str | None = PHONE, **whose: Any) -> str:
    """Ask for a PIN; it is what the message that sends it says."""
    whose = {"phone": phone, "email": None, "actor": TILL, **whose}
    shop.pins.send(Uid(UID), **whose)
    return message(shop).code


def message(shop: RewardedShop) -> SendPin:
    job = text_job(shop.queue.bodies[-1])
    assert isinstance(job, SendPin)
    return job


def confirm(shop: RewardedShop, code: str, phone: str | None = PHONE, **whose: Any) -> str:
    whose = {"phone": phone, "email": None, "actor": TILL, **whose}
    return shop.pins.confirm(Uid(UID), code, **whose).persona.id


def test_a_pin_is_good_once_and_for_ten_minutes(shop: RewardedShop) -> None:
    code = ask(shop)
    assert (code, message(shop).channel, message(shop).contact) == ("3333", "sms", PHONE)

    assert confirm(shop, f" {code} ") == shop.rid()
    with pytest.raises(WrongPin):
        confirm(shop, code)

    shop.clock.at += MINUTE
    code = ask(shop)
    shop.clock.at += 10 * MINUTE
    with pytest.raises(WrongPin):
        confirm(shop, code)


def test_a_newer_pin_ends_the_one_before(shop: RewardedShop) -> None:
    first = ask(shop)
    shop.clock.at += MINUTE
    shop.pins = replace(shop.pins, draw=lambda _below: 7)
    second = ask(shop)

    assert second == "0007"
    with pytest.raises(WrongPin):
        confirm(shop, first)
    assert confirm(shop, "7") == shop.rid(), "clients that send numbers lose the zeros"


def test_pins_are_asked_for_once_a_minute_and_five_times_a_day(shop: RewardedShop) -> None:
    ask(shop)
    with pytest.raises(TooManyRequests) as refusal:
        ask(shop)
    assert refusal.value.details["retry_after"] == 60

    for _ in range(4):
        shop.clock.at += MINUTE
        ask(shop)
    shop.clock.at += MINUTE
    with pytest.raises(TooManyRequests, match="tomorrow"):
        ask(shop)
    shop.clock.at += DAY - 5 * MINUTE
    ask(shop)
    assert len(shop.queue.bodies) == 6


def test_five_wrong_tries_lock_the_contact_whoever_tries_and_a_new_pin_opens_no_lock(
    shop: RewardedShop,
) -> None:
    code = ask(shop)
    for number in range(5):
        with pytest.raises(WrongPin):
            confirm(shop, "0000", actor=f"key:{number}", phone="+12065550001")

    with pytest.raises(TooManyRequests, match="15 minutes"):
        confirm(shop, code)
    shop.clock.at += MINUTE
    newer = ask(shop)
    with pytest.raises(TooManyRequests):
        confirm(shop, newer)
    shop.clock.at += 14 * MINUTE
    shop.clock.at += MINUTE
    newest = ask(shop)
    assert confirm(shop, newest) == shop.rid()


def test_fifty_wrong_codes_of_a_key_stop_its_pins_for_an_hour(shop: RewardedShop) -> None:
    for number in range(50):
        shop.tell(replace(ANA, ext_id=f"g{number}", phone=f"+1206556{number:04d}", email=None))
        with pytest.raises(WrongPin):
            confirm(shop, "0000", phone=f"+1206556{number:04d}")

    code_of_another = ask(shop, actor="key:other")
    with pytest.raises(TooManyRequests, match="this key"):
        confirm(shop, code_of_another)
    with pytest.raises(TooManyRequests, match="this key"):
        ask(shop, phone="+12065560001")
    [told] = shop.notified.open_for(UID)
    assert (told.kind, told.subject) == ("pins_guessed", TILL)
    assert confirm(shop, code_of_another, actor="key:other") == shop.rid()

    shop.clock.at += 60 * MINUTE
    confirm(shop, ask(shop))
    assert shop.notified.open_for(UID) == []


def test_where_no_text_can_go_the_reason_is_said_and_the_e_mail_offered(
    shop: RewardedShop,
) -> None:
    with pytest.raises(NotFound):
        ask(shop, phone="+12065550099")

    stop = Entry("s", shop.clock.at, "stop", "sms", "shopper")
    append_entries(shop.log, shop.clock, Uid(UID), "sms", PHONE, [stop])
    with pytest.raises(Conflict, match=r"opted out.*E-mail"):
        ask(shop)
    shop.texting.save(UID, shop.texting.get(UID), replace(shop.texting.get(UID), number=None))
    with pytest.raises(Conflict, match="no number to send from"):
        ask(shop)
    shop.switch.turn(Switch(off=True))
    with pytest.raises(Conflict, match="stopped"):
        ask(shop)

    code = ask(shop, phone=None, email=EMAIL)
    assert (message(shop).channel, message(shop).contact) == ("email", EMAIL)
    assert confirm(shop, code, phone=None, email="Ana@Example.com") == shop.rid()
    shop.clock.at += MINUTE
    at_counter = shop.counter.ask_for_pin(Uid(UID), shop.rid(), actor="user:sam")
    assert at_counter == "email"


def test_neither_contact_nor_pin_is_stored(shop: RewardedShop) -> None:
    code = ask(shop)

    stored = repr(shop.counter.pins.pins.__dict__)
    assert PHONE not in stored
    assert code not in stored


def test_the_worker_sends_it_once_and_logs_that_one_went(shop: RewardedShop) -> None:
    code = ask(shop)
    carrier, mails = FakeCarrier(), Mails()
    worker = SendPins(
        settings=shop.texting,
        accounts=shop.accounts,
        texts=shop.log,
        contact_states=shop.log,
        sender=carrier,
        mailer=mails,
        switch=shop.switch,
        clock=shop.clock,
    )

    assert [worker.handle(message(shop)) for _ in range(2)] == ["sent", None]
    [body] = carrier.bodies(PHONE)
    assert code in body
    logged, _ = shop.log.texts(UID, message(shop).day, 10, None)
    assert [(text.kind, code in text.body) for text in logged] == [("pin", False)]

    shop.clock.at += 10 * MINUTE
    ask(shop)
    shop.clock.at += 10 * MINUTE
    assert worker.handle(message(shop)) is None, "nobody waits for it any more"
    ask(shop, phone=None, email=EMAIL)
    assert worker.handle(message(shop)) == "sent"
    assert [to for to, _ in mails.sent] == [EMAIL]


def test_a_right_pin_makes_wrong_codes_of_the_key_for_others_no_better(
    shop: RewardedShop,
) -> None:
    for number in range(49):
        shop.tell(replace(ANA, ext_id=f"g{number}", phone=f"+1206556{number:04d}", email=None))
        with pytest.raises(WrongPin):
            confirm(shop, "0000", phone=f"+1206556{number:04d}")
    assert confirm(shop, ask(shop)) == shop.rid(), "whoever guesses has a phone of their own"

    with pytest.raises(WrongPin):
        confirm(shop, "0000", phone="+12065560000")
    with pytest.raises(TooManyRequests, match="this key"):
        confirm(shop, "0000", phone="+12065560001")


class Mails:
    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []

    def send(self, to: str, subject: str, text: str) -> None:  # noqa: ARG002
        self.sent.append((to, text))


def test_an_account_may_ask_for_the_pin_at_its_counter(shop: RewardedShop) -> None:
    shop.give(300)
    shop.accounts.update(replace(shop.accounts.get(UID), counter_pin=True))

    def redeem(key: str, pin: str | None) -> Any:
        return shop.counter.redeem(
            Uid(UID), shop.rid(), shop.ten.id, 100 * POINT, key, pin=pin, actor="user:sam"
        )

    with pytest.raises(WrongPin, match="Ask the shopper"):
        redeem("k1", None)
    assert shop.counter.ask_for_pin(Uid(UID), shop.rid(), actor="user:sam") == "sms"
    with pytest.raises(WrongPin):
        redeem("k1", "0000")
    done = redeem("k1", message(shop).code)
    assert redeem("k1", message(shop).code) == done, "a lost answer needs no other PIN"
    with pytest.raises(WrongPin):
        redeem("k2", message(shop).code)
    assert shop.points() == 200


def test_a_redemption_that_died_may_use_its_pin_again_and_nothing_else_may(
    shop: RewardedShop,
) -> None:
    shop.give(300)
    shop.accounts.update(replace(shop.accounts.get(UID), counter_pin=True))
    shop.counter.ask_for_pin(Uid(UID), shop.rid(), actor="user:sam")
    pin = message(shop).code

    def redeem(key: str, actor: str = "user:sam") -> Any:
        return shop.counter.redeem(
            Uid(UID), shop.rid(), shop.ten.id, 100 * POINT, key, pin=pin, actor=actor
        )

    shop.facts.crash_in = 0
    with pytest.raises(Crash):
        redeem("k1")
    shop.facts.crash_in = None

    with pytest.raises(WrongPin):
        redeem("k2")
    with pytest.raises(WrongPin):
        redeem("k1", actor="user:kim")
    redeem("k1")
    assert shop.points() == 200


def test_a_named_call_may_use_its_pin_again_while_it_lives(shop: RewardedShop) -> None:
    code = ask(shop)
    confirm(shop, code, call="visit-1")

    assert confirm(shop, code, call="visit-1") == shop.rid()
    for other in ("", "visit-2"):
        with pytest.raises(WrongPin):
            confirm(shop, code, call=other)
    shop.clock.move(601)
    with pytest.raises(WrongPin):
        confirm(shop, code, call="visit-1")


def test_a_newer_pin_ends_what_a_call_used_too(shop: RewardedShop) -> None:
    code = ask(shop)
    confirm(shop, code, call="visit-1")
    shop.clock.move(61)
    shop.pins = replace(shop.pins, draw=lambda below: below // 4)
    ask(shop)

    with pytest.raises(WrongPin):
        confirm(shop, code, call="visit-1")


def test_a_pin_opens_the_wallet_of_whoever_has_the_contact_that_it_was_sent_to(
    shop: RewardedShop,
) -> None:
    """Not that of somebody else's e-mail, given beside a phone that nobody has."""
    nobodys = {"phone": "+12065550099", "email": EMAIL}

    with pytest.raises(NotFound):
        ask(shop, **nobodys)
    assert shop.queue.bodies == []
    code = ask(shop)
    with pytest.raises(NotFound):
        confirm(shop, code, **nobodys)


def test_a_phone_that_cannot_be_one_leaves_the_e_mail(shop: RewardedShop) -> None:
    whose = {"phone": "206", "email": EMAIL}

    code = ask(shop, **whose)

    assert message(shop).contact == EMAIL
    assert confirm(shop, code, **whose) == shop.rid()
