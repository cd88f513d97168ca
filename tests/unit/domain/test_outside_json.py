"""JSON from outside: what breaks one value of it costs that value, and nothing costs a process."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.outside_json import (
    MOST_CONTAINERS,
    UnreadableJson,
    read_json,
    strict_json,
)

HALF = "\N{REPLACEMENT CHARACTER}"
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (b'"Jos\xe9"', "José"),
        (b'"O\x92Neil"', "O’Neil"),  # noqa: RUF001 -- as Windows writes it
        (b'"Jos\xc3\xa9 and Jos\xe9"', "José and José"),
        (b'"\x81"', HALF),
        (b'"Ana \xf0\x9f\x98"', f"Ana {HALF}"),
        (b'"Ana \xf0\x9f"', f"Ana {HALF}"),
        (b'"Mu\xf1oz"', "Muñoz"),
        (b'"Ana \xed\xa0\xbd"', f"Ana {HALF}"),
        (b'"Ana \xed\xa0\xbd\xed\xb8\x80"', "Ana \N{GRINNING FACE}"),
        (b'"Ana \\ud83d"', f"Ana {HALF}"),
        (b'"\\ude00 Ana \\ud83d\\ude00"', f"{HALF} Ana \N{GRINNING FACE}"),
        (b'"two\nlines\tand\x00nothing"', "two\nlines\tand\x00nothing"),
        (b'"it\\\'s C:\\Temp"', "it's C:\\Temp"),
        (b'"Jos\\xe9"', "José"),
        (b'"\\u12"', "\\u12"),
        (b"NaN", ["NaN"]),
        (b"-Infinity", ["-Infinity"]),
        (b"undefined", ["undefined"]),
        (b".5", ".5"),
        (b"+5", "+5"),
        (b"007", "007"),
        (b"1e999", "1e999"),
        (b"-1" + b"0" * 5000, "-1" + "0" * 5000),
        (b"\x0c7", 7),
    ],
)
def test_what_json_does_not_know_costs_its_value_and_not_the_others(text: bytes, read: Any) -> None:
    page = b'[{"id": 1, "odd": ' + text + b'}, {"id": 2, "name": "Zo\xc3\xab", "total": 12.5}]'

    assert read_json(page) == [{"id": 1, "odd": read}, {"id": 2, "name": "Zoë", "total": 12.5}]


@pytest.mark.parametrize(
    "text",
    [b"", b"[", b'{"a": "b', b'{"a": "b\\', b"{a: 1}", b"[1,, 2]", b"no JSON", b"\x00", b"1 2"],
)
def test_what_is_no_json_by_any_reading_is_refused(text: bytes) -> None:
    with pytest.raises(UnreadableJson):
        read_json(text)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"]
)
def test_every_encoding_that_json_was_ever_written_in_is_read(encoding: str) -> None:
    assert read_json('{"name": "Zoë 😀"}'.encode(encoding)) == {"name": "Zoë 😀"}


@pytest.mark.parametrize(
    ("charset", "name"),
    [
        ("iso-8859-1", "José"),
        ("windows-1251", "Лев"),
        ("utf-7", "José"),
        ("no such charset", "José"),
        ("zlib", "José"),
    ],
)
def test_a_declared_charset_counts_where_the_bytes_are_no_utf_8(charset: str, name: str) -> None:
    body = f'{{"name": "{name}"}}'.encode("cp1251" if name == "Лев" else "latin-1")

    assert read_json(body, charset) == {"name": name}


def test_utf_8_counts_although_another_charset_is_declared() -> None:
    assert read_json('{"name": "José"}'.encode(), "iso-8859-1") == {"name": "José"}


def test_text_that_was_decoded_with_half_a_character_in_it_is_read() -> None:
    assert read_json('{"body": "STOP \ud83d"}') == {"body": f"STOP {HALF}"}


def test_what_is_handed_on_is_json_that_any_parser_takes() -> None:
    odd = b'{"name": "Jos\xe9", "total": 007, "tax": NaN}'

    assert strict_json(odd) == '{"name": "José", "total": "007", "tax": ["NaN"]}'.encode()
    assert strict_json('["Лев"]'.encode("cp1251"), "windows-1251") == '["Лев"]'.encode()
    assert strict_json(b'{"total": 1.50}') == b'{"total": 1.50}'


@given(PLAIN)
def test_json_is_read_as_what_it_says(value: Any) -> None:
    text = orjson.dumps(value)

    assert read_json(text) == value
    assert strict_json(text) == text


@given(PLAIN, st.binary(min_size=1, max_size=3))
def test_a_row_with_odd_bytes_leaves_the_others_as_they_are(value: Any, odd: bytes) -> None:
    odd = odd.translate(None, b'"\\')
    page = b"[" + orjson.dumps(value) + b', "' + odd + b'", ' + orjson.dumps(value) + b"]"

    first, _, last = read_json(page)

    assert first == last == value


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        read_json(body)
    except UnreadableJson:
        return
    orjson.loads(strict_json(body))


@pytest.mark.parametrize("unit", [b"[],", b"{},", b'{"":0},', b"[[[[]]]],"])
def test_a_text_of_too_many_records_is_refused_before_it_is_parsed(unit: bytes) -> None:
    body = b"[" + unit * (10 * 1024 * 1024 // len(unit)) + b"0]"
    begun = time.process_time()

    with pytest.raises(UnreadableJson, match="more records"):
        read_json(body)

    assert time.process_time() - begun < 0.5


def test_a_text_of_too_many_records_in_another_encoding_is_refused() -> None:
    with pytest.raises(UnreadableJson, match="more records"):
        read_json(("[" + "[]," * (MOST_CONTAINERS + 1) + "0]").encode("utf-16"))


def test_a_page_as_large_as_a_pos_may_send_is_read() -> None:
    row = orjson.dumps({"id": 1, "first_name": "Ana", "telephone": "2065550142", "points": 0})
    body = b"[" + (row + b",") * (9_000_000 // len(row)) + row + b"]"

    assert len(read_json(body)) > 100_000


@pytest.mark.parametrize("odd", [b"\xe9", b"\\q", b"\x01", b"\xe9\xc3\xa9", b'",NaN,"', b"a "])
def test_a_text_that_is_odd_all_over_costs_seconds_at_most(odd: bytes) -> None:
    body = b'["' + odd * (4_000_000 // len(odd)) + b'"]'
    begun = time.process_time()

    with suppress(UnreadableJson):
        read_json(body)

    assert time.process_time() - begun < 5
