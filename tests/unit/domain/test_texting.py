"""Quiet hours by zone, wordings and parts (product.md §9)."""

from __future__ import annotations

from datetime import datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.texting import (
    WORDINGS,
    TextingRules,
    count_parts,
    is_open,
    missing_words,
    next_opening,
    opening_after_this_month,
    opening_after_today,
)
from chalicelib.domain.times import DAY, HOUR, from_datetime, to_datetime

RULES = TextingRules(brand="Green Leaf")
ZONES = ("America/Los_Angeles", "America/New_York", "America/St_Johns", "Pacific/Honolulu",
         "America/Phoenix", "Pacific/Apia", "Asia/Kathmandu", "Australia/Lord_Howe")  # fmt: skip
moments = st.integers(1_577_836_800_000, 1_893_456_000_000)


def at(text: str, zone: str) -> int:
    return from_datetime(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)))


@pytest.mark.parametrize(
    ("local", "is_it"),
    [
        ("2026-01-05T07:59:59", False),
        ("2026-01-05T08:00:00", True),
        ("2026-01-05T20:59:59", True),
        ("2026-01-05T21:00:00", False),
        ("2026-01-05T00:00:00", False),
        ("2026-03-08T08:00:00", True),  # the clocks went forward six hours ago
        ("2026-03-08T03:30:00", False),
        ("2026-11-01T07:59:00", False),  # the clocks went back
        ("2026-11-01T20:59:00", True),
    ],
)
@pytest.mark.parametrize("zone", ["America/Los_Angeles", "America/St_Johns"])
def test_requests_go_from_eight_to_nine_on_the_stores_clocks(
    local: str, is_it: bool, zone: str
) -> None:
    assert is_open(at(local, zone), zone, RULES) is is_it


def test_at_one_moment_one_store_is_open_and_another_is_not() -> None:
    now = at("2026-01-05T08:30:00", "America/New_York")

    assert is_open(now, "America/New_York", RULES)
    assert not is_open(now, "America/Los_Angeles", RULES)
    assert not is_open(now, "Pacific/Honolulu", RULES)


@given(moments, st.sampled_from(ZONES))
def test_the_next_opening_is_open_soon_and_nothing_before_it_is(now: int, zone: str) -> None:
    opening = next_opening(now, zone, RULES)

    assert now <= opening <= now + 12 * HOUR + DAY
    assert is_open(opening, zone, RULES)
    assert opening == now or not is_open(opening - 1, zone, RULES)
    assert opening == now or not is_open((now + opening) // 2, zone, RULES)


@given(moments, st.sampled_from(ZONES))
def test_a_cap_is_new_on_another_day_and_a_budget_in_another_month(now: int, zone: str) -> None:
    tomorrow = to_datetime(opening_after_today(now, zone, RULES), zone)
    next_month = to_datetime(opening_after_this_month(now, zone, RULES), zone)

    assert tomorrow.date() > to_datetime(now, zone).date()
    assert (next_month.day, tomorrow.time()) == (1, time(8))
    assert next_month.month != to_datetime(now, zone).month


def test_an_account_may_keep_shorter_hours() -> None:
    rules = TextingRules(opens=time(10), closes=time(18, 30))

    assert not is_open(at("2026-01-05T09:59:00", ZONES[0]), ZONES[0], rules)
    assert is_open(at("2026-01-05T18:29:00", ZONES[0]), ZONES[0], rules)
    assert not is_open(at("2026-01-05T18:30:00", ZONES[0]), ZONES[0], rules)


@pytest.mark.parametrize("kind", WORDINGS)
def test_our_own_wordings_say_all_they_must_in_two_parts_at_most(kind: str) -> None:
    assert missing_words(kind, WORDINGS[kind]) == ()  # type: ignore[arg-type,index]
    assert count_parts(RULES.wording(kind)) <= 2  # type: ignore[arg-type]
    assert RULES.wording(kind).startswith("Green Leaf: ")  # type: ignore[arg-type]


def test_what_a_wording_must_say_and_does_not_is_named() -> None:
    assert missing_words("request", "{brand}: text yes, STOPPING helps") == ("HELP", "STOP")
    assert missing_words("help", "Reply stop.") == ("{brand}",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("ş" * 70, 1),
        ("ş" * 71, 2),
        ("👍" * 35, 1),
        ("👍" * 36, 2),
    ],
)
def test_parts_are_counted_as_carriers_do(text: str, expected: int) -> None:
    assert count_parts(text) == expected


def test_after_a_cap_texts_go_on_at_the_next_opening_and_after_a_budget_next_month() -> None:
    rules, zone = TextingRules(opens=time(9, 30)), ZONES[0]
    now = at("2026-01-31T20:00:00", zone)
    in_december = at("2026-12-01T00:00:00", zone)

    assert opening_after_today(now, zone, rules) == at("2026-02-01T09:30:00", zone)
    assert opening_after_this_month(now, zone, rules) == at("2026-02-01T09:30:00", zone)
    assert opening_after_today(in_december, zone, rules) == at("2026-12-02T09:30:00", zone)
    assert opening_after_this_month(in_december, zone, rules) == at("2027-01-01T09:30:00", zone)


def test_an_accounts_own_wording_takes_the_place_of_ours() -> None:
    rules = TextingRules(brand="Green Leaf", wordings={"help": "{brand} helps. {brand}!"})

    assert rules.wording("help") == "Green Leaf helps. Green Leaf!"
    assert rules.wording("opt_out") == (
        "Green Leaf: You are opted out and will get no more texts from us. Reply START to sign"
        " up again."
    )


def test_a_word_with_a_letter_more_is_another_word() -> None:
    assert missing_words("help", "{brand} STOPX") == ("STOP",)
    assert missing_words("help", '({brand}: "Stop!")') == ()


def test_the_rules_are_written_by_field_the_hours_to_the_minute() -> None:
    rules = TextingRules(
        number="+12065550100",
        brand="Green Leaf",
        request_limit=1,
        opens=time(9),
        closes=time(18, 30),
        daily_cap=5,
        monthly_budget=6,
        start_after_minutes=7,
        wordings={"help": "{brand} STOP"},
        version=8,
    )

    assert rules.as_fields() == {
        "number": "+12065550100",
        "brand": "Green Leaf",
        "request_limit": 1,
        "opens": "09:00",
        "closes": "18:30",
        "daily_cap": 5,
        "monthly_budget": 6,
        "start_after_minutes": 7,
        "wordings": {"help": "{brand} STOP"},
    }


def test_a_number_of_parts_is_whole() -> None:
    assert all(type(count_parts(sign * 200)) is int for sign in "a€ş")
