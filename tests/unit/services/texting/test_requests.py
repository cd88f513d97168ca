"""Requests for consent: checked again at sending time, and sent at most once (product.md §9)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time
from typing import Any

import pytest

from chalicelib.domain.consent_requests import NEVER_TEXTED
from chalicelib.domain.contact_states import SENDING_AT_MOST
from chalicelib.domain.times import HOUR, MINUTE
from chalicelib.services.consent.log import ContactBusy
from chalicelib.services.job_messages.account_jobs import HeldMessage, account_job
from chalicelib.services.ports.effects import Ask, ConsentFlag
from chalicelib.services.ports.stores import Store
from chalicelib.services.ports.texting import NumberUnusable, Switch, TextRefused, TextUnknown
from chalicelib.services.texting.release import BATCH
from tests.fakes.texting import Crash
from tests.worlds.texting import DAYTIME, OURS, RECORD, SECOND, SHOP, SHOPPER, THEIRS, Shop


@pytest.fixture
def shop() -> Shop:
    made = Shop()
    made.shopper()
    return made


def flag(value: str, number: str = SHOPPER, seq: int = 1, at: int = DAYTIME) -> ConsentFlag:
    return ConsentFlag("sms", number, value, "posabit", RECORD, seq, at)  # type: ignore[arg-type]


def test_a_wanted_number_gets_one_request_from_its_accounts_number(shop: Shop) -> None:
    """Seeds, *Send SMS double opt-ins to Personas who purchased after*: "Sends an SMS double opt-in
    request to shoppers with a phone number who had a sale on or after the date you specify. Takes
    24 hours to trigger." Whom it covers is the core's; what it sends is tested here."""
    assert shop.tick() == 1
    assert shop.tick() == 0

    [(origination, number, body)] = shop.carrier.outbox
    assert (origination, number) == (SHOP[OURS], SHOPPER)
    assert body.startswith("Green Leaf: Reply YES")
    assert shop.contact_state().consent.state == "requested"


def test_what_was_sent_is_kept_with_whom_when_why_and_its_message_id(shop: Shop) -> None:
    shop.ask()

    [text] = shop.texts.texts(OURS, "2026-01-01", 10, None)[0]
    assert (text.kind, text.number, text.why, text.state) == ("request", SHOPPER, "posabit", "sent")
    assert (text.message_id, text.at) == ("msg-1", DAYTIME)
    [entry] = shop.texts.read(OURS, "sms", SHOPPER).entries
    assert (entry.act, entry.wording) == ("request", text.body)
    assert entry.evidence == {"platform": "posabit", "record": RECORD}


def test_another_accounts_shopper_of_the_same_number_is_another_matter(shop: Shop) -> None:
    shop.ask()
    shop.shopper(uid=THEIRS)

    assert shop.contact_state(uid=THEIRS).consent.state == "unknown"
    assert shop.ask(uid=THEIRS) == "sent"
    assert [origin for origin, _, _ in shop.carrier.outbox] == [SHOP[OURS], SHOP[THEIRS]]


def test_wanting_again_after_a_crash_changes_nothing(shop: Shop) -> None:
    before = shop.contact_state()

    shop.wait(1)
    shop.consent.note_asks(OURS, [Ask(SHOPPER, RECORD, "posabit")] * 2)

    assert shop.contact_state() == before


def test_a_number_that_cannot_be_a_mobile_is_not_even_noted(shop: Shop) -> None:
    shop.consent.note_asks(OURS, [Ask("+18005550123", RECORD, "posabit")])

    assert shop.contact_state("+18005550123").wanted is None


def untick(shop: Shop) -> None:
    shop.source(ticked=False)


def disconnect(shop: Shop) -> None:
    shop.source(live=False)


def let_go(shop: Shop) -> None:
    shop.core.put(OURS, RECORD, SHOPPER, asked_by=())


def change_number(shop: Shop) -> None:
    shop.core.put(OURS, RECORD, SECOND, SHOPPER)


