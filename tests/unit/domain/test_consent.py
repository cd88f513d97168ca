"""Consent follows from its log, whatever the order; the shopper's opt-out wins (product.md §9)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.consent import (
    OPT_OUTS,
    OWN_OPT_INS,
    ConsentAct,
    Entry,
    derive_consent,
)
from chalicelib.domain.times import DAY, MINUTE, SECOND
from chalicelib.domain.words import ConsentState

T = 1_767_268_800_000

ACTS: tuple[ConsentAct, ...] = (
    "request",
    "withdrawn",
    "yes",
    "start",
    "signed",
    "flag_yes",
    "stop",
    "flag_no",
    "carrier_no",
    "noted",
)


def log(*acts: ConsentAct, step: int = DAY) -> list[Entry]:
    """Entries a step apart."""
    return [Entry(f"{n:02d}", T + n * step, act, "sms") for n, act in enumerate(acts)]


def state(*acts: ConsentAct, step: int = DAY) -> ConsentState:
    return derive_consent(log(*acts, step=step)).state


entries = st.lists(
    st.builds(
        Entry,
        id=st.integers(0, 30).map(str),
        at=st.integers(0, 60).map(lambda days: T + days * DAY),
        act=st.sampled_from(ACTS),
        source=st.just("sms"),
        refers=st.integers(0, 30).map(str),
    ),
    max_size=12,
    unique_by=lambda entry: entry.id,
)


@given(entries, st.randoms(use_true_random=False))
def test_the_order_of_arrival_and_repetitions_never_matter(
    history: list[Entry], random: object
) -> None:
    again = history + history[::2]
    random.shuffle(again)  # type: ignore[attr-defined]

    assert derive_consent(again) == derive_consent(history)


@given(entries)
def test_an_opt_out_stands_until_an_act_of_the_shopper_after_it(history: list[Entry]) -> None:
    found = derive_consent(history)

    outs = [entry.at for entry in history if entry.act in OPT_OUTS]
    own = [entry.at for entry in history if entry.act in OWN_OPT_INS]
    if outs and max(own, default=T - 1) <= max(outs):
        assert found.state == "opted_out"
        assert found.since == max(outs)


@given(entries)
def test_nobody_is_opted_in_without_an_entry_that_says_so(history: list[Entry]) -> None:
    found = derive_consent(history)

    if found.state == "opted_in":
        [by] = [entry for entry in history if entry.id == found.by]
        assert by.act in OWN_OPT_INS | {"flag_yes"}
        assert by.at == found.since


@pytest.mark.parametrize(
    ("acts", "expected"),
    [
        ((), "unknown"),
        (("noted",), "unknown"),
        (("request",), "requested"),
        (("request", "request"), "requested"),
        (("request", "yes"), "opted_in"),
        (("yes",), "unknown"),
        (("yes", "request"), "requested"),
        (("start",), "opted_in"),
        (("signed",), "opted_in"),
        (("stop",), "opted_out"),
        (("request", "yes", "stop"), "opted_out"),
        (("request", "stop", "yes"), "opted_in"),
        (("stop", "start"), "opted_in"),
        (("stop", "signed"), "opted_in"),
        (("flag_yes",), "opted_in"),
        (("flag_yes", "request"), "opted_in"),
        (("stop", "flag_yes"), "opted_out"),
        (("flag_no", "flag_yes"), "opted_out"),
        (("flag_yes", "flag_no"), "opted_out"),
        (("request", "yes", "flag_no"), "opted_out"),
        (("request", "flag_no", "yes"), "opted_in"),
        (("carrier_no", "request"), "opted_out"),
    ],
)
def test_what_follows_from_a_log(acts: tuple[ConsentAct, ...], expected: ConsentState) -> None:
    assert state(*acts) == expected


def test_of_one_instant_the_opt_out_wins() -> None:
    assert state("stop", "start", step=0) == state("start", "stop", step=0) == "opted_out"


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (-5 * MINUTE - 1, "requested"),
        (-5 * MINUTE, "opted_in"),
        (0, "opted_in"),
        (30 * DAY, "opted_in"),
        (30 * DAY + 1, "requested"),
    ],
)
def test_a_yes_counts_within_thirty_days_of_a_request(after: int, expected: ConsentState) -> None:
    history = [Entry("a", T, "request", "aiq"), Entry("b", T + after, "yes", "sms")]

    assert derive_consent(history).state == expected


def test_a_request_that_never_went_cannot_be_answered() -> None:
    request = Entry("request#1", T, "request", "aiq")
    withdrawn = Entry("withdrawn#1", T + SECOND, "withdrawn", "aiq", refers="request#1")
    yes = Entry("yes", T + DAY, "yes", "sms")

    assert derive_consent([request, withdrawn]).requested_at is None
    assert derive_consent([request, withdrawn, yes]).state == "unknown"


def test_the_latest_own_act_dates_the_consent_and_a_repeated_flag_does_not() -> None:
    signed, flags = log("signed", "flag_yes", "signed"), log("flag_yes", "flag_yes")

    assert derive_consent(signed).since == signed[2].at
    assert derive_consent(flags).since == flags[0].at


def test_the_latest_request_is_known_after_an_answer_too() -> None:
    history = log("request", "request", "yes")

    assert derive_consent(history).requested_at == history[1].at
    assert (
        derive_consent([*history, replace(history[0], id="z", at=T - DAY)]).requested_at
        == history[1].at
    )
