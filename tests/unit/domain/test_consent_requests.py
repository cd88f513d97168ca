"""Whether a number is asked for consent, when, and why not (product.md §9)."""

from __future__ import annotations

from dataclasses import replace
from datetime import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.consent import Consent
from chalicelib.domain.consent_requests import (
    NEVER_TEXTED,
    Cause,
    Circumstances,
    Verdict,
    drop_request,
    hold_request,
    judge_request,
)
from chalicelib.domain.contact_states import (
    SECOND_REQUEST_AFTER,
    SENDING_AT_MOST,
    ContactState,
    DroppedRequest,
    Request,
    WantedRequest,
    begin_request,
    end_on_reply,
    finish_request,
    mark_unusable,
    may_be_asked,
    may_be_texted,
    opted_out_later,
    plan_request,
    take_back_request,
    with_consent,
)
from chalicelib.domain.texting import TextingRules
from chalicelib.domain.times import DAY, HOUR, MINUTE
from chalicelib.domain.words import ConsentState

NOON = 1_767_297_600_000
"""2026-01-01T12:00 in Los Angeles."""

ZONE = "America/Los_Angeles"
NUMBER = "+12065550123"
RULES = TextingRules(number="+12065550100", brand="Green Leaf")
WANTED = WantedRequest("rec", "posabit", NOON - HOUR)
REPLIED = DroppedRequest("replied", NOON)
TICKED = Cause("posabit", age_gate=True, connected=True)


def a_state(**changes: object) -> ContactState:
    return replace(plan_request(ContactState(NUMBER), WANTED), **changes)  # type: ignore[arg-type]


def seen(**changes: object) -> Circumstances:
    base = Circumstances(now=NOON, rules=RULES, zone=ZONE, causes=(TICKED,))
    return replace(base, **changes)  # type: ignore[arg-type]


def consenting(state: ConsentState, since: int = NOON - DAY) -> Consent:
    return Consent(state, since, "x")


def other(state: ConsentState, since: int = NOON - DAY) -> ContactState:
    return ContactState("+12065550124", consent=consenting(state, since))


def made(*ago: int) -> tuple[Request, ...]:
    return tuple(
        Request(f"request#{n}", NOON - at, "posabit", "rec", outcome="sent")
        for n, at in enumerate(ago)
    )


def test_a_wanted_number_is_asked_for_its_cause() -> None:
    verdict = judge_request(a_state(), seen())

    assert (verdict.kind, verdict.platform) == ("go", "posabit")


@pytest.mark.parametrize(
    ("state", "circumstances", "reason", "detail"),
    [
        ({"consent": consenting("opted_out")}, {}, "opted_out", ""),
        ({"consent": consenting("opted_in")}, {}, "opted_in", ""),
        ({"unusable": "invalid number"}, {}, "unusable", "invalid number"),
        ({}, {"mobile": False}, "not_a_mobile", ""),
        ({"requests": made(40 * DAY, 20 * DAY)}, {}, "limit", ""),
        ({"requests": made(20 * DAY)}, {"rules": replace(RULES, request_limit=1)}, "limit", ""),
        ({"requests": made(20 * DAY), "dropped": REPLIED}, {}, "replied", ""),
        ({}, {"persona_found": False}, "nobody", ""),
        ({}, {"current": False}, "another_number", ""),
        ({}, {"shared": True}, "flagged", "shared_key"),
        ({}, {"shared": True, "current": False}, "flagged", "shared_key"),
        ({}, {"flags": frozenset({"minor", "busy"})}, "flagged", "busy, minor"),
        ({}, {"others": (other("opted_out"),)}, "opted_out_elsewhere", ""),
        ({}, {"causes": ()}, "setting", "posabit"),
        ({"wanted": None}, {"causes": ()}, "setting", ""),
        ({}, {"causes": (replace(TICKED, age_gate=False),)}, "age_gate", "posabit"),
        ({}, {"causes": (replace(TICKED, connected=False),)}, "disconnected", "posabit"),
        ({}, {"causes": (replace(TICKED, stopped=True),)}, "stopped", "posabit"),
        *[({}, {"flags": frozenset({flag})}, "flagged", flag) for flag in sorted(NEVER_TEXTED)],
    ],
)
def test_what_will_not_pass_drops_the_request(
    state: dict[str, object], circumstances: dict[str, object], reason: Any, detail: str
) -> None:
    asked = a_state(**state)

    verdict = judge_request(asked, seen(**circumstances))

    assert verdict == Verdict("drop", reason, detail=detail)
    dropped = DroppedRequest(reason, NOON, detail)
    assert drop_request(replace(asked, held="off"), verdict, NOON) == replace(
        asked, wanted=None, due_at=None, held=None, dropped=dropped
    )