def lose_number(shop: Shop) -> None:
    shop.core.put(OURS, RECORD, SECOND)


def vanish(shop: Shop) -> None:
    shop.core.held_personas.clear()


def opt_out(shop: Shop) -> None:
    shop.says("STOP")


def opt_out_elsewhere(shop: Shop) -> None:
    shop.core.put(OURS, RECORD, SHOPPER, SECOND)
    shop.says("STOP", number=SECOND)


def opt_in(shop: Shop) -> None:
    shop.says("START")


def flag_no(shop: Shop) -> None:
    shop.consent.note_flags(OURS, [flag("no")])


def stop_sending(shop: Shop) -> None:
    shop.plan(sms_stopped=True)


@pytest.mark.parametrize(
    ("happens", "reason"),
    [
        (untick, "age_gate"),
        (disconnect, "disconnected"),
        (let_go, "setting"),
        (change_number, "another_number"),
        (lose_number, "nobody"),
        (vanish, "nobody"),
        (opt_out, "opted_out"),
        (opt_out_elsewhere, "opted_out_elsewhere"),
        (opt_in, "opted_in"),
        (flag_no, "opted_out"),
        (stop_sending, "stopped"),
    ],
)
def test_what_changed_since_it_was_wanted_stops_it(
    shop: Shop, happens: Callable[[Shop], None], reason: str
) -> None:
    happens(shop)
    shop.carrier.outbox.clear()

    shop.ask()

    assert shop.carrier.bodies(SHOPPER) == []
    dropped = shop.contact_state().dropped
    assert dropped is not None
    assert dropped.reason == reason


@pytest.mark.parametrize("flagged", sorted(NEVER_TEXTED))
def test_a_flagged_persona_is_never_texted(shop: Shop, flagged: str) -> None:
    shop.core.put(OURS, RECORD, SHOPPER, flags={flagged})

    assert shop.ask() == "dropped"
    assert shop.carrier.outbox == []


def test_a_request_that_lingers_past_the_closing_hour_does_not_go(shop: Shop) -> None:
    """Only between 08:00 and 21:00 (product.md §9), however long a write takes."""
    shop.clock.at = DAYTIME + 9 * HOUR - 1
    shop.texts.meddle = lambda: shop.wait(1 / 3600)

    assert shop.ask() == "refused"

    assert shop.carrier.outbox == []
    assert (shop.contact_state().requests, shop.contact_state().consent.state) == ((), "unknown")
    assert shop.texts.totals(OURS, "2026-01-01").texts == 0
    shop.wait(1)
    assert shop.ask() == "held"
    shop.wait(10)
    assert shop.ask() == "sent"


def test_a_dropped_one_goes_when_it_is_wanted_again_later(shop: Shop) -> None:
    untick(shop)
    shop.ask()

    shop.source(ticked=True)
    shop.shopper()

    assert shop.ask() == "sent"


def test_a_persona_that_holds_the_number_now_is_asked_in_place_of_the_one_that_did(
    shop: Shop,
) -> None:
    shop.core.put(OURS, RECORD, SECOND)
    shop.core.put(OURS, "b" * 32, SHOPPER)

    assert shop.ask() == "sent"


def test_a_yes_makes_the_person_a_member_who_was_asked_not_the_one_it_was_wanted_for(
    shop: Shop,
) -> None:
    """product.md §7: "A YES also makes them a member"."""
    shop.core.put(OURS, RECORD, SECOND)
    shop.core.put(OURS, "c" * 32, SHOPPER)

    shop.ask()
    shop.says("YES")

    assert shop.core.joined == {(OURS, "c" * 32): {"double_opt_in:posabit"}}
    assert shop.contact_state().requests[0].record == "c" * 32


def no_number(shop: Shop) -> None:
    shop.rules(number=None)


def switch_off(shop: Shop) -> None:
    shop.switch.turn(Switch(off=True))


def at_night(shop: Shop) -> None:
    shop.wait(9)


