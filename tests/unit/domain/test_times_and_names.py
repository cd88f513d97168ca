"""Instants, days and folded names."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.names import NAME_KEY_LENGTH, name_key, name_prefix, person_name, usable_name
from chalicelib.domain.times import (
    DAY,
    HOUR,
    MINUTE,
    at_local_time,
    at_wall_clock,
    day_number,
    from_datetime,
    from_text,
    is_shown_twice,
    is_zone,
    local_day,
    local_day_number,
    start_of_day,
    to_datetime,
    to_text,
    utc_day,
)

SEATTLE = "America/Los_Angeles"
SHOPS_ZONES = (
    *("America/St_Johns", "America/Goose_Bay", "America/Halifax", "America/Moncton"),
    *("America/New_York", "America/Toronto", "America/Indiana/Knox", "America/Chicago"),
    *("America/Winnipeg", "America/Regina", "America/Denver", "America/Phoenix"),
    *("America/Edmonton", "America/Vancouver", SEATTLE, "America/Whitehorse"),
    *("America/Anchorage", "America/Metlakatla", "Pacific/Honolulu", "Pacific/Guam"),
)
instants = st.integers(-(10**12), 4 * 10**12)

# Times


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.001Z", 1),
        ("1969-12-31T16:00:01-08:00", 1_000),
        ("2026-01-09T12:00:00.123999+00:00", 1_767_960_000_123),
    ],
)
def test_text_with_an_offset_names_an_instant(text: str, at: int) -> None:
    assert from_text(text) == at


@pytest.mark.parametrize("text", ["2026-01-09T12:00:00", "2026-01-09", "", "soon"])
def test_text_without_an_offset_or_without_sense_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the sentence is the library's
        from_text(text)


def test_an_instant_is_written_with_z_and_milliseconds_only_when_there_are_some() -> None:
    assert to_text(1_767_960_000_000) == "2026-01-09T12:00:00Z"
    assert to_text(1_767_960_000_120) == "2026-01-09T12:00:00.120Z"
    assert to_text(-1) == "1969-12-31T23:59:59.999Z"


@given(instants)
def test_an_instant_survives_its_text_and_its_datetime(at: int) -> None:
    assert from_text(to_text(at)) == at
    assert from_datetime(to_datetime(at, SEATTLE)) == at


@given(instants)
def test_the_utc_day_changes_at_midnight_utc(at: int) -> None:
    moment = datetime.fromtimestamp(0, UTC) + (to_datetime(at) - to_datetime(0))

    assert utc_day(at) == moment.toordinal() - date(1970, 1, 1).toordinal()
    assert local_day(at, "UTC") == moment.date()


def test_the_local_day_is_that_of_the_zone() -> None:
    just_after_midnight_utc = from_text("2026-01-09T00:30:00Z")

    assert local_day(just_after_midnight_utc, SEATTLE) == date(2026, 1, 8)
    assert local_day(just_after_midnight_utc, "Asia/Tokyo") == date(2026, 1, 9)


@pytest.mark.parametrize(
    ("at", "zone", "day"),
    [
        ("2006-10-29T02:30:59Z", "America/St_Johns", "2006-10-29"),
        ("2006-10-29T02:31:00Z", "America/St_Johns", "2006-10-28"),
        ("2006-10-29T03:02:00Z", "America/Moncton", "2006-10-28"),
        ("2010-11-07T03:05:00Z", "America/Goose_Bay", "2010-11-06"),
        ("1971-06-01T00:44:00Z", "Africa/Monrovia", "1971-05-31"),
    ],
)
def test_a_day_that_begins_or_comes_back_within_a_quarter_of_an_hour_is_told_to_the_second(
    at: str, zone: str, day: str
) -> None:
    assert local_day(from_text(at), zone) == date.fromisoformat(day)
    assert local_day_number(from_text(at), zone) == day_number(date.fromisoformat(day))


@pytest.mark.parametrize("zone", [*SHOPS_ZONES, "Africa/Monrovia", "Pacific/Kiritimati"])
def test_the_number_of_a_local_day_is_that_of_the_day_wherever_the_clocks_move(zone: str) -> None:
    for moved in _moves_of_the_clocks(zone):
        for at in range(moved - 20 * MINUTE, moved + 20 * MINUTE, 29_500):
            assert local_day_number(at, zone) == day_number(local_day(at, zone))


def _moves_of_the_clocks(zone: str) -> Iterator[int]:
    """To the second, from 1970 to 2030; looked for week by week, which no zone undercuts by two."""

    def offset(second: int) -> timedelta | None:
        return to_datetime(second * 1000, zone).utcoffset()

    week = 7 * DAY // 1000
    for begin in range(0, 60 * 52 * week, week):
        before, after = begin, begin + week
        if offset(before) == offset(after):
            continue
        while after - before > 1:
            middle = (before + after) // 2
            if offset(middle) == offset(begin):
                before = middle
            else:
                after = middle
        yield after * 1000


def test_a_local_day_has_23_or_25_hours_when_the_clocks_change() -> None:
    spring, autumn = date(2026, 3, 8), date(2026, 11, 1)

    lengths = [
        start_of_day(day.replace(day=day.day + 1), SEATTLE) - start_of_day(day, SEATTLE)
        for day in (spring, autumn)
    ]

    assert lengths == [DAY - HOUR, DAY + HOUR]


def test_a_skipped_hour_is_met_an_hour_later_and_a_repeated_one_the_first_time() -> None:
    skipped = at_local_time(date(2026, 3, 8), time(2, 30), SEATTLE)
    repeated = at_local_time(date(2026, 11, 1), time(1, 30), SEATTLE)

    assert to_text(skipped) == "2026-03-08T10:30:00Z"
    assert to_text(repeated) == "2026-11-01T08:30:00Z"
    assert to_datetime(skipped, SEATTLE).hour == 3


@pytest.mark.parametrize(
    ("shown", "at"),
    [
        ("2026-01-09T12:00:00.500Z", "2026-01-09T20:00:00.500Z"),
        ("2026-07-09T12:00:00Z", "2026-07-09T19:00:00Z"),
        ("2026-03-08T02:30:00Z", "2026-03-08T10:30:00Z"),
        ("2026-11-01T01:30:00Z", "2026-11-01T08:30:00Z"),
    ],
)
def test_what_a_shops_clock_showed_names_an_instant_in_its_zone(shown: str, at: str) -> None:
    assert to_text(at_wall_clock(from_text(shown), SEATTLE)) == at


def test_only_the_hour_that_clocks_show_twice_orders_nothing() -> None:
    first, again = from_text("2026-11-01T08:30:00Z"), from_text("2026-11-01T09:30:00Z")
    before, another_year = from_text("2026-11-01T07:59:59Z"), from_text("2027-11-07T08:30:00Z")

    assert is_shown_twice(first, again, SEATTLE)
    assert is_shown_twice(again, first, SEATTLE)
    assert not is_shown_twice(before, again, SEATTLE)
    assert not is_shown_twice(first, before, SEATTLE)
    assert not is_shown_twice(first, another_year, SEATTLE)
    assert not is_shown_twice(first, again, "UTC")


@pytest.mark.parametrize("name", ["", "America", "../etc/passwd", "Mars/Olympus", "/UTC", "a\x00b"])
def test_what_is_no_zone_is_told(name: str) -> None:
    assert not is_zone(name)


def test_iana_zones_are_known() -> None:
    assert is_zone(SEATTLE)
    assert is_zone("UTC")


def test_units_are_milliseconds() -> None:
    assert (MINUTE, HOUR, DAY) == (60_000, 3_600_000, 86_400_000)


# Names


@pytest.mark.parametrize(
    ("first", "last", "key"),
    [
        ("Ada", "Lee", "ada lee"),
        ("  JOSÉ ", "Álvarez  Ruiz", "jose alvarez ruiz"),
        ("Jose\u0301", "Ruiz", "jose ruiz"),
        ("", "Lee", "lee"),
        ("Ada", "", "ada"),
        ("", " ", ""),
        ("Groß", "İnce", "gross ince"),
        ("Зоя", "Ёлкина", "зоя елкина"),
    ],
)
def test_the_name_key_is_the_folded_first_and_last_name(first: str, last: str, key: str) -> None:
    assert name_key(first, last) == key


def test_a_name_key_is_not_longer_than_the_index_needs() -> None:
    assert len(name_key("x" * 500, "y")) == NAME_KEY_LENGTH


_words = st.text(alphabet="aBcéÑ ", max_size=10)


@given(_words, _words, st.integers(0, 21))
def test_whoever_types_the_start_of_a_name_finds_it(first: str, last: str, length: int) -> None:
    typed = f"{first} {last}"[:length]

    assert name_key(first, last).startswith(name_prefix(typed))


@pytest.mark.parametrize(
    ("first", "last", "person"),
    [
        ("Ana", "Ruiz", "a ruiz"),
        ("ÁNA", " Ruíz ", "a ruiz"),
        ("", "Ruiz", "ruiz"),
        ("Ana", "", "a"),
        ("N/A", "--", ""),
        ("Ana", "R" * 50, "a " + "r" * 38),
    ],
)
def test_different_people_are_told_apart_by_first_initial_and_last_name(
    first: str, last: str, person: str
) -> None:
    assert person_name(first, last) == person


@pytest.mark.parametrize("said", ["", ".", "--", "N/A", "none", "No Name", "Not given", "n.a."])
def test_a_name_that_says_none_is_none(said: str) -> None:
    assert usable_name(said) == ""
    assert usable_name(f"{said} Lee") != ""
