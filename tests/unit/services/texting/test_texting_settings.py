"""Settings → Texting: number, wordings, limits, the test; who may be told why (product.md §12)."""

from __future__ import annotations

from datetime import time

import pytest

from chalicelib.domain.contact_states import SENDING_AT_MOST
from chalicelib.domain.errors import Conflict, InvalidInput, StaleVersion, TooManyRequests
from chalicelib.domain.texting import WORDINGS
from chalicelib.services.consent.why_not_asked import WORDS
from chalicelib.services.job_messages.text_jobs import SendTest
from chalicelib.services.ports.texting import Switch, TextRefused, TextUnknown
from chalicelib.services.texting.settings import NO_NUMBER, OPTED_OUT, STOPPED, TESTS_AN_HOUR
from tests.fakes.texting import Crash
from tests.worlds.texting import OURS, RECORD, SECOND, SHOP, SHOPPER, THEIRS, Shop

ANN = "user:ann"


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_an_account_starts_without_a_number_and_is_told_that_no_sms_goes(shop: Shop) -> None:
    shop.settings.rows.clear()

    view = shop.texting.get(OURS)

    assert (view.rules.number, view.status, view.rules.version) == (None, NO_NUMBER, 0)
    assert view.rules.brand == "Green Shop"  # the account's name
    assert (view.rules.request_limit, view.rules.opens, view.rules.closes) == (2, time(8), time(21))
    assert view.wordings() == WORDINGS


def test_what_is_left_out_stays_and_null_takes_back(shop: Shop) -> None:
    words = {"help": "{brand}: ask in store. Reply STOP to opt out."}
    shop.texting.change(OURS, 1, {"opens": "09:30", "wordings": words}, actor=ANN)
    view = shop.texting.change(OURS, 2, {"opens": None, "request_limit": 1}, actor=ANN)

    assert (view.rules.opens, view.rules.request_limit) == (time(8), 1)
    assert view.rules.wording("help") == "Green Leaf: ask in store. Reply STOP to opt out."
    view = shop.texting.change(OURS, 3, {"wordings": {"help": None}}, actor=ANN)
    assert view.wordings() == WORDINGS


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"number": "+442079460000"}, "number"),
        ({"opens": "07:59"}, "opens"),
        ({"closes": "21:01"}, "closes"),
        ({"opens": "12:00", "closes": "12:00"}, "opens"),
        ({"wordings": {"request": "{brand}: text us"}}, "wordings.request"),
        ({"wordings": {"request": WORDINGS["request"] + "x" * 300}}, "wordings.request"),
        ({"wordings": {"opt_out": "{brand}\nbye"}}, "wordings.opt_out"),
        ({"brand": "Green\u202eLeaf"}, "brand"),
        ({"brand": "Green\u200bLeaf"}, "brand"),
    ],
)
def test_what_does_not_fit_is_refused_by_name_and_nothing_stored(
    shop: Shop, changes: dict[str, object], field: str
) -> None:
    before = shop.settings.rows[OURS]

    with pytest.raises(InvalidInput) as refused:
        shop.texting.change(OURS, 1, changes, actor=ANN)

    [fault] = refused.value.details["errors"]  # type: ignore[misc]
    assert fault["field"] == field
    assert shop.settings.rows[OURS] == before


def test_one_number_belongs_to_one_account(shop: Shop) -> None:
    with pytest.raises(Conflict):
        shop.texting.change(OURS, 1, {"number": SHOP[THEIRS]}, actor=ANN)


def test_a_stale_write_is_refused(shop: Shop) -> None:
    shop.texting.change(OURS, 1, {"daily_cap": 5}, actor=ANN)

    with pytest.raises(StaleVersion):
        shop.texting.change(OURS, 1, {"daily_cap": 6}, actor=ANN)


def test_a_change_is_audited_with_from_and_to(shop: Shop) -> None:
    shop.texting.change(OURS, 1, {"daily_cap": 5, "request_limit": 2}, actor=ANN)

    [(_, entry)] = shop.audit.rows
    assert (entry.actor, entry.action) == (ANN, "texting.changed")
    assert (entry.before, entry.after) == ({"daily_cap": 1_000}, {"daily_cap": 5})