def in_hawaii(shop: Shop) -> None:
    shop.stores.create(Store(OURS, 0, "Hilo", time_zone="Pacific/Honolulu"))
    shop.core.put(OURS, RECORD, SHOPPER, favourite_store=1)
    shop.wait(-3)


def not_yet(shop: Shop) -> None:
    shop.plan(sms_from=shop.clock.now() + HOUR)


def full_day(shop: Shop) -> None:
    shop.rules(daily_cap=0)


def full_month(shop: Shop) -> None:
    shop.rules(monthly_budget=0)


@pytest.mark.parametrize(
    ("happens", "reason", "hours"),
    [
        (no_number, "no_number", 6),
        (switch_off, "off", 1 / 6),
        (at_night, "quiet_hours", 11),
        (in_hawaii, "quiet_hours", 1),
        (not_yet, "not_yet", 1),
        (full_day, "daily_cap", 20),
        (full_month, "monthly_budget", 31 * 24 - 4),
    ],
)
def test_what_passes_by_itself_holds_it_until_then(
    shop: Shop, happens: Callable[[Shop], None], reason: str, hours: float
) -> None:
    happens(shop)

    assert shop.ask() == "held"

    assert shop.carrier.outbox == []
    state = shop.contact_state()
    assert (state.held, state.due_at) == (reason, shop.clock.now() + round(hours * HOUR))


def test_a_store_without_a_zone_or_that_is_gone_keeps_the_accounts_hours(shop: Shop) -> None:
    shop.stores.create(Store(OURS, 0, "Ballard"))
    shop.core.put(OURS, RECORD, SHOPPER, favourite_store=1)
    assert shop.ask() == "sent"

    shop.core.put(OURS, "b" * 32, SECOND, favourite_store=99)
    shop.consent.note_asks(OURS, [Ask(SECOND, "b" * 32, "posabit")])
    assert shop.ask(SECOND) == "sent"


def test_a_held_one_goes_by_the_schedule_when_the_window_opens(shop: Shop) -> None:
    at_night(shop)
    shop.tick()

    shop.wait(10.9)
    assert shop.tick() == 0
    shop.wait(0.2)
    assert shop.tick() == 1
    assert len(shop.carrier.outbox) == 1


def test_the_daily_cap_lets_through_that_many_and_holds_the_others(shop: Shop) -> None:
    shop.rules(daily_cap=2)
    for number in range(4):
        shop.shopper(f"+1206555020{number}", f"{number:032x}")

    shop.tick()
    assert len(shop.carrier.outbox) == 2
    shop.wait(20)
    shop.tick()
    assert len(shop.carrier.outbox) == 4


def wait_for_the_cap(shop: Shop) -> None:
    shop.rules(daily_cap=2)


def wait_for_the_budget(shop: Shop) -> None:
    shop.rules(monthly_budget=2)


@pytest.mark.parametrize(
    ("setting", "change"),
    [
        (wait_for_the_cap, {"daily_cap": 3}),
        (wait_for_the_budget, {"monthly_budget": 3}),
    ],
)
def test_a_cap_that_is_raised_lets_more_of_the_held_requests_go_at_once(
    shop: Shop, setting: Callable[[Shop], None], change: dict[str, int]
) -> None:
    setting(shop)
    for number in range(4):
        shop.shopper(f"+1206555020{number}", f"{number:032x}")
    shop.tick()
    assert len(shop.carrier.outbox) == 2

    shop.change(**change)
    shop.tick()

    assert len(shop.carrier.outbox) == 3


def test_longer_hours_and_a_number_let_held_requests_go(shop: Shop) -> None:
    shop.rules(closes=time(9), number=None)
    shop.tick()
    assert shop.contact_state().held == "no_number"

    shop.settings.assign(SHOP[OURS], OURS)
    shop.change(number=SHOP[OURS])
    shop.tick()
    assert shop.contact_state().held == "quiet_hours"
    shop.change(closes="20:30")
    shop.tick()

    assert len(shop.carrier.outbox) == 1