def test_a_request_that_another_was_sent_for_is_not_dropped_for_what_was_answered_to_it() -> None:
    unsent = a_state(dropped=REPLIED)
    answered = a_state(requests=made(20 * DAY), dropped=replace(REPLIED, reason="setting"))

    assert judge_request(unsent, seen()).kind == judge_request(answered, seen()).kind == "go"


@pytest.mark.parametrize(
    ("state", "circumstances", "reason", "until"),
    [
        ({}, {"rules": replace(RULES, number=None)}, "no_number", NOON + 6 * HOUR),
        ({}, {"off": True}, "off", NOON + 10 * MINUTE),
        ({}, {"causes": (replace(TICKED, starts_at=NOON + HOUR),)}, "not_yet", NOON + HOUR),
        ({"requests": made(6 * DAY)}, {}, "second_not_yet", NOON + DAY),
        ({}, {"now": NOON + 9 * HOUR}, "quiet_hours", NOON + 20 * HOUR),
        ({}, {"rules": replace(RULES, opens=time(13))}, "quiet_hours", NOON + HOUR),
        ({}, {"zone": "Pacific/Honolulu", "now": NOON - 3 * HOUR}, "quiet_hours", NOON - 2 * HOUR),
    ],
)
def test_what_will_pass_holds_it(
    state: dict[str, object], circumstances: dict[str, object], reason: str, until: int
) -> None:
    verdict = judge_request(a_state(**state), seen(**circumstances))

    assert (verdict.kind, verdict.reason, verdict.until) == ("hold", reason, until)
    held = hold_request(a_state(**state), verdict)
    assert held == replace(a_state(**state), due_at=until, held=reason)


def test_another_source_that_asks_takes_the_place_of_one_whose_box_is_not_ticked() -> None:
    causes = (replace(TICKED, age_gate=False), replace(TICKED, platform="webjoint"))

    verdict = judge_request(a_state(), seen(causes=causes))

    assert (verdict.kind, verdict.platform) == ("go", "webjoint")


def test_the_source_that_wanted_the_request_goes_before_another() -> None:
    causes = (replace(TICKED, platform="auphan"), TICKED, replace(TICKED, platform="webjoint"))
    wanted = replace(WANTED, platform="webjoint")

    assert judge_request(a_state(), seen(causes=causes)).platform == "posabit"
    assert judge_request(a_state(wanted=wanted), seen(causes=causes)).platform == "webjoint"
    assert judge_request(a_state(wanted=None), seen(causes=causes)).platform == "auphan"


def test_a_setting_that_begins_to_text_now_texts_now() -> None:
    begins = replace(TICKED, starts_at=NOON)

    assert judge_request(a_state(), seen(causes=(begins,))).kind == "go"


def test_a_second_request_goes_seven_days_after_an_unanswered_one_and_no_third() -> None:
    first = begin_request(a_state(), "posabit", NOON)
    asked = finish_request(first, "sent", limit=2)
    later = seen(now=NOON + SECOND_REQUEST_AFTER)

    assert asked.due_at == NOON + SECOND_REQUEST_AFTER
    assert judge_request(asked, seen(now=NOON + DAY)).reason == "second_not_yet"
    assert judge_request(asked, later).kind == "go"
    twice = finish_request(begin_request(asked, "posabit", later.now), "unknown", limit=2)
    assert (twice.wanted, twice.due_at, len(twice.requests)) == (None, None, 2)


def test_an_account_that_asks_once_wants_no_second() -> None:
    asked = finish_request(begin_request(a_state(), "posabit", NOON), "sent", limit=1)

    assert (asked.wanted, asked.due_at) == (None, None)


def test_a_request_refused_before_it_went_does_not_count_and_keeps_its_number() -> None:
    refused = take_back_request(begin_request(a_state(), "posabit", NOON), NOON)
    again = begin_request(refused, "posabit", NOON + HOUR)

    assert (refused.requests, refused.held, refused.due_at) == ((), "refused", NOON + HOUR)
    assert [request.id for request in again.requests] == ["request#2"]