def test_the_page_counts_what_went_what_nobody_knows_and_what_waits(shop: Shop) -> None:
    shop.shopper()
    shop.shopper(SECOND, "b" * 32)
    shop.carrier.fails[SECOND] = TextUnknown("no answer")
    shop.tick()
    shop.shopper("+12065550125", "c" * 32)

    view = shop.texting.get(OURS)

    assert (view.today.texts, view.today.unknown, view.this_month.texts) == (2, 1, 2)
    assert view.waiting == 3  # two for their second request, one for its first
    assert shop.texting.get(THEIRS).waiting == 0


def test_a_test_goes_once_at_any_hour(shop: Shop) -> None:
    shop.wait(12)
    shop.texting.send_test(OURS, SHOPPER, actor=ANN)
    [body] = shop.queue.bodies

    shop.tick()
    shop.queue.send(body)
    shop.tick()

    [text] = shop.carrier.bodies(SHOPPER)
    assert text.startswith("Green Leaf: This is a test.")
    assert shop.contact_state().requests == ()


def test_a_test_needs_a_number_that_can_get_one(shop: Shop) -> None:
    for typed in ("12", "+18005550123"):
        with pytest.raises(InvalidInput):
            shop.texting.send_test(OURS, typed, actor=ANN)


def test_no_test_goes_while_no_sms_goes_or_to_who_opted_out(shop: Shop) -> None:
    shop.says("STOP", number=SECOND)
    for happens, number, words in (
        (lambda: None, SECOND, OPTED_OUT),
        (lambda: shop.switch.turn(Switch(off=True)), SHOPPER, STOPPED),
        (lambda: shop.rules(number=None), SHOPPER, NO_NUMBER),
    ):
        happens()  # type: ignore[no-untyped-call]
        with pytest.raises(Conflict) as refused:
            shop.texting.send_test(OURS, number, actor=ANN)
        assert refused.value.message == words


def test_who_opts_out_before_the_test_goes_gets_none(shop: Shop) -> None:
    shop.texting.send_test(OURS, SHOPPER, actor=ANN)
    shop.says("STOP")
    shop.carrier.outbox.clear()

    shop.tick()

    assert shop.carrier.outbox == []


def test_tests_are_limited_per_hour(shop: Shop) -> None:
    for number in range(TESTS_AN_HOUR):
        shop.texting.send_test(OURS, f"+1206555030{number}", actor=ANN)

    with pytest.raises(TooManyRequests) as refused:
        shop.texting.send_test(OURS, SHOPPER, actor=ANN)

    assert refused.value.details["retry_after"] == 3600
    shop.texting.send_test(THEIRS, SHOPPER, actor=ANN)


@pytest.mark.parametrize("failure", [TextUnknown("no answer"), TextRefused("throttled")])
def test_a_test_that_fails_is_not_sent_again(shop: Shop, failure: Exception) -> None:
    shop.carrier.fails[""] = failure
    job = SendTest(OURS, SHOPPER, "txt_1", shop.clock.now(), "2026-01-01")

    shop.tests.handle(job)
    shop.carrier.fails.clear()
    shop.tests.handle(job)

    assert shop.carrier.outbox == []


def test_a_test_whose_worker_died_is_unknown_and_never_sent_again(shop: Shop) -> None:
    shop.texting.send_test(OURS, SHOPPER, actor=ANN)
    shop.wire.at = len(shop.wire.passed) + 3  # after publish
    with pytest.raises(Crash):
        shop.tick()
    shop.wire.at = None

    shop.clock.at += SENDING_AT_MOST
    assert shop.tick() == 1

    assert [text.state for text in shop.texts.kept.values()] == ["unknown"]
    assert len(shop.carrier.outbox) == 1


