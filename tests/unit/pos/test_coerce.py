"""Values as a POS writes them: what they mean, and what is broken."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.times import from_text
from chalicelib.pos.rows import coerce, times
from chalicelib.pos.rows.coerce import Unusable

from .builders import UNHURRIED


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("Ana\x00", "Ana"),
        ("\u202eanA", "anA"),
        ("\u202a+1 206 555 0142\u202c", "+1 206 555 0142"),
        ("Ana\u200b Ruiz", "Ana Ruiz"),
        ("12 Main St\nApt 4", "12 Main St Apt 4"),
        ("\u200b", None),
        ("Zoë\xa0Müller", "Zoë\xa0Müller"),
    ],
)
def test_a_text_is_shown_without_what_cannot_be_seen(told: str, shown: str | None) -> None:
    assert coerce.text(told) == coerce.contact_text(told) == shown


@pytest.mark.parametrize("told", ["12\x0034", "1\n2", "A\ufffd", ["NaN"], "\x7f1\x7f"])
def test_an_id_that_was_damaged_on_the_way_is_none(told: Any) -> None:
    assert coerce.id_if_usable(told) is None
    with pytest.raises(Unusable):
        coerce.required_id(told)


def test_an_id_with_a_line_break_at_its_end_is_the_id() -> None:
    assert coerce.optional_id(" 1234\r\n") == "1234"
    assert coerce.optional_id("Été-7") == "Été-7"


@pytest.mark.parametrize(
    ("value", "minor"),
    [
        (4500, 4500),
        ("4500", 4500),
        (" -500 ", -500),
        (4500.0, 4500),
        ("4500.00", 4500),
        ("5,480", 5480),
        ("5 480", 5480),
        (None, None),
    ],
)
def test_cents_are_whole(value: Any, minor: int | None) -> None:
    assert coerce.cents(value) == minor


@pytest.mark.parametrize(
    "value",
    [
        *(12.5, "12,x4", "12,5", True, [], {}, float("nan"), float("inf"), 10**20, "1e99"),
        *("1e9999999", "-1E+999999999", "sNaN", "1_000"),
    ],
)
def test_broken_money_is_broken_and_not_zero(value: Any) -> None:
    with pytest.raises(Unusable, match="bad_money"):
        coerce.cents(value)


@pytest.mark.parametrize(
    ("value", "minor"),
    [(45, 4500), (45.0, 4500), ("45.10", 4510), (0.285, 29), ("-0.005", -1), (None, None)],
)
def test_dollars_become_cents_with_halves_away_from_zero(value: Any, minor: int | None) -> None:
    assert coerce.dollars(value) == minor


@UNHURRIED
@given(st.integers(-(10**9), 10**9))
def test_every_cent_survives_being_written_in_dollars(cents: int) -> None:
    dollars = Decimal(cents) / 100

    assert coerce.dollars(str(dollars)) == cents
    assert coerce.dollars(float(dollars)) == cents


@pytest.mark.parametrize("value", [True, 1, "1", "true", "TRUE", "yes", " y ", 1.0])
def test_every_way_to_say_yes(value: Any) -> None:
    assert coerce.boolean(value) is True


@pytest.mark.parametrize("value", [False, 0, "0", "false", "No", 0.0])
def test_every_way_to_say_no(value: Any) -> None:
    assert coerce.boolean(value) is False


@pytest.mark.parametrize("value", ["maybe", 2, [], {}])
def test_anything_else_says_neither(value: Any) -> None:
    with pytest.raises(Unusable):
        coerce.boolean(value)


BLANKS = [None, "", " ", "-", "--", "\N{EM DASH}", " - ", "N/A", "n/a", "#N/A"]


@pytest.mark.parametrize("blank", [*BLANKS, "null", "NaN", "none"])
@pytest.mark.parametrize(
    "read",
    [
        coerce.optional_id,
        coerce.boolean,
        coerce.decimal_text,
        coerce.points,
        coerce.cents,
        coerce.dollars,
        coerce.amount_as_written,
        times.birth_date,
        times.birth_year,
        times.instant_reader("UTC", ("iso",)),
    ],
)
def test_a_blank_or_a_dash_says_nothing(read: Any, blank: str | None) -> None:
    assert read(blank) is None
    assert coerce.is_blank(blank)


@pytest.mark.parametrize("blank", BLANKS)
def test_a_text_of_nothing_but_dashes_says_nothing(blank: str | None) -> None:
    assert coerce.text(blank) is None


@pytest.mark.parametrize("name", ["Null", "Na", "None", "N", "-5 Star-", ".38 Special", "A/C"])
def test_a_name_is_no_blank(name: str) -> None:
    assert coerce.text(name) == name


@pytest.mark.parametrize("value", [True, [], {}, ["Ana"], {"name": "Ana"}, float("nan")])
def test_what_is_no_text_is_not_taken_for_one(value: Any) -> None:
    with pytest.raises(Unusable):
        coerce.text(value)


@pytest.mark.parametrize(
    ("value", "balance"),
    [
        (120, 120),
        (120.0, 120),
        (120.5, 120.5),
        ("120.0", 120),
        ("120.50", 120.5),
        ("1,250", 1250),
        ("1,250.75", 1250.75),
        ("1 250", 1250),
        ("1\N{NO-BREAK SPACE}250,5", 1250.5),
        ("-60", -60),
        ("+7", 7),
        (0, 0),
    ],
)
def test_a_balance_is_exact(value: Any, balance: float) -> None:
    assert coerce.points(value) == balance


@UNHURRIED
@given(st.integers(-(10**12), 10**12))
def test_every_hundredth_of_a_point_survives_being_written(hundredths: int) -> None:
    balance = Decimal(hundredths) / 100

    for written in (str(balance), f"{balance:,.2f}", float(balance)):
        assert round((coerce.points(written) or 0) * 100) == hundredths


@pytest.mark.parametrize(
    "value", ["120 pts", "many", 0.125, "1.005", True, [120], {}, float("inf"), 10**12, "1,25,0"]
)
def test_a_balance_that_is_no_amount_of_hundredths_is_not_guessed(value: Any) -> None:
    with pytest.raises(Unusable):
        coerce.points(value)


@pytest.mark.parametrize(
    "text", ["2026-05-02T19:22:10.000Z", "2026-05-02T12:22:10-07:00", "2026-05-02 19:22:10Z"]
)
def test_an_offset_in_the_text_decides(text: str) -> None:
    read = times.instant_reader("America/New_York", ("iso",))

    assert read(text) == from_text("2026-05-02T19:22:10Z")


@pytest.mark.parametrize(
    ("zone", "utc"),
    [
        ("UTC", "2026-05-02T12:22:10Z"),
        ("America/Los_Angeles", "2026-05-02T19:22:10Z"),
        ("nowhere", "2026-05-02T12:22:10Z"),
    ],
)
def test_a_text_without_an_offset_is_read_on_the_clock_of_the_profile(zone: str, utc: str) -> None:
    read = times.instant_reader(zone, ("iso",))

    assert read("2026-05-02T12:22:10") == from_text(utc)


def test_other_formats_are_tried_in_order() -> None:
    read = times.instant_reader("UTC", ("iso", "%b %d, %Y", "%m/%d/%Y %H:%M"))

    assert read("Jan 01, 2022") == from_text("2022-01-01T00:00:00Z")
    assert read("01/02/2022 03:04") == from_text("2022-01-02T03:04:00Z")


@pytest.mark.parametrize(
    "value", ["soon", "2026-13-45T25:00:00.000Z", "0001-01-01T00:00:00Z", 1714678930, True, {}]
)
def test_what_is_no_instant_is_a_bad_date(value: Any) -> None:
    with pytest.raises(Unusable, match="bad_date"):
        times.instant_reader("UTC", ("iso",))(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *[(1, "1"), (1.0, "1"), ("369.7", "369.7"), (-2, "-2"), ("+3", "3"), (0.5, "0.5")],
        ("1,250", "1250"),
    ],
)
def test_a_quantity_is_exact_text(value: Any, text: str) -> None:
    assert coerce.decimal_text(value) == text


@pytest.mark.parametrize("value", ["many", "1,5", float("nan"), True, [1]])
def test_what_is_no_number_is_no_quantity(value: Any) -> None:
    with pytest.raises(Unusable, match="wrong_shape"):
        coerce.decimal_text(value)


@pytest.mark.parametrize(
    ("value", "found"),
    [(7, 7), ("7", 7), (7.0, 7), (7.5, None), ("x", None), (True, None), (10**30, None)],
)
def test_a_whole_number_or_nothing(value: Any, found: int | None) -> None:
    assert coerce.whole_number(value) == found


@pytest.mark.parametrize(
    ("read", "broken", "reason"),
    [
        (coerce.text, ["Ana"], "wrong_shape"),
        (coerce.optional_id, 2.0**54, "wrong_shape"),
        (coerce.optional_id, "12\x0034", "wrong_shape"),
        (coerce.optional_id, "a" * 129, "wrong_shape"),
        (coerce.required_id, 0, "missing_id"),
        (coerce.points, 0.125, "wrong_shape"),
        (coerce.points, 10**11 + 1, "wrong_shape"),
        (coerce.points, "many", "bad_money"),
        (coerce.boolean, "maybe", "wrong_shape"),
        (coerce.decimal_text, "many", "wrong_shape"),
        (coerce.cents, 12.5, "bad_money"),
        (coerce.cents, "--5-", "bad_money"),
        (coerce.cents, "(5", "bad_money"),
        (coerce.cents, "5)", "bad_money"),
        (coerce.cents, "one", "bad_money"),
        (coerce.cents, True, "bad_money"),
        (coerce.dollars, [], "bad_money"),
        (coerce.dollars, 10**13 + 1, "bad_money"),
        (times.birth_date, "soon", "bad_date"),
        (times.birth_date, "1899-12-31", "bad_date"),
        (times.birth_date, "2101-01-01", "bad_date"),
        (times.birth_year, "1899", "bad_date"),
        (times.birth_year, "2101", "bad_date"),
        (times.birth_year, "01990", "bad_date"),
        (times.birth_year, "MCMXC", "bad_date"),
        (times.flag_or_time(times.instant_reader("UTC", ("iso",))), "soon", "wrong_shape"),
    ],
)
def test_what_is_broken_is_named_by_its_kind(read: Any, broken: Any, reason: str) -> None:
    with pytest.raises(Unusable, match=f"^{reason}$") as unusable:
        read(broken)

    assert (unusable.value.reason, unusable.value.field) == (reason, "")


@pytest.mark.parametrize(
    ("told", "word"),
    [
        ("Done ", "Done"),
        ("N/A", "N/A"),
        ("-", ""),
        (" --- ", ""),
        ("", ""),
        (None, ""),
        (5, "5"),
        (["Done"], "\ufffd"),
        ("x" * 501, "x" * 500),
        ("n/a" + "\u200b", "n/a\u200b"),
    ],
)
def test_a_word_of_the_pos_stays_one_though_it_says_nothing(told: Any, word: str) -> None:
    assert coerce.word(told) == word


@pytest.mark.parametrize(
    ("told", "contact"),
    [
        ([], None),
        ({}, None),
        (["2065550142"], "\ufffd"),
        (True, "\ufffd"),
        (2065550142, "2065550142"),
    ],
)
def test_a_contact_that_is_no_text_is_broken_and_an_empty_one_missing(
    told: Any, contact: str | None
) -> None:
    assert coerce.contact_text(told) == contact


@pytest.mark.parametrize(
    ("told", "id_text"),
    [
        (2**60, str(2**60)),
        (-5, "-5"),
        (0, None),
        ("0", None),
        ("00", "00"),
        (2.0**53, "9007199254740992"),
        ("n", "n"),
        ("nadia-1", "nadia-1"),
        ("u77", "u77"),
        ("Null", None),
        ("a" * 128, "a" * 128),
    ],
)
def test_an_id_is_kept_to_its_last_sign(told: Any, id_text: str | None) -> None:
    assert coerce.optional_id(told) == id_text


def test_numbers_are_read_up_to_their_limits_and_to_whole_ones() -> None:
    largest = 10**13

    for number in (largest, -largest, float(largest), str(largest)):
        assert coerce.whole_number(number) == int(number)
    for number in (largest + 1, -largest - 1, float(largest) + 1024, str(largest + 1)):
        assert coerce.whole_number(number) is None
    assert [coerce.points(balance) for balance in (10**11, "100000000000")] == [10**11] * 2
    assert coerce.cents(1e13) == coerce.cents(largest) == largest
    assert coerce.dollars(str(largest)) == largest * 100
    assert coerce.text("x" * 500) == "x" * 500
    assert coerce.text("x" * 501) == "x" * 500
    assert type(coerce.points("120.00")) is type(coerce.points(120.0)) is int
    assert coerce.decimal_text(10**20) == "1" + "0" * 20


@pytest.mark.parametrize(
    ("told", "cents"),
    [
        ("(500)", -500),
        ("(1,234)", -1234),
        ("500-", -500),
        ("\N{MINUS SIGN}500", -500),
        ("+500", 500),
        ("1 234 567", 1234567),
    ],
)
def test_amounts_below_zero_are_told_by_a_minus_on_either_side_or_by_brackets(
    told: str, cents: int
) -> None:
    assert coerce.cents(told) == cents


@pytest.mark.parametrize(
    ("told", "amount", "says_one"),
    [
        ("$5.00", Decimal("5.00"), True),
        (5, Decimal(5), True),
        ("CA$ -1.50", Decimal("-1.50"), True),
        ("0.00", Decimal(0), False),
        (0, Decimal(0), False),
        ("-", None, False),
        (None, None, False),
    ],
)
def test_an_amount_is_read_as_it_is_written(
    told: Any, amount: Decimal | None, says_one: bool
) -> None:
    assert coerce.amount_as_written(told) == amount
    assert coerce.is_amount(told) is says_one


def test_an_amount_that_cannot_be_read_is_one_all_the_same() -> None:
    assert coerce.is_amount("five")
    assert coerce.is_amount(["5.00"])


MONTHS_FIRST = ("iso", "%m/%d/%Y", "%b %d, %Y")


@pytest.mark.parametrize(
    ("told", "born"),
    [
        ("1990-07-23", "1990-07-23"),
        ("1990-07-23T00:00:00.000Z", "1990-07-23"),
        ("1990-07-23 (as told)", "1990-07-23"),
        ("19900723", "1990-07-23"),
        ("07/23/1990", "1990-07-23"),
        ("Jul 23, 1990", "1990-07-23"),
        ("1900-01-01", "1900-01-01"),
        ("2100-12-31", "2100-12-31"),
        ("undefined", None),
    ],
)
def test_a_date_of_birth_is_its_day_alone(told: str, born: str | None) -> None:
    assert times.birth_date(told, MONTHS_FIRST) == born


@pytest.mark.parametrize("year", [1900, "1900", " 2100 ", 1990.0])
def test_a_year_of_birth_has_four_digits(year: Any) -> None:
    assert times.birth_year(year) == str(int(float(year)))


@pytest.mark.parametrize(
    ("told", "shown", "as_if_utc"),
    [
        ("2026-05-02T12:22:10", "2026-05-02T12:22:10", "2026-05-02T12:22:10Z"),
        (" 05/02/2026 ", "2026-05-02T00:00:00", "2026-05-02T00:00:00Z"),
        ("2026-05-02T12:22:10-07:00", "2026-05-02T12:22:10", None),
        ("soon", None, None),
        (1714678930, None, None),
        (None, None, None),
    ],
)
def test_what_the_shops_clock_showed_is_told_whatever_its_zone(
    told: Any, shown: str | None, as_if_utc: str | None
) -> None:
    clock = times.wall_clock(told, MONTHS_FIRST)
    instant = times.zoneless_clock(told, MONTHS_FIRST)

    assert (clock and clock.isoformat()) == shown
    assert instant == (as_if_utc and from_text(as_if_utc))


@pytest.mark.parametrize(
    ("told", "flag"),
    [
        (None, None),
        ("", None),
        (True, True),
        (False, False),
        (0, False),
        (1, True),
        (2, True),
        (1714678930, True),
        ("no", False),
        ("2026-05-02T12:22:10Z", True),
    ],
)
def test_a_flag_may_be_told_by_when_it_was_raised(told: Any, flag: bool | None) -> None:
    assert times.flag_or_time(times.instant_reader("UTC", ("iso",)))(told) is flag