def test_each_further_refusal_doubles_the_wait_up_to_a_day() -> None:
    state, waits = a_state(requests=made(9 * DAY), tries=1), []
    for _ in range(7):
        state = take_back_request(begin_request(state, "posabit", NOON), NOON)
        waits.append((state.due_at or 0) - NOON)

    assert [wait // HOUR for wait in waits] == [1, 2, 4, 8, 16, 24, 24]
    assert state.requests == made(9 * DAY)


def test_a_request_notes_its_cause_and_is_no_longer_held() -> None:
    held = a_state(held="off", dropped=REPLIED)

    found = begin_request(held, "webjoint", NOON, "2026-01-01", "another")
    plain = begin_request(held, "webjoint", NOON)

    request = Request("request#1", NOON, "webjoint", "another", "2026-01-01")
    assert found == replace(
        held,
        requests=(request,),
        tries=1,
        due_at=NOON + SENDING_AT_MOST,
        held=None,
        dropped=None,
    )
    assert plain.requests == (Request("request#1", NOON, "webjoint", "rec"),)


def test_an_answer_that_is_no_keyword_ends_the_wish_to_ask_again() -> None:
    asked = a_state(requests=made(DAY), held="off")
    sending = begin_request(a_state(), "posabit", NOON)

    assert end_on_reply(asked, NOON) == replace(
        asked, wanted=None, due_at=None, held=None, dropped=REPLIED
    )
    assert end_on_reply(sending, NOON) == replace(sending, dropped=REPLIED)
    for nothing in (a_state(), a_state(wanted=None, requests=made(DAY))):
        assert end_on_reply(nothing, NOON) == nothing


def test_a_sending_state_is_looked_at_when_its_worker_must_be_dead() -> None:
    sending = begin_request(a_state(), "posabit", NOON)

    assert sending.sending is not None
    assert sending.due_at == NOON + SENDING_AT_MOST
    assert finish_request(sending, "unknown", limit=2).sending is None


@pytest.mark.parametrize(
    "untouchable",
    [
        a_state(),
        ContactState(NUMBER, requests=made(DAY)),
        ContactState(NUMBER, consent=consenting("opted_out")),
        ContactState(NUMBER, consent=consenting("opted_in")),
        ContactState(NUMBER, unusable="invalid"),
    ],
)
def test_a_number_noted_asked_or_decided_stays_as_it_is(untouchable: ContactState) -> None:
    assert plan_request(untouchable, replace(WANTED, at=NOON + DAY)) == untouchable
    assert not may_be_asked(untouchable, mobile=True)


def test_a_dropped_number_may_be_wanted_again() -> None:
    dropped = drop_request(a_state(), judge_request(a_state(), seen(causes=())), NOON)

    assert dropped.dropped is not None
    assert (dropped.dropped.reason, dropped.due_at, dropped.wanted) == ("setting", None, None)
    assert may_be_asked(dropped, mobile=True)
    again = plan_request(dropped, WANTED)
    assert again == a_state()
    assert plan_request(replace(ContactState(NUMBER), held="off"), WANTED) == a_state()


def test_previews_count_no_number_that_cannot_be_a_mobile() -> None:
    assert may_be_asked(ContactState(NUMBER), mobile=True)
    assert not may_be_asked(ContactState(NUMBER), mobile=False)


def test_a_wanted_request_is_due_at_the_time_of_its_cause() -> None:
    assert plan_request(ContactState(NUMBER), WANTED) == ContactState(
        NUMBER, wanted=WANTED, due_at=WANTED.at
    )


@pytest.mark.parametrize("state", ["opted_in", "opted_out"])
def test_an_answer_ends_the_wish_to_ask(state: ConsentState) -> None:
    answered = with_consent(a_state(), consenting(state), NOON)

    assert (answered.wanted, answered.due_at) == (None, None)
    assert answered.dropped == DroppedRequest(state, NOON)


@pytest.mark.parametrize("answer", ["opted_in", "opted_out"])
def test_an_answer_while_the_text_is_on_its_way_leaves_its_outcome_to_be_written(
    answer: ConsentState,
) -> None:
    sending = with_consent(begin_request(a_state(), "posabit", NOON), consenting(answer), NOON)

    assert sending.due_at is not None
    done = finish_request(sending, "sent", limit=2)
    assert (done.wanted, done.due_at, done.requests[0].outcome) == (None, None, "sent")


def test_a_number_nothing_can_be_delivered_to_is_asked_no_more() -> None:
    marked = mark_unusable(a_state(), "invalid number", NOON)

    assert (marked.wanted, marked.due_at, marked.unusable) == (None, None, "invalid number")
    assert marked.dropped == DroppedRequest("unusable", NOON, "invalid number")
    for state in (a_state(wanted=None), begin_request(a_state(), "posabit", NOON)):
        assert mark_unusable(state, "landline", NOON) == replace(state, unusable="landline")


@pytest.mark.parametrize(
    ("state", "others", "expected"),
    [
        (ContactState(NUMBER), (), False),
        (other("opted_in"), (), True),
        (other("opted_out"), (), False),
        (replace(other("opted_in"), unusable="landline"), (), False),
        (other("opted_in", NOON), (other("opted_out", NOON - 1),), True),
        (other("opted_in", NOON), (other("opted_out", NOON),), True),
        (other("opted_in", NOON), (other("opted_out", NOON + 1),), False),
        (other("opted_in", NOON), (other("opted_in", NOON + 1),), True),
    ],
)
def test_a_persona_is_texted_where_no_other_number_opted_out_later(
    state: ContactState, others: tuple[ContactState, ...], expected: bool
) -> None:
    assert may_be_texted(state, others) is expected


def test_an_opt_out_elsewhere_counts_against_who_never_opted_in_whenever_it_was() -> None:
    earlier, undated = (
        other("opted_out", NOON - 1),
        ContactState("+1", consent=Consent("opted_out")),
    )

    assert opted_out_later(other("requested", NOON), (earlier,))
    assert opted_out_later(other("opted_in", NOON), (earlier, undated))
    assert not opted_out_later(other("opted_in", NOON), (earlier,))


causes = st.lists(
    st.builds(
        Cause,
        platform=st.sampled_from(["posabit", "webjoint", "auphan"]),
        age_gate=st.booleans(),
        connected=st.booleans(),
        starts_at=st.sampled_from([0, NOON + DAY]),
        stopped=st.booleans(),
    ),
    max_size=3,
    unique_by=lambda cause: cause.platform,
).map(tuple)
circumstances = st.builds(
    Circumstances,
    now=st.integers(0, 400).map(lambda hours: NOON + hours * HOUR),
    rules=st.builds(
        TextingRules, number=st.sampled_from([None, "+12065550100"]), request_limit=st.just(2)
    ),
    zone=st.sampled_from([ZONE, "America/New_York", "Pacific/Honolulu"]),
    causes=causes,
    flags=st.frozensets(st.sampled_from(sorted(NEVER_TEXTED)), max_size=1),
    others=st.sampled_from([(), (other("opted_out"),), (other("opted_in"),)]),
    mobile=st.booleans(),
    off=st.booleans(),
)
states = st.builds(
    a_state,
    consent=st.sampled_from(["unknown", "requested", "opted_in", "opted_out"]).map(consenting),
    requests=st.sampled_from([(), made(DAY), made(9 * DAY), made(20 * DAY, 9 * DAY)]),
    unusable=st.sampled_from([None, "invalid"]),
)


@given(states, circumstances)
def test_nothing_goes_that_anything_speaks_against(
    state: ContactState, found: Circumstances
) -> None:
    verdict = judge_request(state, found)

    if verdict.kind == "go":
        [cause] = [cause for cause in found.causes if cause.platform == verdict.platform]
        assert cause.age_gate
        assert cause.connected
        assert not cause.stopped
        assert cause.starts_at <= found.now
        assert state.consent.state not in ("opted_in", "opted_out")
        assert len(state.requests) < 2
        assert all(request.at + 7 * DAY <= found.now for request in state.requests)
        assert not found.flags
        assert not found.off
        assert found.mobile
        assert found.rules.number
        assert all(each.consent.state != "opted_out" for each in found.others)
    if verdict.kind == "hold":
        assert verdict.until is not None
        assert verdict.until > found.now
        assert hold_request(state, verdict).due_at == verdict.until
