"""Cursors: opaque, and worth something only for the list they came from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import InvalidInput
from chalicelib.entrypoints.http import cursors

texts = st.text(max_size=40)
positions = st.text(min_size=1, max_size=40)


@given(positions, texts, st.lists(texts, max_size=3))
def test_a_cursor_leads_back_to_its_position(position: str, uid: str, listing: list[str]) -> None:
    cursor = cursors.seal(position, uid, *listing)

    assert cursor is not None
    assert cursors.unseal(cursor, uid, *listing) == position


@given(texts, st.lists(texts, min_size=2, max_size=2, unique=True))
def test_a_cursor_of_another_account_or_list_is_refused(position: str, two: list[str]) -> None:
    for mine, other in (((two[0],), (two[1],)), (("1", two[0]), ("1", two[1]))):
        cursor = cursors.seal(position, *mine)

        with pytest.raises(InvalidInput):
            cursors.unseal(cursor, *other)


@given(texts)
def test_any_text_is_a_cursor_or_refused_never_a_crash(text: str) -> None:
    with pytest.raises(InvalidInput):
        cursors.unseal(text, "3912", "personas")


@pytest.mark.parametrize("position", ["", "x" * 1_001, "é" * 501, "\ud800"])
def test_a_position_that_no_key_can_hold_is_refused(position: str) -> None:
    cursor = cursors.seal(position, "3912", "personas")

    with pytest.raises(InvalidInput):
        cursors.unseal(cursor, "3912", "personas")


def test_no_position_is_no_cursor() -> None:
    assert cursors.seal(None, "3912", "personas") is None
    assert cursors.unseal(None, "3912", "personas") is None