@pytest.mark.parametrize("change", [{"daily_cap": 1}, {"closes": "19:00"}, {"brand": "Leaf"}])
def test_settings_that_free_nothing_look_at_nothing_again(
    shop: Shop, change: dict[str, Any]
) -> None:
    shop.texting.change(OURS, 1, change, actor="user:ann")

    assert shop.jobs.take() == []


def test_a_raised_cap_moves_no_second_request_nor_another_accounts(shop: Shop) -> None:
    shop.rules(daily_cap=1)
    shop.tick()  # asked; a second request follows after seven days
    theirs = "+12065550209"
    shop.shopper(theirs, "d" * 32, uid=THEIRS)
    due = shop.contact_state().due_at, shop.contact_state(theirs, THEIRS).due_at

    shop.change(daily_cap=9)

    assert (shop.contact_state().due_at, shop.contact_state(theirs, THEIRS).due_at) == due


def test_held_requests_that_time_does_not_allow_are_left_to_a_further_message(shop: Shop) -> None:
    shop.rules(daily_cap=0)
    for number in range(4):
        shop.shopper(f"+1206555020{number}", f"{number:032x}")
    shop.tick()
    message, released = HeldMessage(OURS), 0

    while True:
        looks = iter([True, False])
        released += shop.held.handle(message, lambda looks=looks: next(looks, False))
        left = shop.jobs.take()
        if not left:
            break
        [body] = left
        message = account_job(body)

    assert released == 5


def test_nothing_is_released_while_the_operator_has_stopped_all_texts(shop: Shop) -> None:
    switch_off(shop)

    assert shop.tick() == 0
    shop.switch.turn(Switch())
    assert shop.tick() == 1


def test_a_second_request_goes_by_itself_in_the_first_open_window_after_seven_days(
    shop: Shop,
) -> None:
    shop.wait(8)
    shop.tick()

    shop.wait(7 * 24)
    shop.wait(2)  # 22:00: seven days are over, the window is closed
    shop.tick()
    assert len(shop.carrier.outbox) == 1
    shop.wait(10.1)
    shop.tick()
    assert len(shop.carrier.outbox) == 2


def test_no_third_request_ever_goes(shop: Shop) -> None:
    for _ in range(60):
        shop.tick()
        shop.wait(24)
        shop.consent.note_asks(OURS, [Ask(SHOPPER, RECORD, "posabit")])

    assert len(shop.carrier.outbox) == 2


@pytest.mark.parametrize("happens", [untick, let_go, opt_out, opt_in, flag_no])
def test_no_second_request_goes_when_its_cause_is_gone_or_it_was_answered(
    shop: Shop, happens: Callable[[Shop], None]
) -> None:
    shop.tick()
    happens(shop)
    shop.carrier.outbox.clear()

    shop.wait(7 * 24)
    shop.tick()

    assert shop.carrier.outbox == []


def test_the_same_job_delivered_twice_sends_once(shop: Shop) -> None:
    assert [shop.ask(), shop.ask()] == ["sent", "held"]
    assert len(shop.carrier.outbox) == 1


def test_a_held_one_that_is_delivered_again_is_not_written_again(shop: Shop) -> None:
    shop.wait(9)
    shop.ask()
    before = shop.contact_state()

    assert shop.ask() == "held"
    assert shop.contact_state() == before


def test_of_two_workers_on_one_number_one_sends(shop: Shop) -> None:
    shop.texts.meddle = lambda: assert_sent(shop.ask())

    assert shop.ask() == "held"
    assert len(shop.carrier.outbox) == 1


def assert_sent(done: str) -> None:
    assert done == "sent"


def test_a_stop_between_the_check_and_the_mark_wins(shop: Shop) -> None:
    shop.texts.meddle = lambda: opt_out(shop)

    assert shop.ask() == "nothing"
    assert shop.contact_state().consent.state == "opted_out"
    assert [body for body in shop.carrier.bodies(SHOPPER) if "Reply YES" in body] == []


