"""What a shopper's message does, and what it is answered with (product.md §9)."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from chalicelib.domain.contact_states import SENDING_AT_MOST
from chalicelib.domain.errors import PoisonMessage
from chalicelib.domain.times import DAY, HOUR, MINUTE, to_text
from chalicelib.services.job_messages.text_jobs import InboundText, inbound_text, text_job
from chalicelib.services.ports.texting import NumberUnusable, Switch, TextRefused, TextUnknown
from chalicelib.services.texting.inbound import Unrouted
from tests.fakes.texting import Crash
from tests.worlds.texting import OURS, RECORD, SECOND, SHOP, SHOPPER, THEIRS, Shop

CONFIRMATION, OPT_OUT, HELP = "You are now signed up", "You are opted out", "You get texts"


@pytest.fixture
def shop() -> Shop:
    """Its shopper has been asked."""
    made = Shop()
    made.shopper()
    made.ask()
    made.carrier.outbox.clear()
    return made


def answers(shop: Shop) -> list[str]:
    """The beginnings of what the shopper got, our names for them."""
    names = {CONFIRMATION: "confirmation", OPT_OUT: "opt_out", HELP: "help", "Reply YES": "request"}
    return [
        name for body in shop.carrier.bodies(SHOPPER) for words, name in names.items()
        if words in body
    ]  # fmt: skip


def state(shop: Shop, uid: str = OURS) -> str:
    return shop.contact_state(uid=uid).consent.state


def test_a_yes_opts_in_is_confirmed_once_and_makes_a_member(shop: Shop) -> None:
    shop.says("Yes!", message="m1")
    shop.says("YES", message="m2")

    assert state(shop) == "opted_in"
    assert answers(shop) == ["confirmation"]
    assert shop.core.joined == {(OURS, RECORD): {"double_opt_in:posabit"}}


def test_a_stop_opts_out_and_is_confirmed_once(shop: Shop) -> None:
    for number, word in enumerate(("Stop", "STOPALL", "unsubscribe")):
        shop.says(word, message=f"m{number}")

    assert state(shop) == "opted_out"
    assert answers(shop) == ["opt_out"]


@pytest.mark.parametrize("verb", ["Liked", "Loved", "Laughed at", "Reacted ❤️ to", "A aimé"])
def test_a_reaction_to_our_confirmation_changes_nothing(shop: Shop, verb: str) -> None:
    shop.says("YES", message="m1")
    [confirmation] = shop.carrier.bodies(SHOPPER)

    shop.says(f"{verb} “{confirmation}”", message="m2")

    assert (state(shop), answers(shop)) == ("opted_in", ["confirmation"])


@pytest.mark.parametrize("text", ["remove me", "wrong number", "Do not text me again", "ALTO"])
def test_a_refusal_in_plain_words_opts_out_and_is_confirmed_once(shop: Shop, text: str) -> None:
    shop.says("Yes please", message="m1")
    shop.says(text, message="m2")
    shop.says(text, message="m3")

    assert (state(shop), answers(shop)) == ("opted_out", ["confirmation", "opt_out"])


def test_help_is_answered_and_changes_nothing(shop: Shop) -> None:
    shop.says("help?")

    assert (state(shop), answers(shop)) == ("requested", ["help"])


@pytest.mark.parametrize("word", ["START", "unstop"])
def test_who_stopped_comes_back_by_their_own_word(shop: Shop, word: str) -> None:
    shop.says("stop", message="m1")
    shop.wait(24)
    shop.says(word, message="m2")

    assert state(shop) == "opted_in"
    assert answers(shop) == ["opt_out", "confirmation"]
    assert shop.core.joined == {}


@pytest.mark.parametrize("number", ["+447400123456", "+18005550123"])
@pytest.mark.parametrize(
    ("word", "state"), [("HELP", "unknown"), ("START", "opted_in"), ("STOP", "opted_out")]
)
def test_what_is_no_mobile_of_the_us_or_canada_is_heard_and_never_answered(
    shop: Shop, number: str, word: str, state: str
) -> None:
    shop.says(word, number=number)

    assert shop.carrier.outbox == []
    assert shop.contact_state(number).consent.state == state


def test_a_yes_after_a_stop_opts_in_while_a_request_can_be_answered(shop: Shop) -> None:
    shop.says("stop", message="m1")
    shop.wait(1)
    shop.says("yes", message="m2")

    assert state(shop) == "opted_in"


@pytest.mark.parametrize(("days", "expected"), [(30, "opted_in"), (30.01, "requested")])
def test_a_yes_counts_for_thirty_days(shop: Shop, days: float, expected: str) -> None:
    shop.rules(request_limit=1)
    shop.wait(24 * days)

    shop.says("yes")

    assert state(shop) == expected


def test_a_yes_to_nothing_is_told_what_to_do_and_opts_nobody_in() -> None:
    shop = Shop()

    shop.says("YES")

    assert (state(shop), answers(shop)) == ("unknown", ["help"])
    assert shop.core.joined == {}


def test_an_unasked_for_yes_is_no_answer_to_a_request_that_comes_after_it() -> None:
    shop = Shop()
    shop.says("YES")
    shop.shopper()

    shop.ask()

    assert state(shop) == "requested"


@pytest.mark.parametrize("text", ["HELP", "oh yes", "what is this"])
def test_an_opted_out_number_gets_nothing_but_the_one_confirmation(shop: Shop, text: str) -> None:
    shop.says("stop", message="m1")
    shop.says(text, message="m2")

    assert answers(shop) == ["opt_out"]


@pytest.mark.parametrize(
    ("text", "said"),
    [("ok", "small_talk"), ("", "small_talk"), ("👍", "small_talk"), ("who is this", "other")],
)
def test_what_is_no_keyword_is_written_down_without_its_words_and_not_answered(
    shop: Shop, text: str, said: str
) -> None:
    shop.says(text)

    entry = shop.texts.read(OURS, "sms", SHOPPER).entries[-1]
    assert (entry.act, entry.wording, entry.evidence["said"]) == ("noted", "", said)
    assert answers(shop) == []


def test_the_same_message_delivered_again_does_nothing_twice(shop: Shop) -> None:
    for _ in range(3):
        shop.says("YES", message="m1")
        shop.says("HELP", message="m2")

    assert answers(shop) == ["confirmation", "help"]
    assert len(shop.texts.read(OURS, "sms", SHOPPER).entries) == 3


def test_messages_that_come_in_the_wrong_order_count_in_the_order_they_were_sent(
    shop: Shop,
) -> None:
    now = shop.clock.now()
    shop.clock.at += MINUTE
    start = InboundText("m2", SHOPPER, SHOP[OURS], "START", now + 2)
    stop = InboundText("m1", SHOPPER, SHOP[OURS], "STOP", now + 1)

    shop.inbound.handle(start)
    shop.inbound.handle(stop)

    assert state(shop) == "opted_in"
    assert answers(shop) == ["confirmation"]


def test_a_message_goes_to_the_account_that_was_written_to(shop: Shop) -> None:
    shop.says("STOP", uid=THEIRS)

    assert (state(shop, OURS), state(shop, THEIRS)) == ("requested", "opted_out")
    assert [origin for origin, _, _ in shop.carrier.outbox] == [SHOP[THEIRS]]


def test_a_message_to_a_number_of_nobody_is_kept_for_the_operator(shop: Shop) -> None:
    message = InboundText("m1", SHOPPER, "+12065559999", "STOP", shop.clock.now())

    with pytest.raises(Unrouted):
        shop.inbound.handle(message)

    assert text_job(message.body()) == message


def moves(shop: Shop, uid: str, number: str | None) -> None:
    if number:
        shop.settings.assign(number, uid)
    rules = shop.settings.get(uid)
    shop.settings.save(uid, rules, replace(rules, number=number))


@pytest.mark.parametrize("number", ["+12065550101", None])
def test_a_stop_to_a_number_that_the_account_gave_up_counts(shop: Shop, number: str | None) -> None:
    """Its shoppers still have the text from the number before, and answer to that."""
    moves(shop, OURS, number)

    shop.says("STOP")

    assert state(shop) == "opted_out"
    assert answers(shop) == []


def test_a_stop_to_a_number_that_another_account_took_up_counts_in_both(shop: Shop) -> None:
    moves(shop, OURS, None)
    moves(shop, THEIRS, SHOP[OURS])

    shop.says("STOP")

    assert (state(shop, OURS), state(shop, THEIRS)) == ("opted_out", "opted_out")
    assert [origin for origin, _, _ in shop.carrier.outbox] == [SHOP[OURS]]


def test_an_account_that_gave_a_number_up_hears_nothing_of_the_next_ones_shoppers(
    shop: Shop,
) -> None:
    moves(shop, OURS, None)
    moves(shop, THEIRS, SHOP[OURS])

    shop.says("STOP", number=SECOND)

    assert shop.texts.read(OURS, "sms", SECOND).entries == ()
    assert shop.contact_state(SECOND, THEIRS).consent.state == "opted_out"


def test_a_yes_to_a_number_that_another_account_took_up_counts_there_alone(shop: Shop) -> None:
    moves(shop, OURS, None)
    moves(shop, THEIRS, SHOP[OURS])

    shop.says("START")

    assert (state(shop, OURS), state(shop, THEIRS)) == ("requested", "opted_in")


def test_a_yes_to_a_number_that_two_accounts_gave_up_is_kept_for_the_operator(shop: Shop) -> None:
    moves(shop, OURS, None)
    moves(shop, THEIRS, SHOP[OURS])
    moves(shop, THEIRS, None)

    with pytest.raises(Unrouted):
        shop.says("START")
    shop.says("STOP", message="m2")

    assert (state(shop, OURS), state(shop, THEIRS)) == ("opted_out", "unknown")  # only ours asked


def test_a_sender_that_is_no_phone_number_is_poison(shop: Shop) -> None:
    with pytest.raises(PoisonMessage):
        shop.inbound.handle(InboundText("m1", "AIQ", SHOP[OURS], "YES", shop.clock.now()))


def test_an_answer_goes_at_night_but_not_long_after_the_message(shop: Shop) -> None:
    shop.wait(12)
    shop.says("HELP", message="m1")
    late = InboundText("m2", SHOPPER, SHOP[OURS], "HELP", shop.clock.now() - 2 * HOUR)
    shop.inbound.handle(late)
    stale = InboundText("m3", SHOPPER, SHOP[OURS], "STOP", shop.clock.now() - 6 * MINUTE)
    shop.inbound.handle(stale)

    assert answers(shop) == ["help"]
    assert state(shop) == "opted_out"


def test_a_stop_is_confirmed_within_five_minutes_of_when_it_came(shop: Shop) -> None:
    came = shop.clock.now()
    shop.clock.at += 5 * MINUTE

    shop.inbound.handle(InboundText("m1", SHOPPER, SHOP[OURS], "STOP", came))

    assert (state(shop), answers(shop)) == ("opted_out", ["opt_out"])


@pytest.mark.parametrize(("early", "found"), [(4, "opted_in"), (6, "requested")])
def test_a_yes_stamped_minutes_before_its_request_answers_it(
    shop: Shop, early: int, found: str
) -> None:
    at = shop.contact_state().requests[-1].at - early * MINUTE

    shop.inbound.handle(InboundText("m1", SHOPPER, SHOP[OURS], "YES", at))

    assert state(shop) == found


def test_nothing_is_answered_while_all_texts_are_stopped_and_a_stop_still_counts(
    shop: Shop,
) -> None:
    shop.switch.turn(Switch(off=True))

    shop.says("STOP")

    assert (state(shop), answers(shop)) == ("opted_out", [])


def test_two_machines_that_answer_each_other_come_to_an_end(shop: Shop) -> None:
    for number in range(50):
        shop.says("HELP", message=f"m{number}")

    assert len(answers(shop)) == 10
    shop.wait(24)
    shop.says("HELP", message="tomorrow")
    assert len(answers(shop)) == 11


def test_answers_are_counted_and_never_refused_for_the_cap(shop: Shop) -> None:
    shop.rules(daily_cap=1)

    shop.says("STOP")

    assert answers(shop) == ["opt_out"]
    assert shop.texts.totals(OURS, "2026-01-01").texts == 2


@pytest.mark.parametrize(
    ("failure", "kept"),
    [
        (TextUnknown("no answer"), "unknown"),
        (TextRefused("throttled"), "refused"),
        (NumberUnusable("gone"), "refused"),
    ],
)
def test_an_answer_that_fails_is_written_down_and_not_sent_again(
    shop: Shop, failure: Exception, kept: str
) -> None:
    shop.carrier.fails[""] = failure

    shop.says("YES")
    shop.carrier.fails.clear()
    shop.says("YES")

    assert state(shop) == "opted_in"
    assert answers(shop) == []
    [answer] = [text for text in shop.texts.kept.values() if text.kind == "confirmation"]
    assert answer.state == kept


@pytest.mark.parametrize("text", ["ok", "are you open?", "who is this?", "👎"])
def test_who_answers_a_request_with_other_words_is_not_asked_again(shop: Shop, text: str) -> None:
    """At most 2 requests per number; the second goes after an unanswered one (§9)."""
    shop.wait(24)
    shop.says(text)

    shop.wait(7 * 24)
    shop.tick()

    assert answers(shop) == []
    assert (len(shop.contact_state().requests), shop.contact_state().due_at) == (1, None)
    assert shop.why.explain(OURS, RECORD).reason == "replied"
    shop.says("YES", message="m2")
    assert state(shop) == "opted_in"


@pytest.mark.parametrize("text", ["HELP", "info", "yes, but how?", "Oh yes!", "reaction"])
def test_who_asks_for_help_or_may_have_meant_yes_or_only_reacted_is_asked_again(
    shop: Shop, text: str
) -> None:
    [request] = [sent.body for sent in shop.texts.kept.values() if sent.kind == "request"]
    shop.says(f"Loved “{request}”" if text == "reaction" else text)

    shop.wait(7 * 24)
    shop.tick()

    assert len(shop.contact_state().requests) == 2


def test_words_that_come_while_the_request_is_being_sent_count_once_it_went() -> None:
    shop = Shop()
    shop.shopper()
    shop.wire.at = len(shop.wire.passed) + 3  # after publish
    with pytest.raises(Crash):
        shop.ask()
    shop.wire.at = None
    shop.says("who is this")

    shop.clock.at += SENDING_AT_MOST
    shop.tick()
    shop.wait(7 * 24)
    shop.tick()

    assert [request.outcome for request in shop.contact_state().requests] == ["unknown"]
    assert (shop.contact_state().wanted, shop.contact_state().due_at) == (None, None)


def test_words_written_before_the_request_are_no_answer_to_it(shop: Shop) -> None:
    message = InboundText("m1", SHOPPER, SHOP[OURS], "are you open?", shop.clock.now() - HOUR)
    shop.inbound.handle(message)

    shop.wait(7 * 24)
    shop.tick()

    assert len(shop.contact_state().requests) == 2


@pytest.mark.parametrize("step", ["before publish", "after publish"])
def test_an_answer_whose_worker_died_is_unknown_and_never_sent_again(step: str) -> None:
    shop = Shop()
    shop.wire.at = shop_steps().index(step)
    with pytest.raises(Crash):
        shop.says("HELP")
    shop.wire.at = None
    went = len(shop.carrier.outbox)
    shop.says("HELP")  # delivered again
    shop.clock.at += SENDING_AT_MOST - 1
    assert shop.tick() == 0

    shop.clock.at += 1
    assert (shop.tick(), shop.tick()) == (1, 0)

    [text] = shop.texts.kept.values()
    assert (text.kind, text.state) == ("help", "unknown")
    assert shop.texts.totals(OURS, text.day).unknown == 1
    assert len(shop.carrier.outbox) == went


def test_a_request_being_sent_ends_though_its_number_proves_unusable_meanwhile() -> None:
    shop = Shop()
    shop.shopper()
    shop.wire.at = len(shop.wire.passed) + 2  # before publish
    with pytest.raises(Crash):
        shop.ask()
    shop.wire.at = None
    shop.carrier.fails[""] = NumberUnusable("gone")
    shop.says("HELP")

    shop.clock.at += SENDING_AT_MOST
    shop.tick()

    assert [request.outcome for request in shop.contact_state().requests] == ["unknown"]
    shop.wait(7 * 24)
    shop.tick()
    assert (shop.contact_state().dropped.reason, shop.contact_state().due_at) == ("unusable", None)  # type: ignore[union-attr]


def shop_steps() -> list[str]:
    shop = Shop()
    shop.says("HELP")
    return shop.wire.passed


def test_who_opted_out_at_the_carrier_is_opted_out_here(shop: Shop) -> None:
    shop.carrier.fails[""] = NumberUnusable("Opted out.", opted_out=True)

    shop.says("HELP")

    assert state(shop) == "opted_out"
    assert shop.contact_state().unusable == "Opted out."


def test_who_writes_to_us_again_can_be_written_to(shop: Shop) -> None:
    shop.carrier.fails[""] = NumberUnusable("gone")
    shop.says("HELP", message="m1")
    shop.carrier.fails.clear()

    shop.says("START", message="m2")

    assert shop.contact_state().unusable is None
    assert answers(shop) == ["confirmation"]


def steps_of_one_yes() -> list[str]:
    shop = Shop()
    shop.shopper()
    shop.ask()
    shop.wire.passed.clear()
    shop.says("yes")
    return shop.wire.passed


@pytest.mark.parametrize("at", range(len(steps_of_one_yes())), ids=steps_of_one_yes())
def test_a_handler_that_dies_anywhere_loses_no_yes_and_confirms_at_most_once(
    shop: Shop, at: int
) -> None:
    shop.wire.passed.clear()
    shop.wire.at = at
    with pytest.raises(Crash):
        shop.says("yes")
    shop.wire.at = None
    begun = "after begin" in shop.wire.passed

    for _ in range(3):
        shop.says("yes")

    assert state(shop) == "opted_in"
    assert shop.core.joined == {(OURS, RECORD): {"double_opt_in:posabit"}}
    if begun:
        assert len(answers(shop)) <= 1
    else:
        assert answers(shop) == ["confirmation"]


def test_the_payload_of_end_user_messaging_is_read_and_anything_else_is_poison() -> None:
    payload = {
        "originationNumber": "+12065550123",
        "destinationNumber": "+12065550100",
        "messageKeyword": "KEYWORD_1",
        "messageBody": "Yes",
        "inboundMessageId": "cae173d2",
        "previousPublishedMessageId": "wJalrXUt",
    }

    assert inbound_text(payload, 5) == InboundText("cae173d2", SHOPPER, "+12065550100", "Yes", 5)
    for broken in (None, [], "Yes", {**payload, "messageBody": None}, {"messageBody": "Yes"}):
        with pytest.raises(PoisonMessage):
            inbound_text(broken, 5)


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {"v": 1},
        {"v": 0, "job": "request", "uid": "1", "number": "+1"},
        {"v": 1, "job": "request", "uid": 1, "number": "+1"},
        {"v": 1, "job": "test", "uid": "1", "number": "+1", "id": "t"},
        {"v": 1, "job": "inbound", "id": "m"},
        {"v": 1, "job": "lost", "uid": "1"},
    ],
)
def test_what_is_no_job_is_poison(body: object) -> None:
    with pytest.raises(PoisonMessage):
        text_job(body)


def test_a_message_that_lambda_gave_up_is_read_when_it_is_sent_back(shop: Shop) -> None:
    """As the failure destination of the topic's function wraps it."""
    payload = {
        "originationNumber": SHOPPER,
        "destinationNumber": SHOP[OURS],
        "messageBody": "STOP",
        "inboundMessageId": "m1",
    }
    sns = {"Type": "Notification", "Message": json.dumps(payload)}
    taken = {**sns, "Timestamp": to_text(shop.clock.now())}
    payload = {
        "version": "1.0",
        "requestContext": {"condition": "RetriesExhausted", "approximateInvokeCount": 3},
        "requestPayload": {"Records": [{"EventSource": "aws:sns", "Sns": taken}]},
        "responsePayload": {"errorType": "Runtime.ExitError"},
    }

    job = text_job(payload)

    assert job == InboundText("m1", SHOPPER, SHOP[OURS], "STOP", shop.clock.now())
    shop.inbound.handle(job)
    assert state(shop) == "opted_out"
    cut = {**taken, "Message": taken["Message"].replace("STOP", "STOP \\ud83d")}
    sent_back = text_job({"requestPayload": {"Records": [{"Sns": cut}]}})
    assert isinstance(sent_back, InboundText)
    assert sent_back.body_text == "STOP \N{REPLACEMENT CHARACTER}"
    for broken in ({"Message": "{", "Timestamp": "x"}, {**taken, "Message": "[]"}, {}):
        with pytest.raises(PoisonMessage):
            text_job({"requestPayload": {"Records": [{"Sns": broken}]}})


def test_a_request_older_than_the_answer_is_joined_for_its_own_platform(shop: Shop) -> None:
    shop.core.put(OURS, RECORD, SHOPPER, asked_by=("webjoint",))
    shop.source(platform="webjoint")
    shop.clock.at += 8 * DAY
    shop.ask()

    shop.says("y")

    assert shop.core.joined == {(OURS, RECORD): {"double_opt_in:webjoint"}}
