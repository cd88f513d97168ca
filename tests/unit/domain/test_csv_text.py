"""CSV that nothing computes and every reader reads (RFC 4180, OWASP)."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.csv_text import COMPUTED, csv_lines, phone_cell, text_cell, text_of

NAMES = ["=1+1", "+cmd", "@x", "-2+3", "\t=1", "\r=1", "\N{FULLWIDTH EQUALS SIGN}1", 'a,"b"\nc']

texts = st.text(alphabet=st.characters(codec="utf-8")) | st.text(alphabet=f"'{COMPUTED} ,\"a")


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def test_texts_that_compute_are_prefixed_and_read_back() -> None:
    text = csv_lines([[text_cell(name)] for name in NAMES])

    cells = [row[0] for row in read(text)]

    assert [cell[0] for cell in cells] == ["'"] * 7 + ["a"]
    assert [text_of(cell) for cell in cells] == NAMES


@given(st.lists(st.lists(texts, min_size=1, max_size=4), max_size=5))
def test_any_text_comes_back(rows: list[list[str]]) -> None:
    text = csv_lines([list(map(text_cell, row)) for row in rows])

    assert [[text_of(cell) for cell in row] for row in read(text)] == rows
    assert all(cell[:1] not in tuple(COMPUTED) for row in read(text) for cell in row)


@pytest.mark.parametrize("name", ["O'Neil", "'t Hooft", "José Ñandú 😀 李", "", " =1"])
def test_other_texts_stay_themselves(name: str) -> None:
    assert text_cell(name) == name


def test_numbers_and_phones_stay_themselves() -> None:
    row = [Decimal(-20), Decimal("120.5"), phone_cell("+12065550101"), phone_cell("+cmd|x")]

    assert csv_lines([row]) == "-20,120.5,+12065550101,'+cmd|x\r\n"