def test_an_answer_that_comes_before_the_outcome_is_written_is_not_lost(shop: Shop) -> None:
    publish = shop.carrier.send

    def send(origination: str, number: str, body: str) -> str:
        message_id = publish(origination, number, body)
        if "Reply YES" in body:
            shop.says("Yes")
        return message_id

    shop.carrier.send = send  # type: ignore[method-assign]

    assert shop.ask() == "sent"
    state = shop.contact_state()
    request = state.requests[0]
    assert (state.consent.state, request.outcome, state.wanted) == ("opted_in", "sent", None)
    assert shop.core.joined == {(OURS, RECORD): {"double_opt_in:posabit"}}


@pytest.mark.parametrize("reaches", [True, False])
def test_a_publish_that_times_out_is_unknown_and_never_resent(shop: Shop, reaches: bool) -> None:
    shop.carrier.fails[""] = TextUnknown("no answer")
    shop.carrier.reaches_anyway = reaches

    assert shop.ask() == "unknown"
    shop.carrier.fails.clear()
    for _ in range(6):
        shop.wait(24)
        shop.tick()

    assert len(shop.carrier.outbox) == int(reaches)
    counts = shop.texts.totals(OURS, "2026-01")
    assert (counts.texts, counts.unknown) == (1, 1)


def test_a_refusal_that_is_not_the_numbers_fault_is_tried_again_later(shop: Shop) -> None:
    shop.carrier.fails[""] = TextRefused("throttled")
    assert shop.ask() == "refused"
    assert shop.texts.totals(OURS, "2026-01-01").texts == 0
    assert shop.contact_state().consent.state == "unknown"

    shop.carrier.fails.clear()
    shop.wait(1)
    shop.tick()

    assert len(shop.carrier.outbox) == 1
    assert len(shop.contact_state().requests) == 1


def test_a_texts_id_which_pages_of_the_list_go_by_does_not_tell_the_number(shop: Shop) -> None:
    shop.shopper(number=SECOND, record="b" * 32)
    shop.ask()
    shop.ask(SECOND)

    page, position = shop.texts.texts(OURS, "2026-01-01", 1, None)
    rest, _ = shop.texts.texts(OURS, "2026-01-01", 1, position)
    texts = [*page, *rest]

    assert {text.number for text in texts} == {SHOPPER, SECOND}
    address = f"{position} {[text.id for text in texts]}"
    assert SHOPPER.removeprefix("+1") not in address
    assert SECOND.removeprefix("+1") not in address


def test_what_is_refused_again_and_again_is_tried_once_a_day_in_the_end(shop: Shop) -> None:
    shop.carrier.fails[""] = TextRefused("the origination number is gone")
    shop.ask()

    for _ in range(10 * 24):
        shop.wait(1)
        shop.tick()

    assert 10 <= shop.contact_state().tries <= 14
    shop.carrier.fails.clear()
    shop.wait(25)
    shop.tick()
    assert len(shop.carrier.outbox) == 1


def test_a_yes_to_a_request_that_was_refused_answers_nothing(shop: Shop) -> None:
    shop.carrier.fails[""] = TextRefused("throttled")
    shop.ask()
    shop.carrier.fails.clear()

    shop.says("YES")

    assert shop.contact_state().consent.state == "unknown"


def test_a_number_the_carrier_cannot_reach_is_unusable_from_then_on(shop: Shop) -> None:
    shop.carrier.fails[SHOPPER] = NumberUnusable("The carrier refused the number.")

    assert shop.ask() == "unusable"
    shop.carrier.fails.clear()
    shop.shopper()
    shop.wait(24)
    shop.tick()

    assert shop.carrier.outbox == []
    assert shop.contact_state().unusable == "The carrier refused the number."


def test_a_number_that_opted_out_at_the_carrier_is_opted_out_here(shop: Shop) -> None:
    shop.carrier.fails[SHOPPER] = NumberUnusable("Opted out.", opted_out=True)

    shop.ask()

    assert shop.contact_state().consent.state == "opted_out"