def test_a_test_that_lay_in_a_queue_for_hours_is_not_sent_at_night(shop: Shop) -> None:
    job = SendTest(OURS, SHOPPER, "txt_1", shop.clock.now(), "2026-01-01")
    shop.wait(12)

    assert shop.tests.handle(job) is None

    assert shop.carrier.outbox == []


def test_every_reason_has_words() -> None:
    from typing import get_args

    from chalicelib.domain.contact_states import RequestReason

    assert set(WORDS) == set(get_args(RequestReason))


def test_why_somebody_was_not_asked_is_told_in_words_and_data(shop: Shop) -> None:
    shop.shopper()
    shop.source(ticked=False)
    shop.ask()

    why = shop.why.explain(OURS, RECORD)

    assert (why.state, why.reason) == ("not_wanted", "age_gate")
    assert why.sentences == ("The age-gate box of posabit is not ticked.",)
    assert (why.data["dropped"], why.data["verdict"]) == ("age_gate", "drop")


def test_why_somebody_waits_says_until_when(shop: Shop) -> None:
    shop.shopper()
    shop.wait(10)
    shop.ask()

    why = shop.why.explain(OURS, RECORD)

    assert (why.state, why.reason) == ("wanted", "quiet_hours")
    assert why.sentences == (
        "A request is wanted because of posabit.",
        f"{WORDS['quiet_hours']} It is looked at 2026-01-02T16:00:00Z.",
    )


def test_a_reason_of_then_is_told_beside_that_of_now(shop: Shop) -> None:
    shop.shopper()
    shop.core.put(OURS, RECORD, SHOPPER, flags={"employee", "minor"})
    shop.ask()
    shop.core.put(OURS, RECORD, SHOPPER, asked_by=())

    flagged = "The person is never texted, being flagged: employee, minor."
    assert shop.why.explain(OURS, RECORD).sentences == (
        f"A request was given up on 2026-01-01T20:00:00Z: {flagged}",
        "No source's setting asks for it: no sale on or after the date set.",
    )


def test_who_was_asked_and_answered_is_told_so(shop: Shop) -> None:
    shop.shopper()
    shop.ask()
    shop.says("yes")

    why = shop.why.explain(OURS, RECORD)

    assert (why.state, why.reason) == ("answered", "opted_in")
    assert why.sentences[0] == "Request 1 was made on 2026-01-01T20:00:00Z."


def test_who_opted_in_may_be_texted(shop: Shop) -> None:
    shop.core.put(OURS, RECORD, SHOPPER, SECOND)
    shop.says("stop", number=SECOND)
    shop.wait(1)
    shop.says("start", message="m2")

    assert shop.why.explain(OURS, RECORD).data["may_be_texted"] is True


def test_who_opted_in_is_not_texted_once_another_number_of_theirs_opts_out(shop: Shop) -> None:
    """Iff … no other of its numbers opted out later than that (product.md §9)."""
    shop.core.put(OURS, RECORD, SHOPPER, SECOND)
    shop.says("start")
    shop.wait(1)
    shop.says("stop", number=SECOND, message="m2")

    why = shop.why.explain(OURS, RECORD)

    assert why.data["may_be_texted"] is False
    assert why.sentences[-1].startswith("Another number of this person opted out later")


def test_who_opted_in_and_is_flagged_is_not_texted(shop: Shop) -> None:
    shop.core.put(OURS, RECORD, SHOPPER, flags={"employee"})
    shop.says("start")

    why = shop.why.explain(OURS, RECORD)

    assert why.data["may_be_texted"] is False
    assert why.sentences[-1] == "The person is never texted, being flagged: employee."


def test_who_has_no_phone_is_told_so(shop: Shop) -> None:
    shop.core.put(OURS, RECORD)

    assert shop.why.explain(OURS, RECORD).state == "nobody"
    assert shop.why.explain(OURS, "f" * 32).state == "nobody"


def test_who_may_be_asked_now_is_told_so(shop: Shop) -> None:
    shop.core.put(OURS, RECORD, SHOPPER)

    assert shop.why.explain(OURS, RECORD).sentences == (
        "A request may go now, because of posabit.",
    )
