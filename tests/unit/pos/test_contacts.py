"""Phones are valid when phonenumbers says so; placeholders are nobody's."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.pos.rows import contacts

from .builders import UNHURRIED

NO_VENDOR: frozenset[str] = frozenset()


@UNHURRIED
@given(st.integers(0, 10**10 - 1).map("{:010d}".format))
@example("5056441234")
@example("7302012345")
@example("8766060123")
@example("2423001234")
@example("5232345678")
@example("6045550142")
def test_the_fast_way_agrees_with_phonenumbers(digits: str) -> None:
    found, _ = contacts.phone(digits, "US")

    assert found == (asked_of_the_library(digits) if len(set(digits)) > 1 else None)


def asked_of_the_library(digits: str) -> str | None:
    try:
        number = phonenumbers.parse(digits, "US")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@pytest.mark.parametrize(
    "raw",
    [
        "2065550142",
        "(206) 555-0142",
        "206.555.0142",
        "1-206-555-0142",
        "+1 206 555 0142",
        "12065550142",
        "2065550142.0",
        "2.065550142E+09",
        "206-555-0142 (cell)",
        "Cell: 206*555*0142",
        "tel:+1-206-555-0142",
        "206-555-0142 / 206-555-0199",
        "206-555-0142 206-555-0199",
        "000-000-0000 or 206-555-0142",
        "206-555-0199 x12, 206-555-0142",
        "+1 206 555 0142; +1 206 555 0199",
        "\uff12\uff10\uff16-555-0142",
        "# 206-555-0142",
        "ext 206-555-0142",
    ],
)
def test_every_way_of_writing_a_number_gives_one_number(raw: str) -> None:
    assert contacts.phone(raw, "US") == ("+12065550142", None)


@pytest.mark.parametrize("text", ["(", "a", "1 ", "x1"])
def test_what_is_longer_than_any_number_is_none_at_once(text: str) -> None:
    """Anybody may send a megabyte as a phone; a search for numbers in it took hours."""
    assert contacts.phone(text * 500_000, "US") == (None, "bad_phone")


def test_a_number_with_a_country_code_is_of_that_country() -> None:
    assert contacts.phone("+442079460958", "US") == ("+442079460958", None)


def test_ten_digits_behind_a_plus_are_not_taken_for_a_number_of_the_region() -> None:
    assert contacts.phone("+2065550142", "US")[0] != "+12065550142"


@pytest.mark.parametrize(
    "raw", ["0000000000", "000-000-0000", "9999999999", "5555555555", "5555555", "555-5555 "]
)
def test_one_digit_all_over_is_a_placeholder(raw: str) -> None:
    assert contacts.phone(raw, "US") == (None, "placeholder_phone")


@pytest.mark.parametrize("raw", ["206-555-1212", "(415) 555 1212", "+1 206 555 1212"])
def test_directory_assistance_of_any_area_is_a_placeholder(raw: str) -> None:
    assert contacts.phone(raw, "US") == (None, "placeholder_phone")


@pytest.mark.parametrize(
    "raw",
    [
        "206-555-0142 x12",
        "206-555-0142 ext. 12",
        "(206) 555-0142 #12",
        "206-555-0142;ext=9",
        "206-555-0142 poste 4",
        "206-555-0142 12",
        "+1 206 555 0142 x 12",
        "234-5678 x901",
        "+44 20 7946 0958 x12",
        "206-555-0142 x 2065550199",
        "206 x5550142",
        "206-555 x0142",
    ],
)
def test_a_line_with_an_extension_is_of_nobody_alone(raw: str) -> None:
    assert contacts.phone(raw, "US") == (None, "bad_phone")


@UNHURRIED
@given(
    st.lists(st.text(st.sampled_from(" -./()*|,;_cel:\t"), max_size=4), min_size=11, max_size=11),
    st.booleans(),
)
def test_whatever_is_no_digit_leaves_a_number_the_same(between: list[str], code: bool) -> None:
    digits = "2065550142"
    written = "".join([*map("".join, zip(between, digits, strict=False)), between[-1]])

    assert contacts.phone("1" * code + written, "US") == ("+12065550142", None)


def test_a_number_of_another_country_is_found_amid_text() -> None:
    assert contacts.phone("+44 20 7946 0958 (home)", "US")[0] == "+442079460958"
    assert contacts.phone("44 20 7946 0958", "US") == (None, "bad_phone")


def test_a_number_without_its_country_is_of_the_region_of_the_pos() -> None:
    assert contacts.phone("020 7946 0958", "GB") == ("+442079460958", None)
    assert contacts.phone("020 7946 0958 or 020 7946 0991", "GB") == ("+442079460958", None)
    assert contacts.phone("206-555-0142", "GB") == (None, "bad_phone")
    assert contacts.phone("+1 206 555 0142", "GB") == ("+12065550142", None)


def test_of_a_field_of_placeholders_it_is_said_that_they_are() -> None:
    assert contacts.email("no@no.com; none@none.com", NO_VENDOR) == (None, "placeholder_email")
    assert contacts.email("no@no.com; at home", NO_VENDOR) == (None, "placeholder_email")
    assert contacts.phone("000-000-0000 or 206-555-1212", "US") == (None, "placeholder_phone")


@pytest.mark.parametrize(
    "raw",
    [
        "ana@example.com, bob@example.com",
        "no@no.com; ana@example.com",
        "Ana <ana@example.com>",
        "mailto:ana@example.com",
        "ana@example.com.",
    ],
)
def test_the_first_usable_address_of_a_field_counts(raw: str) -> None:
    assert contacts.email(raw, NO_VENDOR) == ("ana@example.com", None)


@pytest.mark.parametrize(
    "raw", ["5", "666666", "12345", "2345678", "call front desk", "0065550142", "+"]
)
def test_what_nobody_can_call_is_a_bad_phone(raw: str) -> None:
    assert contacts.phone(raw, "US") == (None, "bad_phone")


@pytest.mark.parametrize("raw", [None, ""])
def test_no_contact_is_no_fault(raw: str | None) -> None:
    assert contacts.phone(raw, "US") == (None, None)
    assert contacts.email(raw, NO_VENDOR) == (None, None)


def test_an_address_is_lower_cased() -> None:
    assert contacts.email("Ana.Ruiz+x@Example.COM", NO_VENDOR) == ("ana.ruiz+x@example.com", None)


@pytest.mark.parametrize(
    "raw",
    ["noemail@example.com", "NONE@none.com", "test@gmail.com", "a@noemail.com", "x@shop.invalid"],
)
def test_a_made_up_address_is_a_placeholder(raw: str) -> None:
    assert contacts.email(raw, NO_VENDOR) == (None, "placeholder_email")


@pytest.mark.parametrize(
    "raw",
    [
        "no@no.com",
        "a@a.com",
        "email@email.com",
        "asdf@asdf.co.uk",
        "noemail1@gmail.com",
        "no-email-given@gmail.com",
        "no@email.com",
        "not@provided.com",
        "declined@gmail.com",
        "123456-123-123@stickycards.co",
        "9@mail.stickycards.co",
    ],
)
def test_what_counters_and_card_makers_type_for_nobody_is_a_placeholder(raw: str) -> None:
    assert contacts.email(raw, NO_VENDOR) == (None, "placeholder_email")


@pytest.mark.parametrize(
    "raw",
    [
        "nil@gmail.com",
        "na@clinic.org",
        "n.a@gmail.com",
        "null@gmail.com",
        "noe.maillard@gmail.com",
        "testa@gmail.com",
        "nora@mail.com",
        "no@clinic.org",
        "a@aa.com",
    ],
)
def test_a_real_looking_address_is_never_taken_for_a_placeholder(raw: str) -> None:
    assert contacts.email(raw, NO_VENDOR) == (raw, None)


@pytest.mark.parametrize("raw", ["4410023@wallet.example", "7@cards.wallet.example"])
def test_an_address_the_vendor_made_is_a_placeholder(raw: str) -> None:
    assert contacts.email(raw, frozenset(("wallet.example",))) == (None, "placeholder_email")


@pytest.mark.parametrize(
    "raw",
    [
        "ana@",
        "ana.example.com",
        "two@@example.com",
        "n/a",
        "@example.com",
        "a b@example.com",
        "a..b@example.com",
        "ana.@example.com",
    ],
)
def test_what_is_no_address_is_a_bad_email(raw: str) -> None:
    assert contacts.email(raw, NO_VENDOR) == (None, "bad_email")


@UNHURRIED
@given(st.text(max_size=40))
def test_any_text_gives_a_contact_or_a_reason(raw: str) -> None:
    for found, flag in (contacts.phone(raw, "US"), contacts.email(raw, NO_VENDOR)):
        assert (found is None) or (flag is None)
        assert found is not None or flag is not None or not raw


@pytest.mark.parametrize(
    ("number", "can"),
    [
        ("+12065550123", True),
        ("+14165550123", True),
        ("+18005551234", False),
        ("+19005551234", False),
        ("+15005551234", False),
        ("+17875550123", True),
        ("+19395550123", True),
        ("+13405550123", True),
        ("+16715550123", True),
        ("+18095550123", False),
        ("+447911123456", False),
        ("+1206", False),
        ("2065550123", False),
    ],
)
def test_only_a_number_of_the_us_its_territories_or_canada_that_is_no_service_can_be_a_mobile(
    number: str, can: bool
) -> None:
    assert contacts.can_be_mobile(number) is can


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("(206) 555-0100", "+12065550100"),
        ("+1 416 555 0123", "+14165550123"),
        ("800-555-1234", "+18005551234"),
        ("+44 20 7946 0000", None),
        ("787-555-0123", None),
        ("000-000-0000", None),
        ("hello", None),
        ("", None),
    ],
)
def test_an_origination_number_is_read_as_of_the_us_or_canada(
    typed: str, number: str | None
) -> None:
    assert contacts.north_american(typed) == number