def test_when_others_keep_writing_the_job_comes_back(shop: Shop) -> None:
    shop.core.put(OURS, RECORD, SHOPPER, flags={"employee"})

    def never(*_: object) -> bool:
        return False

    shop.texts.write = never  # type: ignore[method-assign, assignment]

    with pytest.raises(ContactBusy):
        shop.ask()


def steps_of_one_request() -> list[str]:
    shop = Shop()
    shop.shopper()
    shop.wire.passed.clear()
    shop.ask()
    return shop.wire.passed


@pytest.mark.parametrize("at", range(len(steps_of_one_request())), ids=steps_of_one_request())
def test_a_worker_that_dies_anywhere_sends_at_most_once_and_its_row_ends(at: int) -> None:
    shop = Shop()
    shop.shopper()
    shop.wire.passed.clear()
    shop.wire.at = at

    with pytest.raises(Crash):
        shop.ask()
    shop.wire.at = None
    published = "after publish" in shop.wire.passed or len(shop.carrier.outbox)
    begun = "after begin" in shop.wire.passed
    for _ in range(8):
        shop.ask()  # SQS delivers again
        shop.wait(SENDING_AT_MOST / HOUR / 4)
        shop.tick()

    assert len(shop.carrier.outbox) == (1 if published or not begun else 0)
    [request] = shop.contact_state().requests
    assert request.outcome in ("sent", "unknown")
    [text] = shop.texts.kept.values()
    assert text.state == request.outcome
    assert shop.texts.totals(OURS, "2026-01-01").texts == 1


def test_a_dead_workers_request_ends_though_its_text_was_erased(shop: Shop) -> None:
    shop.wire.at = len(shop.wire.passed) + 2  # before publish
    with pytest.raises(Crash):
        shop.ask()
    shop.wire.at = None
    shop.texts.kept.clear()

    shop.clock.at += SENDING_AT_MOST

    assert shop.ask() == "unknown"
    assert shop.contact_state().requests[0].outcome == "unknown"


def test_what_a_dead_worker_left_sending_ends_though_all_texts_are_stopped(shop: Shop) -> None:
    shop.shopper(SECOND, "b" * 32)
    shop.wire.at = len(shop.wire.passed) + 2  # before publish
    with pytest.raises(Crash):
        shop.ask()
    shop.wire.at = None
    switch_off(shop)

    shop.clock.at += SENDING_AT_MOST
    assert shop.tick() == 1

    assert shop.contact_state().requests[0].outcome == "unknown"
    assert [text.state for text in shop.texts.kept.values()] == ["unknown"]
    assert (shop.carrier.outbox, shop.contact_state(SECOND).requests) == ([], ())


def test_an_answer_left_sending_ends_though_all_texts_are_stopped(shop: Shop) -> None:
    shop.wire.at = len(shop.wire.passed) + 4  # before publish
    with pytest.raises(Crash):
        shop.says("HELP")
    shop.wire.at = None
    switch_off(shop)

    shop.clock.at += SENDING_AT_MOST
    shop.tick()

    assert [text.state for text in shop.texts.kept.values()] == ["unknown"]


def test_thousands_that_wait_hide_nothing_that_was_left_sending(shop: Shop) -> None:
    for number in range(3 * BATCH):
        shop.shopper(f"+1206555{number:04d}", f"{number:032x}")
    shop.wire.at = len(shop.wire.passed) + 2  # before publish
    with pytest.raises(Crash):
        shop.ask()
    shop.wire.at = None
    switch_off(shop)

    shop.clock.at += SENDING_AT_MOST
    assert shop.tick() == 1


def test_a_row_left_in_sending_is_left_alone_while_its_worker_may_live(shop: Shop) -> None:
    shop.wire.at = len(shop.wire.passed) + 2  # before publish
    with pytest.raises(Crash):
        shop.ask()
    shop.wire.at = None

    shop.clock.at += SENDING_AT_MOST - MINUTE
    assert shop.ask() == "busy"
    shop.clock.at += MINUTE
    assert shop.ask() == "unknown"
    assert shop.ask() == "held"
